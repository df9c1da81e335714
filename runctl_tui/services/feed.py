"""Continuous data: one poller per query, shared by all who watch, at rest while nobody does.

Services make a `PollingFeed` of an async function, or a `PushFeed` where they learn of changes themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import HostLinkLost, TrainctlError
from runctl_tui.services.retrying import watched

T = TypeVar("T")
LONGEST_IDLE: Final = 50.0
"""Seconds that a feed waits at most because nobody is there: less than what is called old."""
SLOWEST: Final = 60.0
"""Seconds between polls at most, however often they fail."""


class PushFeed(Generic[T]):
    """Hands on what is pushed into it; equal values are dropped."""

    def __init__(self, key: Callable[[T], object] | None = None) -> None:
        self._key = key
        self._latest: Snapshot[T] | None = None
        self._version = 0
        self._wakers: set[asyncio.Event] = set()

    @property
    def latest(self) -> Snapshot[T] | None:
        """The last snapshot, or None before the first."""
        return self._latest

    def push(self, snapshot: Snapshot[T]) -> None:
        """Make this the latest snapshot and hand it on where it differs in value or in what is missing."""
        before, self._latest = self._latest, snapshot
        if before is not None and self._same(before, snapshot):
            return
        self._version += 1
        for waker in self._wakers:
            waker.set()

    def refresh(self) -> None:
        """Do nothing: what can be known has been pushed."""

    async def watch(self) -> AsyncGenerator[Snapshot[T], None]:
        """Yield the latest snapshot at once where there is one, then each that differs; slow watchers skip some."""
        waker = asyncio.Event()
        self._wakers.add(waker)
        seen = 0
        try:
            self._watched()
            while True:
                waker.clear()
                if self._latest is not None and seen != self._version:
                    seen = self._version
                    yield self._latest
                else:
                    self._check()
                    await waker.wait()
        finally:
            self._wakers.discard(waker)
            self._unwatched()

    def _watched(self) -> None:
        """Called when somebody begins to watch."""

    def _unwatched(self) -> None:
        """Called when somebody has stopped watching."""

    def _check(self) -> None:
        """Raise what ended the feed for good."""

    def _same(self, one: Snapshot[T], other: Snapshot[T]) -> bool:
        if one.missing != other.missing:
            return False
        if self._key is None:
            return one.value == other.value
        return self._key(one.value) == self._key(other.value)


_STEEP: Final = 16
"""Failures after which waits grow no more."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to poll, and the time and luck it depends on."""

    interval: float
    """Seconds between polls that succeed."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    """Draws from [0, 1)."""
    stretch: Callable[[], float] = lambda: 1.0
    """How many times as long to wait now, because nobody is at the keyboard."""

    def wait(self) -> float:
        """Return the seconds until the next poll after one that succeeded."""
        return max(self.interval, min(self.interval * self.stretch(), LONGEST_IDLE))


class PollingFeed(PushFeed[T]):
    """Polls while it is watched; never two polls at once."""

    def __init__(
        self,
        poll: Callable[[], Awaitable[Snapshot[T]]],
        pace: float | Pace,
        clock: Clock,
        *,
        key: Callable[[T], object] | None = None,
        empty: T | None = None,
    ) -> None:
        """Poll at a pace (seconds); `key` tells values apart, `empty` is shown while the first poll fails."""
        super().__init__(key)
        self._poll = poll
        self._pace = pace if isinstance(pace, Pace) else Pace(pace)
        slowest = max(SLOWEST, self._pace.interval)
        self._backoff = ExponentialBackoffPolicy(_STEEP + 1, self._pace.interval * 2, maximum=slowest)
        self._clock = clock
        self._empty = empty
        self._task: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()
        self._failures = 0
        self._delay = self._pace.interval
        self._lock = asyncio.Lock()
        self._broken: BaseException | None = None

    @property
    def polling(self) -> bool:
        """Whether it is at work."""
        return self._task is not None and not self._task.done()

    def refresh(self) -> None:
        """Poll now instead of at the next turn; while nobody watches, at the next beginning."""
        self._soon.set()

    def _watched(self) -> None:
        if not self.polling:
            self._broken = None
            self._task = asyncio.get_running_loop().create_task(self._work())
            self._task.add_done_callback(self._ended)

    def _unwatched(self) -> None:
        if not self._wakers and self._task is not None:
            self._task.cancel()
            self._task = None

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = error
            for waker in self._wakers:
                waker.set()

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    async def _work(self) -> None:
        with watched(None):  # it works for everybody, and tells its failures itself
            while True:
                async with self._lock:
                    self._soon.clear()
                    await self._once()
                await self._pause()

    async def _once(self) -> None:
        try:
            self._take(await self._poll())
        except TrainctlError as error:
            self._failures += 1
            self._delay = self._backoff.delay(min(self._failures, _STEEP), self._pace.jitter()) or SLOWEST
            self._keep(error.to_problem(retry_in=self._delay))

    def _take(self, snapshot: Snapshot[T]) -> None:
        self._failures, self._delay = 0, self._pace.wait()
        self.push(snapshot)

    def _keep(self, problem: Problem) -> None:
        """Show the old value with the problem beside it."""
        if self._latest is not None:
            others = tuple(
                one for one in self._latest.missing if (one.code, one.scope) != (problem.code, problem.scope)
            )
            self.push(replace(self._latest, missing=(*others, problem)))
        elif self._empty is not None:
            self.push(Snapshot(self._empty, self._clock.now(), missing=(problem,)))

    async def _pause(self) -> None:
        naps = [asyncio.ensure_future(self._pace.sleep(self._delay)), asyncio.ensure_future(self._soon.wait())]
        try:
            await asyncio.wait(naps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for nap in naps:
                nap.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*naps, return_exceptions=True)


class StreamFeed(PollingFeed[T]):
    """Hands on what a stream tells while it is watched; one that breaks is begun anew after a growing wait."""

    def __init__(
        self, stream: Callable[[], AsyncGenerator[Snapshot[T], None]], pace: float | Pace, clock: Clock, *, empty: T
    ) -> None:
        """Read a stream; `pace` is the first wait, `empty` is shown while nothing was told yet."""
        super().__init__(self._read, pace, clock, empty=empty)
        self._stream = stream

    async def _read(self) -> Snapshot[T]:
        """Hand on all that the stream tells; one that ends by itself has told its last."""
        last: Snapshot[T] | None = None
        async with contextlib.aclosing(self._stream()) as snapshots:
            async for last in snapshots:
                self._take(last)
        if last is None:
            raise HostLinkLost("Nothing was told", "the stream ended at once", "it is tried again")
        return last
