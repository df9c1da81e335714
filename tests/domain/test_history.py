"""States, prices and what each stretch cost, out of what a ledger holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from runctl_tui.domain.checkpoint import resumable
from runctl_tui.domain.history import StateChange, timeline
from runctl_tui.domain.ledger import Interval, IntervalKind, Sighting, accumulated, changed_at
from runctl_tui.domain.resource import ResourceState

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RUNNING, STOPPED = ResourceState.RUNNING, ResourceState.STOPPED


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def paid(start: float, end: float, usd: str | None, kind: IntervalKind = IntervalKind.COMPUTE) -> Interval:
    return Interval("x", at(start), at(end), None if usd is None else Decimal(usd), kind)


def test_nothing_known_is_no_stretch() -> None:
    assert timeline([], [], NOON) == ()


def test_a_price_that_changes_ends_a_stretch_and_the_sums_stay() -> None:
    intervals = [paid(0, 2, "1"), paid(2, 3, "0.5"), paid(3, 4, "0.5"), paid(0, 4, "0.1", IntervalKind.DISK)]
    found = timeline([StateChange(at(0), RUNNING)], intervals, at(4))
    assert [(one.usd_per_hour, one.usd) for one in found] == [
        (Decimal("0.6"), Decimal("1.2")),
        (Decimal("1.1"), Decimal("2.2")),
    ]
    assert sum(one.usd for one in found) == accumulated(intervals)
    assert found[0].end == at(4)
    assert found[0].start == found[1].end == at(2)


def test_an_unknown_price_is_unknown_and_not_zero() -> None:
    (one,) = timeline([StateChange(at(0), RUNNING)], [paid(0, 1, None)], at(1))
    assert (one.usd_per_hour, one.usd, one.counted) == (None, Decimal(0), True)


def test_what_was_paid_before_the_first_look_has_no_state() -> None:
    first, before = timeline([StateChange(at(1), STOPPED)], [paid(0, 2, "0.1", IntervalKind.DISK)], at(2))
    assert (first.state, before.state) == (STOPPED, None)


@pytest.mark.parametrize(("priced", "rate"), [(True, Decimal(0)), (False, None)])
def test_a_stopped_machine_without_a_disk_price_costs_nothing_or_nobody_knows(
    priced: bool, rate: Decimal | None
) -> None:
    (one,) = timeline([StateChange(at(0), STOPPED)], [], at(1), disks_priced=priced)
    assert one.usd_per_hour == rate


def test_a_running_machine_that_nobody_saw_is_not_counted() -> None:
    unseen, seen = timeline([StateChange(at(0), RUNNING)], [paid(0, 1, "1")], at(3))
    assert (seen.counted, seen.usd) == (True, Decimal(1))
    assert (unseen.counted, unseen.usd_per_hour, unseen.start) == (False, None, at(1))


def sighting(hours: float, state: ResourceState, **times: float) -> Sighting:
    told = {name: at(value) for name, value in times.items()}
    return Sighting("x", at(hours), state, Decimal(1), **told)  # type: ignore[arg-type]  # moments by name


@pytest.mark.parametrize(
    ("before", "now", "since"),
    [
        (None, sighting(5, RUNNING, launched_at=1), 1),
        (None, sighting(5, STOPPED), 5),
        (sighting(1, RUNNING), sighting(5, RUNNING), None),
        (sighting(1, RUNNING), sighting(5, STOPPED, stopped_at=3), 3),
        (sighting(4, RUNNING), sighting(5, STOPPED, stopped_at=3), 5),
        (sighting(1, STOPPED), sighting(5, RUNNING, launched_at=2), 2),
        (sighting(1, ResourceState.STARTING, launched_at=0), sighting(2, RUNNING, launched_at=0), 2),
    ],
)
def test_since_when_a_state_is_what_it_is(before: Sighting | None, now: Sighting, since: float | None) -> None:
    assert changed_at(before, now) == (None if since is None else at(since))


@pytest.mark.parametrize(
    ("kind", "files", "expected"),
    [
        ("unknown", ("a",), None),
        ("safetensors", ("a.safetensors",), False),
        ("hf-folder", ("c/config.json", "c/model.safetensors"), False),
        ("hf-folder", ("c/model.safetensors", "c/optimizer.pt"), True),
        ("pt", ("a.pt",), True),
        ("deepspeed", ("x",), True),
    ],
)
def test_weights_alone_do_not_resume(kind: str, files: tuple[str, ...], expected: bool | None) -> None:
    assert resumable(kind, files) is expected
