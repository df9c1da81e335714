"""Cost as the sum of priced intervals: what sightings prove, and what they add up to.

The tracker feeds sightings in and stores the intervals that come out; nothing here knows a clock or a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

from runctl_tui.domain.resource import BILLED_STATES, GONE, ResourceState

_SECONDS_PER_HOUR: Final = Decimal(3600)
_MICROSECOND: Final = timedelta(microseconds=1)
ZERO: Final = Decimal(0)


class IntervalKind(StrEnum):
    """What an interval was paid for."""

    COMPUTE = "compute"
    DISK = "disk"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time in which one resource cost one price."""

    resource: str
    start: datetime
    end: datetime
    usd_per_hour: Decimal | None
    """None: it was billed, and nobody knows at what price."""
    kind: IntervalKind = IntervalKind.COMPUTE

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("an interval must not end before it starts")
        if self.usd_per_hour is not None and self.usd_per_hour < 0:
            raise ValueError("a price must not be negative")

    @property
    def seconds(self) -> Decimal:
        """Its length, exact to the microsecond."""
        return Decimal((self.end - self.start) // _MICROSECOND) / 1_000_000

    @property
    def usd(self) -> Decimal:
        """What it cost; zero where the price is unknown, which `unpriced_seconds` counts apart."""
        return ZERO if self.usd_per_hour is None else self.usd_per_hour * self.seconds / _SECONDS_PER_HOUR

    def clipped(self, start: datetime, end: datetime) -> Interval | None:
        """Return the part inside [start, end), or None where there is none."""
        first, last = max(self.start, start), min(self.end, end)
        return replace(self, start=first, end=last) if first < last else None


@dataclass(frozen=True, slots=True)
class Sighting:
    """One resource as it was seen at one moment."""

    resource: str
    at: datetime
    state: ResourceState
    compute_per_hour: Decimal | None
    """While it runs; None: unknown."""
    disk_per_hour: Decimal | None = None
    """For its disks, running or not; None: unknown, zero: it has none that cost."""
    launched_at: datetime | None = None
    """Start of the present uptime, as the provider tells it."""
    created_at: datetime | None = None
    stopped_at: datetime | None = None
    """When it was stopped or ended, where the provider tells, or accepted our call."""

    @property
    def billed(self) -> bool:
        """Whether compute is charged; one that is stopping still pays unless it is known when it was told to."""
        if self.state is ResourceState.STOPPING and self.stopped_at is not None:
            return False
        return self.state in BILLED_STATES

    @property
    def exists(self) -> bool:
        """Whether its disks are charged; a machine on its way out no longer counts."""
        return self.state not in GONE

    def differs(self, other: Sighting) -> bool:
        """Return whether anything but the moment is another in what decides about money."""
        return replace(self, at=other.at, created_at=other.created_at) != other


@dataclass(frozen=True, slots=True)
class RunSpan:
    """When a run used a resource."""

    run: str
    resource: str
    start: datetime
    end: datetime | None
    """None: it has not ended."""


def advance(previous: Sighting | None, current: Sighting) -> tuple[Sighting, tuple[Interval, ...]]:
    """Return the sighting to go on from and what the time since the previous one cost.

    Where the clock went backwards nothing is billed until it has caught up, so that no time is paid twice.
    """
    if previous is None:
        return current, tuple(_first_seen(current))
    if current.at <= previous.at:
        return replace(current, at=previous.at), ()
    return current, (*_compute_between(previous, current), *_disks_between(previous, current))


def changed_at(previous: Sighting | None, current: Sighting) -> datetime | None:
    """Return since when a resource is in its state, as far as its provider tells; None where it still is in it."""
    if previous is not None and previous.state is current.state:
        return None
    told = current.launched_at if current.billed else current.stopped_at
    after = previous is None or (told is not None and told > previous.at and previous.billed is not current.billed)
    return told if after and told is not None and told < current.at else current.at


def restarted(previous: Sighting, current: Sighting) -> bool:
    """Return whether the present uptime began after the previous sighting's."""
    before, after = previous.launched_at, current.launched_at
    return before is not None and after is not None and after > before


def _first_seen(current: Sighting) -> Iterator[Interval]:
    began = current.launched_at
    if current.billed and began is not None and began < current.at:
        yield Interval(current.resource, began, current.at, current.compute_per_hour)
    existed = current.created_at or began
    if current.exists and current.disk_per_hour != ZERO and existed is not None and existed < current.at:
        yield Interval(current.resource, existed, current.at, current.disk_per_hour, IntervalKind.DISK)


def _compute_between(previous: Sighting, current: Sighting) -> Iterator[Interval]:
    """Yield the time for which it is certain to have run: an end that nobody told is the previous sighting."""
    again = restarted(previous, current)
    if not (previous.billed or current.billed or again):
        return
    end = current.at if current.billed else _ended(previous, current)
    before, after = previous.compute_per_hour, current.compute_per_hour
    if previous.billed and not again:
        began, rate = previous.at, after if before is None else before
    else:
        began, rate = max(previous.at, current.launched_at or current.at), after
    if began < end:
        yield Interval(current.resource, began, end, rate)


def _disks_between(previous: Sighting, current: Sighting) -> Iterator[Interval]:
    """Yield the time for which its disks are certain to have been there; a stop may change what they cost."""
    if not previous.exists:
        return
    before, after = previous.disk_per_hour, current.disk_per_hour
    before = after if before is None else before
    stopped = previous.billed and not current.billed and current.stopped_at is not None
    edge = current.at if current.exists and not stopped else max(previous.at, _ended(previous, current))
    if before != ZERO and previous.at < edge:
        yield Interval(current.resource, previous.at, edge, before, IntervalKind.DISK)
    if current.exists and after != ZERO and edge < current.at:
        yield Interval(current.resource, edge, current.at, after, IntervalKind.DISK)


def _ended(previous: Sighting, current: Sighting) -> datetime:
    """Return until when it went on as it was before: the told moment, or else the last at which it was seen so."""
    return previous.at if current.stopped_at is None else min(current.stopped_at, current.at)


def accumulated(intervals: Iterable[Interval]) -> Decimal:
    """Return the dollars of all priced intervals."""
    return sum((interval.usd for interval in intervals), ZERO)


def unpriced_seconds(intervals: Iterable[Interval]) -> float:
    """Return the billed seconds without a known price."""
    return float(sum((interval.seconds for interval in intervals if interval.usd_per_hour is None), ZERO))


def clip(intervals: Iterable[Interval], start: datetime, end: datetime) -> tuple[Interval, ...]:
    """Return the parts of the intervals inside [start, end)."""
    return tuple(part for interval in intervals if (part := interval.clipped(start, end)) is not None)


def day_of(moment: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of the UTC day that holds the moment."""
    start = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return start, start + timedelta(days=1)


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of the UTC month that holds the moment."""
    start = day_of(moment)[0].replace(day=1)
    return start, (start + timedelta(days=32)).replace(day=1)


def split_by_day(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Yield the intervals, each one over midnight (UTC) in its parts."""
    for interval in intervals:
        start = interval.start
        while start < interval.end:
            following = day_of(start)[1]
            yield replace(interval, start=start, end=min(following, interval.end))
            start = following


def by_label(intervals: Iterable[Interval], label: Mapping[str, str]) -> dict[str, Decimal]:
    """Return dollars per label of the resource (its project, type, provider), dearest first."""
    sums: dict[str, Decimal] = {}
    for interval in intervals:
        name = label.get(interval.resource, "")
        sums[name] = sums.get(name, ZERO) + interval.usd
    return dearest_first(sums)


def by_run(intervals: Iterable[Interval], spans: Sequence[RunSpan]) -> dict[str, Decimal]:
    """Return dollars per run, dearest first; runs that share a machine at the same time share its cost equally."""
    sums: dict[str, Decimal] = {}
    for run, part, sharing in split_by_run(intervals, spans):
        if run:
            sums[run] = sums.get(run, ZERO) + part.usd / sharing
    return dearest_first(sums)


def split_by_run(intervals: Iterable[Interval], spans: Sequence[RunSpan]) -> Iterator[tuple[str, Interval, int]]:
    """Yield (run, part of an interval, how many runs share that part); the run is empty where there was none."""
    of_resource: dict[str, list[RunSpan]] = {}
    for span in spans:
        of_resource.setdefault(span.resource, []).append(span)
    for interval in intervals:
        present = of_resource.get(interval.resource, [])
        edges = {interval.start, interval.end}
        for span in present:
            edges.update(edge for edge in (span.start, span.end) if edge and interval.start < edge < interval.end)
        for start, end in pairwise(sorted(edges)):
            part = replace(interval, start=start, end=end)
            sharing = [span.run for span in present if span.start <= start and (span.end is None or span.end >= end)]
            for run in sharing or [""]:
                yield run, part, max(1, len(sharing))


def dearest_first(sums: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return the same sums, dearest first, then by name."""
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def forecast(month_so_far: Decimal, burn_per_hour: Decimal, now: datetime) -> Decimal:
    """Return the month's sum at its end if the present burn goes on."""
    remaining = Decimal((month_of(now)[1] - now) // _MICROSECOND) / 1_000_000
    return month_so_far + burn_per_hour * remaining / _SECONDS_PER_HOUR
