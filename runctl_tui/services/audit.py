"""The audit log: one line per attempt to change something, chained, on the disk before anything is done."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.audit import BEGINNING, LONGEST, AuditEntry, Chain, link_of, read_chain, to_line
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import StateError
from runctl_tui.services.redaction import redacted
from runctl_tui.services.threads import BackendPool

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock
    from runctl_tui.services.ports_feed import Feed

PATIENCE: Final = 5.0
"""Seconds to wait for other writers."""


class AuditLog:
    """A file of JSON lines, 0600, that only ever grows; several processes may write it at once."""

    feed: Feed[tuple[AuditEntry, ...]]
    """Set by the composition root, which knows the feed's pace."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._pool = BackendPool("audit", 1)
        self._known: tuple[tuple[int, int], Chain] | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    async def append(self, entry: AuditEntry) -> None:
        """Write an entry after the last one; it is on the disk when this returns. StateError where it cannot be."""
        await self._pool.run(lambda: self._append(entry))

    async def read(self) -> Chain:
        """Return all entries, and where the chain is broken; StateError where the file cannot be read."""
        return await self._pool.run(self._read)

    async def poll(self) -> Snapshot[tuple[AuditEntry, ...]]:
        """Return all entries for the feed; a chain that is broken is a problem beside them."""
        chain = await self.read()
        missing = (broken(chain, self._path).to_problem(),) if chain.breaks else ()
        return Snapshot(chain.entries, self._clock.now(), ("audit",), missing)

    def close(self) -> None:
        """Begin nothing new."""
        self._pool.close()

    def _append(self, entry: AuditEntry) -> None:
        try:
            with self._locked() as handle:
                last, whole = _last_line(handle)
                line = to_line(_without_secrets(entry), link_of(last) if last else BEGINNING)
                _write(handle, (b"" if whole else b"\n") + line + b"\n")
        except OSError as error:
            raise self._failed("written", error) from error

    def _read(self) -> Chain:
        try:
            told = self._path.stat()
            stamp = told.st_size, told.st_mtime_ns
            if self._known is None or self._known[0] != stamp:
                text = self._path.read_bytes()
                self._known = stamp, read_chain(text.removesuffix(b"\n").split(b"\n") if text else ())
        except FileNotFoundError:
            return Chain(())
        except OSError as error:
            raise self._failed("read", error) from error
        return self._known[1]

    def _failed(self, done: str, error: OSError) -> StateError:
        return StateError(f"the audit log cannot be {done}", error.strerror or str(error), f"look at {self._path}")

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _lock(handle)
            yield handle
        finally:
            os.close(handle)


def _without_secrets(entry: AuditEntry) -> AuditEntry:
    """Return an entry as it may be kept for ever: also what was typed may have had a secret in it."""
    return replace(
        entry,
        effect=redacted(entry.effect),
        names=tuple(map(redacted, entry.names)),
        answer=redacted(entry.answer),
        reason=redacted(entry.reason),
        result=redacted(entry.result),
    )


def _lock(handle: int) -> None:
    """Wait for other writers, but not for one that hangs."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise OSError(error.errno, "another process holds it and does not let go") from error
            time.sleep(0.01)
        else:
            return


def _write(handle: int, line: bytes) -> None:
    """Write a whole line to the disk, or nothing."""
    size = os.fstat(handle).st_size
    try:
        if os.write(handle, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise


def broken(chain: Chain, path: Path) -> StateError:
    """Return the error about a chain that does not hold."""
    why = f"damaged, or not following on the line before: line {', '.join(map(str, chain.breaks[:10]))}"
    return StateError("the audit log is not as it was written", why, f"compare {path} with a backup", code="audit")


def _last_line(handle: int) -> tuple[bytes, bool]:
    """Return the last line, and whether it is whole: one that was cut short is ended before the next begins."""
    size = os.fstat(handle).st_size
    if size == 0:
        return b"", True
    start = max(0, size - LONGEST)
    tail = os.pread(handle, size - start, start)
    whole = tail.endswith(b"\n")
    return tail.removesuffix(b"\n").rpartition(b"\n")[2], whole
