"""The mirrored log of one run: appended in order, never twice, and measured as it grows."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from runctl_tui.domain.metrics import MetricSeries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKIP_BEYOND: Final = 8 * 1024 * 1024
"""Bytes that a mirror may lag behind before it leaves a gap and goes on near the end."""
KEEP: Final = 2 * 1024 * 1024
"""Bytes before the end at which it goes on."""


class LogMirror:
    """A local copy of the bytes [base, end) of a run's log, and what they measure."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._facts = path.with_suffix(".log.json")
        self.series = MetricSeries()
        self.base = 0
        self.inode = 0
        self.end = 0
        self._load()

    def append(self, offset: int, data: bytes, inode: int) -> bool:
        """Take in what comes next; what is there already is skipped, and False tells of a gap."""
        if inode != self.inode:
            self.restart(offset, inode)
        with self._locked() as file:
            self._catch_up(file)
            fresh = data[self.end - offset :] if offset <= self.end else b""
            file.write(fresh)
        self.end += len(fresh)
        self.series.feed(fresh)
        return offset <= self.end

    def restart(self, offset: int, inode: int) -> None:
        """Begin anew at an offset, because the log is another file or too far ahead."""
        self.base = self.end = offset
        self.inode = inode
        self.series.reset()
        with self._locked() as file:
            file.truncate(0)
            self._facts.write_text(json.dumps({"base": offset, "inode": inode}), encoding="utf-8")

    def read(self, offset: int = 0, limit: int | None = None) -> tuple[int, bytes]:
        """Return the bytes from an offset on, and the offset at which they really begin."""
        start = max(offset, self.base)
        try:
            with self._path.open("rb") as file:
                file.seek(start - self.base)
                return start, file.read(-1 if limit is None else limit)
        except OSError:
            return start, b""

    def _load(self) -> None:
        try:
            facts = json.loads(self._facts.read_text(encoding="utf-8"))
            self.base, self.inode = int(facts["base"]), int(facts["inode"])
            size = self._path.stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return
        self.end = self.base + size
        self.series.feed(self.read(max(self.base, self.end - SKIP_BEYOND))[1])

    def _catch_up(self, file: IO[bytes]) -> None:
        """Take note of what another process of ours has appended meanwhile."""
        size = file.seek(0, os.SEEK_END)
        if self.base + size > self.end:
            file.seek(self.end - self.base)
            self.series.feed(file.read())
            self.end = self.base + size

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
