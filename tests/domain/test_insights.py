"""Remarks about money: who gets one, what it saves, which plan fits, whom it spares."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.domain.cost import CostSummary, ProjectBudget
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.insights import CLEANED_UP, InsightKind, insights
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import ResourceUsage
from runctl_tui.domain.volume import Attachment, Volume, VolumeShape, VolumeState
from tests.fakes import START, a_price, a_run, an_instance

BOX = an_instance()
OLD = START - timedelta(hours=49)
QUIET = ResourceUsage(START, cpu_percent=2.0, cpus=4)


def row(instance: Any = BOX, usd: str | None = "2", **more: Any) -> FleetRow:
    price = Unknown("not told") if usd is None else Known(a_price(usd), START, "test")
    return FleetRow(instance, price, more.pop("disks", Decimal(0)), None, **more)


def idle(instance: Any = BOX, usd: str | None = "2", **more: Any) -> FleetRow:
    return row(instance, usd, **({"usage": QUIET, "runs_unknown": ""} | more))


def summary(**more: Any) -> CostSummary:
    zero = Decimal(0)
    base = CostSummary(START, zero, zero, zero, zero, None, (), False, 0)
    return replace(base, **more)


def volume(**more: Any) -> Volume:
    base = Volume(
        id="vol-1",
        provider="aws",
        region="us-east-1",
        zone="us-east-1a",
        name="scratch",
        state=VolumeState.AVAILABLE,
        shape=VolumeShape("gp3", 250),
        usd_per_month=Known(Decimal("20.00"), START, "test"),
        last_snapshot=Known(None, START, "test"),
        created_at=OLD,
        tags=(("runctl:owner", "alice"),),
        owner_label="alice",
    )
    return replace(base, **more)


def test_a_volume_that_nothing_uses_is_to_be_deleted() -> None:
    (found,) = insights([], None, START, [volume()])
    assert found.text == "scratch unattached, 250 GiB, 2 d old, no snapshot"
    (found,) = insights([], None, START, [volume(shape=VolumeShape("network", 250))])
    assert found.text == "scratch unattached, 250 GiB, 2 d old"
    assert (found.kind, found.operation, found.reference) == (
        InsightKind.UNATTACHED,
        Operation.VOLUME_DELETE,
        "aws/vol-1",
    )
    assert (found.advice, found.ours, found.about_volume) == ("plan: delete", True, True)
    assert found.saves_per_month is not None
    assert round(found.saves_per_month, 2) == Decimal("20.00")


def test_what_is_not_known_of_an_unused_volume_is_left_open() -> None:
    unknown = volume(created_at=None, usd_per_month=Unknown("throttled"), last_snapshot=Unknown("throttled"))
    (found,) = insights([], None, START, [unknown])
    assert found.text == "scratch unattached, 250 GiB"
    assert (found.saves_per_hour, found.saves_something) == (None, True)


def test_volumes_in_use_just_made_or_of_strangers_deserve_no_remark_and_a_colleagues_is_only_shown() -> None:
    used = Attachment("i-1", "/dev/sdf")
    spared = [
        volume(state=VolumeState.IN_USE, attachments=(used,)),
        volume(created_at=START - timedelta(minutes=50)),
        volume(tags=(("team", "payments"),)),
        volume(state=VolumeState.DELETING),
    ]
    assert insights([], None, START, spared) == ()
    (found,) = insights([], None, START, [volume(tags=(("runctl:owner", "bob"),))])
    assert (found.operation, found.ours, found.advice) == (None, False, "see the volume")
    assert found.text.endswith("(of bob)")


def test_an_idle_machine_is_to_be_stopped() -> None:
    (found,) = insights([idle()], None, START)
    assert found.kind is InsightKind.IDLE
    assert found.text == "box-1 idle: no run known for 2 h, $4.00 since; CPU 2 %, 0 s ago (m5.large)"
    assert (found.operation, found.reference, found.ours) == (Operation.STOP, f"fake/{BOX.id}", True)
    assert (found.saves_per_hour, found.saves_per_month) == (Decimal(2), Decimal(1460))


def test_a_spot_machine_cannot_be_stopped_and_is_to_be_terminated() -> None:
    (found,) = insights([idle(replace(BOX, market=Market.SPOT))], None, START)
    assert found.operation is Operation.TERMINATE


def test_a_machine_that_idles_for_more_than_a_day_is_forgotten() -> None:
    (found,) = insights([idle(replace(BOX, launched_at=OLD))], None, START)
    assert (found.kind, found.operation) == (InsightKind.FORGOTTEN, Operation.STOP)
    assert found.text.startswith("box-1 forgotten: no run known for 2 d, $98.00 since; CPU 2 %")


@pytest.mark.parametrize("more", [{"runs_unknown": "box-1 cannot be reached"}, {"usage": None}])
def test_what_is_not_known_of_a_machine_is_said_and_no_plan_and_no_saving_is_offered(more: Any) -> None:
    (found,) = insights([idle(replace(BOX, launched_at=OLD), **more)], None, START)
    assert (found.kind, found.operation, found.saves_something) == (InsightKind.UNCLEAR, None, False)
    assert "idle or not is unknown" in found.text
    assert found.kind not in CLEANED_UP


def test_a_machine_that_works_without_a_run_is_no_finding_before_it_has_done_so_for_a_day() -> None:
    busy = replace(QUIET, cpu_percent=93.0)
    assert insights([idle(usage=busy)], None, START) == ()
    (found,) = insights([idle(replace(BOX, launched_at=OLD), usage=busy)], None, START)
    assert (found.kind, found.warns, found.operation) == (InsightKind.LONG, False, None)
    assert found.text.startswith("box-1 is at work without a run: no run known for 2 d; CPU 93 %")


@pytest.mark.parametrize(
    ("tags", "words", "change"),
    [
        ({"runctl:protected": "true"}, "protected by the tag runctl:protected=true", "remove the tag first"),
        ({"runctl:important": ""}, "protected by the tag runctl:important=", "remove the tag first"),
        (
            {"runctl:protect-until": "2999-01-01"},
            "protected until 2999-01-01",
            "change the tag runctl:protect-until first",
        ),
    ],
)
def test_what_is_protected_says_by_which_tag_and_what_can_be_done_instead(
    tags: dict[str, str], words: str, change: str
) -> None:
    held = replace(BOX, tags=(*BOX.tags, *tags.items()))
    (spot,) = insights([idle(replace(held, market=Market.SPOT))], None, START)
    (stopped,) = insights([row(replace(held, state=ResourceState.STOPPED), disks=Decimal("7.30"))], None, START)
    (unused,) = insights([], None, START, [volume(tags=(*volume().tags, *tags.items()))])
    for found in (spot, stopped, unused):
        assert (found.operation, found.protected) == (None, True)
        assert found.advice.startswith("see the ")
        assert found.text.endswith(f"{words}: {change}")
    (kept,) = insights([idle(held)], None, START)
    assert (kept.operation, kept.protected) == (Operation.STOP, True)
    assert kept.text.endswith(f"{words}: a stop asks for its name")
    (free,) = insights([idle(replace(BOX, tags=(*BOX.tags, ("runctl:protected", "false"))))], None, START)
    assert (free.operation, free.protected) == (Operation.STOP, False)


def test_a_machine_that_trains_for_days_is_only_told() -> None:
    box = replace(BOX, launched_at=OLD)
    (found,) = insights([row(box, runs=(a_run(box),))], None, START)
    assert (found.kind, found.warns, found.saves_something, found.operation) == (InsightKind.LONG, False, False, None)


def test_a_stopped_machine_saves_what_its_disks_cost() -> None:
    stopped = replace(BOX, state=ResourceState.STOPPED)
    (found,) = insights([row(stopped, disks=Decimal("7.30"))], None, START)
    assert (found.kind, found.operation) == (InsightKind.STOPPED, Operation.TERMINATE)
    assert found.saves_per_month == Decimal("7.30")
    assert not insights([row(stopped, disks=Decimal(0))], None, START)


def test_what_nobody_knows_the_price_of_is_unknown_and_still_said() -> None:
    stopped = row(replace(BOX, state=ResourceState.STOPPED), disks=None)
    found = insights([stopped, idle(an_instance(2), usd=None)], None, START)
    assert {(one.kind, one.saves_per_hour, one.saves_something) for one in found} == {
        (InsightKind.STOPPED, None, True),
        (InsightKind.IDLE, None, True),
    }


def test_strangers_are_spared_and_colleagues_only_shown() -> None:
    foreign = replace(BOX, tags=(("team", "payments"),), launched_at=OLD)
    colleagues = an_instance(2, tags=(("runctl:owner", "bob"),), launched_at=OLD)
    (found,) = insights([idle(foreign), idle(colleagues)], None, START)
    assert found.operation is None
    assert found.advice == "see the machine"
    assert found.text.endswith("(of bob)")


def test_a_young_machine_and_this_one_deserve_no_remark() -> None:
    here = replace(BOX, market=Market.LOCAL, launched_at=OLD)
    young = replace(BOX, launched_at=START - timedelta(minutes=20))
    assert insights([row(young), row(here, usd="0")], summary(), START) == ()


@pytest.mark.parametrize(
    ("burn", "text", "warns"), [("11", "$10/h", False), ("26", "$25/h", False), ("51", "$50/h", True)]
)
def test_the_rate_passes_its_marks(burn: str, text: str, warns: bool) -> None:
    (found,) = insights([], summary(burn_per_hour=Decimal(burn)), START)
    assert (found.kind, found.warns, found.saves_something) == (InsightKind.RATE, warns, False)
    assert found.text.endswith(f"more than {text}")


def test_the_marks_themselves_are_not_passed() -> None:
    at_mark = summary(burn_per_hour=Decimal(10), today=Decimal(100), month=Decimal(500), budget=Decimal(501))
    assert insights([], at_mark, START) == ()


def test_the_day_the_month_and_the_budget() -> None:
    many = summary(today=Decimal(101), month=Decimal(501), forecast=Decimal(700), budget=Decimal(600))
    assert [one.text for one in insights([], many, START)] == [
        "$101.00 spent today, more than $100",
        "$501.00 spent this month, more than $500",
        "at this rate the month ends $100.00 over the budget",
    ]
    spent = replace(many, budget=Decimal(501))
    assert insights([], spent, START)[-1].text == "the budget of $501.00 is spent"
    assert insights([], replace(many, known=False), START) == ()


def test_what_saves_most_stands_first() -> None:
    small, large = idle(), idle(an_instance(2), usd="9")
    dear = summary(burn_per_hour=Decimal(99))
    assert [one.saves_per_hour for one in insights([small, large], dear, START)] == [Decimal(9), Decimal(2), None]


@pytest.mark.parametrize(
    ("spent", "forecast", "words"),
    [
        ("44.10", "60", ["project llama is $4.10 over its budget of $40.00"]),
        ("40", "52", ["at this rate project llama ends the month $12.00 over its budget of $40.00"]),
        ("20", "40", []),
    ],
)
def test_a_project_that_is_or_will_be_over_its_budget(spent: str, forecast: str, words: list[str]) -> None:
    one = ProjectBudget("llama", Decimal(40), Decimal(spent), Decimal(forecast))
    found = insights([], summary(projects=(one,)), START)
    assert [each.text for each in found] == words
    assert all(each.kind is InsightKind.PROJECT_BUDGET and each.warns and each.operation is None for each in found)


def test_nothing_is_said_of_budgets_before_anything_was_looked_at() -> None:
    one = ProjectBudget("llama", Decimal(0), Decimal(5), Decimal(5))
    assert insights([], summary(projects=(one,), known=False), START) == ()
