"""What each machine was like when its part of the fleet answered last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.snapshot import Snapshot

    Rows = Snapshot[tuple[FleetRow, ...]]


class LastSeen:
    """Fills a list whose provider or region is silent with what that said last."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[datetime, FleetRow]] = {}

    def fill(self, fresh: Rows) -> Rows:
        """Return the list with the machines that may still be there, each with the time when it was seen."""
        here = {row.key: (fresh.taken_at, row) for row in fresh.value}
        kept = {
            key: seen
            for key, seen in self._rows.items()
            if key not in here and may_be_there(seen[1].instance, fresh.silent)
        }
        self._rows = here | kept
        if not kept:
            return fresh
        old = (replace(row, seen_at=at) for at, row in kept.values())
        taken_at = min(fresh.taken_at, *(at for at, _ in kept.values()))
        return replace(fresh, value=(*fresh.value, *old), taken_at=taken_at)


def may_be_there(machine: Instance, silent: Collection[str]) -> bool:
    """Return whether a list that lacks a machine proves nothing about it."""
    return machine.provider in silent or f"{machine.provider}/{machine.region}" in silent
