"""Divides a stretch of the ledger by project, run, owner, any tag and so on, and by day; used by the tracker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from runctl_tui.domain import ledger
from runctl_tui.domain.cost import DIMENSIONS, MACHINE, TAG, CostReport, CostShare, DayCost
from runctl_tui.domain.instance import TAG_OWNER
from runctl_tui.domain.ledger import Interval
from runctl_tui.services.errors import ValidationError
from runctl_tui.services.ledger_books import Books, uncounted
from runctl_tui.services.ledger_rows import Seen

_ZERO: Final = Decimal(0)
_LABELS: Final[dict[str, Callable[[Seen], str]]] = {
    "project": lambda seen: seen.tracked.project,
    MACHINE: lambda seen: seen.tracked.name or seen.tracked.id,
    "type": lambda seen: seen.type,
    "provider": lambda seen: seen.tracked.provider,
    "owner": lambda seen: _tag(seen, TAG_OWNER),
    "region": lambda seen: seen.tracked.region,
}
Part = tuple[str, Interval, int]
"""Label, part of an interval, and how many labels share it."""


@dataclass(slots=True)
class _Sum:
    usd: Decimal = _ZERO
    unpriced: Decimal = _ZERO
    resources: set[str] = field(default_factory=set)

    def add(self, interval: Interval, sharing: int = 1) -> None:
        """Count an interval, or its part among so many."""
        self.usd += interval.usd / sharing
        if interval.usd_per_hour is None:
            self.unpriced += interval.seconds / sharing
        self.resources.add(interval.resource)


def check(dimension: str) -> None:
    """Refuse what costs cannot be divided by."""
    if dimension not in DIMENSIONS and not (dimension.startswith(TAG) and dimension != TAG):
        todo = f"use one of {', '.join(DIMENSIONS)}, or {TAG}KEY"
        raise ValidationError(f"costs are not kept by {dimension!r}", "", todo)


def report(books: Books, dimension: str, since: datetime, until: datetime) -> CostReport:
    """Return what a stretch of the ledger has cost, divided."""
    intervals = ledger.clip(books.intervals, since, min(until, books.now))
    begun = books.begun
    return CostReport(
        by=dimension,
        since=since,
        until=until,
        total=ledger.accumulated(intervals),
        shares=_shares(_parts(books, dimension, intervals)),
        days=() if begun is None else tuple(_days(intervals, max(since, begun), min(until, books.now))),
        unpriced=_unpriced(books.seen, intervals),
        recorded_since=begun,
        tags=tuple(sorted({key for one in books.seen for key, _ in one.tracked.tags})),
    )


def with_budgets(report: CostReport, books: Books, budgets: Mapping[str, Decimal]) -> CostReport:
    """Return a report by project of the present month with what is left of each project's budget."""
    first, last = ledger.month_of(books.now)
    present = report.since == first and books.now <= report.until <= last
    if not budgets or report.by != "project" or not present or report.recorded_since is None:
        return report
    spent = {share.name for share in report.shares}
    idle = [CostShare(project, _ZERO) for project in sorted(budgets) if project not in spent]
    doubtful = {one.tracked.project for one in books.seen if uncounted(one, books.now)}
    shares = (_with_budget(share, budgets, share.name in doubtful) for share in (*report.shares, *idle))
    return replace(report, shares=tuple(shares))


def _with_budget(share: CostShare, budgets: Mapping[str, Decimal], doubtful: bool) -> CostShare:
    if (budget := budgets.get(share.name)) is None:
        return share
    unknown = doubtful or share.unpriced_seconds > 0
    return replace(share, budget=budget, left=None if unknown else budget - share.usd)


def _parts(books: Books, dimension: str, intervals: Sequence[Interval]) -> Iterator[Part]:
    if dimension == "run":
        return ledger.split_by_run(intervals, books.spans)
    labels = {one.key: _label(one, dimension) for one in books.seen}
    return ((labels.get(interval.resource, ""), interval, 1) for interval in intervals)


def _label(seen: Seen, dimension: str) -> str:
    own = _LABELS.get(dimension)
    return own(seen) if own else _tag(seen, dimension.removeprefix(TAG))


def _tag(seen: Seen, key: str) -> str:
    return dict(seen.tracked.tags).get(key, "")


def _shares(parts: Iterable[Part]) -> tuple[CostShare, ...]:
    sums: dict[str, _Sum] = {}
    for name, interval, sharing in parts:
        sums.setdefault(name, _Sum()).add(interval, sharing)
    shares = (CostShare(name, one.usd, float(one.unpriced), len(one.resources)) for name, one in sums.items())
    return tuple(sorted(shares, key=lambda share: (-share.usd, share.name)))


def _days(intervals: Sequence[Interval], since: datetime, until: datetime) -> Iterator[DayCost]:
    """Yield each day, those without any cost too."""
    sums: dict[datetime, _Sum] = {}
    for part in ledger.split_by_day(intervals):
        sums.setdefault(ledger.day_of(part.start)[0], _Sum()).add(part)
    day = ledger.day_of(since)[0]
    while day < until:
        found = sums.get(day, _Sum())
        yield DayCost(day.date(), found.usd, float(found.unpriced))
        day += timedelta(days=1)


def _unpriced(seen: Sequence[Seen], intervals: Sequence[Interval]) -> tuple[str, ...]:
    """Name what was billed without a known price."""
    keys = {interval.resource for interval in intervals if interval.usd_per_hour is None}
    named = ((one.tracked.name or one.tracked.id, one.type) for one in seen if one.key in keys)
    return tuple(sorted(f"{name} ({kind})" if kind else name for name, kind in named))
