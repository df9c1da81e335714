"""One line per machine: what its provider says, what it costs, what runs on it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.money import Price
    from runctl_tui.domain.run import ResourceUsage, TrainingSession


@dataclass(frozen=True, slots=True)
class FleetRow:
    """An instance joined with price, money so far and runs."""

    instance: Instance
    price: Fact[Price]
    """What the machine costs per hour while it runs."""
    disks_per_month: Decimal | None
    """What its disks cost, running or not; None: unknown."""
    so_far: Decimal | None
    """Dollars in the ledger; None: never priced."""
    runs: tuple[TrainingSession, ...] = ()
    """Newest first."""
    usage: ResourceUsage | None = None
    note: str = ""
    """A remark: 'idle 38 min', 'waiting for SSH'."""

    @property
    def key(self) -> str:
        """What tables and actions know it by."""
        return self.instance.key
