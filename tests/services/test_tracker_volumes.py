"""Network volumes in the ledger: they cost while they exist, mounted or not, and are counted once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.instance import TAG_OWNER, TAG_PROJECT
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.volume import Volume, VolumeShape, VolumeState
from runctl_tui.services import ledger_writes
from runctl_tui.services.store import Store
from runctl_tui.services.tracker import CHUNK, ResourceTracker
from tests.fakes import START, FakeClock

MONTH = Decimal("7.30")
"""One cent per hour."""
CENT = Decimal("0.01")
DATA = Volume(
    id="nv1",
    provider="runpod",
    region="EU-RO-1",
    zone="EU-RO-1",
    name="data",
    state=VolumeState.AVAILABLE,
    shape=VolumeShape("network", 100),
    usd_per_month=Known(MONTH, START, "table"),
    last_snapshot=Known(None, START, "table"),
    tags=((TAG_OWNER, "me"), (TAG_PROJECT, "vision")),
    owner_label="me",
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tracker(tmp_path: Path, clock: FakeClock) -> Iterator[ResourceTracker]:
    store = Store(tmp_path, clock)
    yield ResourceTracker(store, clock)
    store.close()
    store.join()


def looked(clock: FakeClock, *volumes: Volume, missing: tuple[Problem, ...] = ()) -> Snapshot[tuple[Volume, ...]]:
    return Snapshot(volumes, clock.now(), ("runpod",), missing)


async def test_a_volume_costs_by_the_hour_while_it_exists(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe_volumes(looked(clock, DATA))
    clock.advance(10 * 3600)
    await tracker.observe_volumes(looked(clock, DATA))
    summary = await tracker.now()
    assert summary.burn_per_hour == CENT
    assert summary.month == 10 * CENT
    assert (summary.running, summary.excluded) == (0, ())
    (one,) = await tracker.resources()
    assert (one.kind, one.name, one.project, one.usd_per_hour) == ("volume", "data", "vision", CENT)
    assert await tracker.by("provider") == (("runpod", "0.10"),)
    assert await tracker.by("type") == (("network", "0.10"),)
    assert await tracker.by("project") == (("vision", "0.10"),)


async def test_what_it_cost_before_it_was_first_seen_counts(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe_volumes(looked(clock, replace(DATA, created_at=START - timedelta(hours=5))))
    assert await tracker.total_cost() == 5 * CENT


async def test_a_volume_that_is_gone_costs_no_longer(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe_volumes(looked(clock, DATA))
    clock.advance(3600)
    await tracker.observe_volumes(looked(clock, DATA))
    await tracker.observe_volumes(looked(clock))
    clock.advance(3600)
    await tracker.observe_volumes(looked(clock))
    assert (await tracker.now()).burn_per_hour == 0
    (one,) = await tracker.resources()
    assert (one.state, one.accumulated) == (ResourceState.TERMINATED, CENT)


async def test_the_past_of_an_unattached_volume_counts_for_a_ledger_that_has_just_begun_only(
    tracker: ResourceTracker, clock: FakeClock
) -> None:
    plain = replace(DATA, shape=VolumeShape("gp3", 100), created_at=START - timedelta(hours=5))
    await tracker.observe_volumes(looked(clock, plain))
    assert await tracker.total_cost() == 5 * CENT
    clock.advance(3600)
    later = replace(plain, id="vol-later", created_at=START - timedelta(hours=50))
    await tracker.observe_volumes(looked(clock, plain, later))
    assert await tracker.total_cost() == 6 * CENT, "it may have been a machine's until now"
    network = replace(DATA, id="nv-later", created_at=clock.now() - timedelta(hours=2))
    await tracker.observe_volumes(looked(clock, plain, later, network))
    assert await tracker.total_cost() == 8 * CENT


async def test_time_on_a_machine_is_not_counted_here(tracker: ResourceTracker, clock: FakeClock) -> None:
    for there in (True, True, False, False, True, True):
        clock.advance(3600)
        await tracker.observe_volumes(looked(clock, *([DATA] if there else [])))
    assert await tracker.total_cost() == 2 * CENT


async def test_a_silent_provider_ends_nothing_and_is_named(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe_volumes(looked(clock, DATA))
    silent = Problem("timeout", "RunPod's network volumes could not be listed", scope="runpod")
    clock.advance(61)
    await tracker.observe_volumes(looked(clock, missing=(silent,)))
    summary = await tracker.now()
    assert summary.burn_per_hour == CENT
    assert "some volumes" in summary.excluded


async def test_growth_costs_more_from_then_on(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe_volumes(looked(clock, DATA))
    clock.advance(3600)
    grown = replace(DATA, shape=VolumeShape("network", 200), usd_per_month=Known(2 * MONTH, START, "table"))
    await tracker.observe_volumes(looked(clock, grown))
    clock.advance(3600)
    await tracker.observe_volumes(looked(clock, grown))
    assert (await tracker.now()).month == 3 * CENT


async def test_a_volume_without_a_price_is_unknown_and_never_free(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe_volumes(looked(clock, replace(DATA, usd_per_month=Unknown("not published"))))
    clock.advance(3600)
    assert (await tracker.now()).excluded == ("1 unpriced volume",)
    await tracker.observe_volumes(looked(clock, replace(DATA, usd_per_month=Unknown("not published"))))
    (one,) = await tracker.resources()
    assert (one.usd_per_hour, one.unpriced_seconds) == (None, 3600)
    report = await tracker.report("type")
    assert [(share.name, share.usd, share.unpriced_seconds) for share in report.shares] == [
        ("network", Decimal(0), 3600.0)
    ]
    assert report.unpriced == ("data (network)",)
    await tracker.observe_volumes(looked(clock))
    clock.advance(3600)
    assert (await tracker.report("type")).shares[0].unpriced_seconds == 3600, "it is gone, and its cost stays unknown"


async def test_what_is_foreign_is_said_and_not_counted(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe_volumes(looked(clock, replace(DATA, tags=())))
    assert await tracker.resources() == ()
    assert (await tracker.now()).excluded == ("1 foreign",)


async def test_an_unchanged_volume_is_written_once_a_minute(
    tracker: ResourceTracker, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = ledger_writes.write_volumes

    def counted(*arguments: Any, **more: Any) -> None:
        written.append(1)
        write(*arguments, **more)

    monkeypatch.setattr(ledger_writes, "write_volumes", counted)
    for _ in range(4):
        at = replace(DATA, usd_per_month=Known(MONTH, clock.now(), "table"))
        await tracker.observe_volumes(looked(clock, at))
        clock.advance(19)
    assert len(written) == 1
    await tracker.observe_volumes(looked(clock, DATA))
    assert len(written) == 2


async def test_many_volumes_are_compared_and_written_apart_from_the_event_loop_and_in_parts(
    tracker: ResourceTracker, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()
    sizes: list[int] = []
    write = ledger_writes.write_volumes

    def measured(connection: Any, volumes: Any, **more: Any) -> None:
        sizes.append(len(volumes))
        write(connection, volumes, **more)

    monkeypatch.setattr(ledger_writes, "write_volumes", measured)
    many = [replace(DATA, id=f"nv{number}") for number in range(CHUNK + 1)]
    await tracker.observe_volumes(looked(clock, *many))
    assert sizes == [CHUNK, 1]
    monkeypatch.setattr(tracker._volumes, "fingerprint", lambda one: threads.add(threading.get_ident()))
    await tracker.observe_volumes(looked(clock, *many))
    assert threads
    assert threading.get_ident() not in threads


async def test_a_volume_that_comes_back_within_the_minute_costs_again(
    tracker: ResourceTracker, clock: FakeClock
) -> None:
    for there in (True, False, True):
        clock.advance(5)
        await tracker.observe_volumes(looked(clock, *([DATA] if there else [])))
    assert (await tracker.now()).burn_per_hour == CENT
