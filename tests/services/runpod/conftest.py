"""The sandbox's RunPod inside the test's own process, and the real provider against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.domain.secret import Secret
from runctl_tui.sandbox.environment import HostEnvironment
from runctl_tui.sandbox.folder import SandboxFolder
from runctl_tui.sandbox.http_server import HttpServer
from runctl_tui.sandbox.runpod import pods as emulated
from runctl_tui.sandbox.runpod import seed
from runctl_tui.sandbox.runpod.front import RunpodFront
from runctl_tui.sandbox.runpod.pods import Pods
from runctl_tui.services.runpod.provider import RunpodProvider, has_sdk
from runctl_tui.services.runpod.settings import RunpodSettings

OWNER = "tester"
KEY = "rpa_a-key-for-tests"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
needs_sdk = pytest.mark.skipif(not has_sdk(), reason="the extra 'runpod' is not installed")


class StepClock:
    """Stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


@dataclass
class Rig:
    """RunPod as a test sees it from both sides."""

    provider: RunpodProvider
    pods: Pods
    front: RunpodFront
    clock: StepClock
    url: str

    @property
    def seeded(self) -> dict[str, Any]:
        (found,) = self.pods.named(seed.NAME)
        return self.pods.records[found]


def wanted(name: str = "box", kind: str = "RTX 4090", region: str = "secure", **more: Any) -> CreateResourceOptions:
    return CreateResourceOptions("runpod", region, kind, name, "vision", **more)


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.delenv("RUNPOD_API_BASE_URL", raising=False)
    monkeypatch.setattr(emulated, "BOOT_S", 0.0)
    once = ExponentialBackoffPolicy(1)  # so that one failure is seen; test_reading tries again
    async with rig_in(tmp_path, once) as found:
        yield found


@asynccontextmanager
async def rig_in(
    place: Path, retry: ExponentialBackoffPolicy, way: Callable[[str], str] = lambda url: url
) -> AsyncIterator[Rig]:
    """Give a rig whose provider asks at the address that `way` makes of the emulator's."""
    folder = SandboxFolder(place / "world")
    folder.prepare()
    nowhere = "http://127.0.0.1:9"
    pods = Pods(folder, HostEnvironment(folder.root, folder.shims, nowhere, nowhere), lambda: None)
    pods.account = seed.account("seed", OWNER, NOW)
    front = RunpodFront(pods, KEY)
    server = HttpServer()
    server.application = front
    server.begin()
    await pods.settle()
    clock = StepClock()
    settings = RunpodSettings(place / "state", OWNER, Secret(KEY), url=way(server.url), retry=retry)
    provider = RunpodProvider(settings, clock)
    provider.launches.sleep = clock.sleep
    try:
        yield Rig(provider, pods, front, clock, server.url)
    finally:
        front.released.set()
        provider.close()
        await pods.close()
        server.end()
