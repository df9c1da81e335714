"""The Audit screen: every attempt, the newest first, and what is written about one."""

from __future__ import annotations

from dataclasses import replace

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.text import safe
from tests.ui import fake_data as data
from tests.ui.audit_data import audit
from tests.ui.driving import Person, at_keyboard
from tests.ui.fakes import World


async def opened(person: Person) -> None:
    await person.press("colon")
    await person.type("audit")
    await person.press("enter")
    await person.sees("Audit   4")


async def test_every_attempt_is_there_the_newest_first() -> None:
    async with at_keyboard(World()) as person:
        await opened(person)
        await person.sees("· cancelled", "✗ refused", "✓ done", "◐ confirmed", "prod-api")
        text = person.text()
        at = [text.index(word) for word in ("· cancelled", "✗ refused", "✓ done", "◐ confirmed")]
        assert at == sorted(at)


async def test_an_entry_tells_all_that_is_written() -> None:
    async with at_keyboard(World()) as person:
        await opened(person)
        await person.press("j", "j", "enter")
        await person.sees("6f0b6d5e-90b1-4b1c-8a2f-0c5be6a0a001", "198.51.100.7 53122", "root_dies", "yes, sdxl-tune")


async def test_the_log_is_filtered_as_every_table() -> None:
    async with at_keyboard(World()) as person:
        await opened(person)
        await person.press("slash")
        await person.type("event:refused")
        await person.press("enter")
        await person.until(lambda: len(person.table.model) == 1, "one row")


async def test_an_entry_leads_to_its_task_and_its_machine() -> None:
    world = World()
    machine = data.fleet()[0]
    done = replace(audit()[1], targets=(machine.key,))
    world.audit.push((done,))
    async with at_keyboard(world) as person:
        await person.press("colon")
        await person.type("audit")
        await person.press("enter")
        await person.sees("Audit   1")
        await person.press("x")
        await person.sees("Go to its task", "Go to its machine")
        await person.press("down", "enter")
        await person.until(lambda: person.app.current_mode == "instances", "the machines")
        await person.until(lambda: person.table.cursor_key == machine.key, "the machine")


async def test_a_broken_chain_is_said_over_the_rows_that_could_be_read() -> None:
    world = World()
    told = Problem("audit", "the audit log is not as it was written", "line 2", "compare it with a backup")
    world.audit.push(audit(), (told,))
    async with at_keyboard(world) as person:
        await opened(person)
        await person.sees("the audit log is not as it was written", "4")


async def test_a_dialog_that_is_closed_is_taken_note_of() -> None:
    world = World()
    async with at_keyboard(world) as person:
        await person.press("ctrl+d")
        await person.until(lambda: len(person.app.screen_stack) > 1, "the plan")
        await person.press("escape")
        await person.until(lambda: bool(world.declined), "declined")
        assert safe(world.declined[0].effect)
