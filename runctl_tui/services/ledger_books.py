"""Small steps between fleet rows, ledger rows and figures; the tracker's own arithmetic, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from runctl_tui.domain import ledger
from runctl_tui.domain.cost import CostSummary, ProjectBudget, TrackedResource
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.history import Account, StateChange, timeline
from runctl_tui.domain.ledger import Interval, IntervalKind, RunSpan
from runctl_tui.domain.money import CENT
from runctl_tui.domain.resource import BILLED_STATES, ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.volume import VOLUME, Volume, month
from runctl_tui.services.ledger_rows import Seen

CARRY_ON: Final = timedelta(minutes=2)
"""How long a running resource counts as running after it was last seen."""
_GONE: Final = (ResourceState.TERMINATING, ResourceState.TERMINATED)
_ZERO: Final = Decimal(0)
T = TypeVar("T")

NEVER_COUNTED: Final = ("S3", "snapshots")
"""What AWS bills besides machines and their disks; nobody watches it over time."""


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger as read at one moment, running resources carried on to now."""

    now: datetime
    seen: tuple[Seen, ...]
    intervals: tuple[Interval, ...]
    spans: tuple[RunSpan, ...] = ()
    begun: datetime | None = None
    """Where the ledger begins, also when `intervals` were read only from a later moment on; None: it is empty."""

    def of_each(self) -> dict[str, list[Interval]]:
        """Return the intervals of each resource, by its key."""
        found: dict[str, list[Interval]] = {one.key: [] for one in self.seen}
        for interval in self.intervals:
            found.setdefault(interval.resource, []).append(interval)
        return found


@dataclass(frozen=True, slots=True)
class Sums:
    """The figures of everything, and of each project that has a budget."""

    all: Figures
    projects: Mapping[str, Figures]
    profiles: frozenset[tuple[str, str]] = frozenset()
    """Profile and provider of what was there at last."""

    def budgets(self, budgets: Mapping[str, Decimal], now: datetime) -> tuple[ProjectBudget, ...]:
        """Return what has become of each project's budget."""
        return tuple(self._budget(project, budgets[project], now) for project in sorted(budgets))

    def _budget(self, project: str, budget: Decimal, now: datetime) -> ProjectBudget:
        own = self.projects[project]
        spent = own.at(now)[1]
        return ProjectBudget(project, budget, spent, ledger.forecast(spent, own.burn, now))


@dataclass(frozen=True, slots=True)
class Pages:
    """What the ledger holds of one resource, carried on to now."""

    seen: Seen
    intervals: Sequence[Interval]
    states: Sequence[StateChange]
    spans: Sequence[RunSpan]


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums of what is recorded, and what goes on costing since it was seen."""

    day: datetime
    month: datetime
    spent_today: Decimal
    spent_this_month: Decimal
    going_on: tuple[tuple[datetime, Decimal], ...]
    """Last sighting and dollars per hour, summed over the resources seen at the same time."""
    burn: Decimal
    running: int
    unpriced_types: int
    unpriced_disks: int
    """Machines whose disks have no known price."""
    unpriced_volumes: int
    aws: bool

    def at(self, now: datetime) -> tuple[Decimal, Decimal]:
        """Return what today and this month have cost by now."""
        ahead = [Interval("", seen, until, rate) for seen, rate in self.going_on for until in [carry_end(seen, now)]]
        today = ledger.accumulated(ledger.clip(ahead, self.day, now))
        return self.spent_today + today, self.spent_this_month + ledger.accumulated(ledger.clip(ahead, self.month, now))

    def excluded(self, foreign: int) -> tuple[str, ...]:
        """Return in words what the figures leave out."""
        words = []
        if self.unpriced_types:
            words.append(f"{self.unpriced_types} unpriced type{'s' if self.unpriced_types > 1 else ''}")
        if self.unpriced_disks:
            words.append(f"disks of {self.unpriced_disks} machine{'s' if self.unpriced_disks > 1 else ''}")
        if self.unpriced_volumes:
            words.append(f"{self.unpriced_volumes} unpriced volume{'s' if self.unpriced_volumes > 1 else ''}")
        if foreign:
            words.append(f"{foreign} foreign")
        return (*words, *NEVER_COUNTED) if self.aws else tuple(words)


def sums_of(
    seen: Sequence[Seen], intervals: Sequence[Interval], day: datetime, month: datetime, projects: Iterable[str]
) -> Sums:
    """Return the figures of everything for a day and its month, and those of some projects."""
    each = {}
    for project in projects:
        own = [one for one in seen if one.tracked.project == project]
        keys = {one.key for one in own}
        each[project] = figures(own, [one for one in intervals if one.resource in keys], day, month)
    there = (one for one in seen if one.tracked.state not in _GONE)
    profiles = frozenset((one.profile, one.tracked.provider) for one in there)
    return Sums(figures(seen, intervals, day, month), each, profiles)


def figures(seen: Sequence[Seen], intervals: Sequence[Interval], day: datetime, month: datetime) -> Figures:
    """Return the figures of what is recorded for a day and its month."""
    later = month + timedelta(days=40)
    going_on: dict[datetime, Decimal] = {}
    for one in seen:
        going_on[one.sighting.at] = going_on.get(one.sighting.at, _ZERO) + burn(one)
    billed = [one for one in seen if one.sighting.billed]
    return Figures(
        day=day,
        month=month,
        spent_today=ledger.accumulated(ledger.clip(intervals, day, later)),
        spent_this_month=ledger.accumulated(ledger.clip(intervals, month, later)),
        going_on=tuple(going_on.items()),
        burn=sum(going_on.values(), _ZERO),
        running=len(billed),
        unpriced_types=len({one.type for one in billed if one.sighting.compute_per_hour is None}),
        unpriced_disks=sum(_disks_unpriced(one) for one in seen if one.tracked.kind != VOLUME),
        unpriced_volumes=sum(_disks_unpriced(one) for one in seen if one.tracked.kind == VOLUME),
        aws=any(one.tracked.provider == "aws" for one in seen),
    )


def _disks_unpriced(seen: Seen) -> bool:
    return seen.has_disks and seen.sighting.exists and seen.sighting.disk_per_hour is None


def uncounted(seen: Seen, now: datetime) -> bool:
    """Return whether a resource may cost now what nobody counts: disks of unknown price, or nobody looks any more."""
    unseen = carry_end(seen.sighting.at, now) < now and burn(seen) > 0
    return unseen or _disks_unpriced(seen)


def carry_end(seen_at: datetime, now: datetime) -> datetime:
    """Return until when something seen may be believed to go on."""
    return max(seen_at, min(now, seen_at + CARRY_ON))


def carried(seen: Seen, now: datetime) -> Decimal:
    """Return what a resource has cost since it was last seen."""
    return Interval("", seen.sighting.at, carry_end(seen.sighting.at, now), burn(seen)).usd


def priced(seen: Seen, sums: Mapping[str, Decimal]) -> bool:
    """Return whether anything is known about what a resource cost."""
    return seen.key in sums or seen.sighting.compute_per_hour is not None


def fingerprint(row: FleetRow) -> object:
    """Return what must change before an observation is worth writing at once."""
    machine = row.instance
    return machine.state, machine.launched_at, machine.name, row.price, row.disks_per_month, tuple(run_spans(row))


def volume_fingerprint(volume: Volume) -> object:
    """Return what must change before an observation of a volume is worth writing at once."""
    return volume.name, volume.shape, month(volume.usd_per_month), volume.tags


def run_spans(row: FleetRow) -> list[RunSpan]:
    """Return when the runs of a line began and ended."""
    return [RunSpan(one.id, row.key, one.started_at, one.ended_at) for one in row.runs if one.started_at is not None]


def answered(provider: str, region: str, snapshot: Snapshot[tuple[T, ...]]) -> bool:
    """Return whether what is absent there would have been seen; a region that did not answer proves nothing."""
    names = {provider, f"{provider}/{region}"}
    if not names & set(snapshot.scope):
        return False
    concerned = names | {region, ""}
    return not any(problem.scope in concerned for problem in snapshot.missing)


def again(seen: Seen, state: ResourceState, at: datetime) -> Seen:
    """Return the same resource, seen again in a state."""
    sighting = replace(seen.sighting, at=at)
    if state is not seen.sighting.state:
        started = state in BILLED_STATES and not seen.sighting.billed
        sighting = replace(sighting, state=state, launched_at=at if started else sighting.launched_at, stopped_at=None)
    return replace(seen, tracked=replace(seen.tracked, state=state, last_seen_at=at), sighting=sighting)


def registered(resource: TrackedResource, now: datetime) -> Seen:
    """Return a resource that a caller registers, as if it were launched now."""
    key = f"{resource.provider}/{resource.id}"
    sighting = ledger.Sighting(key, now, resource.state, resource.usd_per_hour, _ZERO, now, now)
    known = replace(resource, first_seen_at=now, last_seen_at=now)
    return Seen(key, known, "", False, sighting)


def carried_on(seen: Seen, now: datetime) -> list[Interval]:
    """Return what a resource costs since it was last seen, for as long as that may be believed."""
    until = carry_end(seen.sighting.at, now)
    return list(ledger.advance(seen.sighting, replace(seen.sighting, at=until))[1])


def counted_apart(interval: Interval, seen: Seen) -> bool:
    """Return whether an interval is in no sum but said otherwise: a machine's disks of unknown price are named so."""
    return interval.kind is IntervalKind.DISK and interval.usd_per_hour is None and seen.tracked.kind != VOLUME


def told(seen: Seen, own: Sequence[Interval]) -> TrackedResource:
    """Return a resource with what its own intervals add up to."""
    paid_for = not seen.sighting.billed and not (seen.tracked.kind == VOLUME and _disks_unpriced(seen))
    rate = burn(seen) if seen.sighting.compute_per_hour is not None or paid_for else None
    return replace(
        seen.tracked,
        usd_per_hour=rate,
        accumulated=ledger.accumulated(own),
        unpriced_seconds=ledger.unpriced_seconds(own),
    )


def account_of(pages: Pages, now: datetime) -> Account:
    """Return one resource's past in states and dollars."""
    own, tracked = pages.intervals, pages.seen.tracked
    by_run: dict[str, Decimal] = {}
    for run, part, sharing in ledger.split_by_run(own, pages.spans):
        by_run[run] = by_run.get(run, _ZERO) + part.usd / sharing
    return Account(
        first_seen_at=tracked.first_seen_at,
        last_seen_at=tracked.last_seen_at,
        stretches=timeline(pages.states, own, now, disks_priced=not _disks_unpriced(pages.seen)),
        today=ledger.accumulated(ledger.clip(own, ledger.day_of(now)[0], now)),
        month=ledger.accumulated(ledger.clip(own, ledger.month_of(now)[0], now)),
        total=ledger.accumulated(own),
        unpriced_seconds=ledger.unpriced_seconds(one for one in own if one.kind is IntervalKind.COMPUTE),
        project=tracked.project,
        by_run=tuple(ledger.dearest_first(by_run).items()),
    )


def burn(seen: Seen) -> Decimal:
    """Return what it costs per hour now, as far as that is known."""
    compute = seen.sighting.compute_per_hour if seen.sighting.billed else None
    disks = seen.sighting.disk_per_hour if seen.sighting.exists else None
    return (compute or _ZERO) + (disks or _ZERO)


def in_cents(summary: CostSummary) -> object:
    """Return what a person would see change."""
    amounts = (summary.burn_per_hour, summary.today, summary.month, summary.forecast)
    return (
        [amount.quantize(CENT) for amount in amounts],
        summary.budget,
        [(one.project, one.budget, one.spent.quantize(CENT), one.forecast.quantize(CENT)) for one in summary.projects],
        summary.excluded,
        summary.running,
        summary.balance,
        summary.billed,
        summary.known,
        summary.unread,
    )
