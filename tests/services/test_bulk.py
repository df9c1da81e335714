"""One plan for many: what may not be changed is left out with the reason, and the rest is one plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.plan import Confirmation, Level, Operation
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.services.bulk import plan_for_all
from runctl_tui.services.errors import PlanChanged
from runctl_tui.services.safe_cleanup import last_view
from tests.fakes import FakeProvider, an_instance
from tests.services.actions_rig import Rig

FOREIGN = (("team", "payments"),)


@pytest.fixture
def rig(tmp_path: Path) -> Callable[..., Rig]:
    return lambda *machines: Rig(tmp_path / "state", *machines)


async def test_what_is_allowed_is_one_plan_and_is_carried_out(rig: Callable[..., Rig]) -> None:
    spot = replace(an_instance(2), name="sp0t", market=Market.SPOT)
    made = rig(an_instance(1), spot, an_instance(3))
    keys = [f"fake/{an_instance(number).id}" for number in (1, 2, 3)]
    bulk = await plan_for_all(made.actions, Operation.STOP, [*keys, keys[0]])
    assert bulk.plan is not None
    assert [target.key for target in bulk.plan.targets] == [keys[0], keys[2]]
    assert [(one.name, one.reference) for one in bulk.left_out] == [("sp0t", keys[1])]
    assert "spot" in bulk.why_not
    assert [line.text for line in bulk.plan.lines if line.label == "SPARED"] == [bulk.why_not]
    job = await made.actions.commit(bulk.plan, Confirmation(bulk.plan.hash, yes=True, name=bulk.plan.name_to_type))
    assert (await last_view(made.jobs, job)).ok
    states = {row.id: row.state for row in (await made.provider.list_resources()).value}
    assert states[spot.id] is ResourceState.RUNNING
    assert states[an_instance(1).id] is states[an_instance(3).id] is ResourceState.STOPPED


async def test_the_hash_does_not_depend_on_what_was_left_out(rig: Callable[..., Rig]) -> None:
    made = rig(an_instance(1), replace(an_instance(2), tags=FOREIGN))
    keys = [f"fake/{an_instance(number).id}" for number in (1, 2)]
    bulk = await plan_for_all(made.actions, Operation.STOP, keys)
    assert bulk.plan is not None
    assert bulk.plan.hash == (await made.actions.plan(Operation.STOP, keys[:1])).hash


async def test_what_is_protected_is_left_out_though_a_person_may_name_it(rig: Callable[..., Rig]) -> None:
    guarded = replace(an_instance(2), tags=(*an_instance(2).tags, ("runctl:protected", "true")))
    made = rig(an_instance(1), guarded)
    keys = [f"fake/{an_instance(number).id}" for number in (1, 2)]
    assert not (await made.actions.plan(Operation.STOP, keys[1:])).verdict.blocked
    bulk = await plan_for_all(made.actions, Operation.STOP, keys)
    assert bulk.plan is not None
    assert [target.key for target in bulk.plan.targets] == keys[:1]
    assert "protects it" in bulk.why_not


async def test_without_anything_that_is_allowed_there_is_no_plan(rig: Callable[..., Rig]) -> None:
    made = rig(replace(an_instance(1), tags=FOREIGN))
    bulk = await plan_for_all(made.actions, Operation.STOP, [f"fake/{an_instance(1).id}", "fake/i-gone"])
    assert bulk.plan is None
    assert len(bulk.left_out) == 2
    assert "i-gone" in bulk.why_not


async def test_all_of_a_small_fleet_may_be_stopped_by_somebody_who_types_it(rig: Callable[..., Rig]) -> None:
    machines = [an_instance(number) for number in range(1, 6)]
    bulk = await plan_for_all(rig(*machines).actions, Operation.STOP, [f"fake/{one.id}" for one in machines])
    assert bulk.plan is not None
    assert (bulk.plan.verdict.blocked, bulk.plan.verdict.level, bulk.plan.name_to_type) == (False, Level.NAME, "stop 5")


async def test_machines_of_two_clouds_are_stopped_by_one_plan_each_in_its_own_account(rig: Callable[..., Rig]) -> None:
    here, there = an_instance(1), an_instance(2, provider="other")
    made = rig(here, there)
    other = FakeProvider(name="other", clock=made.clock, account="user_9").add(there)
    made.registry.register(other)
    bulk = await plan_for_all(made.actions, Operation.STOP, [f"fake/{here.id}", f"other/{there.id}"])
    assert bulk.plan is not None
    assert bulk.plan.account == "111122223333, user_9"
    assert (await made.commit(bulk.plan)).ok
    assert other.machines[there.id].state is ResourceState.STOPPED
    started = await made.actions.plan(Operation.START, [f"fake/{here.id}", f"other/{there.id}"])
    other.account = "user_8"
    with pytest.raises(PlanChanged, match="user_8"):
        await made.commit(started)
