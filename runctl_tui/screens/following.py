"""What is known of one run while it is followed: metrics, new log lines, usage, the state of the link; no widgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from runctl_tui.domain.metrics import MetricSeries
from runctl_tui.domain.run import LogChunk, ResourceUsage, RunProgress, RunUpdate, TrainingSession

PIECE: Final = 16 * 1024
"""Bytes parsed at once, so that a long log never holds up the keys."""


@dataclass(slots=True)
class Following:
    """One run; the monitor feeds it updates and takes away what is new."""

    run_id: str
    series: MetricSeries = field(default_factory=MetricSeries)
    offset: int = 0
    """Of the next byte to come."""
    session: TrainingSession | None = None
    usage: ResourceUsage | None = None
    link: str = ""
    fresh: list[str] = field(default_factory=list)
    """Complete lines that have not been shown yet."""
    restarted: bool = False
    """The log was replaced: what is shown is void."""

    @property
    def progress(self) -> RunProgress:
        """What the log said last, else what the register knows."""
        seen, known = self.series.progress, self.session.progress if self.session else RunProgress()
        if seen.step is None:
            return known
        return replace(
            seen,
            total_steps=seen.total_steps or known.total_steps,
            step_seconds=seen.step_seconds or known.step_seconds,
            tokens_per_second=seen.tokens_per_second or known.tokens_per_second,
        )

    def take(self, update: RunUpdate) -> Iterator[None]:
        """Take an update in; yields between pieces of a long log so that the caller can let others work."""
        self.link = update.link
        self.session = update.session or self.session
        self.usage = update.usage or self.usage
        if update.chunk is not None:
            yield from self._take_chunk(update.chunk)

    def lines(self) -> tuple[list[str], bool]:
        """Return the lines to add and whether those shown before are void."""
        fresh, restarted = self.fresh, self.restarted
        self.fresh, self.restarted = [], False
        return fresh, restarted

    def _take_chunk(self, chunk: LogChunk) -> Iterator[None]:
        if chunk.restarted:
            self.series.reset()
            self.fresh.clear()
            self.restarted = True
        for start in range(0, len(chunk.data), PIECE):
            self.fresh += self.series.feed(chunk.data[start : start + PIECE])
            yield
        self.offset = chunk.offset + len(chunk.data)
