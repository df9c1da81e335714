"""How a program attaches to the sandbox of a folder, starting it where needed; standard library only."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import subprocess
import sys
import sysconfig
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import runctl_tui
from runctl_tui.domain.problem import Problem
from runctl_tui.sandbox.errors import EXIT_HELD, SandboxError, SandboxRefusal
from runctl_tui.sandbox.folder import SandboxFolder, is_held

POLL_S: Final = 0.05
REFUSAL_MARK: Final = b"sandbox-refuses: "
LINE_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class SandboxEndpoints:
    """Where the sandbox's AWS is, and the credentials that are valid for this run of it."""

    endpoint_url: str
    """For every service; always on the loopback interface."""
    region: str
    """The region to begin with."""
    regions: tuple[str, ...]
    """The regions with something in them."""
    access_key: str
    secret_key: str
    owner: str
    """Value of the tag runctl:owner on what belongs to this world's user."""
    runpod_url: str
    """RunPod's API, GraphQL and v2; on the loopback interface too."""
    runpod_key: str
    local_environment: Mapping[str, str]
    """The whole environment of runs on this machine itself."""
    world: str = ""
    """What tells this world from those before it."""


@dataclass(frozen=True, slots=True)
class SandboxInfo:
    """A sandbox that runs now."""

    pid: int
    port: int
    token: str
    started_at: str
    """UTC, ISO 8601."""
    version: str


class SandboxSession:
    """A lease on a running sandbox: it goes on at least until `close`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, endpoints: SandboxEndpoints) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()
        self.endpoints: Final = endpoints
        self.problem: Problem | None = None
        """What is wrong with the sandbox's own files, told to the first client after it was found."""

    @property
    def ended(self) -> bool:
        """Whether the sandbox has gone, on somebody's word or killed."""
        return self._reader.at_eof() or self._reader.exception() is not None

    async def command(self, name: str, *args: str | float | bool) -> dict[str, Any]:
        """Have the sandbox do something and return its answer; SandboxError if it refuses or is gone."""
        async with self._turn:
            return await _ask(self._reader, self._writer, name, args)

    async def close(self) -> None:
        """Give the lease back."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            pass


def require_loopback(url: str) -> str:
    """Return `url` if its host is this machine, else raise SandboxError: sandbox clients talk to nothing else."""
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local:
        raise SandboxError(
            f"The sandbox refuses {url}",
            why="its clients talk to this machine only",
            todo="Remove the endpoint from the configuration or the environment",
        )
    return url


def find(folder: Path) -> SandboxInfo | None:
    """Return the sandbox that runs in `folder` and is ready, or None."""
    place = _place(folder)
    try:
        if not is_held(place.lock):
            return None
        card = json.loads(place.card.read_bytes())
        return SandboxInfo(card["pid"], card["port"], card["token"], card["started_at"], card["version"])
    except (OSError, ValueError, KeyError):
        return None


async def attach(
    folder: Path,
    *,
    owner: str,
    fresh: bool = False,
    timeout: float = 60,  # noqa: ASYNC109 - cancelling would not undo the start of a child
) -> SandboxSession:
    """Connect to the sandbox of `folder`, starting it if none runs; SandboxError if it does not come up.

    `owner` owns the seeded resources of a new world; `fresh` ends a running sandbox and begins a new world;
    `timeout` in seconds is for all of it.
    """
    deadline = time.monotonic() + timeout
    place = _place(folder)
    await asyncio.to_thread(place.prepare)
    if fresh:
        await stop(folder, timeout=timeout)
    child: subprocess.Popen[bytes] | None = None
    while True:
        info = await asyncio.to_thread(find, folder)
        if info is not None and (session := await _connect(info)) is not None:
            try:
                session.problem = await asyncio.to_thread(_damage, place)
            except BaseException:
                await session.close()
                raise
            return session
        if child is None and not await asyncio.to_thread(is_held, place.lock):
            child = await asyncio.to_thread(_start, place, owner, fresh)
        elif child is not None and child.poll() is not None:
            if child.returncode != EXIT_HELD:
                raise _why_not(place)
            child = None
        if time.monotonic() > deadline:
            raise SandboxError(f"The sandbox was not ready within {timeout:g} seconds", todo=f"Look into {place.log}")
        await asyncio.sleep(POLL_S)


async def stop(folder: Path, *, timeout: float = 20) -> bool:  # noqa: ASYNC109 - as above
    """End the sandbox of `folder` and wait until it is gone; returns whether one was running."""
    deadline = time.monotonic() + timeout
    place = _place(folder)
    asked = False
    while await asyncio.to_thread(is_held, place.lock):
        info = find(folder)
        if info is not None and not asked and (session := await _connect(info)) is not None:
            try:
                await session.command("stop")
            finally:
                await session.close()
            asked = True
        if time.monotonic() > deadline:
            raise SandboxError(
                "The sandbox does not end", why=f"it still holds {place.lock}", todo=f"Look into {place.log}"
            )
        await asyncio.sleep(POLL_S)
    return asked


def _place(folder: Path) -> SandboxFolder:
    return SandboxFolder(folder.resolve())


class _OtherVersion(SandboxError):
    """A sandbox that answers, and must not be talked to."""


async def _connect(info: SandboxInfo) -> SandboxSession | None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", info.port, limit=LINE_LIMIT)
    except OSError:
        return None
    try:
        writer.write(json.dumps({"token": info.token}).encode() + b"\n")
        return SandboxSession(reader, writer, _endpoints(await _ask(reader, writer, "hello", ())))
    except BaseException as error:
        writer.close()
        if isinstance(error, SandboxError) and not isinstance(error, _OtherVersion):
            return None
        raise


def _endpoints(hello: dict[str, Any]) -> SandboxEndpoints:
    """Return where everything is; SandboxError where it is another version's."""
    if hello["version"] != runctl_tui.__version__:
        raise _OtherVersion(
            "Another version's sandbox is running",
            why=f"it is {hello['version']}, this is {runctl_tui.__version__}",
            todo="Run: runctl-tui sandbox stop",
        )
    return SandboxEndpoints(
        require_loopback(hello["endpoint_url"]),
        hello["regions"][0],
        tuple(hello["regions"]),
        hello["access_key"],
        hello["secret_key"],
        hello["owner"],
        require_loopback(hello["runpod_url"]),
        hello["runpod_key"],
        hello["local_environment"],
        hello["world"],
    )


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, args: tuple[str | float | bool, ...]
) -> dict[str, Any]:
    try:
        writer.write(json.dumps({"do": name, "args": args}).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
        answer = json.loads(line) if line else None
    except (OSError, ValueError) as error:
        raise SandboxError("The sandbox does not answer", why=str(error)) from error
    if not isinstance(answer, dict):
        raise SandboxError("The sandbox has ended", todo="Start it again")
    if not answer.pop("ok"):
        told = answer["error"]
        raise SandboxRefusal(told["what"], why=told["why"], todo=told["todo"])
    return answer


def _start(place: SandboxFolder, owner: str, fresh: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "runctl_tui.sandbox", "--folder", str(place.root), "--owner", owner]
    if fresh:
        command.append("--fresh")
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=place.root,
            env=_environment(place),
            start_new_session=True,
        )
    finally:
        os.close(log)
    threading.Thread(target=child.wait, name="reap-sandbox", daemon=True).start()
    return child


def _damage(place: SandboxFolder) -> Problem | None:
    """Return what was wrong with the remembered world, unless another client has been told."""
    try:
        told = json.loads(place.damage.read_bytes())
        place.damage.unlink()
        todo = f"it was kept as {told['kept']}; a new one began, without its machines, buckets and costs"
        return Problem("sandbox.damaged", "the sandbox's world was damaged", told["why"], todo)
    except (OSError, ValueError, KeyError):
        return None


def _environment(place: SandboxFolder) -> dict[str, str]:
    """Build the child's environment from nothing, so that no real credential reaches it."""
    package = Path(runctl_tui.__file__).resolve().parent.parent
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(place.root / "tmp"),
        "TMPDIR": str(place.tmp),
        "LANG": "C.UTF-8",
    }
    if str(package) not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        environment["PYTHONPATH"] = str(package)
    return environment


def _why_not(place: SandboxFolder) -> SandboxError:
    try:
        lines = place.log.read_bytes().splitlines()
    except OSError:
        lines = []
    for line in reversed(lines):
        if line.startswith(REFUSAL_MARK):
            told = json.loads(line.removeprefix(REFUSAL_MARK))
            return SandboxError(told["what"], why=told["why"], todo=told["todo"])
    last = lines[-1].decode(errors="replace") if lines else "it said nothing"
    return SandboxError("The sandbox did not start", why=last, todo=f"Look into {place.log}")
