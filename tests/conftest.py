"""What every test stands on: no colours or settings from outside, a home of its own, loopback only, no luck.

The environment is cleaned before anything imports Textual, which reads it once.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings

_FOREIGN_PREFIXES: Final = ("TEXTUAL", "RUNCTL_", "AWS_", "XDG_", "RUNPOD_", "LYCEUM_", "WANDB_", "HF_")
_FOREIGN_NAMES: Final = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES", "ESCDELAY", "BOTO_CONFIG")
_OURS: Final = "TEXTUAL_SNAPSHOT"
"""The snapshot plugin's own variables, which it hands to the workers of a parallel run."""
_CLOSING_SECONDS: Final = 5.0
_E2E: Final = os.environ.get("RUNCTL_E2E") == "1"


def _clean_environment() -> None:
    for name in list(os.environ):
        foreign = name.startswith(_FOREIGN_PREFIXES) or name in _FOREIGN_NAMES
        if foreign and not name.startswith(_OURS):
            del os.environ[name]
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ["TERM"] = "xterm-256color"
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["TZ"] = "UTC"


if not _E2E:
    _clean_environment()
gc.set_threshold(50_000, 20, 100)  # the default looks for cycles a sixth of the time that these tests take
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background jobs; children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # as under nohup; children would inherit it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

settings.register_profile("default", max_examples=100, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, print_blob=True)
settings.register_profile(
    "fuzz", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.register_profile(
    "mutants", max_examples=2, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, those marked `apart` each on any, and let no long one begin last."""
    for item in items:
        apart = item.get_closest_marker("apart") is not None
        item.add_marker(pytest.mark.xdist_group(item.nodeid if apart else item.location[0]))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not any(item.get_closest_marker(name) for name in ("e2e", "cloud", "apart")))


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home folder and XDG folders of its own, so that nobody's configuration is read."""
    home = tmp_path_factory.mktemp("home")
    if not _E2E:
        monkeypatch.setenv("HOME", str(home))
        for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
            monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    return home


@pytest.fixture(autouse=True)
def no_known_secrets() -> None:
    """Forget what another test called a secret: it may be a word in this one."""
    from runctl_tui.domain.secret import KNOWN

    KNOWN.clear()


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail any test that reaches for the network beyond loopback, also where it swallows the refusal."""
    reached: list[str] = []
    if not _E2E:
        for name in ("connect", "connect_ex", "sendto"):
            monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name), reached))
        monkeypatch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo, reached))
    yield
    if reached:
        pytest.fail(f"reached beyond loopback: {', '.join(reached)}")


@pytest.fixture(autouse=True)
def prompt_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Textual's pilot go on when all messages are handled, not when the processor has been idle for a while."""
    for module in ("textual.app", "textual.pilot"):
        if module in sys.modules:
            monkeypatch.setattr(f"{module}.wait_for_idle", _breath)


@pytest.fixture(autouse=True)
def production_task_order(request: pytest.FixtureRequest) -> None:
    """Run async tests with the eager tasks that Textual's App.run uses on Python 3.12 and newer."""
    if sys.version_info >= (3, 12) and inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("eager_tasks")


@pytest.fixture(autouse=True)
def tidy_loop(request: pytest.FixtureRequest) -> None:
    """Have each async test close its own connections, so that none is found open in another test."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("no_open_connections")


@pytest.fixture
async def no_open_connections() -> AsyncIterator[None]:
    """Fail where a connection of this loop stays open; one that is closing has time for it, and nobody's is closed."""
    loop = asyncio.get_running_loop()
    yield
    deadline = loop.time() + _CLOSING_SECONDS
    while (left := _connections(loop)) and loop.time() < deadline:  # noqa: ASYNC110 - no transport tells its end
        await asyncio.sleep(0.01)
    for transport in left:
        transport.abort()
    await asyncio.sleep(0)
    if left:
        pytest.fail(f"connections stay open: {'; '.join(map(repr, left))}")


@pytest.fixture
async def eager_tasks() -> AsyncIterator[None]:
    """Start tasks at once while this lasts."""
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(getattr(asyncio, "eager_task_factory", None))
    yield
    loop.set_task_factory(before)


def _connections(loop: asyncio.AbstractEventLoop) -> list[asyncio.Transport]:
    """Return the open sockets of a loop as transports, from where asyncio itself looks for them."""
    return [one for one in getattr(loop, "_transports", {}).values() if getattr(one, "_sock", None) is not None]


async def _breath(min_sleep: float = 0, max_sleep: float = 1) -> None:
    await asyncio.sleep(0.01)


def _guarded(original: Callable[..., Any], reached: list[str]) -> Callable[..., Any]:
    def guard(self: socket.socket, *args: Any) -> Any:
        address = args[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
            reached.append(f"{address[0]}:{address[1]}")
            raise PermissionError(f"tests may not reach {address[0]}")
        return original(self, *args)

    return guard


def _guarded_lookup(original: Callable[..., Any], reached: list[str]) -> Callable[..., Any]:
    def lookup(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and not _is_loopback(name) and name != "0.0.0.0":
            reached.append(f"lookup of {name}")
            raise socket.gaierror(socket.EAI_NONAME, f"tests may not look up {name}")
        return original(host, *args, **options)

    return lookup


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
