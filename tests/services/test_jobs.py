"""Jobs: steps a person can follow, questions, cancelling, and what is told after a death."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest

from runctl_tui.domain.plan import JobView, Step, StepState
from runctl_tui.services.errors import NoCapacity, Refused, ResourceNotFound
from runctl_tui.services.jobs import INTERRUPTED, SHOWN_EVERY, JobBoard, JobHandle, _read_since
from runctl_tui.services.locks import LockSet
from runctl_tui.services.store import Store
from tests.fakes import FakeClock, until

Opened = Callable[[], JobBoard]
SOON = 0.01
"""Seconds between two looks at what other programs wrote."""
STEPS = (Step("create", "create the machine"), Step("wait", "wait until it runs"))


@pytest.fixture
async def board_of(tmp_path: Path) -> AsyncIterator[Opened]:
    """Open boards as separate programs would, over one folder."""
    stores: list[Store] = []

    def opened() -> JobBoard:
        stores.append(Store(tmp_path, clock))
        return JobBoard(stores[-1], clock, LockSet(tmp_path), "alice", SOON)

    clock = FakeClock()
    yield opened
    for store in stores:
        store.close()
        store.join()


def shown(board: JobBoard) -> tuple[JobView, ...]:
    assert board.feed.latest is not None
    return board.feed.latest.value


async def test_steps_are_seen_one_after_the_other(board_of: Opened) -> None:
    board = board_of()

    async def work(job: JobHandle) -> str:
        async with job.step("create") as step:
            step.progress(0.5, "half")
            await asyncio.sleep(0)
        async with job.step("wait"):
            await asyncio.sleep(0)
        return "it runs"

    job_id = board.start("launch box", STEPS, work)
    views = [view async for view in board.watch(job_id)]
    states = [tuple(step.state.value for step in view.steps) for view in views]
    assert ("running", "waiting") in states
    assert states[-1] == ("done", "done")
    assert (views[-1].ok, views[-1].result) == (True, "it runs")
    assert any(step.done == 0.5 and step.detail == "half" for view in views for step in view.steps)


async def test_a_failure_names_its_step_and_what_to_do(board_of: Opened) -> None:
    board = board_of()

    async def work(job: JobHandle) -> str:
        async with job.step("create"):
            raise NoCapacity("no g5.xlarge to be had", "the market is empty", "try another zone")

    job_id = board.start("launch box", STEPS, work)
    view = [view async for view in board.watch(job_id)][-1]
    assert [step.state for step in view.steps] == [StepState.FAILED, StepState.SKIPPED]
    assert "the market is empty" in view.steps[0].detail
    assert (view.ok, view.code) == (False, "InsufficientInstanceCapacity")
    assert "try another zone" in view.result


@pytest.mark.parametrize("yes", [True, False])
async def test_a_question_waits_for_its_answer(board_of: Opened, yes: bool) -> None:
    board = board_of()

    async def work(job: JobHandle) -> str:
        return "on demand" if await job.ask("pay $1.01/h instead of $0.42/h?") else "left it"

    job_id = board.start("launch box", (), work)
    await until(lambda: bool(shown(board)[0].question))
    board.answer(job_id, yes)
    view = [view async for view in board.watch(job_id)][-1]
    assert (view.result, view.question) == ("on demand" if yes else "left it", "")


async def test_cancelling_answers_no_and_stops_at_the_next_look(board_of: Opened) -> None:
    board = board_of()

    async def work(job: JobHandle) -> str:
        assert await job.ask("go on?") is False
        job.check()
        return "never"

    job_id = board.start("launch box", (), work)
    await until(lambda: bool(shown(board)[0].question))
    board.cancel(job_id)
    view = [view async for view in board.watch(job_id)][-1]
    assert view.ok is False
    assert "cancelled" in view.result


async def test_a_job_of_a_dead_program_is_shown_as_interrupted(board_of: Opened, tmp_path: Path) -> None:
    dead = board_of()
    gate = asyncio.Event()

    async def work(job: JobHandle) -> str:
        async with job.step("create"):
            await gate.wait()
        return ""

    job_id = dead.start("launch box", STEPS, work)
    await until(lambda: dead._saver is not None and dead._saver.done())

    alive = board_of()
    await alive.load()
    assert shown(alive)[0].ended_at is None, "its program still lives"

    assert dead._owner_lock is not None
    kill_lock(dead._owner_lock)
    later = board_of()
    await later.load()
    (view,) = shown(later)
    assert (view.id, view.ok, view.result) == (job_id, False, INTERRUPTED)
    assert view.steps[0].state is StepState.FAILED
    assert later.interrupted == (view,)
    assert view.who == "alice"
    with pytest.raises(Refused):
        later.answer(job_id, True)
    gate.set()
    await dead.drain()


def kill_lock(handle: int) -> None:
    """Let go of a lock as the kernel does for a process that dies."""
    import os

    os.close(handle)


async def test_ended_jobs_are_remembered(board_of: Opened) -> None:
    async def work(job: JobHandle) -> str:
        job.set(run_id="r-1", instance_id="i-1")
        return "done"

    board = board_of()
    board.start("one", (), work)
    await board.drain()
    other = board_of()
    await other.load()
    (view,) = shown(other)
    assert (view.title, view.ok, view.result, view.run_id, view.instance_id) == ("one", True, "done", "r-1", "i-1")


async def test_an_unannounced_step_is_added(board_of: Opened) -> None:
    async def work(job: JobHandle) -> str:
        async with job.step("extra", "something more"):
            pass
        job.skip("wait", "not needed")
        return ""

    board = board_of()
    job_id = board.start("one", STEPS, work)
    view = [view async for view in board.watch(job_id)][-1]
    assert [(step.title, step.state.value) for step in view.steps][1:] == [
        ("wait until it runs", "skipped"),
        ("something more", "done"),
    ]


async def test_an_unknown_job_is_named(board_of: Opened) -> None:
    with pytest.raises(ResourceNotFound, match="j-nope"):
        board_of().cancel("j-nope")


async def test_jobs_of_other_programs_come_and_move_while_they_are_watched(board_of: Opened) -> None:
    here, there = board_of(), board_of()
    gate = asyncio.Event()

    async def work(job: JobHandle) -> str:
        async with job.step("create"):
            await gate.wait()
        return "it runs"

    await here.load()
    heard: list[tuple[JobView, ...]] = []
    take = heard.append

    async def watch() -> None:
        async for snapshot in here.feed.watch():
            take(snapshot.value)

    watching = asyncio.create_task(watch())
    await until(lambda: heard == [()])
    job_id = there.start("launch box", STEPS, work)
    await until(lambda: len(heard) > 1)
    assert (heard[-1][0].id, heard[-1][0].ended_at) == (job_id, None)
    gate.set()
    await until(lambda: heard[-1][0].ended_at is not None)
    assert heard[-1][0].result == "it runs"
    told = len(heard)
    await asyncio.sleep(20 * SOON)
    assert len(heard) == told, "nothing changed, so nothing is shown again"
    watching.cancel()


async def test_how_far_a_job_of_another_program_is_can_be_seen(board_of: Opened) -> None:
    here, there = board_of(), board_of()
    gate, moved = asyncio.Event(), asyncio.Event()

    async def work(job: JobHandle) -> str:
        async with job.step("create") as step:
            await moved.wait()
            step.progress(0.25, "1 of 4 GiB")
            await gate.wait()
        return ""

    there.start("upload", STEPS, work)
    await until(lambda: there._saver is not None and there._saver.done())
    await here.load()
    assert shown(here)[0].steps[0].done is None
    cast(FakeClock, there._clock).advance(SHOWN_EVERY.total_seconds())
    moved.set()
    await here.load()
    async with contextlib.aclosing(here._feed.watch()) as changes:
        async for snapshot in changes:
            if snapshot.value[0].steps[0].done is not None:
                break
    assert (shown(here)[0].steps[0].done, shown(here)[0].steps[0].detail) == (0.25, "1 of 4 GiB")
    gate.set()
    await there.drain()


async def test_a_program_that_dies_while_another_looks_leaves_its_job_interrupted(board_of: Opened) -> None:
    here, there = board_of(), board_of()
    gate = asyncio.Event()

    async def work(job: JobHandle) -> str:
        async with job.step("create"):
            await gate.wait()
        return ""

    there.start("launch box", STEPS, work)
    await until(lambda: there._saver is not None and there._saver.done())
    await here.load()
    async with contextlib.aclosing(here._feed.watch()) as changes:
        assert (await anext(changes)).value[0].ended_at is None
        assert there._owner_lock is not None
        kill_lock(there._owner_lock)
        view = (await asyncio.wait_for(anext(changes), 5)).value[0]
    assert (view.ok, view.result) == (False, INTERRUPTED)
    gate.set()
    await there.drain()


async def test_a_look_reads_only_what_was_written_since_the_last(board_of: Opened) -> None:
    here, there = board_of(), board_of()

    async def work(job: JobHandle) -> str:
        return "done"

    for number in range(5):
        there.start(f"job {number}", (), work)
    await there.drain()
    await here.load()
    assert len(shown(here)) == 5
    there.start("one more", (), work)
    await there.drain()
    seen = here._seen
    rows = await here._store.run(lambda connection: _read_since(connection, seen))
    assert [row.view.title for row in rows if row.view is not None] == ["one more"]
