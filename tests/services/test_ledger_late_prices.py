"""Prices that become known late price the whole past, of machines, their disks and volumes, in whatever order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.instance import TAG_OWNER, Disk, Instance
from runctl_tui.domain.money import Price
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.volume import Volume, VolumeShape, VolumeState
from runctl_tui.services import schema
from runctl_tui.services.store import FILE_NAME, Store
from runctl_tui.services.tracker import ResourceTracker
from tests.fakes import START, FakeClock, a_price, an_instance

HOUR = timedelta(hours=1)
SILENT: Unknown = Unknown("the price list has not answered yet")
CENT = Decimal("0.01")
MONTH = Decimal("7.30")
"""One cent per hour."""
SCOPE = ("fake/us-east-1", "fake/us-west-2")
WEST = Problem("timeout", "us-west-2 did not answer", scope="fake/us-west-2")
DATASETS = Volume(
    id="vol-1",
    provider="fake",
    region="us-west-2",
    zone="us-west-2b",
    name="datasets",
    state=VolumeState.AVAILABLE,
    shape=VolumeShape("gp3", 100),
    usd_per_month=Known(MONTH, START, "table"),
    last_snapshot=Known(None, START, "table"),
    created_at=START - 100 * HOUR,
    tags=((TAG_OWNER, "me"),),
    owner_label="me",
)
BOX = an_instance(
    launched_at=START - 2 * HOUR, created_at=START - 10 * HOUR, disks=(Disk("vol-2", "/dev/sda1", 100, "gp3", True),)
)
WHOLE = 100 * CENT
"""What the volume cost before the first look."""


class Ledger:
    """A ledger that looks at one machine and some volumes."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.clock = clock
        self.store = Store(folder, clock)
        self.tracker = ResourceTracker(self.store, clock)

    async def machine(self, machine: Instance, price: bool = True, disks: bool = True) -> None:
        told: Fact[Price] = Known(a_price("2"), START, "test") if price else SILENT
        row = FleetRow(machine, told, MONTH if disks else None, None)
        await self.tracker.observe(Snapshot((row,), self.clock.now(), SCOPE))

    async def volumes(self, *volumes: Volume, missing: tuple[Problem, ...] = ()) -> None:
        await self.tracker.observe_volumes(Snapshot(volumes, self.clock.now(), SCOPE, missing))

    async def sums(self) -> tuple[float, float]:
        """Return the dollars of the only resource, and its seconds without a price."""
        (one,) = await self.tracker.resources()
        return float(one.accumulated), one.unpriced_seconds

    def close(self) -> None:
        self.store.close()
        self.store.join()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path, FakeClock())
    yield ledger
    ledger.close()


def unpriced(volume: Volume = DATASETS) -> Volume:
    return replace(volume, usd_per_month=SILENT)


async def test_a_volume_whose_price_came_late_costs_since_it_was_made(ledger: Ledger) -> None:
    await ledger.volumes(unpriced())
    assert await ledger.sums() == (0.0, 100 * 3600)
    ledger.clock.advance(3)
    await ledger.volumes(unpriced())
    ledger.clock.advance(3597)
    await ledger.volumes(DATASETS)
    assert await ledger.sums() == (1.01, 0)
    assert (await ledger.tracker.now()).excluded == ()


async def test_disks_of_a_machine_whose_price_came_late_cost_since_it_was_made(ledger: Ledger) -> None:
    await ledger.machine(BOX, price=False, disks=False)
    assert await ledger.sums() == (0.0, 2 * 3600), "the machine's own hours, and not its disks' too"
    ledger.clock.advance(3600)
    await ledger.machine(BOX, price=False)
    assert await ledger.tracker.total_cost() == 11 * CENT
    ledger.clock.advance(3600)
    await ledger.machine(BOX)
    assert await ledger.sums() == (8.12, 0)


async def test_disks_without_a_price_are_unknown_in_the_past_of_their_machine(ledger: Ledger) -> None:
    await ledger.machine(BOX, disks=False)
    known = await ledger.tracker.account(BOX.key)
    assert isinstance(known, Known)
    assert [one.usd_per_hour for one in known.value.stretches] == [None, None]
    assert (float(known.value.total), known.value.unpriced_seconds) == (4.0, 0.0)
    assert (await ledger.tracker.now()).excluded == ("disks of 1 machine",)


async def test_a_machine_without_disks_has_none_of_unknown_price(ledger: Ledger) -> None:
    await ledger.machine(replace(BOX, disks=()), disks=False)
    known = await ledger.tracker.account(BOX.key)
    assert isinstance(known, Known)
    assert known.value.stretches[0].usd_per_hour == 2


async def test_a_price_that_comes_when_a_machine_has_gone_prices_its_life(ledger: Ledger) -> None:
    await ledger.machine(BOX, price=False, disks=False)
    ledger.clock.advance(3600)
    ended = replace(BOX, state=ResourceState.TERMINATED, stopped_at=START + HOUR / 2)
    await ledger.machine(ended, price=False, disks=False)
    await ledger.machine(ended)
    assert await ledger.tracker.total_cost() == 5 + Decimal("10.5") * CENT


async def test_the_past_of_volumes_counts_from_the_first_look_at_their_region_that_was_answered(ledger: Ledger) -> None:
    await ledger.machine(replace(BOX, disks=(), launched_at=None, created_at=None))
    ledger.clock.advance(1800)
    await ledger.volumes(missing=(WEST,))
    ledger.clock.advance(1800)
    await ledger.volumes(DATASETS)
    before = await ledger.tracker.get_by_id(DATASETS.id)
    assert before.accumulated == WHOLE + CENT, "however old the ledger is, nobody had been told of it before"
    ledger.clock.advance(3600)
    other = replace(DATASETS, id="vol-3")
    await ledger.volumes(DATASETS, other)
    assert (await ledger.tracker.get_by_id("vol-3")).accumulated == 0, "it may have been a machine's until now"


async def test_a_new_world_has_a_past_of_its_own(ledger: Ledger) -> None:
    await ledger.tracker.enter_world("one")
    await ledger.machine(an_instance(9, id="local", provider="local", disks=()))
    await ledger.volumes(DATASETS)
    ledger.clock.advance(3600)
    await ledger.tracker.enter_world("two")
    await ledger.volumes(replace(DATASETS, id="vol-3"))
    assert (await ledger.tracker.get_by_id("vol-3")).accumulated == WHOLE + CENT


async def test_a_ledger_of_an_earlier_version_keeps_what_had_no_price(tmp_path: Path) -> None:
    values = "'fake', 'us-west-2', 'datasets', 'gp3', '', '', 'stopped', '[]', NULL, NULL, 1, NULL"
    micros = [int(one.timestamp()) * 1_000_000 for one in (START - 100 * HOUR, START - HOUR, START)]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        for script in schema.MIGRATIONS[:2]:
            connection.executescript(script)
        places = ", ".join(map(str, micros))
        connection.execute(f"INSERT INTO resources VALUES ('fake/vol-1', 'vol-1', 'volume', {values}, {places})")
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    ledger = Ledger(tmp_path, FakeClock())
    try:
        (one,) = await ledger.tracker.resources()
        assert one.unpriced_seconds == 100 * 3600
        ledger.clock.advance(3600)
        await ledger.volumes(DATASETS, replace(DATASETS, id="vol-3"))
        assert await ledger.tracker.total_cost() == WHOLE + CENT, "its regions were looked at before"
    finally:
        ledger.close()
