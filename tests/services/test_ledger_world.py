"""A ledger and the worlds of the sandbox: what a former one had costs no longer, and is said to be left out."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.resource import Market
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.store import Store
from runctl_tui.services.tracker import ResourceTracker
from tests.fakes import START, FakeClock, a_price, an_instance

HERE = an_instance(9, id="local", provider="local", market=Market.LOCAL, launched_at=None, disks=())
FORMER = "$3.00 of a former sandbox world"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    store = Store(tmp_path, clock)
    yield store
    store.close()
    store.join()


def looked(clock: FakeClock, *machines: Instance) -> Snapshot[tuple[FleetRow, ...]]:
    prices = {"fake": "1", "local": "0"}
    rows = tuple(
        FleetRow(one, Known(a_price(prices[one.provider]), START, "test"), Decimal(0), None) for one in machines
    )
    return Snapshot(rows, clock.now(), ("fake/us-east-1", "local"))


async def test_what_a_former_world_had_costs_no_longer_and_is_said(store: Store, clock: FakeClock) -> None:
    tracker = ResourceTracker(store, clock)
    await tracker.enter_world("one")
    await tracker.observe(looked(clock, an_instance(), HERE))
    clock.advance(3600)
    await tracker.observe(looked(clock, an_instance(), HERE))
    assert ((await tracker.now()).month, (await tracker.now()).excluded) == (Decimal(3), ())

    clock.advance(3600)
    tracker = ResourceTracker(store, clock)
    await tracker.enter_world("two")
    summary = await tracker.now()
    assert (summary.month, summary.burn_per_hour, summary.running) == (Decimal(0), Decimal(0), 1)
    assert summary.excluded == (FORMER,)
    assert [one.id for one in await tracker.resources()] == ["local"]

    again = ResourceTracker(store, clock)
    await again.enter_world("two")
    assert (await again.now()).excluded == (FORMER,)
    clock.advance(31 * 86400)
    assert (await again.now()).excluded == ()


async def test_the_same_world_keeps_its_money(store: Store, clock: FakeClock) -> None:
    for _ in range(2):
        tracker = ResourceTracker(store, clock)
        await tracker.enter_world("one")
        await tracker.observe(looked(clock, an_instance()))
    assert (await tracker.now()).month == Decimal(2)
    assert (await tracker.now()).excluded == ()
