"""Quitting while tasks are at work: what is interrupted is said before, when the program has ended, and by the next."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Static

from runctl_tui.domain.plan import Operation, Step, StepState
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fakes import World


async def begin(person: Person, **more: Any) -> None:
    """Have a launch of this session at work."""
    person.app.shared.own_jobs.add("j-1")
    person.world.jobs.push((data.job(**more),))


async def test_quitting_asks_what_may_be_interrupted() -> None:
    async with at_keyboard() as person:
        await begin(person, instance_id="i-0new")
        await person.press("ctrl+q")
        await person.sees("QUIT", "launch tiny at 'SSH up', i-0new stays and may cost")
        assert person.world.closed == 0
        await person.press("escape")
        await person.until(lambda: len(person.app.screen_stack) == 1, "the dialog is gone")
        assert person.world.closed == 0
        await person.press("ctrl+q", "ctrl+q")
        await person.until(lambda: person.app._exit, "the second time goes")
        assert str(person.app._exit_renderables[0]).startswith("interrupted, i-0new stays and may cost: see")


async def test_the_dialog_quits_by_its_button() -> None:
    async with at_keyboard() as person:
        await begin(person)
        await person.press("q")
        await person.sees("Quit all the same")
        person.world.clock.advance(2)
        await person.press("enter")
        await person.until(lambda: len(person.app.screen_stack) == 1, "a stray enter stays")
        assert person.world.closed == 0
        await person.press("q")
        await person.sees("Quit all the same")
        await person.press("right", "enter")
        await person.until(lambda: person.world.closed == 1, "it has ended")


async def test_work_of_another_program_or_that_has_ended_keeps_nobody() -> None:
    async with at_keyboard() as person:
        await begin(person, ended_at=data.NOW, ok=True)
        await person.press("ctrl+q")
        assert person.world.closed == 1
    async with at_keyboard() as person:
        person.world.jobs.push((data.job(),))
        await person.press("ctrl+q")
        assert person.world.closed == 1


async def test_what_was_interrupted_is_told_by_the_next_session_and_its_machine_can_be_ended() -> None:
    world = World()
    machine = data.fleet()[1].instance
    job = data.job(instance_id=machine.id, ended_at=data.NOW, ok=False, code="interrupted")
    world.interrupted = (job,)
    world.jobs.push((job, replace(data.job("j-2"), title="another", instance_id="i-gone")))
    async with at_keyboard(world) as person:
        await person.sees("interrupted", machine.id, "see 7 Tasks (launch tiny at 'SSH up')")
        await person.press("7")
        await person.sees("another")
        person.table.move_to("j-1")
        await person.press("x")
        await person.sees("Terminate its machine…", "Go to its machine")
        await person.type("terminate")
        await person.press("enter")
        await person.until(lambda: world.planned, "a plan is asked for")
        assert world.planned[-1] == (Operation.TERMINATE, (data.fleet()[1].key,))
        await person.press("escape")
        person.table.move_to("j-2")
        await person.press("x")
        await person.sees("it has no machine that is there")


async def test_a_launch_that_waited_for_its_run_is_taken_up_from_its_menu() -> None:
    world = World()
    machine = data.fleet()[1].instance
    steps = (*(Step(one, one, StepState.DONE) for one in ("create", "detached")), Step("terminated", "Terminated"))
    job = data.job(instance_id=machine.id, run_id="r-1", steps=steps, ended_at=data.NOW, ok=False, code="interrupted")
    world.interrupted = (job,)
    world.jobs.push((job, replace(job, id="j-2", code="")))
    async with at_keyboard(world) as person:
        await person.sees("x in 7 Tasks goes on with it (launch tiny")
        await person.press("7")
        await person.sees("launch tiny")
        person.table.move_to("j-2")
        await person.press("x")
        await person.sees("it waits for no run")
        await person.press("escape")
        person.table.move_to("j-1")
        await person.press("x")
        await person.type("go on")
        await person.press("enter")
        await person.sees("taken up: launch tiny")
        assert world.taken_up == ["j-1"]


async def test_a_task_that_was_taken_up_is_shown_although_it_stands_above_the_rows_in_view() -> None:
    world = World()
    steps = (*(Step(one, one, StepState.DONE) for one in ("create", "detached")), Step("terminated", "Terminated"))
    job = data.job(instance_id="i-1", run_id="r-1", steps=steps, ended_at=data.NOW, ok=False, code="interrupted")
    jobs = [
        replace(job, id=f"j-{number}", title=f"launch {number}", started_at=data.ago(minutes=number))
        for number in range(1, 40)
    ]
    world.interrupted = tuple(jobs)
    world.jobs.push(tuple(jobs))
    async with at_keyboard(world, size=NARROW) as person:
        await person.press("7")
        await person.sees("launch 1 ")
        await person.press("end")
        await person.sees("launch 39")
        assert "launch 1 " not in person.text()
        await person.press("x")
        await person.type("go on")
        await person.press("enter")
        await person.until(lambda: person.table.cursor_key == "j-taken", "the cursor is on the new task")
        await person.sees("launch tiny", "working")


async def test_the_money_follows_a_task_also_where_no_fleet_is_shown() -> None:
    async with at_keyboard() as person:
        looks: list[str] = []
        fleet = person.app.services.fleet
        look = fleet.now

        async def counted() -> Any:
            looks.append(person.app.current_mode)
            return await look()

        fleet.now = counted  # type: ignore[method-assign]  # counts what the screens ask
        await person.press("7")
        person.world.jobs.push((data.job(),))
        await person.sees("launch tiny")
        looks.clear()
        person.world.jobs.push((data.job(ended_at=data.NOW, ok=True),))
        await person.until(lambda: looks == ["tasks"], "one look at the fleet")


class SlowPart(Static):
    """Takes its time to come up."""

    async def on_mount(self) -> None:
        """Leave the screen that holds it unfinished for a while."""
        await asyncio.sleep(0.05)


class SlowScreen(Screen[None]):
    """Counts on its part, as every screen does."""

    def compose(self) -> ComposeResult:
        """Hold the slow part."""
        with Vertical():
            yield SlowPart(id="part")

    def on_mount(self) -> None:
        """Look for it."""
        self.query_one("#part")


@pytest.mark.parametrize("turns", range(3))
@pytest.mark.parametrize("how", ["its own way", "from outside"])
async def test_to_quit_while_a_screen_is_still_being_built_is_no_crash(how: str, turns: int) -> None:
    async with at_keyboard() as person:
        person.app.push_screen(SlowScreen())
        for _ in range(turns):
            await asyncio.sleep(0)
        if how == "its own way":
            person.app.exit()
    assert person.app._exception is None


async def test_a_part_that_is_missed_while_the_program_runs_is_a_crash() -> None:
    async def look() -> None:
        async with at_keyboard() as person:
            person.app.call_later(person.app.query_one, "#nowhere")
            await person.until(lambda: person.app._exception is not None, "it is told")

    with pytest.raises(NoMatches):
        await look()
