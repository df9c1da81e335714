"""One line per machine: what its provider says, what it costs, what runs on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.resource import Market, Ownership, ResourceState

if TYPE_CHECKING:
    from datetime import datetime

    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.money import Price
    from runctl_tui.domain.run import ResourceUsage, TrainingSession

NOT_ASKED: Final = "not asked yet"


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
    """What its host was doing when it was measured last; None: never measured."""
    runs_unknown: str = NOT_ASKED
    """Why `runs` may not be all, in words; empty: its host told them."""
    note: str = ""
    """A remark: 'idle 38 min', 'waiting for SSH'."""
    seen_at: datetime | None = None
    """When its provider told it last, where that has not told it this time; None: it has."""

    @property
    def key(self) -> str:
        """What tables and actions know it by."""
        return self.instance.key


def mine_at_work(rows: Iterable[FleetRow], provider: str = "") -> tuple[FleetRow, ...]:
    """Return the running machines that carry this person's own tag, of every provider or of one; never this machine."""
    return tuple(
        row
        for row in rows
        if row.instance.ownership is Ownership.OURS
        and row.instance.state in (ResourceState.RUNNING, ResourceState.STARTING)
        and row.instance.market is not Market.LOCAL
        and provider in ("", row.instance.provider)
    )
