"""The ledger: money that survives restarts, gaps, clock jumps, lost regions and late prices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.cost import TrackedResource
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import GpuReading, ResourceUsage, TrainingStatus
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.accounts import Whose, nobodys
from runctl_tui.services.errors import ResourceExists, ResourceNotFound, ValidationError
from runctl_tui.services.ports import Costs
from runctl_tui.services.store import Store
from runctl_tui.services.tracker import Others, ResourceTracker
from tests.fakes import START, FakeClock, a_price, a_run, an_instance

HOUR = 3600.0
BOX = an_instance(launched_at=START, created_at=START)
Opened = Callable[..., ResourceTracker]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def tracker_of(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Opened]:
    stores: list[Store] = []

    def opened(whose: Whose = nobodys) -> ResourceTracker:
        stores.append(Store(tmp_path, clock))
        return ResourceTracker(stores[-1], clock, Others(budget=lambda: Decimal(100), whose=whose))

    yield opened
    for store in stores:
        store.close()
        store.join()


@pytest.fixture
def tracker(tracker_of: Opened) -> ResourceTracker:
    return tracker_of()


async def test_is_what_screens_read(tracker: ResourceTracker) -> None:
    costs: Costs = tracker
    summary = await costs.now()
    assert not any((summary.burn_per_hour, summary.month, summary.excluded, summary.running))


def row(instance: Any = BOX, usd: str | None = "2", disks: str | None = "0", **more: Any) -> FleetRow:
    price = Unknown("not asked") if usd is None else Known(a_price(usd), START, "test")
    return FleetRow(instance, price, None if disks is None else Decimal(disks), None, **more)


def fleet(clock: FakeClock, *rows: FleetRow, missing: tuple[str, ...] = ()) -> Snapshot[tuple[FleetRow, ...]]:
    problems = tuple(Problem("x", f"{scope} did not answer", scope=scope) for scope in missing)
    return Snapshot(rows, clock.now(), ("fake/us-east-1", "fake/us-west-2"), problems)


async def test_money_did_not_restart_from_zero(tracker_of: Opened, clock: FakeClock) -> None:
    tracker = tracker_of()
    await tracker.observe(fleet(clock, row()))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row()))
    clock.advance(2 * HOUR)
    later = tracker_of()
    await later.observe(fleet(clock, row()))
    summary = await later.now()
    assert (summary.today, summary.month) == (Decimal(6), Decimal(6))
    assert summary.burn_per_hour == Decimal(2)
    assert summary.left == Decimal(94)
    assert summary.running == 1


async def test_a_machine_found_running_has_cost_since_its_launch(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row(an_instance(launched_at=START - timedelta(hours=5)))))
    assert (await tracker.resources())[0].accumulated == Decimal(10)


async def test_a_restart_in_between_pays_only_while_it_ran(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row()))
    clock.advance(10 * HOUR)
    await tracker.observe(fleet(clock, row(replace(BOX, launched_at=START + timedelta(hours=9)))))
    assert await tracker.total_cost() == Decimal(2)


async def test_a_stop_while_nobody_looked_counts_to_the_told_moment(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row()))
    clock.advance(10 * HOUR)
    told = START + timedelta(hours=3)
    await tracker.observe(fleet(clock, row(replace(BOX, state=ResourceState.STOPPED, stopped_at=told))))
    assert await tracker.total_cost() == Decimal(6)


async def test_a_stopped_machine_pays_for_its_disks(tracker: ResourceTracker, clock: FakeClock) -> None:
    stopped = row(replace(BOX, state=ResourceState.STOPPED, launched_at=None, created_at=None), disks="7.30")
    await tracker.observe(fleet(clock, stopped))
    clock.advance(10 * HOUR)
    await tracker.observe(fleet(clock, stopped))
    (resource,) = await tracker.resources()
    assert resource.accumulated == Decimal("0.1")
    assert resource.usd_per_hour == Decimal("0.01")
    assert (await tracker.now()).running == 0


async def test_a_clock_that_jumps_back_adds_nothing(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row()))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row()))
    clock.jump(-HOUR)
    await tracker.observe(fleet(clock, row()))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row()))
    assert await tracker.total_cost() == Decimal(2)


async def test_a_late_price_prices_the_past(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row(usd=None)))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row(usd=None)))
    (resource,) = await tracker.resources()
    assert (resource.usd_per_hour, resource.unpriced_seconds) == (None, HOUR)
    assert "1 unpriced type" in (await tracker.now()).excluded
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row(usd="2")))
    (resource,) = await tracker.resources()
    assert (resource.accumulated, resource.unpriced_seconds) == (Decimal(4), 0.0)
    assert "1 unpriced type" not in (await tracker.now()).excluded


async def test_a_lost_region_keeps_its_machines_and_is_named(tracker: ResourceTracker, clock: FakeClock) -> None:
    west = an_instance(2, region="us-west-2", launched_at=START, created_at=START)
    await tracker.observe(fleet(clock, row(), missing=("fake/us-west-2",)))
    assert "us-west-2" in (await tracker.now()).excluded, "nothing was ever seen there"
    await tracker.observe(fleet(clock, row(), row(west)))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row(), missing=("fake/us-west-2",)))
    clock.advance(HOUR)
    summary = await tracker.now()
    assert "changes in us-west-2" in summary.excluded, "its machine is in the figures"
    assert summary.running == 2
    await tracker.observe(fleet(clock, row(), row(west)))
    assert await tracker.total_cost() == Decimal(8)


async def test_a_machine_that_vanished_stops_costing(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row()))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row()))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock))
    clock.advance(HOUR)
    assert await tracker.total_cost() == Decimal(2)
    assert (await tracker.resources())[0].state is ResourceState.TERMINATED


async def test_what_aws_bills_besides_machines_is_said(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row(an_instance(provider="aws"))))
    assert (await tracker.now()).excluded == ("S3", "snapshots")


async def test_foreign_machines_are_named_and_not_counted(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row(an_instance(tags=()))))
    assert (await tracker.now()).excluded == ("1 foreign",)
    assert await tracker.resources() == ()


async def test_days_and_months_are_utc(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row()))
    clock.advance(13 * HOUR)
    await tracker.observe(fleet(clock, row()))
    assert (await tracker.now()).today == Decimal(2)
    clock.advance(20 * 24 * HOUR)
    await tracker.observe(fleet(clock, row()))
    summary = await tracker.now()
    assert (clock.now().month, summary.month) == (12, Decimal(2))
    assert summary.forecast == Decimal(2) * 24 * 31


async def test_runs_are_paid_for_the_time_they_ran(tracker: ResourceTracker, clock: FakeClock) -> None:
    run = a_run(BOX, started_at=START + timedelta(hours=1))
    await tracker.observe(fleet(clock, row()))
    clock.advance(2 * HOUR)
    await tracker.observe(fleet(clock, row(runs=(run,))))
    clock.advance(2 * HOUR)
    ended = replace(run, status=TrainingStatus.COMPLETED, ended_at=START + timedelta(hours=3))
    await tracker.observe(fleet(clock, row(runs=(ended,))))
    assert await tracker.by("run") == (("r-000001", "4.00"),)
    assert await tracker.run_cost("r-000001") == Decimal(4)
    assert await tracker.run_cost("r-other") is None


async def test_a_run_whose_machine_never_had_a_price_costs_nobody_knows_what(
    tracker: ResourceTracker, clock: FakeClock
) -> None:
    run = a_run(BOX, started_at=START)
    for _ in range(2):
        await tracker.observe(fleet(clock, row(usd=None, runs=(run,))))
        clock.advance(HOUR)
    assert await tracker.run_cost(run.id) is None


async def test_what_a_run_has_cost_goes_on_over_the_end_of_a_month(tracker: ResourceTracker, clock: FakeClock) -> None:
    run = a_run(BOX, started_at=START)
    await tracker.observe(fleet(clock, row(runs=(run,))))
    clock.advance(21 * 24 * HOUR)
    month = clock.now().month
    await tracker.observe(fleet(clock, row(runs=(run,))))
    before = await tracker.run_cost(run.id)
    assert before is not None
    assert month != START.month
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row(runs=(run,))))
    assert await tracker.run_cost(run.id) == before + 2
    assert before > Decimal(dict(await tracker.by("run"))[run.id])


async def test_sums_by_project_type_and_provider(tracker: ResourceTracker, clock: FakeClock) -> None:
    other = an_instance(
        2, type="g5.xlarge", tags=(("runctl:owner", "alice"), ("runctl:project", "sdxl")), launched_at=START
    )
    await tracker.observe(fleet(clock, row(), row(other, "5")))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row(), row(other, "5")))
    assert await tracker.by("project") == (("sdxl", "5.00"), ("llama", "2.00"))
    assert await tracker.by("type") == (("g5.xlarge", "5.00"), ("m5.large", "2.00"))
    assert await tracker.by("provider") == (("fake", "7.00"),)
    assert (await tracker.so_far())[f"fake/{other.id}"] == Decimal(5)
    with pytest.raises(ValidationError, match="colour"):
        await tracker.by("colour")


async def test_a_report_adds_up_by_day_and_by_label_and_names_what_has_no_price(
    tracker: ResourceTracker, clock: FakeClock
) -> None:
    tags = (("runctl:owner", "bob"), ("team", "vision"))
    dark = an_instance(2, type="p9.huge", tags=tags, launched_at=START, created_at=START)
    await tracker.observe(fleet(clock, row(), row(dark, None)))
    clock.advance(20 * HOUR)
    await tracker.observe(fleet(clock, row(), row(dark, None)))
    report = await tracker.report("tag:team")
    assert report.total == sum(share.usd for share in report.shares) == sum(day.usd for day in report.days) == 40
    assert [(share.name, share.usd, share.unpriced_seconds) for share in report.shares] == [
        ("", Decimal(40), 0.0),
        ("vision", Decimal(0), 20 * HOUR),
    ]
    assert report.unpriced == ("box-2 (p9.huge)",)
    assert report.unpriced_seconds == 20 * HOUR
    assert {"team", "runctl:project"} <= set(report.tags)
    assert report.recorded_since == START
    by_day = {each.day.day: (each.usd, each.unpriced_seconds) for each in report.days}
    assert by_day == {10: (Decimal(24), 12 * HOUR), 11: (Decimal(16), 8 * HOUR)}, "none before the ledger begins"
    assert [share.name for share in (await tracker.report("owner")).shares] == ["alice", "bob"]


async def test_a_report_covers_the_stretch_that_is_asked_for(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row()))
    clock.advance(48 * HOUR)
    await tracker.observe(fleet(clock, row()))
    report = await tracker.report("type", START + timedelta(hours=1), START + timedelta(hours=4))
    assert (report.total, len(report.days)) == (Decimal(6), 1)
    for days in (-30, 30):
        other = await tracker.report("type", START + timedelta(days=days), START + timedelta(days=days + 1))
        assert (other.total, other.shares, other.days) == (Decimal(0), (), ()), "nothing is known, not zero dollars"
        assert other.recorded_since == START


async def test_a_day_without_cost_is_a_day_of_the_report(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row()))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row()))
    await tracker.observe(fleet(clock, row(replace(BOX, state=ResourceState.TERMINATED))))
    clock.advance(48 * HOUR)
    assert [(each.day.day, int(each.usd)) for each in (await tracker.report()).days] == [(10, 2), (11, 0), (12, 0)]


async def test_time_without_a_run_is_a_share_of_its_own(tracker: ResourceTracker, clock: FakeClock) -> None:
    run = a_run(BOX, status=TrainingStatus.COMPLETED, started_at=START, ended_at=START + timedelta(hours=1))
    await tracker.observe(fleet(clock, row(runs=(run,))))
    clock.advance(4 * HOUR)
    await tracker.observe(fleet(clock, row(runs=(run,))))
    assert [(one.name, one.usd) for one in (await tracker.report("run")).shares] == [
        ("", Decimal(6)),
        ("r-000001", Decimal(2)),
    ]


@pytest.mark.parametrize("dimension", ["tag:", "colour", ""])
async def test_nothing_is_divided_by_what_is_not_kept(tracker: ResourceTracker, dimension: str) -> None:
    with pytest.raises(ValidationError) as refused:
        await tracker.report(dimension)
    assert "tag:KEY" in refused.value.todo


async def test_the_bar_moves_between_looks_but_not_for_ever(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row(usd="60")))
    clock.advance(60)
    assert (await tracker.now()).today == Decimal(1)
    clock.advance(HOUR)
    assert (await tracker.now()).today == Decimal(2)


async def test_an_idle_feed_is_silent(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.observe(fleet(clock, row(usd="0.01")))
    seen = []

    async def watch() -> None:
        async for snapshot in tracker.feed.watch():
            seen.append(snapshot.value)
            if len(seen) == 1:
                clock.advance(1)
                tracker.feed.refresh()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch(), 0.3)
    assert len(seen) == 1


async def test_an_unchanged_fleet_does_not_grow_the_ledger(tracker: ResourceTracker, clock: FakeClock) -> None:
    for _ in range(30):
        await tracker.observe(fleet(clock, row()))
        clock.advance(60)
    count = await tracker._store.run(
        lambda connection: connection.execute("SELECT count(*) FROM intervals").fetchone()[0]
    )
    assert count == 1


async def test_two_programs_on_one_ledger_pay_once(tracker_of: Opened, clock: FakeClock) -> None:
    one, other = tracker_of(), tracker_of()
    for _ in range(4):
        await asyncio.gather(one.observe(fleet(clock, row())), other.observe(fleet(clock, row())))
        clock.advance(HOUR)
    await asyncio.gather(one.observe(fleet(clock, row())), other.observe(fleet(clock, row())))
    assert await one.total_cost() == Decimal(8)


def tracked(number: int, state: ResourceState = ResourceState.RUNNING, usd: str | None = "1") -> TrackedResource:
    return TrackedResource(
        id=f"i-{number}",
        kind="instance",
        provider="fake",
        region="us-east-1",
        name=f"box-{number}",
        state=state,
        project="",
        run="",
        usd_per_hour=None if usd is None else Decimal(usd),
        accumulated=Decimal(0),
        unpriced_seconds=0.0,
        first_seen_at=START,
        last_seen_at=START,
        tags=(("team", "red" if number % 2 else "blue"),),
    )


async def test_registering_twice_is_an_error(tracker: ResourceTracker) -> None:
    await tracker.register(tracked(1))
    with pytest.raises(ResourceExists):
        await tracker.register(tracked(1))
    assert len(await tracker.resources()) == 1


async def test_many_registrations_at_once_are_all_kept(tracker: ResourceTracker) -> None:
    await asyncio.gather(*(tracker.register(tracked(number)) for number in range(20)))
    assert len(await tracker.resources()) == 20


async def test_stopping_freezes_the_cost_and_keeps_everything_else(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.register(tracked(1))
    clock.advance(HOUR)
    before = await tracker.get_by_id("i-1")
    await tracker.update_state("i-1", ResourceState.STOPPED)
    clock.advance(5 * HOUR)
    after = await tracker.get_by_id("i-1")
    assert after.accumulated == Decimal(1)
    ignored = {"state": before.state, "usd_per_hour": None, "accumulated": Decimal(0), "last_seen_at": START}
    assert replace(after, **ignored) == replace(before, **ignored)  # type: ignore[arg-type]  # test data by keyword
    await tracker.update_state("i-1", ResourceState.RUNNING)
    clock.advance(HOUR)
    await tracker.refresh()
    assert (await tracker.get_by_id("i-1")).accumulated == Decimal(2)


async def test_what_was_registered_stopped_costs_nothing(tracker: ResourceTracker, clock: FakeClock) -> None:
    await tracker.register(tracked(1, ResourceState.STOPPED))
    clock.advance(HOUR)
    await tracker.refresh()
    assert await tracker.total_cost() == 0


async def test_running_means_running_or_starting(tracker: ResourceTracker) -> None:
    for number, state in enumerate(ResourceState):
        await tracker.register(tracked(number, state))
    assert {one.state for one in await tracker.get_running()} == {ResourceState.RUNNING, ResourceState.STARTING}


async def test_finds_by_tag(tracker: ResourceTracker) -> None:
    for number in range(3):
        await tracker.register(tracked(number))
    assert [one.id for one in await tracker.get_by_tag("team", "blue")] == ["i-0", "i-2"]
    assert len(await tracker.get_by_tag("team")) == 3
    assert await tracker.get_by_tag("nothing") == ()


async def test_removing_twice_is_an_error(tracker: ResourceTracker) -> None:
    await tracker.register(tracked(1))
    await tracker.remove("fake/i-1")
    assert not await tracker.exists("i-1")
    for call in (tracker.remove("i-1"), tracker.get_by_id("i-1"), tracker.update_state("i-1", ResourceState.STOPPED)):
        with pytest.raises(ResourceNotFound, match="i-1"):
            await call


async def test_usage_keeps_the_newest_thousand(tracker: ResourceTracker) -> None:
    await tracker.register(tracked(1))
    gpu = GpuReading(0, "A10G", 97.0, 100.0, 200.0)
    for number in range(1003):
        moment = START + timedelta(seconds=number)
        await tracker.update_usage("i-1", ResourceUsage(moment, cpu_percent=float(number), gpus=(gpu,)))
    history = await tracker.usage_history("i-1")
    assert len(history) == 1000
    assert (history[0].cpu_percent, history[-1].cpu_percent) == (3.0, 1002.0)
    assert history[-1].gpus == (gpu,)
    assert history[-1].timestamp == START + timedelta(seconds=1002)


async def test_what_a_look_at_the_fleet_measured_is_kept_once(tracker: ResourceTracker, clock: FakeClock) -> None:
    for minute, percent in ((0, 5.0), (0, 5.0), (1, 80.0)):
        usage = ResourceUsage(START + timedelta(minutes=minute), cpu_percent=percent)
        await tracker.observe(fleet(clock, row(usage=usage)))
    assert [one.cpu_percent for one in await tracker.usage_history(BOX.id)] == [5.0, 80.0]


async def test_before_anything_was_looked_at_the_figures_are_unknown_and_no_zeros(
    tracker: ResourceTracker, clock: FakeClock
) -> None:
    assert not (await tracker.summary()).known
    await tracker.observe(Snapshot((), clock.now(), ("aws/us-east-1",)))
    assert (await tracker.summary()).known


async def test_an_account_tells_states_prices_and_what_each_stretch_cost(
    tracker: ResourceTracker, clock: FakeClock
) -> None:
    await tracker.observe(fleet(clock, row(disks="73", runs=(a_run(BOX, started_at=START + timedelta(minutes=30)),))))
    clock.advance(HOUR)
    await tracker.observe(fleet(clock, row(disks="73")))
    told = START + timedelta(hours=2)
    stopped = replace(BOX, state=ResourceState.STOPPED, launched_at=None, stopped_at=told)
    clock.advance(2 * HOUR)
    await tracker.observe(fleet(clock, row(stopped, disks="73")))
    clock.advance(10 * HOUR)
    await tracker.observe(fleet(clock, row(stopped, disks="73")))
    known = await tracker.account(f"fake/{BOX.id}")
    assert isinstance(known, Known)
    account = known.value
    assert [(one.state, one.usd_per_hour, one.usd) for one in account.stretches] == [
        (ResourceState.STOPPED, Decimal("0.1"), Decimal("1.1")),
        (ResourceState.RUNNING, Decimal("2.1"), Decimal("4.2")),
    ]
    assert account.total == Decimal("5.3")
    assert account.stretches[0].start == START + timedelta(hours=2)
    assert dict(account.by_run) == {"r-000001": Decimal("4.25"), "": Decimal("1.05")}
    assert account.project == "llama"


async def test_a_machine_that_nobody_looks_at_any_more_is_not_counted_on(
    tracker: ResourceTracker, clock: FakeClock
) -> None:
    await tracker.observe(fleet(clock, row()))
    clock.advance(HOUR)
    known = await tracker.account(f"fake/{BOX.id}")
    assert isinstance(known, Known)
    newest = known.value.stretches[0]
    assert (newest.counted, newest.usd_per_hour, newest.usd) == (False, None, Decimal(0))


async def test_what_the_ledger_never_saw_is_unknown(tracker: ResourceTracker) -> None:
    assert isinstance(await tracker.account("fake/i-never"), Unknown)


async def test_nothing_found_is_no_zero_where_a_place_could_not_be_looked_at(
    tracker: ResourceTracker, clock: FakeClock
) -> None:
    off = Problem("x", "us-east-1 was not listed", scope="fake/us-east-1", not_connected="AWS")
    also = replace(off, scope="fake/us-west-2")
    await tracker.observe(replace(fleet(clock), missing=(off, also)))
    summary = await tracker.now()
    assert (summary.excluded, summary.unread) == (("AWS (not connected)",), True)
    assert (summary.told(summary.month), summary.told(Decimal(3))) == (None, Decimal(3))
    await tracker.observe(fleet(clock))
    summary = await tracker.now()
    assert (summary.excluded, summary.told(summary.month)) == ((), Decimal(0))


async def test_another_account_does_not_end_what_it_cannot_see(tracker_of: Opened, clock: FakeClock) -> None:
    lab, prod = tracker_of(lambda _: "lab"), tracker_of(lambda _: "prod")
    await lab.observe(fleet(clock, row()))
    clock.advance(HOUR)
    await lab.observe(fleet(clock, row()))
    await prod.observe(fleet(clock))
    clock.advance(HOUR)
    await prod.observe(fleet(clock))
    summary = await prod.now()
    assert (summary.running, summary.burn_per_hour) == (1, Decimal(2)), "nobody has seen its end"
    assert "changes in profile lab" in summary.excluded
    await lab.observe(fleet(clock, row()))
    assert await lab.total_cost() == Decimal(4)
    assert "changes in profile lab" not in (await lab.now()).excluded
    await lab.observe(fleet(clock))
    assert (await prod.now()).running == 0, "its own account no longer has it"
