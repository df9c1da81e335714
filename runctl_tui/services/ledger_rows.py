"""The ledger's rows: sightings in, intervals and resources out; each function works inside a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from runctl_tui.domain.cost import TrackedResource
from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.history import StateChange
from runctl_tui.domain.ledger import Interval, IntervalKind, RunSpan, Sighting, advance, changed_at
from runctl_tui.domain.money import HOURS_PER_MONTH
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.volume import VOLUME, Volume
from runctl_tui.services.ledger_ends import with_ends
from runctl_tui.services.store import from_micros, to_micros

INSTANCE: Final = "instance"
_VOLUME_PLACE: Final = "ledger.volumes "
"""What stands before a place among the kept things."""
_RATES: Final[dict[IntervalKind, Callable[[Sighting], Decimal | None]]] = {
    IntervalKind.COMPUTE: lambda sighting: sighting.compute_per_hour,
    IntervalKind.DISK: lambda sighting: sighting.disk_per_hour,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One resource with the sighting that its row ends at."""

    key: str
    tracked: TrackedResource
    type: str
    has_disks: bool
    sighting: Sighting
    profile: str = ""
    """Whose account it was seen in; another profile's look says nothing about it."""


def seen_in(row: FleetRow, at: datetime, profile: str = "") -> Seen:
    """Return what a line of the fleet proves about money."""
    machine = row.instance
    price = row.price.value.usd_per_hour if isinstance(row.price, Known) else None
    disks = _disks_per_hour(row)
    tracked = TrackedResource(
        id=machine.id,
        kind=INSTANCE,
        provider=machine.provider,
        region=machine.region,
        name=machine.name,
        state=machine.state,
        project=machine.project,
        run=row.runs[0].id if row.runs else "",
        usd_per_hour=price,
        accumulated=Decimal(0),
        unpriced_seconds=0.0,
        first_seen_at=at,
        last_seen_at=at,
        tags=machine.tags,
        type=machine.type,
    )
    sighting = Sighting(
        row.key,
        at,
        machine.state,
        price,
        disks,
        machine.launched_at,
        machine.created_at,
        machine.stopped_at,
    )
    return Seen(row.key, tracked, machine.type, bool(machine.disks), sighting, profile)


def _disks_per_hour(row: FleetRow) -> Decimal | None:
    if row.disks_per_month is not None:
        return row.disks_per_month / HOURS_PER_MONTH
    return None if row.instance.disks else Decimal(0)


def volume_in(volume: Volume, at: datetime, profile: str = "") -> Seen:
    """Return what a volume that costs by itself proves about money: it has no compute, and costs while it exists."""
    month = volume.usd_per_month
    rate = month.value / HOURS_PER_MONTH if isinstance(month, Known) else None
    tracked = TrackedResource(
        id=volume.id,
        kind=VOLUME,
        provider=volume.provider,
        region=volume.region,
        name=volume.name,
        state=ResourceState.STOPPED,
        project=volume.project,
        run="",
        usd_per_hour=rate,
        accumulated=Decimal(0),
        unpriced_seconds=0.0,
        first_seen_at=at,
        last_seen_at=at,
        tags=volume.tags,
        type=volume.shape.type,
    )
    sighting = Sighting(volume.key, at, ResourceState.STOPPED, None, rate, created_at=volume.created_at)
    return Seen(volume.key, tracked, volume.shape.type, True, sighting, profile)


def record(connection: sqlite3.Connection, seen: Seen, looked: datetime | None = None) -> None:
    """Write one sighting and what the time since the last one cost.

    `looked` is the last look that saw it as it was; what does not change is not written at every look.
    """
    found = find(connection, seen.key)
    before, current = found.sighting if found else None, seen.sighting
    if before is not None:
        certain, current = with_ends(connection, before, current, looked)
        _add_all(connection, advance(before, certain)[1])
        before = certain
    anchor, intervals = advance(before, current)
    _add_all(connection, intervals)
    _price_the_past(connection, before, current)
    since = changed_at(before, anchor)
    if since is not None:
        values = (seen.key, to_micros(since), seen.tracked.state.value)
        connection.execute("INSERT INTO states VALUES (?, ?, ?)", values)
    first = found.tracked.first_seen_at if found else seen.tracked.first_seen_at
    _save(connection, replace(seen, sighting=anchor, tracked=replace(seen.tracked, first_seen_at=first)))


def find(connection: sqlite3.Connection, key: str) -> Seen | None:
    """Return a resource as it was last seen."""
    row = connection.execute("SELECT * FROM resources WHERE key = ?", (key,)).fetchone()
    return _seen(row) if row else None


def everything(connection: sqlite3.Connection) -> list[Seen]:
    """Return all resources as they were last seen."""
    return [_seen(row) for row in connection.execute("SELECT * FROM resources ORDER BY key")]


def existing(connection: sqlite3.Connection, kind: str) -> set[str]:
    """Return the keys of what is not gone of one kind."""
    gone = (ResourceState.TERMINATING.value, ResourceState.TERMINATED.value)
    rows = connection.execute("SELECT key FROM resources WHERE kind = ? AND state NOT IN (?, ?)", (kind, *gone))
    return {row["key"] for row in rows}


def places(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the 'provider/region's in which something was there when they were looked at last."""
    gone = (ResourceState.TERMINATING.value, ResourceState.TERMINATED.value)
    query = "SELECT DISTINCT provider, region FROM resources WHERE state NOT IN (?, ?)"
    return frozenset(f"{row['provider']}/{row['region']}" for row in connection.execute(query, gone))


def volume_places(connection: sqlite3.Connection) -> set[str]:
    """Return the providers and 'provider/region's whose volumes were all seen at some time."""
    rows = connection.execute("SELECT name FROM kept WHERE name LIKE ?", (f"{_VOLUME_PLACE}%",))
    return {row["name"].removeprefix(_VOLUME_PLACE) for row in rows}


def save_volume_places(connection: sqlite3.Connection, places: Iterable[str]) -> None:
    """Write where all volumes were seen."""
    rows = [(f"{_VOLUME_PLACE}{place}", "true") for place in places]
    connection.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?)", rows)


def forget_volume_places(connection: sqlite3.Connection) -> None:
    """Take no volume for seen any more, because the world is another."""
    connection.execute("DELETE FROM kept WHERE name LIKE ?", (f"{_VOLUME_PLACE}%",))


def intervals_since(connection: sqlite3.Connection, start: datetime | None = None) -> list[Interval]:
    """Return the intervals that reach into the time from `start` on."""
    rows = connection.execute("SELECT * FROM intervals WHERE end > ? ORDER BY id", (to_micros(start) if start else 0,))
    return [_interval(row) for row in rows]


def intervals_of(connection: sqlite3.Connection, key: str) -> list[Interval]:
    """Return all intervals of one resource."""
    return [_interval(row) for row in connection.execute("SELECT * FROM intervals WHERE resource = ?", (key,))]


def states_of(connection: sqlite3.Connection, key: str) -> list[StateChange]:
    """Return from when on one resource was in which state."""
    rows = connection.execute("SELECT at, state FROM states WHERE resource = ? ORDER BY at, rowid", (key,))
    return [StateChange(from_micros(row["at"]), ResourceState(row["state"])) for row in rows]


def begun(connection: sqlite3.Connection) -> datetime | None:
    """Return the start of the earliest interval; None where there is none."""
    return _moment(connection.execute("SELECT min(start) FROM intervals").fetchone()[0])


def spans(connection: sqlite3.Connection, key: str = "") -> list[RunSpan]:
    """Return when which run used which resource, or only this one."""
    rows = connection.execute("SELECT * FROM run_spans WHERE ? IN ('', resource) ORDER BY run", (key,))
    return [RunSpan(row["run"], row["resource"], from_micros(row["start"]), _moment(row["end"])) for row in rows]


def save_spans(connection: sqlite3.Connection, found: Iterable[RunSpan]) -> None:
    """Write when runs began and ended; a run that ended stays ended."""
    connection.executemany(
        "INSERT INTO run_spans VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET end = coalesce(excluded.end, end)",
        [(one.run, one.resource, to_micros(one.start), _micros(one.end)) for one in found],
    )


def forget(connection: sqlite3.Connection, key: str) -> bool:
    """Remove a resource with its money and history; False where there is none."""
    for table in ("intervals", "run_spans", "usage", "states"):
        connection.execute(f"DELETE FROM {table} WHERE resource = ?", (key,))
    return connection.execute("DELETE FROM resources WHERE key = ?", (key,)).rowcount > 0


def _add_all(connection: sqlite3.Connection, intervals: Iterable[Interval]) -> None:
    for interval in intervals:
        _add(connection, interval)


def _add(connection: sqlite3.Connection, interval: Interval) -> None:
    """Lengthen the last interval where this one continues it at the same price, else add it."""
    start, end, rate = to_micros(interval.start), to_micros(interval.end), _text(interval.usd_per_hour)
    longer = connection.execute(
        "UPDATE intervals SET end = ? WHERE id = (SELECT max(id) FROM intervals WHERE resource = ? AND kind = ?)"
        " AND end = ? AND rate IS ?",
        (end, interval.resource, interval.kind.value, start, rate),
    )
    if not longer.rowcount:
        connection.execute(
            "INSERT INTO intervals (resource, kind, start, end, rate) VALUES (?, ?, ?, ?, ?)",
            (interval.resource, interval.kind.value, start, end, rate),
        )


def _price_the_past(connection: sqlite3.Connection, before: Sighting | None, current: Sighting) -> None:
    """Give time that was billed before a price was known the first price that is known."""
    for kind, rate_of in _RATES.items():
        rate = rate_of(current)
        if rate is not None and (before is None or rate_of(before) is None):
            connection.execute(
                "UPDATE intervals SET rate = ? WHERE resource = ? AND kind = ? AND rate IS NULL",
                (_text(rate), current.resource, kind.value),
            )


def _save(connection: sqlite3.Connection, seen: Seen) -> None:
    tracked, sighting = seen.tracked, seen.sighting
    values = (
        seen.key, tracked.id, tracked.kind, tracked.provider, tracked.region, tracked.name, seen.type, tracked.project,
        tracked.run, tracked.state.value, json.dumps(tracked.tags), _text(sighting.compute_per_hour),
        _text(sighting.disk_per_hour), int(seen.has_disks), _micros(sighting.launched_at),
        _micros(sighting.created_at), to_micros(tracked.first_seen_at), to_micros(sighting.at),
        _micros(sighting.stopped_at), seen.profile,
    )  # fmt: skip
    connection.execute(f"INSERT OR REPLACE INTO resources VALUES ({', '.join('?' * len(values))})", values)


def _interval(row: sqlite3.Row) -> Interval:
    start, end = from_micros(row["start"]), from_micros(row["end"])
    return Interval(row["resource"], start, end, _decimal(row["rate"]), IntervalKind(row["kind"]))


def _seen(row: sqlite3.Row) -> Seen:
    state = ResourceState(row["state"])
    rate, at = _decimal(row["compute_rate"]), from_micros(row["last_seen"])
    moments = (_moment(row[name]) for name in ("launched_at", "created_at", "stopped_at"))
    sighting = Sighting(row["key"], at, state, rate, _decimal(row["disk_rate"]), *moments)
    tracked = TrackedResource(
        id=row["id"],
        kind=row["kind"],
        provider=row["provider"],
        region=row["region"],
        name=row["name"],
        state=state,
        project=row["project"],
        run=row["run"],
        usd_per_hour=rate,
        accumulated=Decimal(0),
        unpriced_seconds=0.0,
        first_seen_at=from_micros(row["first_seen"]),
        last_seen_at=at,
        tags=tuple((key, value) for key, value in json.loads(row["tags"])),
        type=row["type"],
    )
    return Seen(row["key"], tracked, row["type"], bool(row["has_disks"]), sighting, row["profile"])


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
