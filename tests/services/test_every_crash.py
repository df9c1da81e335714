"""Death at every step of every operation: whatever was written or sent then, the next program finds one truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.audit import AuditEvent
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.journal_rows import JournalState
from tests.services.actions_rig import Rig, codes
from tests.services.crash_acts import ACTS
from tests.services.dying import Act, Mortal, World, audit_of, close, live, make_mortal

FEWEST = 15
"""Moments that any operation has: each row of the journal, each line of the audit log, and the call."""


@pytest.mark.parametrize("act", [pytest.param(act, id=act.operation.value) for act in ACTS.values()])
async def test_death_at_any_moment_leaves_one_truth(
    act: Act, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    points = 0
    while True:
        folder = tmp_path / str(points)
        rig, mortal = act.make(folder), Mortal(points + 1)
        make_mortal(act, rig, mortal)
        await live(act, rig)
        close(rig)
        if not mortal.dead:
            assert act.done(rig), "it does not even work where nobody dies"
            break
        await finds_one_truth(act, folder, act.world(rig), f"moment {points + 1}")
        points += 1
    record_property("moments", points)
    print(f"{act.operation.value}: {points} moments")
    assert points >= FEWEST, "the moments were not met"


async def finds_one_truth(act: Act, folder: Path, world: World, where: str) -> None:
    """The next program: all is settled, nothing was done twice, and it can be done now."""
    rig = act.make(folder, world)
    try:
        sent = list(act.calls(rig))
        assert len(sent) <= act.most, where
        assert act.holds(rig), where
        await is_told(rig, len(sent), where)
        await is_settled(act, rig, len(sent), where)
        assert act.calls(rig) == sent, f"{where}: settling called something"
        await once_more(act, rig, bool(sent), where)
    finally:
        close(rig)


async def is_settled(act: Act, rig: Rig, sent: int, where: str) -> None:
    """Each call that arrived is told so, and what was not sent is not open."""
    left = await rig.journal.reconcile(rig.registry)
    assert left == (), f"{where}: {left}"
    states = [row.state for row in await rig.rows() if row.state is not JournalState.CONFIRMED]
    arrived = [state for state in states if state is not JournalState.FAILED]
    assert set(arrived) <= {JournalState.VERIFIED}, f"{where}: {states}"
    if act.told == {JournalState.VERIFIED}:
        assert len(arrived) == sent, f"{where}: {sent} calls, {states}"


async def is_told(rig: Rig, sent: int, where: str) -> None:
    """What was called is in the audit log; what was cut short is buried, and the log goes on."""
    await rig.jobs.load()
    latest = rig.jobs.feed.latest
    assert latest is not None
    assert all(view.ended_at is not None for view in latest.value), where
    events = [entry.event for entry in (await audit_of(rig).read()).entries]
    assert not sent or AuditEvent.CONFIRMED in events, f"{where}: nobody wrote down who wanted it"


async def once_more(act: Act, rig: Any, sent: bool, where: str) -> None:
    """Doing it again is possible, and does nothing where it was done."""
    if sent and act.makes:
        assert act.done(rig), where
        return
    try:
        plan = await act.plan(rig)
    except TrainctlError:
        assert sent, where  # what is gone cannot be planned about
    else:
        assert not {"reconcile_first", "busy"} & codes(plan), where
        view = await rig.commit(plan)
        assert view.ok, f"{where}: {view.result}"
        assert view.ended_at is not None
    assert act.repeats or len(act.calls(rig)) == act.most, f"{where}: {act.calls(rig)}"
    assert act.done(rig), where
