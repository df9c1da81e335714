"""Instances that a create call has just named and EC2's other answers may not show yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.instance import Instance

PROPAGATING: Final = 300.0
"""Seconds within which 'not found' means 'not visible yet'; EC2's answers agree eventually, not at once."""


class Newborns:
    """Remembers what was created until a read shows it, so that it is never taken for gone and made again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, tuple[float, Instance]] = {}

    def add(self, instance: Instance) -> None:
        """Remember an instance that a create call answered with."""
        self._waiting[instance.id] = (self._clock.monotonic(), instance)

    def seen(self, ids: Iterable[str]) -> None:
        """Forget instances that a read has shown: from then on 'not found' means gone."""
        for instance_id in ids:
            self._waiting.pop(instance_id, None)

    def get(self, instance_id: str) -> Instance | None:
        """Return an instance that is not visible yet."""
        self._forget()
        kept = self._waiting.get(instance_id)
        return kept[1] if kept else None

    def of(self, region: str) -> tuple[Instance, ...]:
        """Return a region's instances that are not visible yet."""
        self._forget()
        return tuple(instance for _, instance in self._waiting.values() if instance.region == region)

    def _forget(self) -> None:
        now = self._clock.monotonic()
        self._waiting = {name: kept for name, kept in self._waiting.items() if now - kept[0] < PROPAGATING}
