"""The mirrored logs of runs: appended in order, never twice, and measured when somebody asks."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from runctl_tui.domain.metrics import MetricSeries

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from runctl_tui.domain.run import RunProgress

SKIP_BEYOND: Final = 8 * 1024 * 1024
"""Bytes that a mirror may lag behind before it leaves a gap and goes on near the end."""
KEEP: Final = 2 * 1024 * 1024
"""Bytes before the end at which it goes on."""
POINTS: Final = 20_000
"""Measured lines that are kept in memory for one log."""
OPEN: Final = 16
"""Mirrors that are kept in memory; the others are as they lie on the disk."""


class LogMirror:
    """A local copy of the bytes [base, end) of a run's log, and what they measure.

    Threads and other processes may use the same file at the same time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._facts = path.with_suffix(".log.json")
        self._guard = threading.RLock()
        self._series = MetricSeries(POINTS)
        self._measured: int | None = None
        self._losses: tuple[int, dict[int, float | None]] = (-1, {})
        self.base = 0
        self.inode = 0
        self.end = 0
        self._agree()

    @property
    def series(self) -> MetricSeries:
        """What the mirrored bytes measure; at most the last eight mebibytes are read for it."""
        with self._guard:
            start = max(self.base, self.end - SKIP_BEYOND) if self._measured is None else self._measured
            if start < self.end:
                self._series.feed(self.read(start, self.end - start)[1])
            self._measured = self.end
            return self._series

    @property
    def progress(self) -> RunProgress:
        """What the log said last about each figure."""
        with self._guard:
            return self.series.progress

    def losses(self, steps: Collection[int]) -> Mapping[int, float | None]:
        """Return the loss at each step, or at the nearest one before it."""
        with self._guard:
            if self._losses[0] != self.end:
                self._losses = (self.end, {})
            known = self._losses[1]
            if missing := [step for step in steps if step not in known]:
                series = self.series
                known.update({step: series.value_at("loss", step) for step in missing})
            return dict(known)

    def append(self, offset: int, data: bytes, inode: int) -> bool:
        """Take in what comes next; what is there already is skipped, and False tells of a gap."""
        with self._guard, self._locked() as file:
            self._agree()
            if inode != self.inode:
                self._begin(file, offset, inode)
            fresh = data[self.end - offset :] if offset <= self.end else b""
            file.seek(self.end - self.base)
            file.write(fresh)
            file.flush()
            self.end += len(fresh)
            return offset <= self.end

    def restart(self, offset: int, inode: int) -> None:
        """Begin anew at an offset, because the log is another file or too far ahead."""
        with self._guard, self._locked() as file:
            self._begin(file, offset, inode)

    def read(self, offset: int = 0, limit: int | None = None) -> tuple[int, bytes]:
        """Return the bytes from an offset on, and the offset at which they really begin."""
        start = max(offset, self.base)
        try:
            with self._path.open("rb") as file:
                file.seek(start - self.base)
                return start, file.read(-1 if limit is None else limit)
        except OSError:
            return start, b""

    def _begin(self, file: IO[bytes], offset: int, inode: int) -> None:
        file.truncate(0)
        self._facts.write_text(json.dumps({"base": offset, "inode": inode}), encoding="utf-8")
        self._facts.chmod(0o600)
        self._agree()

    def _agree(self) -> None:
        """Take note of what lies on the disk, which another process of ours may have changed."""
        try:
            facts = json.loads(self._facts.read_text(encoding="utf-8"))
            base, inode = int(facts["base"]), int(facts["inode"])
            size = self._path.stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return
        if (base, inode) != (self.base, self.inode) or base + size < self.end:
            self._series.reset()
            self._measured = None
            self._losses = (-1, {})
        self.base, self.inode, self.end = base, inode, base + size

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file


class Mirrors:
    """The mirrors of all runs; the least used ones leave the memory."""

    def __init__(self, path_of: Callable[[str], Path]) -> None:
        self._path_of = path_of
        self._open: OrderedDict[str, LogMirror] = OrderedDict()
        self._guard = threading.Lock()

    def of(self, run_id: str) -> LogMirror:
        """Return the mirror of a run's log."""
        with self._guard:
            if run_id not in self._open:
                self._open[run_id] = LogMirror(self._path_of(run_id))
            self._open.move_to_end(run_id)
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
            return self._open[run_id]

    def drop(self, run_id: str) -> None:
        """Delete a run's mirror."""
        with self._guard:
            self._open.pop(run_id, None)
        path = self._path_of(run_id)
        for file in (path, path.with_suffix(".log.json")):
            file.unlink(missing_ok=True)
