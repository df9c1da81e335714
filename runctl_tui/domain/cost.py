"""What the tracker says about money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.money import dollars

if TYPE_CHECKING:
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.resource import ResourceState

MACHINE: Final = "machine"
RUN: Final = "run"
DIMENSIONS: Final = ("project", RUN, "type", "provider", "owner", "region", MACHINE)
"""What costs can be divided by, besides any tag ('tag:KEY')."""
ALL_INCLUDED: Final = "nothing known is left out"
TAG: Final = "tag:"


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
    type: str = ""
    """g5.xlarge, gp3, network."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a provider itself has billed for the whole account, machines of others too."""

    since: datetime
    """The first of its month (UTC)."""
    today: Decimal
    month: Decimal
    parts: tuple[tuple[str, Decimal], ...] = ()
    """('pods', 12.34) and so on; they add up to the month."""


@dataclass(frozen=True, slots=True)
class Billed:
    """A provider's bill beside our figures."""

    provider: str
    label: str
    bill: Fact[Bill]

    def words(self, ours: Decimal | None) -> str:
        """Return '$12.34 this month (pods $10.00, …), $0.50 today; ours $12.01'."""
        if isinstance(self.bill, Unknown):
            return f"unknown: {self.bill.reason}"
        bill = self.bill.value
        parts = ", ".join(f"{name} {dollars(amount)}" for name, amount in bill.parts)
        ledger = "?" if ours is None else dollars(ours)
        of = f" ({parts})" if parts else ""
        return f"{dollars(bill.month)} this month{of}, {dollars(bill.today)} today; ours {ledger}"


@dataclass(frozen=True, slots=True)
class ProjectBudget:
    """One project's budget of this month, and what has become of it."""

    project: str
    budget: Decimal
    spent: Decimal
    """Of the time whose price is known."""
    forecast: Decimal
    """Spent, and the rest of the month at the present burn; at least so much where a price is unknown."""


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
    """What is not in the figures, in words: 'us-west-2', '2 unpriced types', 'S3'."""
    estimated: bool
    running: int
    balance: str = ""
    """What a prepaid account has left, in words: 'RunPod $42.50, 62 h'; empty: there is none, or nobody knows."""
    balance_low: bool = False
    """It ends within a day, and what runs on it with it."""
    known: bool = True
    """False before anything was ever looked at: the figures are no zeros then, they are unknown."""
    billed: tuple[Billed, ...] = ()
    """What providers say themselves, of those that tell it."""

    projects: tuple[ProjectBudget, ...] = ()
    """The projects that have a budget of their own."""
    unread: bool = False
    """Whether some place could not be looked at: what is spent there is unknown."""

    def told(self, amount: Decimal) -> Decimal | None:
        """Return an amount as far as anything is known; nothing found is no zero where some place was not read."""
        return None if not self.known or (self.unread and not amount) else amount

    @property
    def left(self) -> Decimal | None:
        """What is left of the budget this month; None without one."""
        return None if self.budget is None else self.budget - self.month


@dataclass(frozen=True, slots=True)
class CostShare:
    """What one project, run, type or other label has cost."""

    name: str
    """Empty: what carries no such label."""
    usd: Decimal
    """Of the time whose price is known."""
    unpriced_seconds: float = 0.0
    """Billed time without a known price; not in `usd`."""
    resources: int = 0
    """How many of them cost something."""
    budget: Decimal | None = None
    """A project's dollars per calendar month, in a report of the present month; None: it has none."""
    left: Decimal | None = None
    """What is left of the budget, below zero where it is passed; None: no budget, or not all spent is known."""

    @property
    def over(self) -> Decimal | None:
        """By how much the budget is passed, as far as prices are known; None where it is not."""
        return self.usd - self.budget if self.budget is not None and self.usd > self.budget else None


@dataclass(frozen=True, slots=True)
class DayCost:
    """What one UTC day has cost."""

    day: date
    usd: Decimal
    unpriced_seconds: float = 0.0
    """Billed time without a known price; not in `usd`."""


@dataclass(frozen=True, slots=True)
class CostReport:
    """A stretch of the ledger divided by one dimension and by day; the shares and the days each add up to the total."""

    by: str
    """project, run, machine, type, provider, owner, region, or 'tag:KEY'."""
    since: datetime
    until: datetime
    """What lies after the moment of the report has not been spent yet and is not in it."""
    total: Decimal
    shares: tuple[CostShare, ...]
    """Dearest first."""
    days: tuple[DayCost, ...]
    """Every day of the stretch that the ledger knows, oldest first; none lies before its beginning."""
    unpriced: tuple[str, ...] = ()
    """What was billed at an unknown price and is not in the total: 'db (m6i.4xlarge)'."""
    recorded_since: datetime | None = None
    """Where the ledger begins; None: nothing is recorded."""
    tags: tuple[str, ...] = ()
    """Tag keys that the resources carry, by which costs can be divided too."""

    @property
    def unpriced_seconds(self) -> float:
        """Billed time without a known price."""
        return sum(day.unpriced_seconds for day in self.days)


def not_included(summary: CostSummary, report: CostReport) -> tuple[str, ...]:
    """Return in words what is in none of the figures: 'us-west-2', '1 foreign', 'db (p9.huge): price unknown'."""
    return (*summary.excluded, *(f"{name}: price unknown" for name in report.unpriced))
