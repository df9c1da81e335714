"""Better ways in a plan, exports, forgetting, order of machines that are gone, keys typed ahead, last words."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from runctl_tui.domain.plan import Level, Operation, Reason, Severity
from runctl_tui.domain.resource import ResourceState
from runctl_tui.modals.words import figure, money
from tests.ui import fake_data as data
from tests.ui.driving import at_keyboard
from tests.ui.fakes import World

LLAMA = "aws/i-0abc12de34f567890"
TRAINING = Reason(
    "training_running", Severity.BLOCK, "training is running: llama-7b", Level.REASON, (), "stop the run first",
    Operation.RUN_STOP, (data.LLAMA_RUN.id,),
)  # fmt: skip


async def test_a_better_way_is_a_button_and_opens_its_own_plan() -> None:
    world = World()
    world.reasons = (TRAINING,)
    async with at_keyboard(world) as person:
        await person.press("ctrl+d")
        await person.sees("[ Cancel ]", "[ Stop the run first ]", "I know: training is running")
        world.reasons = ()
        await person.press("tab", "enter")
        await person.until(lambda: person.dialog == "ConfirmStop", "the run's plan is shown")
        assert world.planned[-1] == (Operation.RUN_STOP, (data.LLAMA_RUN.id,))
        assert not world.committed


async def test_the_view_is_exported_as_shown() -> None:
    async with at_keyboard() as person:
        await person.press("slash")
        await person.type("name:llama")
        await person.press("enter", "ctrl+s")
        await person.sees("Export as", "Markdown", "for spreadsheets: instances-….csv")
        person.world.fleet.push(())
        await person.press("enter")
        await person.sees("exported to /home/alice/project/logs/instances.csv")
        ((name, text),) = person.world.exported
        rows = list(csv.reader(io.StringIO(text)))
        assert name == "instances.csv"
        assert rows[0][:2] == ["NAME", "STATE"]
        assert {row[0] for row in rows[1:]} == {"llama-7b", "llama-eval"}
        assert rows[0][-2:] == ["as_of", "scope"]
        assert rows[1][-1] == "aws local; by $/h descending, filter: name:llama"


async def test_the_format_is_chosen_and_escape_exports_nothing() -> None:
    async with at_keyboard() as person:
        await person.press("ctrl+s", "escape")
        await person.until(lambda: not person.dialog, "the choice is closed")
        assert person.world.exported == []
        await person.press("ctrl+s")
        await person.type("json")
        await person.press("enter")
        await person.sees("exported to /home/alice/project/logs/instances.json")
        found = json.loads(person.world.exported[0][1])
        assert (found["name"], found["scope"]) == ("instances", ["aws", "local"])
        assert found["rows"][0]["NAME"] == "llama-7b"


async def test_an_export_of_a_partial_view_says_what_is_missing() -> None:
    async with at_keyboard(World().partial()) as person:
        await person.press("ctrl+s")
        await person.type("mark")
        await person.press("enter")
        await person.until(lambda: person.world.exported, "it is exported")
        assert "without us-west-2" in person.world.exported[0][1]


async def test_the_log_is_exported_where_it_has_the_keys() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("step 4110/9000")
        await person.press("l", "ctrl+s")
        await person.until(lambda: person.world.exported, "something was exported")
        ((name, text),) = person.world.exported
        assert name == f"{data.LLAMA_RUN.id}.log"
        assert "step 4110/9000" in text
        assert "\n\n" not in text


async def test_an_ended_run_is_forgotten_after_a_plain_enter_and_a_live_one_is_not() -> None:
    async with at_keyboard() as person:
        await person.press("5")
        await person.sees("● llama-7b")
        await person.press("x")
        await person.sees("Forget…", "it may still be working")
        await person.press("escape", "G", "x")
        await person.sees("type to narrow the list")
        await person.type("forget")
        await person.press("enter")
        await person.sees("FORGET", "checkpoints stay")
        await person.until(lambda: person.app.focused is not None and person.app.focused.id == "act", "Enter goes on")
        await person.press("enter")
        await person.until(lambda: person.world.forgotten, "the run is forgotten")
        last = [run for run in data.RUNS if run.status.ended]
        assert person.world.forgotten[0] in [run.id for run in last]


async def test_machines_that_are_gone_stand_last_whatever_the_order() -> None:
    world = World()
    gone = data.fleet()[0]
    gone = replace(gone, instance=replace(gone.instance, state=ResourceState.TERMINATED))
    world.fleet.push((gone, *data.fleet()[1:]))
    async with at_keyboard(world) as person:
        for _ in range(3):
            assert person.table.model.view[-1] == LLAMA
            await person.press("shift+right")


async def test_keys_typed_right_after_the_slash_reach_the_filter() -> None:
    async with at_keyboard() as person:
        await person.pilot.press("slash", "s", "d", "x", "l")
        await person.until(lambda: person.table.model.filter_text == "sdxl", "the filter has all letters")


async def test_the_end_of_a_job_refreshes_what_it_changed() -> None:
    async with at_keyboard() as person:
        await person.until(lambda: person.app.shared.at_work, "the job is seen at work")
        before = person.world.fleet.refreshed
        assert person.world.jobs.latest is not None
        ended = tuple(replace(job, ended_at=data.NOW, ok=True) for job in person.world.jobs.latest.value)
        person.world.jobs.push(ended)
        await person.until(lambda: person.world.fleet.refreshed > before, "the fleet is asked again")


async def test_the_disk_shows_its_price_and_the_list_says_that_it_loads() -> None:
    async with at_keyboard() as person:
        await person.press("x", "enter")
        await person.sees("LAUNCH", "GiB gp3, $2.40/mo")


@pytest.mark.parametrize(
    ("amount", "words"), [("0", "$0.00"), ("0.0031", "<$0.01"), ("0.01", "$0.01"), ("1204.551", "$1,204.55")]
)
def test_money_has_two_decimals(amount: str, words: str) -> None:
    assert money(Decimal(amount)) == words


@pytest.mark.parametrize(
    ("amount", "cells", "words"),
    [("12.5", 7, "12.50"), ("123456.78", 9, "123,457"), ("1234567.89", 7, "1,235k"), ("98765432", 7, "99M")],
)
def test_figures_are_never_clipped(amount: str, cells: int, words: str) -> None:
    shown = figure(Decimal(amount), cells)
    assert shown == words
    assert len(shown) <= cells
