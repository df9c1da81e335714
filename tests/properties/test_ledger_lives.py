"""What a life costs is its price times its length, however it was looked at, written down and priced."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.instance import Disk, Instance
from runctl_tui.domain.ledger import Interval, accumulated, unpriced_seconds
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services import ledger_rows
from runctl_tui.services.schema import MIGRATIONS
from runctl_tui.services.store import to_micros
from tests.fakes import a_price, an_instance

BEGIN = datetime(2026, 1, 31, 12, tzinfo=UTC)
COMPUTE, DISKS = Decimal(3600), Decimal(36)
"""Dollars per hour, so that a second costs a dollar, and its disks a cent."""
MONTH = DISKS * 730
DISK = Disk("vol-1", "/dev/sda1", 8, "gp3", True)
seconds = st.integers(1, 400_000)


@dataclass(frozen=True)
class Look:
    """When a machine was looked at, which of its prices were known, whether it would be written without a change."""

    after: int
    compute: bool
    disks: bool
    written: bool


looks = st.lists(st.builds(Look, seconds, st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=10)


def at(after: float) -> datetime:
    return BEGIN + timedelta(seconds=after)


def machine(created: int) -> Instance:
    return an_instance(launched_at=at(0), created_at=at(-created), disks=(DISK,))


def row(machine: Instance, look: Look) -> FleetRow:
    price = Known(a_price(str(COMPUTE)), BEGIN, "test") if look.compute else Unknown("not yet")
    return FleetRow(machine, price, MONTH if look.disks else None, None)


@contextmanager
def ledger() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        for script in MIGRATIONS:
            connection.executescript(script)
        yield connection


def live(connection: sqlite3.Connection, machine: Instance, many: Sequence[Look]) -> int:
    """Look at a machine, writing what changed and what is due; return after how many seconds the last look was."""
    ordered = sorted(many, key=lambda one: one.after)
    last: Look | None = None
    for look in ordered:
        changed = last is None or (last.compute, last.disks) != (look.compute, look.disks)
        if changed or look.written:
            seen = ledger_rows.seen_in(row(machine, look), at(look.after))
            ledger_rows.record(connection, seen, at(last.after) if last else None)
        last = look
    return ordered[-1].after


def accepted(connection: sqlite3.Connection, machine: Instance, after: float) -> None:
    """Write into the journal that a termination was sent and accepted."""
    about = ("op", Operation.TERMINATE.value, "instance", machine.key, *(["-"] * 7))
    micros = to_micros(at(after))
    connection.execute(f"INSERT INTO journal VALUES ({', '.join('?' * 14)})", (*about, "acked", micros, ""))
    for state in ("sent", "acked"):
        connection.execute("INSERT INTO journal_events VALUES (NULL, 'op', ?, ?, '')", (state, micros))


def intervals(connection: sqlite3.Connection) -> list[Interval]:
    return ledger_rows.intervals_since(connection)


@given(looks, seconds, st.integers(0, 1_000_000), st.integers(0, 100), st.sampled_from(["told", "ours", "seen"]))
def test_a_life_costs_its_price_times_its_length(
    many: list[Look], wait: int, created: int, early: int, how: str
) -> None:
    box = machine(created)
    with ledger() as connection:
        last = live(connection, box, many)
        end = last + max(0, wait - early)
        if how == "ours":
            accepted(connection, box, end)
        ended = replace(box, state=ResourceState.TERMINATED, stopped_at=at(end) if how == "told" else None)
        gone = row(ended, Look(0, compute=True, disks=True, written=True))
        ledger_rows.record(connection, ledger_rows.seen_in(gone, at(last + wait + 1)), at(last))
        found = intervals(connection)
    length = end if how != "seen" else last
    assert unpriced_seconds(found) == 0
    assert abs(accumulated(found) - (COMPUTE * length + DISKS * (length + created)) / 3600) < Decimal("1e-6")


@given(looks, seconds, st.integers(0, 1_000_000))
def test_it_does_not_matter_when_its_prices_become_known(many: list[Look], wait: int, created: int) -> None:
    sums = []
    for known in (many, [replace(one, compute=True, disks=True) for one in many]):
        with ledger() as connection:
            last = max(one.after for one in known)
            live(connection, machine(created), [*known, Look(last + wait, compute=True, disks=True, written=True)])
            sums.append((accumulated(intervals(connection)), unpriced_seconds(intervals(connection))))
    assert abs(sums[0][0] - sums[1][0]) < Decimal("1e-6")
    assert sums[0][1] == sums[1][1] == 0


@given(looks, st.integers(0, 1_000_000))
def test_time_without_a_price_is_counted_and_never_lost(many: list[Look], created: int) -> None:
    dark = [replace(one, compute=False, disks=False) for one in many]
    with ledger() as connection:
        last = live(connection, machine(created), [*dark, Look(400_001, compute=False, disks=False, written=True)])
        found = intervals(connection)
    assert accumulated(found) == 0
    assert unpriced_seconds(found) == last + last + created
