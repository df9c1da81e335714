"""Brings planned code to a host: compares first, sends what differs in one tar stream, deletes, verifies.

The host keeps a manifest of what came from here; nothing else in the folder is ever overwritten or deleted.
"""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final

from runctl_tui.services.errors import AgentError, DataTransferError, Refused
from runctl_tui.services.hosts.session import HostSession, as_path
from runctl_tui.services.sync.values import SyncFile, SyncPlan, SyncProgress, SyncResult
from runctl_tui.services.training.agent_answers import text_of, understood
from runctl_tui.services.training.agent_client import AgentClient
from runctl_tui.services.training.agent_values import Json

Report = Callable[[SyncProgress], None]

BLOCK: Final = 512
PIECE: Final = 512 * 1024
COMPARE_SECONDS: Final = 600


async def execute(plan: SyncPlan, host: HostSession, dest: str, progress: Report = lambda _: None) -> SyncResult:
    """Make a folder on the host hold the plan's files, and return what that took.

    Refused for a home folder or one with files that did not come from here; DataTransferError when the files that
    arrived are not those of the plan. An interrupted sync goes on where it was when it is executed again.
    """
    agent = AgentClient(host)
    marks = {file.path: file.mark for file in plan.files}
    request: Json = {"dest": as_path(dest), "files": marks}
    progress(SyncProgress("comparing", 0, 0, 0, 0))
    begun = await _asked(agent, "sync_begin", request)
    with understood():
        folder, wanted = as_path(text_of(begun["dest"])), set(_names(begun["needed"]))
    needed = [file for file in plan.files if file.path in wanted]
    counter = _Counter(needed, progress)
    if needed:
        await host.push_tar(_in_thread(tar_pieces(plan, needed, counter)), folder)
    counter.tell("verifying")
    ended = await _asked(agent, "sync_finish", request)
    with understood():
        wrong, deleted = _names(ended["wrong"]), _names(ended["deleted"])
    if wrong:
        why = "they arrived different or not at all: " + ", ".join(wrong[:5])
        raise DataTransferError(f"{len(wrong)} files are not as planned", why, "were they edited? sync again")
    counter.tell("done")
    sent = tuple(file.path for file in needed)
    return SyncResult(folder, sent, counter.total, deleted, len(plan.files) - len(sent))


def _names(rows: object) -> tuple[str, ...]:
    """Return the names of files that the agent told; TypeError where they are none."""
    if not isinstance(rows, list):
        raise TypeError(rows)
    return tuple(text_of(row) for row in rows)


async def _asked(agent: AgentClient, verb: str, request: Json) -> Json:
    """Ask the agent; its refusals about the destination become ours."""
    try:
        return await agent.call(verb, request, timeout=COMPARE_SECONDS)
    except AgentError as error:
        if error.code in ("foreign_files", "bad_destination"):
            raise Refused(error.what, error.why, error.todo, code=f"sync.{error.code}") from error
        raise


class _Counter:
    """Counts what has gone into the stream."""

    def __init__(self, needed: Sequence[SyncFile], report: Report) -> None:
        self._count = len(needed)
        self.total = sum(file.size for file in needed)
        self._files = self._bytes = 0
        self._report = report

    def add(self, files: int, size: int) -> None:
        """Count files and bytes."""
        self._files += files
        self._bytes += size

    def tell(self, phase: str) -> None:
        """Report the state of things."""
        self._report(SyncProgress(phase, self._files, self._count, self._bytes, self.total))


async def _in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Make the pieces on a thread, since they are read from a disk."""
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


def tar_pieces(plan: SyncPlan, files: Sequence[SyncFile], counter: _Counter) -> Iterator[bytes]:
    """Yield a tar archive of the files in large pieces."""
    buffer = bytearray()
    for file in files:
        for part in _member(plan, file):
            buffer += part
            if len(buffer) >= PIECE:
                yield bytes(buffer)
                buffer.clear()
                counter.tell("sending")
        counter.add(1, file.size)
    yield bytes(buffer + b"\0" * (2 * BLOCK))
    counter.tell("sending")


def _member(plan: SyncPlan, file: SyncFile) -> Iterator[bytes]:
    """Yield one member; a file that shrank meanwhile is filled up, and fails the verification."""
    info = tarfile.TarInfo(file.path)
    info.mode = file.mode
    if file.link:
        info.type, info.linkname = tarfile.SYMTYPE, file.link
        yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        return
    info.size = file.size
    yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    left = file.size
    try:
        with open(plan.root / file.path, "rb") as source:
            while left and (data := source.read(min(left, PIECE))):
                left -= len(data)
                yield data
    except OSError as error:
        raise DataTransferError(f"{file.path} cannot be read", error.strerror or str(error), "sync again") from error
    yield b"\0" * (left + -file.size % BLOCK)
