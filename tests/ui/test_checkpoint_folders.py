"""Checkpoints in folders of this machine, beside those of runs."""

from __future__ import annotations

from tests.ui import fake_data as data
from tests.ui.driving import Person, at_keyboard
from tests.ui.fakes import World

FOLDER = "/home/alice/llama/checkpoints"


def some() -> World:
    world = World()
    broken = data.local_checkpoint(90, resumable=False, damaged=True)
    world.checkpoints.push((*data.checkpoints(), data.local_checkpoint(70), broken))
    return world


async def shown(person: Person, count: int) -> None:
    await person.until(lambda: person.table.model.total == count, f"{count} checkpoints")


async def test_they_stand_in_the_same_table_with_the_same_facts() -> None:
    async with at_keyboard(some()) as person:
        await person.press("4")
        await shown(person, 7)
        found = [line for line in person.text().splitlines() if " llama/ " in line]
        rows = {line.partition("llama/")[2].split()[0]: line for line in found}
        assert set(rows) == {"70", "90"}
        for words in ("1.900", "3d", "1.2 MB", "pt", "● present", "yes", "only here"):
            assert words in rows["70"]
        assert "✗ damaged" in rows["90"]


async def test_a_path_after_the_colon_shows_one_folder_and_escape_all() -> None:
    async with at_keyboard(some()) as person:
        await person.press("colon")
        await person.type("checkpoints ~/llama/checkpoints")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "checkpoints", "checkpoints")
        await shown(person, 2)
        await person.sees(f"of {FOLDER}, escape shows all")
        await person.press("escape")
        await shown(person, 7)
        await person.press("colon")
        await person.type("checkpoints /nowhere")
        await person.press("enter")
        await person.sees("/nowhere is no folder on this machine")


async def test_a_folder_is_added_by_a_key_and_kept_in_the_configuration() -> None:
    async with at_keyboard(some()) as person:
        await person.press("4", "f")
        await person.until(lambda: person.dialog == "Entry", "the question")
        await person.type("llama/checkpoints")
        await person.press("enter")
        await shown(person, 2)
        assert person.world.settings["checkpoint.folders"] == (FOLDER,)


async def test_resuming_from_one_trains_on_this_machine() -> None:
    async with at_keyboard(some()) as person:
        await person.press("4")
        await shown(person, 7)
        person.table.move_to(f"{FOLDER}/step_70.pt")
        await person.press("x", "enter")
        await person.until(lambda: person.dialog == "LaunchDialog", "the form")
        await person.press("ctrl+r")
        await person.until(lambda: person.world.previewed, "a preview")
        request = person.world.previewed[0]
        assert request.instance_key == "local/local"
        assert request.job is not None
        assert request.job.resume_from == f"{FOLDER}/step_70.pt"


async def test_a_damaged_one_is_not_resumed() -> None:
    async with at_keyboard(some()) as person:
        await person.press("4")
        await shown(person, 7)
        person.table.move_to(f"{FOLDER}/step_90.pt")
        await person.press("x")
        await person.sees("it is damaged", "it belongs to no run")


async def test_this_machine_leads_to_them() -> None:
    async with at_keyboard(some()) as person:
        person.table.move_to("local/local")
        await person.press("p")
        await shown(person, 2)
