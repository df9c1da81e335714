"""The audit log as a file: several writers, crashes in the middle, disks that refuse; and what gets into it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.audit import AuditEntry, AuditEvent
from runctl_tui.domain.plan import Confirmation, JobView, Operation, Plan, Reversibility
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services import audit as module
from runctl_tui.services.audit import AuditLog
from runctl_tui.services.audited import Actor, AuditedActions, Auditor, actor
from runctl_tui.services.errors import PlanChanged, Refused, StateError
from tests.fakes import START, FakeClock, an_instance
from tests.services.actions_rig import Rig

WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from runctl_tui.domain.audit import AuditEntry, AuditEvent
from runctl_tui.services import audit as module
from runctl_tui.services.audit import AuditLog

async def main():
    log = AuditLog(Path(sys.argv[1]), None)
    for number in range(25):
        await log.append(AuditEntry(datetime.now(UTC), AuditEvent.DONE, f"{sys.argv[2]} {number}"))

asyncio.run(main())
"""


WHO = Actor("alice", "al", "198.51.100.7 1 2 22", "/dev/pts/1")


def an_entry(effect: str = "stop x") -> AuditEntry:
    return AuditEntry(START, AuditEvent.DONE, effect)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "state" / "audit.jsonl", FakeClock())


async def test_entries_follow_each_other_in_a_file_of_our_own(log: AuditLog) -> None:
    assert (await log.read()).entries == ()
    for effect in ("stop x", "start x"):
        await log.append(an_entry(effect))
    chain = await log.read()
    assert [one.effect for one in chain.entries] == ["stop x", "start x"]
    assert not chain.breaks
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert log.path.parent.stat().st_mode & 0o777 == 0o700


async def test_processes_that_write_at_once_make_one_chain(log: AuditLog) -> None:
    start = asyncio.create_subprocess_exec
    writers = [await start(sys.executable, "-c", WRITER, str(log.path), name) for name in ("one", "two", "three")]
    assert [await each.wait() for each in writers] == [0, 0, 0]
    chain = await log.read()
    assert len(chain.entries) == 75
    assert not chain.breaks


async def test_a_line_that_was_cut_short_is_named_and_the_next_follows_on_it(log: AuditLog) -> None:
    await log.append(an_entry())
    with log.path.open("ab") as file:
        file.write(b'{"at":"2026-')
    await log.append(an_entry("start x"))
    chain = await log.read()
    assert [one.effect for one in chain.entries] == ["stop x", "start x"]
    assert chain.breaks == (2,)
    (problem,) = (await log.poll()).missing
    assert "line 2" in problem.why


async def test_a_path_that_cannot_be_a_file_is_said(log: AuditLog) -> None:
    log.path.mkdir(parents=True)
    with pytest.raises(StateError, match="cannot be written"):
        await log.append(an_entry())
    with pytest.raises(StateError, match="cannot be read"):
        await log.read()


async def caller() -> str:
    return "arn:alice"


class World:
    """The rig's actions, written down."""

    def __init__(self, rig: Rig, log: AuditLog) -> None:
        self.rig = rig
        self.log = log
        auditor = Auditor(log, rig.clock, WHO, caller)
        rig.jobs.on_end = auditor.ended
        self.actions = AuditedActions(rig.actions, auditor)

    async def stop(self) -> Plan:
        return await self.actions.plan(Operation.STOP, [an_instance().key])


@pytest.fixture
def world(tmp_path: Path, log: AuditLog) -> World:
    rig = Rig(tmp_path)
    rig.provider.add(an_instance(state=ResourceState.RUNNING))
    return World(rig, log)


async def test_what_is_done_is_written_before_and_after(world: World) -> None:
    plan = await world.stop()
    job = await world.actions.commit(plan, Confirmation(plan.hash, yes=True, name=plan.name_to_type))
    await world.rig.jobs.drain()
    confirmed, done = (await world.log.read()).entries
    assert (confirmed.event, done.event) == (AuditEvent.CONFIRMED, AuditEvent.DONE)
    assert confirmed.plan_hash == done.plan_hash == plan.hash
    assert confirmed.targets == (an_instance().key,)
    assert Actor(confirmed.user, confirmed.login, confirmed.ssh, confirmed.tty) == WHO
    assert confirmed.caller == "arn:alice"
    assert confirmed.answer.startswith("yes")
    assert done.job == job
    assert "is stopped" in done.result


async def test_what_is_refused_or_cancelled_is_written_too(world: World) -> None:
    plan = await world.actions.plan(Operation.TERMINATE, [an_instance().key])
    await world.actions.decline(plan)
    with pytest.raises(Refused):
        await world.actions.commit(plan, Confirmation(plan.hash, yes=True, name="another"))
    cancelled, confirmed, refused = (await world.log.read()).entries
    assert cancelled.event is AuditEvent.CANCELLED
    assert confirmed.answer == refused.answer == "yes, another"
    assert (refused.event, refused.code) == (AuditEvent.REFUSED, "name")


async def test_an_answer_that_is_refused_before_it_is_sent_is_written_with_its_reason(world: World) -> None:
    plan = await world.actions.plan(Operation.TERMINATE, [an_instance().key])
    answer = Confirmation("000000000000", yes=True, name="another", reason="because")
    await world.actions.decline(plan, PlanChanged("it is another plan", "its hash", "read it"), answer)
    (entry,) = (await world.log.read()).entries
    assert (entry.event, entry.code, entry.result) == (AuditEvent.REFUSED, "plan-changed", "its hash")
    assert (entry.answer, entry.reason) == ("yes, another", "because")


async def test_a_blocked_plan_that_is_closed_counts_as_refused(world: World) -> None:
    world.rig.provider.add(an_instance(state=ResourceState.RUNNING, tags=(("runctl:protected", "true"),)))
    plan = await world.actions.plan(Operation.TERMINATE, [an_instance().key])
    assert plan.verdict.blocking
    await world.actions.decline(plan)
    (entry,) = (await world.log.read()).entries
    assert entry.event is AuditEvent.REFUSED
    assert entry.code in entry.codes


async def test_what_cannot_be_written_down_is_not_done(world: World) -> None:
    plan = await world.stop()
    world.log.path.mkdir(parents=True)
    with pytest.raises(StateError, match="audit log"):
        await world.actions.commit(plan, Confirmation(plan.hash, yes=True, name=plan.name_to_type))
    assert world.rig.provider.calls == []


def test_who_sits_here_is_told_as_far_as_the_system_knows() -> None:
    who = actor({"SSH_CONNECTION": "198.51.100.7 1 2 22", "SUDO_USER": "alice"})
    assert (who.login, who.ssh) == ("alice", "198.51.100.7 1 2 22")
    assert who.user


async def test_a_writer_that_hangs_holds_nobody_up_for_ever(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    await log.append(an_entry())
    with log.path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StateError, match="cannot be written"):
            await log.append(an_entry("start x"))
    await log.append(an_entry("start x"))
    assert not (await log.read()).breaks


async def test_a_full_disk_leaves_no_half_line(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    await log.append(an_entry())
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda handle, line: write(handle, line[:20]))
        with pytest.raises(StateError, match="No space left"):
            await log.append(an_entry("start x"))
    await log.append(an_entry("start x"))
    chain = await log.read()
    assert (len(chain.entries), chain.breaks) == (2, ())


async def test_what_another_process_left_is_told_by_its_own_words(world: World) -> None:
    view = JobView("j-1", "launch tiny", (), START, ended_at=START, ok=False, result="interrupted", who="bob")
    await world.rig.jobs.on_end(view)
    (entry,) = (await world.log.read()).entries
    assert (entry.event, entry.effect, entry.user, entry.caller) == (AuditEvent.FAILED, "launch tiny", "bob", "")


async def test_what_changes_nothing_is_not_written(world: World) -> None:
    plan = replace(await world.stop(), reversibility=Reversibility.READ)
    await world.actions.commit(plan, Confirmation(plan.hash, yes=True, name=plan.name_to_type))
    await world.rig.jobs.drain()
    assert (await world.log.read()).entries == ()


async def test_an_entry_is_on_the_disk_before_it_counts(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "fsync", lambda handle: sizes.append((os.fstat(handle).st_ino, os.fstat(handle).st_size)))
    await log.append(an_entry())
    told = log.path.stat()
    assert (told.st_ino, told.st_size) in sizes
