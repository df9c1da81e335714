"""Ending processes through the one path, over a real SSH server: confirmed, re-checked, written down, seen to end."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from runctl_tui.domain.host import process_reference
from runctl_tui.domain.plan import Confirmation, Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.errors import PlanChanged, Refused, ResourceNotFound, ValidationError
from runctl_tui.services.journal_rows import JournalState
from runctl_tui.services.process_actions import ProcessActions
from runctl_tui.services.training.agent.process_table import process
from tests.services.actions_rig import Rig, codes, yes
from tests.services.hosts.linked import BOX, KEY, Linked, linked

END, KILL = Operation.PROCESS_END, Operation.PROCESS_KILL
SLEEP = "import time; print(flush=True); time.sleep(120)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


@dataclass
class Ending:
    """One program with a host behind SSH."""

    rig: Rig
    link: Linked


@pytest.fixture
async def ending(tmp_path: Path) -> AsyncIterator[Ending]:
    async with linked(tmp_path) as link:
        rig = Rig(tmp_path / "state", BOX)
        processes = ProcessActions(rig.facts, link.hosts, rig.caller, rig.locks)
        parts = ActionParts(rig.facts, rig.caller, rig.locks, rig.jobs, rig.executor, processes=processes)
        rig.actions = ActionService(parts)
        yield Ending(rig, link)
        rig.close()


@contextmanager
def begun(text: str = SLEEP) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        yield worker
        worker.kill()


def named(worker: subprocess.Popen[bytes]) -> str:
    seen = process(worker.pid)
    assert seen is not None
    return process_reference(KEY, worker.pid, seen.start)


def lock_files(folder: Path, pid: int) -> list[Path]:
    return list(folder.glob(f"state/locks/*{pid}*"))


async def test_a_process_that_obeys_is_seen_to_end(ending: Ending, tmp_path: Path) -> None:
    with begun() as worker:
        plan = await ending.rig.actions.plan(END, [named(worker)])
        assert plan.effect == f'end process {worker.pid} "{plan.targets[0].name}" on {BOX.name}'
        assert {line.label: line.text for line in plan.lines}["WHAT"].startswith(sys.executable)
        view = await ending.rig.commit(plan)
        assert view.ok, view.result
        assert view.result == f"{worker.pid} has ended"
        assert [step.state.value for step in view.steps] == ["done", "done"]
        assert worker.wait(10) == -15
    (row,) = await ending.rig.rows()
    assert (row.state, row.entry.operation, row.entry.resource) == (JournalState.VERIFIED, END, plan.targets[0].key)
    assert lock_files(tmp_path, worker.pid) == []


async def test_a_process_that_ignores_term_is_left_to_the_person(ending: Ending) -> None:
    with begun(STUBBORN) as worker:
        reference = named(worker)
        view = await ending.rig.do(END, reference)
        assert not view.ok
        assert "is still there" in view.result
        assert "KILL it from the menu" in view.result
        assert worker.poll() is None
        (row,) = await ending.rig.rows()
        assert row.state is JournalState.FAILED
        view = await ending.rig.do(KILL, reference)
        assert view.ok, view.result
        assert worker.wait(10) == -9


async def test_a_number_alone_is_bound_to_the_process_that_has_it(ending: Ending) -> None:
    with begun() as worker:
        plan = await ending.rig.actions.plan(END, [process_reference(KEY, worker.pid, None)])
        assert plan.targets[0].key == named(worker)
    with pytest.raises(ResourceNotFound, match=f"no process {worker.pid} on"):
        await ending.rig.actions.plan(END, [process_reference(KEY, worker.pid, None)])


async def test_a_number_that_another_process_has_is_refused(ending: Ending) -> None:
    with begun() as worker:
        wrong = f"{KEY}/{worker.pid}:1"
        plan = await ending.rig.actions.plan(KILL, [wrong])
        assert codes(plan) == {"process_other"}
        with pytest.raises(Refused, match="has the number"):
            await ending.rig.actions.commit(plan, yes(plan))
        assert worker.poll() is None


async def test_one_that_ended_after_the_plan_is_told_and_nothing_is_sent(ending: Ending) -> None:
    with begun() as worker:
        plan = await ending.rig.actions.plan(END, [named(worker)])
    with pytest.raises(PlanChanged, match="it has ended already"):
        await ending.rig.actions.commit(plan, yes(plan))
    assert await ending.rig.rows() == ()


async def test_one_that_had_ended_before_the_plan_needs_nothing(ending: Ending) -> None:
    with begun() as worker:
        reference = named(worker)
    view = await ending.rig.do(END, reference)
    assert view.ok
    assert "has ended already" in view.result
    assert await ending.rig.rows() == ()


async def test_it_asks_for_a_yes_and_read_only_forbids_it(ending: Ending) -> None:
    with begun() as worker:
        plan = await ending.rig.actions.plan(END, [named(worker)])
        with pytest.raises(Refused, match="asks for a yes"):
            await ending.rig.actions.commit(plan, Confirmation(plan.hash))
        assert worker.poll() is None


async def test_what_carries_our_own_connection_is_refused(ending: Ending) -> None:
    plan = await ending.rig.actions.plan(END, [process_reference(KEY, os.getpid(), None)])
    assert codes(plan) == {"process_carrier"}


async def test_several_are_ended_each_with_its_steps(ending: Ending) -> None:
    with begun() as one, begun() as two:
        plan = await ending.rig.actions.plan(END, [named(one), named(two)])
        assert plan.verdict.level.name == "YES"
        view = await ending.rig.commit(plan)
        assert view.ok, view.result
        assert (one.wait(10), two.wait(10)) == (-15, -15)
        assert len(view.steps) == 4
    assert len(await ending.rig.rows()) == 2


async def test_a_host_that_cannot_be_reached_is_no_ground_to_act(ending: Ending) -> None:
    with begun() as worker:
        reference = named(worker)
        ending.rig.change(BOX, state=ResourceState.STOPPED)
        plan = await ending.rig.actions.plan(END, [reference])
        assert codes(plan) == {"process_unknown"}
        assert "it is stopped" in plan.verdict.blocking[0].text


async def test_a_link_that_is_cut_while_it_waits_is_made_again(ending: Ending) -> None:
    with begun(STUBBORN) as worker:
        plan = await ending.rig.actions.plan(END, [named(worker)])
        job_id = await ending.rig.actions.commit(plan, yes(plan))
        async with asyncio.timeout(30):
            async for view in ending.rig.jobs.watch(job_id):
                if view.steps[1].detail.startswith("still there") and worker.poll() is None:
                    ending.link.server.cut()
                    worker.kill()
                    worker.wait()
        assert view.ok, view.result


async def test_words_that_name_no_process_are_refused(ending: Ending) -> None:
    with pytest.raises(ValidationError, match="names no process"):
        await ending.rig.actions.plan(END, [f"{KEY}/bash"])
