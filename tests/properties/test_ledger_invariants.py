"""The invariants of accumulated cost, for any prices, times, gaps and clock jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

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
    forecast,
    month_of,
    split_by_day,
    split_by_run,
)
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.safety.machine import is_old

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
prices = st.decimals(0, 1000, places=4)
hours = st.floats(0, 720)
moments = st.integers(0, 60 * 86_400).map(lambda seconds: BEGIN + timedelta(seconds=seconds))
states = st.sampled_from(list(ResourceState))


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    start, end = sorted((draw(moments), draw(moments)))
    resource, kind = draw(st.sampled_from("abc")), draw(st.sampled_from(IntervalKind))
    return Interval(resource, start, end, draw(st.none() | prices), kind)


@st.composite
def histories(draw: st.DrawFn) -> list[Sighting]:
    """Sightings of one resource in the order in which they were made, clocks jumping as they like."""
    rate, told = st.none() | prices, st.none() | moments
    rows = draw(st.lists(st.tuples(moments, states, rate, rate, told, told, told), min_size=1, max_size=12))
    return [Sighting("a", *row) for row in rows]


def replay(history: list[Sighting]) -> list[Interval]:
    anchor: Sighting | None = None
    found: list[Interval] = []
    for sighting in history:
        anchor, new = advance(anchor, sighting)
        found.extend(new)
    return found


@given(prices, hours)
def test_cost_is_price_times_hours(usd: Decimal, length: float) -> None:
    cost = Interval("a", BEGIN, BEGIN + timedelta(hours=length), usd).usd
    assert cost >= 0
    assert abs(float(cost) - float(usd) * length) <= float(usd) * length * 0.01 + 0.01


@given(prices.filter(bool), hours, hours)
def test_cost_grows_with_age_and_linearly(usd: Decimal, one: float, other: float) -> None:
    def cost(length: float) -> Decimal:
        return Interval("a", BEGIN, BEGIN + timedelta(hours=length), usd).usd

    assert (cost(one) <= cost(other)) or one > other
    assert abs(float(cost(one) / usd) - one) <= 0.1


@given(prices)
def test_a_week_is_seven_days_of_24_hours(usd: Decimal) -> None:
    price = Price(usd, PriceKind.ON_DEMAND, "test", BEGIN.date())
    day = Interval("a", BEGIN, BEGIN + timedelta(days=1), usd).usd
    week = Interval("a", BEGIN, BEGIN + timedelta(days=7), usd).usd
    assert price.usd_per_day == day == usd * 24
    assert week == day * 7


@given(st.none() | moments, st.integers(0, 10_000), moments)
def test_age_against_a_threshold(born: datetime | None, minutes: int, now: datetime) -> None:
    threshold = timedelta(minutes=minutes)
    expected = born is not None and now - born >= threshold
    assert is_old(born, threshold, now) is expected
    assert is_old(now - threshold, threshold, now)


@given(histories())
def test_no_moment_is_paid_twice(history: list[Sighting]) -> None:
    found = replay(history)
    for kind in IntervalKind:
        spans = sorted((one.start, one.end) for one in found if one.kind is kind)
        assert all(start <= end for start, end in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


@given(histories())
def test_nothing_is_paid_after_the_latest_sighting(history: list[Sighting]) -> None:
    latest = max(one.at for one in history)
    assert all(one.end <= latest for one in replay(history))


@given(histories(), moments)
def test_cost_never_shrinks_as_sightings_come_in(history: list[Sighting], later: datetime) -> None:
    sums = [accumulated(replay(history[:count])) for count in range(1, len(history) + 1)]
    assert sums == sorted(sums)
    assert sums[0] >= 0


@given(histories(), moments, moments)
def test_no_end_is_paid_beyond_what_its_provider_tells(history: list[Sighting], last: datetime, told: datetime) -> None:
    history = [*history, Sighting("a", last, ResourceState.TERMINATED, Decimal(1), Decimal(1), stopped_at=told)]
    bound = max(told, *(one.at for one in history[:-1]))
    assert all(one.end <= bound for one in replay(history))


@given(st.lists(moments, min_size=2, max_size=8))
def test_a_stopped_machine_costs_no_compute(times: list[datetime]) -> None:
    found = replay([Sighting("a", at, ResourceState.STOPPED, Decimal(5)) for at in times])
    assert accumulated(found) == 0


@given(st.lists(intervals(), max_size=8))
def test_the_whole_is_the_sum_of_its_parts(many: list[Interval]) -> None:
    whole = accumulated(many)
    tolerance = Decimal("1e-9")
    assert abs(whole - sum(accumulated([one]) for one in many)) <= tolerance
    assert abs(whole - accumulated(split_by_day(many))) <= tolerance
    assert all(part.start.date() == (part.end - timedelta(microseconds=1)).date() for part in split_by_day(many))
    assert abs(whole - sum(by_label(many, {"a": "x", "b": "x"}).values())) <= tolerance
    middle = BEGIN + timedelta(days=30)
    parts = accumulated(clip(many, BEGIN, middle)) + accumulated(clip(many, middle, BEGIN + timedelta(days=99)))
    assert abs(whole - parts) <= tolerance


@given(st.lists(intervals(), max_size=5), st.lists(st.tuples(st.sampled_from("abc"), moments, moments), max_size=5))
def test_runs_never_cost_more_than_their_machines(
    many: list[Interval], used: list[tuple[str, datetime, datetime]]
) -> None:
    spans = [RunSpan(f"r{i}", name, min(a, b), max(a, b)) for i, (name, a, b) in enumerate(used)]
    shares = by_run(many, spans)
    assert all(share >= 0 for share in shares.values())
    assert sum(shares.values()) <= accumulated(many) + Decimal("1e-9")
    whole = sum(part.usd / sharing for _, part, sharing in split_by_run(many, spans))
    assert abs(whole - accumulated(many)) <= Decimal("1e-9")


@given(prices, prices, moments)
def test_forecast_is_at_least_the_month_so_far(month: Decimal, burn: Decimal, now: datetime) -> None:
    start, end = month_of(now)
    assert month <= forecast(month, burn, now) <= month + burn * Decimal((end - start).total_seconds()) / 3600
    assert forecast(month, Decimal(0), now) == month
