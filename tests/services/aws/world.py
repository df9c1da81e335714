"""A provider on moto, with hooks for the faults that moto cannot make."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, cast

from boto3.session import Session
from botocore.awsrequest import AWSResponse

from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.settings import AwsSettings

OWNER = "tester"
REQUEST_ID = "11111111-2222-3333-4444-555555555555"


class FakeClock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.seconds += seconds


def dead_endpoint() -> str:
    """A loopback address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> list[bytes]:
        return [self._body]


def ec2_error(code: str, message: str = "no", status: int = 400) -> AWSResponse:
    """An error as EC2 answers it."""
    body = (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        f"<RequestID>{REQUEST_ID}</RequestID></Response>"
    )
    headers: Any = {}
    return AWSResponse("", status, headers, _Raw(body.encode()))


def ec2_answer(body: str) -> AWSResponse:
    """An answer as EC2 gives it."""
    headers: Any = {}
    return AWSResponse("", 200, headers, _Raw(body.encode()))


@cache
def _session() -> Session:
    return Session()


@dataclass
class World:
    """What a test gets."""

    provider: AwsProvider
    clock: FakeClock
    settings: AwsSettings
    sent: list[str] = field(default_factory=list)
    """Operations in the order in which they were sent over the wire."""

    @property
    def clients(self) -> AwsClients:
        return self.provider._clients

    def raw(self, service: str = "ec2", region: str = "us-east-1") -> Any:
        """A client of our own, to arrange and to check; it knows every service and call."""
        keys = self.settings.credentials
        assert keys is not None
        make = cast("Any", _session().client)
        return make(
            service,
            region_name=region,
            endpoint_url=self.settings.endpoint_url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )

    def make_profile(self, name: str) -> None:
        """Make an IAM instance profile."""
        self.raw("iam").create_instance_profile(InstanceProfileName=name)

    def hook(
        self,
        operation: str,
        answer: Callable[[Any], AWSResponse | None],
        region: str = "us-east-1",
        service: str = "ec2",
    ) -> None:
        """Answer an operation instead of the server, or count it where `answer` returns None."""

        def before_send(request: Any, **_: object) -> AWSResponse | None:
            self.sent.append(operation)
            return answer(request)

        for changes in (False, True):
            client: Any = self.clients._client(service, region, changes)
            client.meta.events.register(f"before-send.{service}.{operation}", before_send)

    def options(self, kind: str = "t3.micro", **changes: Any) -> CreateResourceOptions:
        return replace(CreateResourceOptions("aws", "us-east-1", kind, "box", "proj"), **changes)
