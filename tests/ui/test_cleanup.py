"""The Cleanup screen: candidates with their evidence, one plan for what is marked, a result per row."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.geometry import Region

from runctl_tui.domain.plan import Level, Operation, Reason, Severity, Step, StepState
from runctl_tui.modals.base import DialogButton
from runctl_tui.widgets.prompt import FormInput
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, WIDE, Person, at_keyboard
from tests.ui.fake_feed import FakeFeed
from tests.ui.fakes import World
from tests.ui.upload_data import uploads

BLOCK = Reason("no_backup", Severity.BLOCK, "what is on it exists once", Level.REASON)
NAMED = Reason("destroys", Severity.WARN, "it destroys data", Level.NAME)


async def open_cleanup(person: Person) -> None:
    await person.press("8")
    await person.sees("llama-eval", "old-home", "EVIDENCE")


def keys(person: Person) -> list[str]:
    return [str(key) for key in person.table.model.view]


async def test_candidates_of_all_kinds_with_reason_evidence_and_money() -> None:
    async with at_keyboard() as person:
        await open_cleanup(person)
        await person.sees(
            "$834.30/mo",
            "idle",
            "no run for 38 min",
            "737.30",
            "unattached",
            "250 GiB, 41 d old",
            "orphaned",
            "vol-0gone",
        )
        assert "RESULT" not in person.text(), "nothing was done yet"
        assert "db-primary" not in person.text(), "a stranger's is none of our business"


async def test_enter_leads_to_what_a_row_is_about() -> None:
    async with at_keyboard() as person:
        await open_cleanup(person)
        await person.press("G", "enter")
        await person.until(lambda: person.app.current_mode == "snapshots", "the snapshot's screen")


async def test_one_plan_for_what_is_marked_and_a_result_per_row() -> None:
    world = World()
    async with at_keyboard(world) as person:
        await open_cleanup(person)
        await person.press("space", "space", "ctrl+d")
        await person.sees("CLEAN UP", "llama-eval", "sdxl-datasets")
        await person.type("clean up 2")
        await person.press("enter", "enter")
        await person.until(lambda: world.committed, "the commit")
        (plan, answer) = world.committed[0]
        assert plan.operation is Operation.CLEAN_UP
        assert [part.operation for part in plan.parts] == [Operation.STOP, Operation.VOLUME_DELETE]
        assert answer.plan_hash == plan.hash
        await person.sees("RESULT", "◐ working")
        machine, volume = (target.id for target in plan.targets)
        steps = (
            Step(f"check:{machine}", "look", StepState.DONE),
            Step(f"call:{machine}", "stop", StepState.FAILED, "EC2 says no"),
            Step(f"check:{volume}", "look", StepState.DONE),
            Step(f"call:{volume}", "delete", StepState.DONE),
        )
        ended = replace(data.job("j-2"), steps=steps, ended_at=world.clock.now(), ok=False, result="1 of 2 failed")
        world.jobs.push((ended,))
        await person.sees("✗ EC2 says no", "✓ done")


async def test_what_may_not_be_cleaned_up_is_spared_and_says_why() -> None:
    world = World()
    world.refused["aws/vol-0scratch"] = BLOCK
    async with at_keyboard(world) as person:
        await open_cleanup(person)
        await person.press("slash")
        await person.type("scratch-2025")
        await person.press("enter", "ctrl+d")
        await person.sees("nothing of this may be cleaned up", "▲ spared")
        assert world.committed == []


async def test_read_only_has_neither_key_nor_verb() -> None:
    async with at_keyboard(
        World(facts=replace(data.FACTS, lock="read-only: :arm 10m first", armed_for=None))
    ) as person:
        await open_cleanup(person)
        await person.press("ctrl+d", "x")
        await person.sees("Actions", "read-only")
        assert person.world.planned == []


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_buttons_and_field_stay_in_sight_under_a_plan_of_many(size: tuple[int, int]) -> None:
    world = World(reasons=(NAMED,))
    async with at_keyboard(world, size=size) as person:
        await open_cleanup(person)
        await person.press(*["space"] * 5, "ctrl+d")
        await person.sees("CLEAN UP")
        screen = Region(0, 0, *size)
        shown = [*person.app.screen.query(DialogButton), *person.app.screen.query(FormInput)]
        assert len(shown) == 3
        frame = person.app.screen.query_one(".dialog").content_region
        for widget in shown:
            assert frame.contains_region(widget.region), (widget, widget.region, frame)
            assert screen.contains_region(widget.region)


async def test_an_upload_that_was_left_behind_is_among_them_and_enter_leads_to_it() -> None:
    async with at_keyboard(World(uploads=FakeFeed(uploads()))) as person:
        await open_cleanup(person)
        await person.sees("web-2026-05.tar.zst", "unfinished", "nothing new for 11 d", "abort", "$835.15/mo")
        assert "train-0048" not in person.text(), "it may still be under way"
        assert "step_4000.pt" not in person.text(), "a run may be sending it"
        person.table.move_to(uploads()[0].reference)
        await person.press("enter")
        await person.sees("below s3://my-data/corpus/", "web-2026-05.tar.zst")
        assert person.table.cursor_key == uploads()[0].reference
