"""What the tracker says about money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runctl_tui.domain.resource import ResourceState


@dataclass(frozen=True, slots=True)
class TrackedResource:
    """One resource in the ledger."""

    id: str
    kind: str
    """instance, disk."""
    provider: str
    region: str
    name: str
    state: ResourceState
    project: str
    run: str
    usd_per_hour: Decimal | None
    """Now, in this state; None: unknown."""
    accumulated: Decimal
    """Dollars of all priced intervals."""
    unpriced_seconds: float
    """Billed time without a known price; not in `accumulated`."""
    first_seen_at: datetime
    last_seen_at: datetime
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CostSummary:
    """What the cost bar shows; days and months are UTC."""

    as_of: datetime
    burn_per_hour: Decimal
    """Of everything priced that runs now."""
    today: Decimal
    month: Decimal
    forecast: Decimal
    """Month so far and the rest of the month at the present burn."""
    budget: Decimal | None
    excluded: tuple[str, ...]
    """What is not in the figures, in words: 'us-west-2', '2 unpriced types', 'S3 requests'."""
    estimated: bool
    running: int
    balance: str = ""
    """What a prepaid account has left, in words: 'RunPod $42.50, 62 h'; empty: there is none, or nobody knows."""
    balance_low: bool = False
    """It ends within a day, and what runs on it with it."""
    known: bool = True
    """False before anything was ever looked at: the figures are no zeros then, they are unknown."""

    @property
    def left(self) -> Decimal | None:
        """What is left of the budget this month; None without one."""
        return None if self.budget is None else self.budget - self.month
