"""Time and feeds that move only when a test moves them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.snapshot import Snapshot
from tests.ui import fake_data as data

T = TypeVar("T")


class FakeClock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self._seconds = 1000.0

    def now(self) -> datetime:
        return data.NOW + timedelta(seconds=self._seconds - 1000)

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self._seconds += seconds


class FakeFeed(Generic[T]):
    """A feed that tells what it is given; `watchers` says how many look at it now."""

    def __init__(self, value: T | None, scope: tuple[str, ...] = ()) -> None:
        self.latest: Snapshot[T] | None = None if value is None else Snapshot(value, data.ago(seconds=3), scope)
        self.refreshed = 0
        self.watchers = 0
        self._changed = asyncio.Event()

    async def watch(self) -> AsyncIterator[Snapshot[T]]:
        self.watchers += 1
        try:
            while True:
                changed = self._changed
                if self.latest is not None:
                    yield self.latest
                await changed.wait()
        finally:
            self.watchers -= 1

    def refresh(self) -> None:
        self.refreshed += 1

    def push(self, value: T, missing: tuple[Problem, ...] = (), taken_at: datetime | None = None) -> None:
        self.latest = Snapshot(value, taken_at or data.NOW, missing=missing)
        self._changed.set()
        self._changed = asyncio.Event()
