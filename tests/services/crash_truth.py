"""What has to be true after any death of a program, as the next one finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runctl_tui.domain.audit import AuditEvent
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.journal_rows import JournalState
from tests.services.actions_rig import Rig, codes
from tests.services.dying import Act, World, audit_of, close


async def finds_one_truth(act: Act, folder: Path, world: World, where: str) -> None:
    """The next program: all is settled, nothing was done twice, and it can be done now."""
    rig = act.make(folder, world)
    try:
        sent = list(act.calls(rig))
        assert len(sent) <= act.most, where
        assert act.holds(rig), where
        await is_told(rig, len(sent), where)
        await is_settled(act, rig, act.rows(rig) if act.rows else len(sent), where)
        assert act.calls(rig) == sent, f"{where}: settling called something"
        await once_more(act, rig, len(sent), where)
    finally:
        close(rig)


async def is_settled(act: Act, rig: Rig, verified: int, where: str) -> None:
    """Each call that arrived is told so, and what was not sent is not open."""
    left = await rig.journal.reconcile(rig.registry)
    assert left == (), f"{where}: {left}"
    states = [row.state for row in await rig.rows() if row.state is not JournalState.CONFIRMED]
    arrived = [state for state in states if state is not JournalState.FAILED]
    assert set(arrived) <= {JournalState.VERIFIED}, f"{where}: {states}"
    if act.told == {JournalState.VERIFIED}:
        assert len(arrived) == verified, f"{where}: {verified} calls, {states}"


async def is_told(rig: Rig, sent: int, where: str) -> None:
    """What was called is in the audit log; what was cut short is buried, and the log goes on."""
    await rig.jobs.load()
    latest = rig.jobs.feed.latest
    assert latest is not None
    assert all(view.ended_at is not None for view in latest.value), where
    events = [entry.event for entry in (await audit_of(rig).read()).entries]
    assert not sent or AuditEvent.CONFIRMED in events, f"{where}: nobody wrote down who wanted it"


async def once_more(act: Act, rig: Any, sent: int, where: str) -> None:
    """Doing it again is possible, and does nothing where it was done."""
    if sent and act.makes:
        assert act.done(rig) or sent < act.most, where
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
