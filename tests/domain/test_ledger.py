"""What sightings prove about money."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from runctl_tui.domain.ledger import (
    Interval,
    IntervalKind,
    RunSpan,
    Sighting,
    accumulated,
    advance,
    by_label,
    by_run,
    clip,
    day_of,
    forecast,
    month_of,
    split_by_day,
    unpriced_seconds,
)
from runctl_tui.domain.resource import ResourceState

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUNNING, STOPPED, STOPPING = ResourceState.RUNNING, ResourceState.STOPPED, ResourceState.STOPPING


def seen(at: datetime, state: ResourceState = RUNNING, usd: str | None = "2", **more: datetime) -> Sighting:
    rate = None if usd is None else Decimal(usd)
    return Sighting("a", at, state, rate, Decimal("0.01"), more.get("launched"), more.get("created"), more.get("ended"))


def compute(intervals: tuple[Interval, ...]) -> Decimal:
    return accumulated(one for one in intervals if one.kind is IntervalKind.COMPUTE)


def disks(intervals: tuple[Interval, ...]) -> Decimal:
    return accumulated(one for one in intervals if one.kind is IntervalKind.DISK)


def test_first_sighting_counts_from_the_launch() -> None:
    _, intervals = advance(None, seen(NOON, launched=NOON - 3 * HOUR, created=NOON - 10 * HOUR))
    assert (compute(intervals), disks(intervals)) == (Decimal(6), Decimal("0.1"))


def test_first_sighting_without_a_launch_time_counts_from_now() -> None:
    assert advance(None, seen(NOON))[1] == ()


def test_running_before_and_after_a_gap_ran_through_it() -> None:
    launched = NOON - HOUR
    _, intervals = advance(seen(NOON, launched=launched), seen(NOON + 9 * HOUR, launched=launched))
    assert compute(intervals) == Decimal(18)


def test_restarted_in_the_gap_counts_from_the_new_launch() -> None:
    before = seen(NOON, launched=NOON - HOUR)
    _, intervals = advance(before, seen(NOON + 9 * HOUR, launched=NOON + 7 * HOUR))
    assert compute(intervals) == Decimal(4)


def test_stopped_in_the_gap_counts_to_the_last_sighting_or_to_the_told_stop() -> None:
    before = seen(NOON, launched=NOON - HOUR)
    assert compute(advance(before, seen(NOON + 9 * HOUR, STOPPED))[1]) == 0
    assert compute(advance(before, seen(NOON + 9 * HOUR, STOPPED, ended=NOON + 2 * HOUR))[1]) == Decimal(4)


def test_a_stopped_machine_pays_for_its_disks_only() -> None:
    _, intervals = advance(seen(NOON, STOPPED), seen(NOON + 10 * HOUR, STOPPED))
    assert (compute(intervals), disks(intervals)) == (Decimal(0), Decimal("0.1"))


def test_a_stopping_machine_still_pays() -> None:
    _, intervals = advance(seen(NOON, STOPPING), seen(NOON + HOUR, STOPPING))
    assert compute(intervals) == Decimal(2)


def test_a_terminated_machine_pays_nothing() -> None:
    gone = seen(NOON, ResourceState.TERMINATED)
    assert advance(gone, seen(NOON + HOUR, ResourceState.TERMINATED))[1] == ()


def test_a_clock_that_jumps_back_bills_nothing_twice() -> None:
    anchor, first = advance(seen(NOON), seen(NOON + HOUR))
    anchor, jumped = advance(anchor, seen(NOON - HOUR))
    anchor, again = advance(anchor, seen(NOON + HOUR))
    anchor, after = advance(anchor, seen(NOON + 2 * HOUR))
    assert [compute(part) for part in (first, jumped, again, after)] == [2, 0, 0, 2]


def test_a_price_that_changes_holds_from_its_sighting_on() -> None:
    anchor, first = advance(seen(NOON, usd="2"), seen(NOON + HOUR, usd="5"))
    _, second = advance(anchor, seen(NOON + 2 * HOUR, usd="5"))
    assert [compute(first), compute(second)] == [2, 5]


def test_time_without_a_price_is_counted_apart() -> None:
    _, intervals = advance(seen(NOON, usd=None), seen(NOON + HOUR, usd=None))
    assert compute(intervals) == 0
    assert unpriced_seconds(intervals) == 3600.0


def test_days_and_months_are_utc_and_split_at_midnight() -> None:
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    over = Interval("a", midnight - HOUR, midnight + 2 * HOUR, Decimal(1))
    assert [(day_of(part.start)[0], part.usd) for part in split_by_day([over])] == [
        (midnight - timedelta(days=1), Decimal(1)),
        (midnight, Decimal(2)),
    ]
    assert accumulated(clip([over], *month_of(midnight))) == 2
    assert month_of(datetime(2026, 12, 31, 23, 30, tzinfo=UTC))[1] == datetime(2027, 1, 1, tzinfo=UTC)
    tokyo = datetime.fromisoformat("2026-11-11T03:00:00+09:00")
    assert day_of(tokyo)[0] == datetime(2026, 11, 10, tzinfo=UTC)


def test_forecast_is_the_month_so_far_and_the_rest_at_this_burn() -> None:
    assert forecast(Decimal(100), Decimal(1), datetime(2026, 11, 30, 14, tzinfo=UTC)) == Decimal(110)


def test_runs_that_share_a_machine_share_its_cost() -> None:
    interval = Interval("a", NOON, NOON + 4 * HOUR, Decimal(2))
    spans = [
        RunSpan("r1", "a", NOON, NOON + 2 * HOUR),
        RunSpan("r2", "a", NOON + HOUR, None),
        RunSpan("r3", "b", NOON, None),
    ]
    assert by_run([interval], spans) == {"r2": Decimal(5), "r1": Decimal(3)}


def test_sums_by_label_are_dearest_first() -> None:
    intervals = [Interval("a", NOON, NOON + HOUR, Decimal(1)), Interval("b", NOON, NOON + HOUR, Decimal(3))]
    assert list(by_label(intervals, {"a": "llama", "b": "sdxl"}).items()) == [
        ("sdxl", Decimal(3)),
        ("llama", Decimal(1)),
    ]


@pytest.mark.parametrize("usd", ["-1", "-0.0001"])
def test_refuses_what_makes_no_sense(usd: str) -> None:
    with pytest.raises(ValueError, match="negative"):
        Interval("a", NOON, NOON + HOUR, Decimal(usd))
    with pytest.raises(ValueError, match="before it starts"):
        Interval("a", NOON, NOON - HOUR, Decimal(1))
