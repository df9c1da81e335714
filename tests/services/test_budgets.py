"""Budgets of projects: what is left of them, what nobody can say, and when the month ends over one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from runctl_tui.domain.cost import CostShare
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.insights import insights
from runctl_tui.domain.ledger import month_of
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.store import Store
from runctl_tui.services.tracker import Others, ResourceTracker
from tests.fakes import OWNER, START, FakeClock, a_price, an_instance

HOUR = 3600.0
BUDGETS = {"llama": Decimal(40), "sdxl": Decimal(5)}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def budgets() -> dict[str, Decimal]:
    return dict(BUDGETS)


@pytest.fixture
async def tracker(tmp_path: Path, clock: FakeClock, budgets: dict[str, Decimal]) -> AsyncIterator[ResourceTracker]:
    store = Store(tmp_path, clock)
    yield ResourceTracker(store, clock, Others(project_budgets=lambda: budgets))
    store.close()
    store.join()


def row(name: str, project: str, usd: str | None = "2", disks: str | None = "0") -> FleetRow:
    tags = (("runctl:owner", OWNER), ("runctl:project", project))
    machine = an_instance(id=f"i-{name}", name=name, launched_at=START, created_at=START, tags=tags)
    price = Unknown("not asked") if usd is None else Known(a_price(usd), START, "test")
    return FleetRow(machine, price, None if disks is None else Decimal(disks), None)


async def watch(tracker: ResourceTracker, clock: FakeClock, hours: float, *rows: FleetRow) -> None:
    for step in (0.0, hours):
        clock.advance(step * HOUR)
        await tracker.observe(Snapshot(rows, clock.now(), ("fake/us-east-1",)))


async def share(tracker: ResourceTracker, project: str) -> CostShare:
    return next(one for one in (await tracker.report("project")).shares if one.name == project)


async def test_what_is_left_is_the_budget_without_what_was_spent(tracker: ResourceTracker, clock: FakeClock) -> None:
    await watch(tracker, clock, 3, row("a", "llama"), row("b", "sdxl"), row("c", "other"))
    llama, sdxl, other = [await share(tracker, name) for name in ("llama", "sdxl", "other")]
    assert (llama.budget, llama.left, llama.over) == (Decimal(40), Decimal(34), None)
    assert (sdxl.budget, sdxl.left, sdxl.over) == (Decimal(5), Decimal(-1), Decimal(1))
    assert (other.budget, other.left, other.over) == (None, None, None)


async def test_a_project_that_spent_nothing_has_all_of_its_budget(tracker: ResourceTracker, clock: FakeClock) -> None:
    assert (await tracker.report("project")).shares == ()
    await watch(tracker, clock, 1, row("a", "other"))
    report = await tracker.report("project")
    assert [(one.name, one.usd, one.left) for one in report.shares] == [
        ("other", Decimal(2), None),
        ("llama", Decimal(0), Decimal(40)),
        ("sdxl", Decimal(0), Decimal(5)),
    ]


@pytest.mark.parametrize("unknown", [{"usd": None}, {"disks": None}])
async def test_what_has_no_price_makes_what_is_left_unknown(
    tracker: ResourceTracker, clock: FakeClock, unknown: dict[str, None]
) -> None:
    await watch(tracker, clock, 3, row("a", "llama"), row("b", "llama", **unknown), row("c", "sdxl"))
    llama, sdxl = await share(tracker, "llama"), await share(tracker, "sdxl")
    assert (llama.budget, llama.left) == (Decimal(40), None)
    assert sdxl.left == Decimal(-1)


async def test_a_machine_that_nobody_sees_any_more_makes_what_is_left_unknown(
    tracker: ResourceTracker, clock: FakeClock
) -> None:
    await watch(tracker, clock, 1, row("a", "llama"))
    assert (await share(tracker, "llama")).left == Decimal(38)
    clock.advance(HOUR)
    assert (await share(tracker, "llama")).left is None
    assert (await share(tracker, "sdxl")).left == Decimal(5)


async def test_what_is_over_is_over_whatever_else_is_unknown(tracker: ResourceTracker, clock: FakeClock) -> None:
    await watch(tracker, clock, 4, row("a", "sdxl"), row("b", "sdxl", usd=None))
    sdxl = await share(tracker, "sdxl")
    assert (sdxl.left, sdxl.over) == (None, Decimal(3))


async def test_only_the_present_month_by_project_has_budgets(tracker: ResourceTracker, clock: FakeClock) -> None:
    await watch(tracker, clock, 1, row("a", "llama"))
    first, last = month_of(clock.now())
    asked = {
        "month": ("project", first, last),
        "so far": ("project", first, None),
        "other": ("type", first, last),
        "today": ("project", first + timedelta(days=1), last),
        "earlier": ("project", month_of(first - timedelta(days=1))[0], first),
        "longer": ("project", first, last + timedelta(days=1)),
    }
    shown = {
        name: any(one.budget is not None for one in (await tracker.report(*words)).shares)
        for name, words in asked.items()
    }
    assert [name for name, budgets in shown.items() if budgets] == ["month", "so far"]


async def test_the_month_ends_over_a_budget_at_the_present_burn(tracker: ResourceTracker, clock: FakeClock) -> None:
    await watch(tracker, clock, 2, row("a", "llama"), row("b", "other", usd="9"))
    summary = await tracker.now()
    llama, sdxl = summary.projects
    hours = Decimal((month_of(clock.now())[1] - clock.now()).total_seconds()) / 3600
    assert (llama.spent, llama.forecast) == (Decimal(4), 4 + 2 * hours)
    assert (sdxl.spent, sdxl.forecast) == (Decimal(0), Decimal(0))
    texts = [one.text for one in insights((), summary, clock.now()) if "project" in one.text]
    assert len(texts) == 1
    assert texts[0].startswith("at this rate project llama ends the month $")


async def test_a_budget_counts_as_soon_as_it_is_written(
    tracker: ResourceTracker, clock: FakeClock, budgets: dict[str, Decimal]
) -> None:
    await watch(tracker, clock, 2, row("a", "llama"))
    before = (await tracker.now()).projects
    budgets.clear()
    budgets["llama"] = Decimal(3)
    assert [one.budget for one in before] == [Decimal(40), Decimal(5)]
    assert [(one.budget, one.spent) for one in (await tracker.now()).projects] == [(Decimal(3), Decimal(4))]
