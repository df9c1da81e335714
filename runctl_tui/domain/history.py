"""One machine's past: in which state it was at which price, what that cost, and what was done to it; pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from runctl_tui.domain.ledger import ZERO, Interval, IntervalKind
from runctl_tui.domain.resource import BILLED_STATES, ResourceState

if TYPE_CHECKING:
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.run import ResourceUsage


@dataclass(frozen=True, slots=True)
class StateChange:
    """From when on a resource was in a state."""

    at: datetime
    state: ResourceState


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time in one state at one price."""

    start: datetime
    end: datetime
    state: ResourceState | None
    """None: from before it was first seen."""
    usd_per_hour: Decimal | None
    """Machine and disks together; None: nobody knows."""
    usd: Decimal
    """Of what is priced."""
    counted: bool = True
    """False: it may have been billed, but nobody saw when, so that nothing is counted."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done to a machine, or tried."""

    at: datetime
    verb: str
    effect: str
    who: str
    result: str
    ok: bool | None
    """None: it is under way, or nobody knows."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger knows of one resource."""

    first_seen_at: datetime
    last_seen_at: datetime
    stretches: tuple[Stretch, ...]
    """Newest first."""
    today: Decimal
    month: Decimal
    total: Decimal
    unpriced_seconds: float
    """Billed time without a known price; in no sum."""
    project: str
    by_run: tuple[tuple[str, Decimal], ...]
    """Dollars per run, dearest first; an empty name: while no run was on it."""


@dataclass(frozen=True, slots=True)
class History:
    """One machine's past."""

    key: str
    account: Fact[Account]
    deeds: tuple[Deed, ...]
    """Newest first."""
    usage: tuple[ResourceUsage, ...] = ()
    """What its host was doing, oldest first."""


def timeline(
    changes: Sequence[StateChange], intervals: Sequence[Interval], now: datetime, disks_priced: bool = True
) -> tuple[Stretch, ...]:
    """Return a resource's stretches, newest first; one ends where the state or a price changes.

    `disks_priced` tells whether time without an interval for disks means that they cost nothing.
    """
    ordered = sorted(changes, key=lambda change: change.at)
    paid = {kind: _Line([one for one in intervals if one.kind is kind]) for kind in IntervalKind}
    moments = {now, *(change.at for change in ordered)}
    moments.update(edge for one in intervals for edge in (one.start, one.end))
    starts = [change.at for change in ordered]
    found: list[Stretch] = []
    for start, end in pairwise(sorted(moment for moment in moments if moment <= now)):
        place = bisect_right(starts, start)
        state = ordered[place - 1].state if place else None
        parts = [paid[kind].over(start, end) for kind in IntervalKind]
        _join(found, _stretch(start, end, state, parts, disks_priced))
    return tuple(reversed(found))


def _stretch(
    start: datetime, end: datetime, state: ResourceState | None, parts: Sequence[Interval | None], disks_priced: bool
) -> Stretch:
    compute, disks = parts
    paid = [part for part in parts if part is not None]
    counted = compute is not None or state not in BILLED_STATES - {ResourceState.STOPPING}
    known = counted and all(part.usd_per_hour is not None for part in paid) and (disks is not None or disks_priced)
    rate = sum((part.usd_per_hour or ZERO for part in paid), ZERO) if known else None
    return Stretch(start, end, state, rate, sum((part.usd for part in paid), ZERO), counted)


def _join(found: list[Stretch], fresh: Stretch) -> None:
    """Lengthen the last stretch where nothing but the time differs."""
    last = found[-1] if found else None
    if last is not None and replace(fresh, start=last.start, end=last.end, usd=last.usd) == last:
        found[-1] = replace(last, end=fresh.end, usd=last.usd + fresh.usd)
    else:
        found.append(fresh)


class _Line:
    """Intervals of one kind, which never overlap, in their order."""

    def __init__(self, intervals: Sequence[Interval]) -> None:
        self._intervals = sorted(intervals, key=lambda one: one.start)
        self._starts = [one.start for one in self._intervals]

    def over(self, start: datetime, end: datetime) -> Interval | None:
        """Return the part of an interval between two neighbouring edges."""
        place = bisect_right(self._starts, start)
        return self._intervals[place - 1].clipped(start, end) if place else None
