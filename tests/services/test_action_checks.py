"""What a launch that ends its machine by itself was told of, and what it was not told of and stops it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.plan import Level, Operation, Plan, Reason, Severity, Verdict
from runctl_tui.services.action_checks import given_with_launch
from runctl_tui.services.errors import Refused
from runctl_tui.services.journal import NO_CAPACITY
from runctl_tui.services.journal_rows import Entry, JournalState
from tests.domain.decision_table import TABLE
from tests.fakes import an_instance
from tests.services.actions_rig import Rig, codes

BOX = an_instance()
TOLD = "workspace_dies"
AGAINST = sorted({row.code for row in TABLE if row.operation is Operation.TERMINATE} - {TOLD})


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path, BOX)
    yield rig
    rig.close()


async def ending(rig: Rig, *against: str) -> Plan:
    """The plan that ends the machine, with these reasons against it."""
    plan = await rig.actions.plan(Operation.TERMINATE, [BOX.id])
    reasons = tuple(Reason(code, Severity.BLOCK, f"because of {code}", Level.REASON) for code in against)
    return replace(plan, verdict=Verdict(reasons, Level.NAME))


async def test_what_every_launch_of_its_kind_was_told_is_given_with_it(rig: Rig) -> None:
    plan = await ending(rig, TOLD)
    answer = given_with_launch(plan)
    assert (answer.plan_hash, answer.acknowledged, answer.name) == (plan.hash, frozenset({TOLD}), plan.name_to_type)


@pytest.mark.parametrize("code", AGAINST)
async def test_nothing_else_is_given_with_a_launch(rig: Rig, code: str) -> None:
    for against in ((code,), (TOLD, code)):
        with pytest.raises(Refused):
            given_with_launch(await ending(rig, *against))


async def test_a_place_that_had_no_room_of_late_is_told_before_a_stop(rig: Rig) -> None:
    assert "may_not_restart" not in codes(await rig.actions.plan(Operation.STOP, [BOX.id]))
    refused = Entry(
        "op-9", Operation.LAUNCH, "instance", "fake/new", "new", BOX.provider, BOX.region, "abc", "op-9", "me", "launch"
    )
    await rig.journal.begin(refused)
    await rig.journal.mark("op-9", JournalState.SENT)
    await rig.journal.mark("op-9", JournalState.FAILED, f"{NO_CAPACITY}: no room")
    plan = await rig.actions.plan(Operation.STOP, [BOX.id])
    (reason,) = [one for one in plan.verdict.reasons if one.code == "may_not_restart"]
    assert f"{BOX.region} had no capacity" in reason.text
