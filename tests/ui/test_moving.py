"""Another profile and other regions without leaving: services and screens anew, each place as it was left."""

from __future__ import annotations

from dataclasses import replace

from runctl_tui.widgets.header import PROFILE_COLOURS, profile_style
from tests.ui import fake_data as data
from tests.ui.driving import Person, at_keyboard
from tests.ui.fakes import World

EVAL = "aws/i-0aaa00000000000e1"


def quiet() -> World:
    """Return a world in which no task is at work."""
    world = World()
    world.jobs.push(())
    return world


async def colon(person: Person, text: str) -> None:
    await person.press("colon")
    await person.type(text)
    await person.press("enter")


async def test_another_profile_has_services_and_screens_of_its_own() -> None:
    world = quiet()
    async with at_keyboard(world) as person:
        await colon(person, "profile production")
        await person.sees("production · us-east-1 us-west-2", "llama-7b")
        assert world.closed == 1
        assert world.fleet.watchers == 0, "nobody asks the old place any more"
        there = person.app.services.fleet.feed
        assert there is not world.fleet
        await person.press("5")
        await person.sees("tiny-2")
        await person.press("q")
        await person.until(lambda: person.app.current_mode == "instances", "back")


async def test_several_regions_at_a_time() -> None:
    async with at_keyboard(quiet()) as person:
        await colon(person, "region eu-west-1,eu-north-1")
        await person.sees("research · eu-west-1 eu-north-1")


async def test_each_place_is_as_it_was_left() -> None:
    async with at_keyboard(quiet()) as person:
        await person.press("slash")
        await person.type("name:llama")
        await person.press("enter", "j", "shift+right")
        order = person.table.sort
        assert person.table.cursor_key == EVAL
        await colon(person, "profile production")
        await person.sees("production · ")
        await person.until(lambda: person.table.model.total == len(data.fleet()), "rows")
        assert person.table.model.filter_text == ""
        await colon(person, "profile research")
        await person.sees("research · ", "/ name:llama")
        await person.until(lambda: person.table.cursor_key == EVAL, "the same row")
        assert person.table.sort == order


async def test_the_next_session_finds_the_table_as_it_was_left_but_no_row_hidden() -> None:
    first = quiet()
    async with at_keyboard(first) as person:
        await person.press("slash")
        await person.type("name:llama")
        await person.press("enter", "j", "shift+right")
        order = person.table.sort
        await colon(person, "columns name,state")
        assert person.table.cursor_key == EVAL
        await person.press("ctrl+q")
    second = quiet()
    second.kept = first.kept
    async with at_keyboard(second) as person:
        await person.until(lambda: person.table.cursor_key == EVAL, "the same row")
        assert person.table.sort == order
        assert {one.id for one in person.table.model.columns} - person.table.model.hidden == {"name", "state"}
        assert person.table.model.total == len(person.table.model) == len(data.fleet())


async def test_a_row_that_was_left_and_comes_late_does_not_move_a_person_who_has_begun() -> None:
    world = quiet()
    left = {"view": {"mode": "instances"}, "cursor": "aws/i-late"}
    world.kept["left.research us-east-1 us-west-2"] = {"instances": left, "tasks": 3}
    async with at_keyboard(world) as person:
        await person.sees("llama-7b")
        await person.until(lambda: set(person.app.shared.stances) == {"instances"}, "what was left")
        await person.press("j", "j")
        chosen = person.table.cursor_key
        late = data.fleet()[0]
        world.fleet.push((*data.fleet(), replace(late, instance=replace(late.instance, id="i-late", name="late"))))
        await person.sees("late")
        assert person.table.cursor_key == chosen


async def test_it_is_refused_while_a_task_is_at_work() -> None:
    world = World()
    async with at_keyboard(world) as person:
        await person.sees("7 Tasks ◐1")
        person.app.shared.own_jobs.add("j-1")
        await colon(person, "profile production")
        await person.sees("This program stays where it is", "tasks at work here: 1")
        assert world.closed == 0


async def test_a_task_of_another_process_goes_on_without_us() -> None:
    world = World()
    async with at_keyboard(world) as person:
        await person.sees("7 Tasks ◐1")
        await colon(person, "profile production")
        await person.sees("production · ")
        assert world.closed == 1


async def test_an_unknown_profile_changes_nothing() -> None:
    world = quiet()
    async with at_keyboard(world) as person:
        await colon(person, "profile nobody")
        await person.sees("there is no such profile")
        assert world.closed == 0
        await person.sees("research · us-east-1")


async def test_from_the_page_of_a_machine_it_leads_to_the_machines_there() -> None:
    async with at_keyboard(quiet()) as person:
        await person.press("enter")
        await person.sees("States and prices")
        await colon(person, "region eu-west-1")
        await person.until(lambda: person.app.current_mode == "instances", "the machines")
        await person.sees("research · eu-west-1", "llama-7b")


def test_a_profile_keeps_its_colour_and_another_has_another() -> None:
    assert profile_style("research") == profile_style("research")
    assert profile_style("research") != profile_style("production")
    assert len({profile_style(str(number)) for number in range(50)}) == len(PROFILE_COLOURS)


async def test_a_sandbox_that_has_ended_is_said_and_begun_again() -> None:
    world = quiet()
    async with at_keyboard(world) as person:
        await person.sees("SANDBOX", "llama-7b")
        world.sandbox_ended.set()
        await person.sees("The sandbox has ended", ":sandbox start")
        await colon(person, "sandbox start")
        await person.until(lambda: world.closed == 1, "services anew")
        assert not world.sandbox_words, "there was nobody to tell"
        await person.sees("llama-7b")
        assert "The sandbox has ended" not in person.text()
        await colon(person, "sandbox start")
        await person.until(lambda: world.sandbox_words == [("start",)], "the sandbox that is there was told")


async def test_the_way_back_leads_across_places() -> None:
    async with at_keyboard(quiet()) as person:
        await person.press("2")
        await person.until(lambda: person.app.current_mode == "volumes", "volumes")
        await colon(person, "profile production")
        await person.sees("production · ")
        await person.until(lambda: person.app.current_mode == "volumes", "the same screen")
        await person.press("left_square_bracket")
        await person.until(lambda: person.app.current_mode == "instances", "where one was before")
