from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.secret import Secret
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.settings import AwsCredentials, AwsSettings
from runctl_tui.services.local.provider import LocalProvider
from runctl_tui.services.runpod.provider import RunpodProvider, has_sdk
from runctl_tui.services.runpod.settings import RunpodSettings
from tests.services.aws.moto_server import moto_server
from tests.services.providers.contract import Case

OWNER = "tester"
SANDBOX = importlib.util.find_spec("runctl_tui.sandbox.client") is not None


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Endpoints of a sandbox that a thread keeps alive, because its lease is bound to an event loop."""
    from runctl_tui.sandbox import client

    folder = tmp_path_factory.mktemp("sandbox")
    folder.chmod(0o700)
    children: list[subprocess.Popen[bytes]] = []
    start = client._start

    def kept(*arguments: Any) -> subprocess.Popen[bytes]:
        children.append(start(*arguments))
        return children[-1]

    async def leave(session: client.SandboxSession) -> None:
        await session.close()
        await client.stop(folder)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_start", kept)
        try:
            session = asyncio.run_coroutine_threadsafe(client.attach(folder, owner=OWNER, timeout=60), loop).result(90)
            yield session.endpoints
            asyncio.run_coroutine_threadsafe(leave(session), loop).result(60)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
            for child in children:
                child.wait(30)


def options(provider: str, region: str, name: str) -> CreateResourceOptions:
    return CreateResourceOptions(
        provider, region, "g5.xlarge", name, "proj", run="r-1", data_gib=20, tags=(("mood", "calm"),)
    )


def aws(folder: Path, url: str, keys: AwsCredentials, regions: tuple[str, ...]) -> AwsProvider:
    settings = AwsSettings(folder, OWNER, regions=regions, endpoint_url=url, credentials=keys)
    return AwsProvider(settings, WallClock())


def runpod(folder: Path, endpoints: Any) -> RunpodProvider:
    secret = Secret(endpoints.runpod_key)
    return RunpodProvider(RunpodSettings(folder, OWNER, secret, url=endpoints.runpod_url), WallClock())


@pytest.fixture(
    params=[
        "moto",
        pytest.param("sandbox", marks=pytest.mark.skipif(not SANDBOX, reason="absent")),
        "local",
        pytest.param("runpod", marks=pytest.mark.skipif(not (SANDBOX and has_sdk()), reason="absent")),
    ]
)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    name = f"c{abs(hash(request.node.name)) % 10**8}"
    if request.param == "local":
        local = LocalProvider(WallClock(), OWNER)
        yield Case(local, options("local", "local", name))
        local.close()
        return
    if request.param == "runpod":
        pods = runpod(tmp_path, request.getfixturevalue("sandbox"))
        yield Case(pods, replace(options("runpod", "secure", name), type="RTX 4090"))
        pods.close()
        return
    if request.param == "moto":
        url, keys = request.getfixturevalue("moto_url"), AwsCredentials("AKIATEST", "secret")
    else:
        found = request.getfixturevalue("sandbox")
        url, keys = found.endpoint_url, AwsCredentials(found.access_key, found.secret_key)
    provider = aws(tmp_path, url, keys, ("us-east-1", "us-west-2"))
    yield Case(provider, options("aws", "us-east-1", name))
    provider.close()
