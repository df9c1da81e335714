"""Claims and protections by the one path: planned, confirmed, asked, journaled, called once, seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from runctl_tui.domain.instance import ApiProtection, Instance
from runctl_tui.domain.marks import Mark, MarkRequest, Way
from runctl_tui.domain.plan import Confirmation, Level, Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.safety import CleanupSafety
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.errors import AwsError, PlanChanged, Refused, Unsupported, ValidationError
from runctl_tui.services.journal_rows import JournalState
from runctl_tui.services.mark_actions import MarkActions, MarkParts
from tests.fakes import OWNER, FakeProvider, an_instance
from tests.services.actions_rig import Rig, yes

BOX = replace(an_instance(), provider="fake", state=ResourceState.STOPPED)


@dataclass
class FakeMarks:
    """Tags and locks in memory."""

    provider: FakeProvider
    blind: bool = False
    """What is marked is never seen."""

    async def change(self, resource_id: str, region: str, mark: Mark, *, dry: bool = False) -> None:
        if "marks" in self.provider.failures:
            raise self.provider.failures["marks"]
        if dry:
            return
        self.provider.calls.append(("mark", mark.words))
        machine = self.provider.machines[resource_id]
        tags = {key: value for key, value in machine.tags if key not in mark.remove} | dict(mark.set)
        self.provider.machines[resource_id] = replace(machine, tags=tuple(tags.items()))
        lock = self.provider.locks.get(resource_id, ApiProtection(False, False))
        termination = lock.termination if mark.termination is None else mark.termination
        stop = lock.stop if mark.stop is None else mark.stop
        self.provider.locks[resource_id] = replace(lock, termination=termination, stop=stop)

    async def tags(self, resource_id: str, region: str) -> Mapping[str, str]:
        return {} if self.blind else dict(self.provider.machines[resource_id].tags)


class MarkRig(Rig):
    def __init__(self, folder: Path, *machines: Instance) -> None:
        super().__init__(folder, *machines)
        self.store_of_marks = FakeMarks(self.provider)
        cast("Any", self.provider).marks = self.store_of_marks
        marks = MarkActions(MarkParts(self.facts, cast("Any", None), self.caller, CleanupSafety()))
        parts = ActionParts(self.facts, self.caller, self.locks, self.jobs, self.executor, marks=marks)
        self.actions = ActionService(parts)

    async def mark(self, operation: Operation, way: Way = Way.TAG, day: date | None = None) -> str:
        plan = await self.actions.plan_marks(MarkRequest(operation, "instance", (BOX.id,), way, day))
        view = await self.commit(plan)
        assert view.ok, view.result
        return view.result


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[MarkRig]:
    made = MarkRig(tmp_path, BOX)
    yield made
    made.close()


async def codes(rig: Rig, operation: Operation) -> set[str]:
    return {one.code for one in (await rig.actions.plan(operation, [BOX.id])).verdict.reasons}


async def test_a_protection_holds_until_it_is_taken_away_and_a_minute_longer(rig: MarkRig) -> None:
    assert await rig.mark(Operation.PROTECT) == f"{BOX.name}: tag runctl:protected=true"
    assert "tag_protected" in await codes(rig, Operation.TERMINATE)
    plan = await rig.actions.plan_marks(MarkRequest(Operation.UNPROTECT, "instance", (BOX.id,)))
    assert plan.verdict.level is Level.NAME
    with pytest.raises(Refused, match="name"):
        await rig.actions.commit(plan, Confirmation(plan.hash, yes=True))
    assert (await rig.commit(plan)).ok
    found = await codes(rig, Operation.TERMINATE)
    assert "tag_protected" not in found
    assert "cooling_down" in found
    rig.clock.advance(61)
    assert "cooling_down" not in await codes(rig, Operation.TERMINATE)
    assert [row.state for row in await rig.rows()] == [JournalState.VERIFIED] * 2


async def test_the_provider_s_own_locks_are_switched_and_seen(rig: MarkRig) -> None:
    await rig.mark(Operation.PROTECT, Way.TERMINATION)
    assert "api_protected" in await codes(rig, Operation.TERMINATE)
    await rig.mark(Operation.UNPROTECT, Way.TERMINATION)
    assert "api_protected" not in await codes(rig, Operation.TERMINATE)
    assert [words for _, words in rig.provider.calls] == ["termination protection on", "termination protection off"]


async def test_a_claim_makes_it_ours_and_only_then_it_can_be_touched(rig: MarkRig) -> None:
    rig.change(BOX, tags=(("CreatedBy", "runctl"),))
    assert "foreign" in await codes(rig, Operation.TERMINATE)
    assert (await rig.actions.plan(Operation.CLAIM, [BOX.id])).verdict.level is Level.YES
    assert await rig.mark(Operation.CLAIM) == f"{BOX.name}: tag runctl:owner={OWNER}"
    rig.provider.machines[BOX.id] = replace(rig.provider.machines[BOX.id], owner_label=OWNER)
    assert "foreign" not in await codes(rig, Operation.TERMINATE)


async def test_a_date_is_set_and_taken_away(rig: MarkRig) -> None:
    await rig.mark(Operation.SCHEDULE, day=date(2026, 12, 1))
    assert dict(rig.provider.machines[BOX.id].tags)["runctl:delete-after"] == "2026-12-01"
    await rig.mark(Operation.UNSCHEDULE)
    assert "runctl:delete-after" not in dict(rig.provider.machines[BOX.id].tags)


async def test_what_is_so_already_calls_nothing(rig: MarkRig) -> None:
    plan = await rig.actions.plan(Operation.UNPROTECT, [BOX.id])
    assert plan.effect == f'nothing on {BOX.id} "{BOX.name}": it has no such protection'
    assert (await rig.commit(plan)).ok
    assert rig.provider.calls == []


async def test_a_world_that_changed_stops_the_call(rig: MarkRig) -> None:
    plan = await rig.actions.plan(Operation.PROTECT, [BOX.id])
    rig.change(BOX, tags=())
    with pytest.raises(PlanChanged, match="not made by this tool"):
        await rig.actions.commit(plan, yes(plan))
    assert rig.provider.calls == []


async def test_a_refusal_of_the_dry_run_makes_no_call(rig: MarkRig) -> None:
    plan = await rig.actions.plan(Operation.PROTECT, [BOX.id])
    rig.provider.failures["marks"] = AwsError("not you", code="UnauthorizedOperation")
    view = await rig.commit(plan)
    assert not view.ok
    assert (rig.provider.calls, await rig.rows()) == ([], ())


async def test_a_mark_that_is_never_seen_is_settled_first(rig: MarkRig) -> None:
    rig.store_of_marks.blind = True
    plan = await rig.actions.plan(Operation.PROTECT, [BOX.id])
    view = await rig.commit(plan)
    assert (view.ok, "is not marked so" in view.result) == (False, True)
    ((row),) = await rig.rows()
    assert row.state is JournalState.AMBIGUOUS


async def test_requests_that_make_no_sense_and_providers_without_tags_say_so(rig: MarkRig) -> None:
    with pytest.raises(ValidationError, match="has passed"):
        await rig.mark(Operation.SCHEDULE, day=date(2020, 1, 1))
    del cast("Any", rig.provider).marks
    plan = await rig.actions.plan(Operation.PROTECT, [BOX.id])
    view = await rig.commit(plan)
    assert (view.ok, "has no tags" in view.result) == (False, True)
    with pytest.raises(Unsupported):
        await Rig(Path(rig.store.folder) / "other", BOX).actions.plan(Operation.PROTECT, [BOX.id])
