"""Small steps between fleet rows, ledger rows and figures; the tracker's own arithmetic, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from runctl_tui.domain import ledger
from runctl_tui.domain.cost import CostSummary, TrackedResource
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.ledger import Interval, IntervalKind, RunSpan
from runctl_tui.domain.money import CENT
from runctl_tui.domain.resource import BILLED_STATES, ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.ledger_rows import Seen

CARRY_ON: Final = timedelta(minutes=2)
"""How long a running resource counts as running after it was last seen."""
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger as read at one moment, running resources carried on to now."""

    now: datetime
    seen: tuple[Seen, ...]
    intervals: tuple[Interval, ...]
    spans: tuple[RunSpan, ...] = ()

    def since(self, start: datetime) -> tuple[Interval, ...]:
        """Return what was paid from a moment on."""
        return ledger.clip(self.intervals, start, self.now)

    def of_each(self) -> dict[str, list[Interval]]:
        """Return the intervals of each resource, by its key."""
        found: dict[str, list[Interval]] = {one.key: [] for one in self.seen}
        for interval in self.intervals:
            found.setdefault(interval.resource, []).append(interval)
        return found


def fingerprint(rows: list[FleetRow]) -> object:
    """Return what must change before an observation is worth writing at once."""
    return tuple(
        (row.key, row.instance.state, row.instance.launched_at, row.price, row.disks_per_month, tuple(run_spans(row)))
        for row in rows
    )


def run_spans(row: FleetRow) -> list[RunSpan]:
    """Return when the runs of a line began and ended."""
    return [RunSpan(one.id, row.key, one.started_at, one.ended_at) for one in row.runs if one.started_at is not None]


def looked_at(tracked: TrackedResource, snapshot: Snapshot[tuple[FleetRow, ...]]) -> bool:
    """Return whether an absent resource would have been seen; a region that did not answer proves nothing."""
    names = {tracked.provider, f"{tracked.provider}/{tracked.region}"}
    if not names & set(snapshot.scope):
        return False
    concerned = names | {tracked.region, ""}
    return not any(problem.scope in concerned for problem in snapshot.missing)


def gone(seen: Seen, now: datetime) -> Seen:
    """Return the same resource, no longer there."""
    return again(seen, ResourceState.TERMINATED, now)


def again(seen: Seen, state: ResourceState, at: datetime) -> Seen:
    """Return the same resource, seen again in a state."""
    launched = seen.sighting.launched_at
    if state in BILLED_STATES and not seen.sighting.billed:
        launched = at
    sighting = replace(seen.sighting, at=at, state=state, launched_at=launched, stopped_at=None)
    return replace(seen, tracked=replace(seen.tracked, state=state, last_seen_at=at), sighting=sighting)


def registered(resource: TrackedResource, now: datetime) -> Seen:
    """Return a resource that a caller registers, as if it were launched now."""
    key = f"{resource.provider}/{resource.id}"
    sighting = ledger.Sighting(key, now, resource.state, resource.usd_per_hour, launched_at=now, created_at=now)
    known = replace(resource, first_seen_at=now, last_seen_at=now)
    return Seen(key, known, "", False, sighting)


def carried_on(seen: Seen, now: datetime) -> list[Interval]:
    """Return what a resource costs since it was last seen, for as long as that may be believed."""
    until = min(now, seen.sighting.at + CARRY_ON)
    if until <= seen.sighting.at:
        return []
    return list(ledger.advance(seen.sighting, replace(seen.sighting, at=until))[1])


def told(seen: Seen, own: Sequence[Interval]) -> TrackedResource:
    """Return a resource with what its own intervals add up to."""
    compute = [one for one in own if one.kind is IntervalKind.COMPUTE]
    rate = burn(seen) if seen.sighting.compute_per_hour is not None or not seen.sighting.billed else None
    return replace(
        seen.tracked,
        usd_per_hour=rate,
        accumulated=ledger.accumulated(own),
        unpriced_seconds=ledger.unpriced_seconds(compute),
    )


def burn(seen: Seen) -> Decimal:
    """Return what it costs per hour now, as far as that is known."""
    compute = seen.sighting.compute_per_hour if seen.sighting.billed else None
    disks = seen.sighting.disk_per_hour if seen.sighting.exists else None
    return (compute or _ZERO) + (disks or _ZERO)


def label(seen: Seen, dimension: str) -> str:
    """Return what a resource counts under."""
    return {"project": seen.tracked.project, "type": seen.type, "provider": seen.tracked.provider}[dimension]


def in_cents(summary: CostSummary) -> object:
    """Return what a person would see change."""
    amounts = (summary.burn_per_hour, summary.today, summary.month, summary.forecast)
    return [amount.quantize(CENT) for amount in amounts], summary.budget, summary.excluded, summary.running
