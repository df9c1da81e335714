"""One listing of all machines for everybody who needs one at about the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import TrainctlError

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.problem import Problem
    from runctl_tui.services.ports import ProviderRegistry, TrainingProvider

    Machines = Snapshot[tuple[Instance, ...]]

SHARED_FOR: Final = 2.0
"""Seconds for which a listing serves everybody who asks."""


class MachineList:
    """Lists all providers at once; one that fails is named in `missing` and never blanks the others."""

    def __init__(self, registry: ProviderRegistry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._listed: Machines | None = None
        self._listed_at = float("-inf")
        self._gate = asyncio.Lock()

    async def now(self) -> Machines:
        """Return all machines, at most two seconds old."""
        async with self._gate:
            if self._listed is None or self._clock.monotonic() - self._listed_at > SHARED_FOR:
                self._listed = await self._list()
                self._listed_at = self._clock.monotonic()
            return self._listed

    def forget(self) -> None:
        """Let the next call list again, after a change."""
        self._listed_at = float("-inf")

    async def _list(self) -> Machines:
        parts = await asyncio.gather(*(self._of(provider) for provider in self._registry.all()))
        return Snapshot(
            value=tuple(machine for part in parts for machine in part.value),
            taken_at=min((part.taken_at for part in parts), default=self._clock.now()),
            scope=tuple(scope for part in parts for scope in part.scope),
            missing=tuple(problem for part in parts for problem in part.missing),
            silent=tuple(scope for part in parts for scope in part.silent),
        )

    async def _of(self, provider: TrainingProvider) -> Machines:
        try:
            return await provider.list_resources()
        except TrainctlError as error:
            problem: Problem = error.to_problem(scope=provider.name)
            return Snapshot((), self._clock.now(), (provider.name,), (problem,), silent=(provider.name,))
