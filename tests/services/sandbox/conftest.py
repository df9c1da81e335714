"""One sandbox for all tests that do not end it, and what is needed to talk to it from outside."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
import boto3
import pytest
from botocore.config import Config

from runctl_tui.sandbox import client
from runctl_tui.sandbox.client import SandboxSession

DEEP_LEARNING = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
PARENT_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_PROFILE", "HF_TOKEN")
BOUND_S = 20.0


def wait_for(condition: Callable[[], Any], what: str, bound_s: float = BOUND_S) -> Any:
    """Poll until the condition gives something true."""
    deadline = time.monotonic() + bound_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {bound_s} s in vain for {what}"
        time.sleep(0.05)
    return found


class Lease:
    """A lease on a sandbox, held by a loop in a thread of its own, so that tests of either kind can use it."""

    held: ClassVar[list[Lease]] = []

    def __init__(self, folder: Path, *, owner: str = "ada", fresh: bool = False) -> None:
        self.folder = folder
        self.held.append(self)
        self._clients: dict[str, Any] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._session: SandboxSession | None = None
        try:
            self._session = self._do(client.attach(folder, owner=owner, fresh=fresh, timeout=40))
        except BaseException:
            self.close()
            raise

    @property
    def session(self) -> SandboxSession:
        assert self._session is not None
        return self._session

    def command(self, name: str, *args: str | float | bool) -> dict[str, Any]:
        return self._do(self.session.command(name, *args))  # type: ignore[no-any-return] # the loop is untyped

    def aws(self, service: str, region: str = "us-east-1", **options: Any) -> Any:
        name = repr((service, region, options))
        if name not in self._clients:
            self._clients[name] = self._client(service, region, options)
        return self._clients[name]

    def _client(self, service: str, region: str, options: dict[str, Any]) -> Any:
        endpoints = self.session.endpoints
        return boto3.client(  # type: ignore[call-overload] # the service is a variable here
            service,
            endpoint_url=endpoints.endpoint_url,
            aws_access_key_id=options.get("access_key", endpoints.access_key),
            aws_secret_access_key=endpoints.secret_key,
            region_name=region,
            config=Config(
                retries={"max_attempts": 1},
                connect_timeout=5,
                read_timeout=20,
                signature_version=options.get("signature"),
            ),
        )

    def close(self) -> None:
        if self not in self.held:
            return
        self.held.remove(self)
        if self._session is not None:
            self._do(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


def end(folder: Path) -> None:
    """Give back every lease on the sandbox of a folder, end it, and wait until it is gone."""
    for lease in [lease for lease in Lease.held if lease.folder == folder]:
        lease.close()
    asyncio.run(client.stop(folder, timeout=30))


@pytest.fixture(scope="session")
def key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory, key: asyncssh.SSHKey) -> Iterator[Lease]:
    folder = tmp_path_factory.mktemp("shared") / "sandbox"
    with pytest.MonkeyPatch.context() as patch:
        for name in PARENT_SECRETS:
            patch.setenv(name, "a-real-secret")
        lease = Lease(folder)
    for region in lease.session.endpoints.regions:
        lease.aws("ec2", region).import_key_pair(KeyName="mine", PublicKeyMaterial=key.export_public_key())
    yield lease
    end(folder)


def launch(lease: Lease, kind: str = "t3.micro", **more: Any) -> str:
    """Launch an instance and return its id."""
    request = {"ImageId": image(lease), "InstanceType": kind, "KeyName": "mine", "MinCount": 1, "MaxCount": 1}
    answer = lease.aws("ec2").run_instances(**{**request, **more})
    found: str = answer["Instances"][0]["InstanceId"]
    return found


def image(lease: Lease) -> str:
    """The deep-learning image of us-east-1."""
    found: str = lease.aws("ssm").get_parameter(Name=DEEP_LEARNING)["Parameter"]["Value"]
    return found


def describe(lease: Lease, instance_id: str, region: str = "us-east-1") -> dict[str, Any]:
    """One instance as EC2 describes it."""
    found = lease.aws("ec2", region).describe_instances(InstanceIds=[instance_id])
    row: dict[str, Any] = found["Reservations"][0]["Instances"][0]
    return row


def state(lease: Lease, instance_id: str, region: str = "us-east-1") -> str:
    """The state of an instance."""
    found: str = describe(lease, instance_id, region)["State"]["Name"]
    return found


def tags(row: dict[str, Any]) -> dict[str, str]:
    """The tags of a row as EC2 describes it."""
    return {tag["Key"]: tag["Value"] for tag in row.get("Tags", [])}


def until(lease: Lease, instance_id: str, wanted: str, region: str = "us-east-1") -> dict[str, Any]:
    """Wait until an instance is in a state, and describe it."""
    wait_for(lambda: state(lease, instance_id, region) == wanted, f"{instance_id} to be {wanted}")
    return describe(lease, instance_id, region)


def port_of(row: dict[str, Any]) -> int:
    """The SSH port that an instance's tag publishes."""
    return int(tags(row)["runctl:ssh"].rpartition(":")[2])


@pytest.fixture(scope="session")
def host(sandbox: Lease) -> dict[str, Any]:
    """A running instance with an instance profile."""
    return until(sandbox, launch(sandbox, IamInstanceProfile={"Name": "runctl-sandbox"}), "running")


def connect(port: int, key: asyncssh.SSHKey, user: str = "ubuntu") -> Any:
    """Log in with a key, whatever the host key is."""
    return asyncssh.connect(
        "127.0.0.1", port, username=user, client_keys=[key], known_hosts=None, config=[], agent_path=None
    )
