"""Different operations on a choice of things, confirmed as one and carried out one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.plan import Confirmation, Level, Operation, Plan, StepState
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.services.clean_up import plan_clean_up
from runctl_tui.services.errors import CloudProviderError, PlanChanged, Refused
from tests.fakes import an_instance
from tests.services.actions_rig import Rig

ONE, TWO, THREE = (an_instance(number) for number in (1, 2, 3))
SPOT = replace(an_instance(4), name="sp0t", market=Market.SPOT)
FOREIGN = replace(an_instance(5), tags=(("team", "payments"),))
WANTED = (
    (Operation.STOP, ONE.key),
    (Operation.TERMINATE, SPOT.key),
    (Operation.STOP, TWO.key),
    (Operation.STOP, FOREIGN.key),
)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "state", ONE, TWO, THREE, SPOT, FOREIGN)
    yield made
    made.close()


async def planned(rig: Rig) -> Plan:
    plan = (await plan_clean_up(rig.actions, WANTED)).plan
    assert plan is not None
    return plan


async def test_one_plan_holds_every_operation_and_names_what_is_left_out(rig: Rig) -> None:
    bulk = await plan_clean_up(rig.actions, WANTED)
    plan = await planned(rig)
    assert plan.operation is Operation.CLEAN_UP
    assert [target.key for target in plan.targets] == [ONE.key, TWO.key, SPOT.key]
    assert [part.operation for part in plan.parts] == [Operation.STOP, Operation.STOP, Operation.TERMINATE]
    assert [one.reference for one in bulk.left_out] == [FOREIGN.key]
    assert (plan.name_to_type, plan.verdict.level) == ("clean up 3", Level.NAME)
    assert all(part.verdict.level <= plan.verdict.level for part in plan.parts)
    assert "SPARED" in [line.label for line in plan.lines]


async def test_many_small_heaps_are_one_large_heap(tmp_path: Path) -> None:
    machines = [an_instance(number) for number in range(1, 13)]
    rig = Rig(tmp_path / "many", *machines, *(an_instance(number) for number in range(20, 60)))

    async def level(stops: int, ends: int) -> tuple[Level, bool]:
        wanted = [(Operation.STOP, one.key) for one in machines[:stops]]
        wanted += [(Operation.TERMINATE, one.key) for one in machines[stops : stops + ends]]
        plan = (await plan_clean_up(rig.actions, wanted)).plan
        assert plan is not None
        return plan.verdict.level, "batch_cap" in {reason.code for reason in plan.verdict.reasons}

    assert await level(5, 5) == (Level.NAME, False)
    assert await level(6, 5) == (Level.REASON, True)
    rig.close()


async def test_one_operation_needs_no_plan_of_plans(rig: Rig) -> None:
    plan = (await plan_clean_up(rig.actions, [(Operation.STOP, ONE.key), (Operation.STOP, TWO.key)])).plan
    assert plan is not None
    assert (plan.operation, plan.parts) == (Operation.STOP, ())


async def test_nothing_that_may_be_changed_is_no_plan(rig: Rig) -> None:
    bulk = await plan_clean_up(rig.actions, [(Operation.STOP, FOREIGN.key), (Operation.TERMINATE, FOREIGN.key)])
    assert bulk.plan is None
    assert len(bulk.left_out) == 2


async def test_each_goes_the_whole_way_of_its_operation(rig: Rig) -> None:
    plan = await planned(rig)
    view = await rig.commit(plan)
    assert view.ok, view.result
    assert [rig.state(one) for one in (ONE, TWO, SPOT)] == [
        ResourceState.STOPPED,
        ResourceState.STOPPED,
        ResourceState.TERMINATED,
    ]
    rows = {row.entry.resource: row for row in await rig.rows()}
    assert {key: row.entry.plan_hash for key, row in rows.items()} == {
        part.targets[0].key: part.hash for part in plan.parts
    }
    assert {row.state.value for row in rows.values()} == {"verified"}


def fails(rig: Rig) -> None:
    original = rig.provider.stop

    async def stop(resource_id: str, region: str = "") -> None:
        if resource_id == ONE.id:
            raise CloudProviderError("EC2 says no", "it is busy")
        await original(resource_id, region)

    rig.provider.stop = stop  # type: ignore[method-assign]  # one machine refuses


def changes(rig: Rig) -> None:
    rig.change(ONE, tags=(*ONE.tags, ("runctl:protected", "true")))


def is_held(rig: Rig) -> None:
    rig.locks.take(ONE.key)


@pytest.mark.parametrize(
    ("what", "words"), [(fails, "EC2 says no"), (changes, "the plan no longer holds"), (is_held, "is busy")]
)
async def test_what_fails_in_the_middle_stops_nothing_else_and_is_said(
    rig: Rig, what: Callable[[Rig], None], words: str
) -> None:
    plan = await planned(rig)
    what(rig)
    view = await rig.commit(plan)
    assert (view.ok, view.code) == (False, "partly-failed")
    assert view.result.startswith(f"1 of 3 failed: {ONE.name}: ")
    assert words in view.result
    assert [rig.state(one) for one in (ONE, TWO, SPOT)] == [
        ResourceState.RUNNING,
        ResourceState.STOPPED,
        ResourceState.TERMINATED,
    ]
    broken = [step for step in view.steps if step.state is StepState.FAILED]
    assert [step.id.partition(":")[2] for step in broken] == [ONE.id]
    assert words in broken[0].detail


async def test_the_whole_asks_for_its_own_hash_and_words(rig: Rig) -> None:
    plan = await planned(rig)
    with pytest.raises(Refused):
        await rig.actions.commit(plan, Confirmation(plan.hash, yes=True, name="stop 3"))
    with pytest.raises(PlanChanged):
        await rig.actions.commit(plan, Confirmation(plan.parts[0].hash, yes=True, name=plan.name_to_type))
    assert rig.provider.calls == []


async def test_cancelling_leaves_what_has_not_begun(rig: Rig) -> None:
    plan = await planned(rig)
    original = rig.provider.stop

    async def stop(resource_id: str, region: str = "") -> None:
        await original(resource_id, region)
        rig.jobs.cancel(job_id)

    rig.provider.stop = stop  # type: ignore[method-assign]  # the person cancels during the first call
    job_id = await rig.actions.commit(plan, Confirmation(plan.hash, yes=True, name=plan.name_to_type))
    await rig.jobs.drain()
    assert rig.state(ONE) is ResourceState.STOPPED
    assert (rig.state(TWO), rig.state(SPOT)) == (ResourceState.RUNNING, ResourceState.RUNNING)
    assert rig.jobs.view(job_id).code == "cancelled"
