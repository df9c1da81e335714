"""Volumes that cost by themselves, as each look at the fleet hears of them: asked now and then, waited for briefly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import TrainctlError

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.volume import Volume

Standing: TypeAlias = "Snapshot[tuple[Volume, ...]]"
PATIENCE: Final = 5.0
"""Seconds that the fleet waits for the volumes."""
REST: Final = 30.0
"""Seconds for which the fleet does not ask again after an answer that was not whole."""


class StandingLook:
    """Remembers one provider's answer for `fresh` seconds; who is silent is left alone for a while."""

    def __init__(
        self, provider: str, read: Callable[[], Awaitable[Standing]], clock: Clock, what: str, fresh: float
    ) -> None:
        """`what` says in words that nothing could be read."""
        self._provider = provider
        self._read = read
        self._clock = clock
        self._what = what
        self._fresh = fresh
        self._kept: tuple[float, Standing] | None = None

    async def __call__(self) -> Standing:
        """Return the volumes as they were read last, or read them again where that is too long ago."""
        if self._kept is not None and self._clock.monotonic() < self._kept[0]:
            return self._kept[1]
        told = await self._ask(self._clock.now())
        self._kept = self._clock.monotonic() + (self._fresh if told.complete else REST), told
        return told

    def forget(self) -> None:
        """Read again at the next look, because something was changed."""
        self._kept = None

    async def _ask(self, now: datetime) -> Standing:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._read()
        except TrainctlError as error:
            problem = error.to_problem(scope=self._provider)
        except TimeoutError:
            problem = Problem("timeout", self._what, f"no answer within {PATIENCE:.0f} s", scope=self._provider)
        return Snapshot((), now, (self._provider,), (problem,))
