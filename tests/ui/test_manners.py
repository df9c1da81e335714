"""Manners of every table: filter history, views with names, columns, copies, marks, cells that changed, one silent
provider."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input

from runctl_tui.domain.plan import Operation
from runctl_tui.domain.run import TrainingJob
from runctl_tui.screens.kept import Kept, SavedView
from runctl_tui.screens.raw import raw_json
from runctl_tui.services.memory import StoredMemory
from runctl_tui.services.ports import Finding
from runctl_tui.services.retrying import tell_retry
from runctl_tui.services.store import Store
from runctl_tui.widgets import clipboard
from runctl_tui.widgets.command_line import CommandLine
from runctl_tui.widgets.table import FRESH_SECONDS
from tests.fakes import FakeClock
from tests.ui import fake_data as data
from tests.ui.driving import Person, at_keyboard
from tests.ui.fakes import FakeDoctor, World

LLAMA, EVAL = "aws/i-0abc12de34f567890", "aws/i-0aaa00000000000e1"


async def test_filters_come_back_by_the_arrows_and_over_sessions() -> None:
    world = World()
    async with at_keyboard(world) as person:
        for text in ("state:stopped", "name:llama"):
            await person.press("slash")
            await person.type(text)
            await person.press("enter", "escape")
        await person.until(lambda: world.kept.get("filters.instances") == ["state:stopped", "name:llama"], "kept")
    world.closed = 0
    async with at_keyboard(world) as person:
        await person.press("slash", "up", "up")
        await person.sees("1 of 7", "/ state:stopped")
        await person.press("down")
        await person.sees("2 of 7")
        await person.press("down", "down")
        assert person.table.has_focus


async def test_a_view_is_saved_by_name_and_recalled_from_another_screen() -> None:
    world = World()
    async with at_keyboard(world) as person:
        await person.press("slash")
        await person.type("running")
        await person.press("enter", "shift+right")
        column = person.table.sort
        for words in ("columns name,state,$/h", "view save hot"):
            await person.press("colon")
            await person.type(words)
            await person.press("enter")
        await person.sees("view hot is saved")
        kept = world.kept["view.hot"]
        assert json.loads(json.dumps(kept))["filter"] == "running"
        await person.press("escape", "colon")
        await person.type("columns")
        await person.press("enter")
        await person.sees("GPU")
        await person.press("5", "colon")
        await person.type("view hot")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "instances", "the view's screen")
        await person.sees("/ running")
        assert person.table.sort == column
        assert "GPU" not in person.text()


async def test_a_saved_view_is_described_by_the_titles_of_its_columns() -> None:
    async with at_keyboard() as person:
        await person.press("2", "colon")
        await person.type("view save dear")
        await person.press("enter")
        await person.sees("view dear is saved")
        await person.press("V")
        await person.sees("volumes   by $/MO ▼")


async def test_views_are_chosen_by_a_key_and_forgotten() -> None:
    world = World()
    world.kept["view.stopped"] = {"mode": "instances", "filter": "stopped"}
    async with at_keyboard(world) as person:
        await person.press("V")
        await person.sees("stopped", "instances   / stopped", "Save this view…", "Columns…")
        await person.press("enter")
        await person.sees("1 of 7")
        await person.press("colon")
        await person.type("view forget stopped")
        await person.press("enter")
        await person.sees("view stopped is forgotten")
        assert world.kept["view.stopped"] is None


async def test_an_unknown_view_names_those_that_exist() -> None:
    async with at_keyboard() as person:
        await person.press("colon")
        await person.type("view nothing")
        await person.press("enter")
        await person.sees("there is no such view", "save one: :view save NAME")


def test_what_was_kept_by_somebody_else_is_left_out() -> None:
    kept = Kept()
    kept.begin({"view.bad": 3, "view.good": {"mode": "tasks"}, "filters.tasks": "x"}, lambda name, value: None)
    assert kept.views() == {"good": SavedView("tasks")}
    assert kept.filters("tasks") == ()


async def test_memory_survives_in_the_state_file(tmp_path: Path) -> None:
    store = Store(tmp_path, FakeClock())
    memory = StoredMemory(store)
    await memory.keep("a", ["x"])
    await memory.keep("b", 1)
    await memory.keep("b", None)
    assert await memory.recall() == {"a": ["x"]}
    store.close()
    store.join()


async def test_a_changed_cell_is_marked_for_a_moment_and_ages_are_not() -> None:
    async with at_keyboard() as person:
        rows = data.fleet()
        changed = replace(rows[1], instance=replace(rows[1].instance, type="g5.2xlarge"), so_far=None)
        person.world.fleet.push((rows[0], changed, *rows[2:]))
        await person.sees("g5.2xlarge")
        ids = [column.id for column in person.table.model.columns]
        assert {ids[index] for index in person.table._fresh.of(EVAL)} == {"type"}
        assert not person.table._fresh.of(LLAMA)
        await person.until(lambda: not person.table._fresh.of(EVAL), "it is calm again", FRESH_SECONDS + 5)


async def test_shift_and_an_arrow_marks_a_range_and_a_filter_counts_what_it_hides() -> None:
    async with at_keyboard() as person:
        await person.press("shift+down", "shift+down")
        assert len(person.table.marks) == 3
        await person.press("slash")
        await person.type("name:llama")
        await person.press("enter")
        await person.sees("▪ 3 marked (1 hidden)")


@pytest.mark.parametrize(("key", "words"), [("5", "r-81llama7b"), ("7", "j-1"), ("4", "s3://")])
async def test_c_copies_on_every_table_and_says_which_way(
    key: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("STY", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    async with at_keyboard() as person:
        await person.press(key)
        await person.until(lambda: person.table.cursor_key is not None, "rows")
        await person.press("c")
        await person.until(lambda: words in person.app.clipboard, "copied")
        await person.sees("over OSC 52")
        await person.press("C")
        await person.until(lambda: person.dialog == "Pick", "the fields")


@pytest.mark.parametrize(
    ("environment", "through"),
    [
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM": "screen-256color", "TMUX": "/tmp/tmux,1,0"}, "tmux"),
        ({"TERM": "screen"}, "screen"),
        ({"TERM": "xterm", "STY": "1.pts"}, "screen"),
    ],
)
def test_osc_52_is_wrapped_for_what_stands_between(environment: dict[str, str], through: str) -> None:
    assert clipboard.multiplexer(environment) == through
    sent = clipboard.wrapped("x" * 1000, environment)
    code = base64.b64encode(b"x" * 1000).decode()
    if through == "tmux":
        assert sent == f"\x1bPtmux;\x1b\x1b]52;c;{code}\x07\x1b\\"
        assert "tmux" in clipboard.way(environment)
    elif through == "screen":
        parts = sent.split("\x1b\\")
        assert all(len(part) < 768 for part in parts)
        assert "".join(part.removeprefix("\x1bP") for part in parts) == f"\x1b]52;c;{code}\x07"
    else:
        assert sent == ""


async def test_every_column_in_view_can_order_the_rows() -> None:
    async with at_keyboard() as person:
        seen = set()
        for _ in person.table.model.columns:
            await person.press("shift+right")
            seen.add(person.table.sort[0])
        assert seen >= {"name", "state", "type", "gpu", "region", "price", "sofar", "run"}


async def test_one_silent_provider_blanks_nothing() -> None:
    async with at_keyboard(World().partial()) as person:
        await person.sees("us-west-2: throttled", "old-notebook", "this machine")


async def colon(person: Person, text: str) -> None:
    await person.press("colon")
    await person.type(text)


async def test_an_id_or_a_name_after_the_colon_leads_to_the_thing_and_says_so_while_typing() -> None:
    async with at_keyboard() as person:
        await colon(person, "i-0aaa00000000000e1")
        await person.sees("enter  go to the machine i-0aaa00000000000e1 (llama-eval)")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "instance", "its page")
        await person.sees("g5.xlarge, on-demand")
        await person.press("5")
        await person.until(lambda: person.table.model.total > 0, "runs")
        await colon(person, "r-79tinytwo")
        await person.sees("go to the run r-79tinytwo (tiny-2)")
        await person.press("enter")
        await person.until(lambda: person.table.cursor_key == data.TINY_RUN.id, "the run")


async def test_commands_say_where_they_lead_and_names_are_completed() -> None:
    async with at_keyboard() as person:
        await colon(person, "costs")
        await person.sees("enter  go to the money")
        await person.press("escape")
        await colon(person, "llama-e")
        await person.press("tab")
        await person.sees(":llama-eval", "enter  go to the machine llama-eval")
        await person.press("escape")
        await colon(person, "vol")
        await person.sees("enter  go to the volumes")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "volumes", "a command's only beginning")
        await colon(person, "co")
        await person.press("enter")
        await person.sees("which one: :costs :columns :config")
        await colon(person, "columns ")
        await person.sees("tab  name  state")
        await person.press("escape")
        await colon(person, "ar")
        assert "enter " not in person.text(), "what is no screen is written out"
        await person.press("enter")
        await person.sees("did you mean :arm?")
        await colon(person, "nothing-like-it")
        await person.sees("✗ no command and nothing else is called so")
        assert "enter " not in person.text()
        await person.press("enter")
        await person.sees("there is no such command")


async def test_a_word_after_a_screens_name_leads_to_the_row_or_says_what_there_is() -> None:
    async with at_keyboard() as person:
        await person.press("slash")
        await person.type("db-")
        await person.press("enter")
        await colon(person, "instances llama-eval")
        await person.sees("enter  go to the machine llama-eval")
        await person.press("enter")
        await person.until(lambda: person.table.cursor_key == EVAL, "the machine, although a filter had hidden it")
        await colon(person, "volumes zzz")
        await person.sees("✗ there is no volume zzz; there are ")
        await person.press("enter")
        await person.sees("there is no volume zzz")
        assert person.app.current_mode == "instances", "nothing was opened"
        await colon(person, "columns foo")
        await person.press("enter")
        await person.sees("there is no column foo")


async def test_a_word_is_looked_for_where_nobody_has_looked_yet() -> None:
    world = World()
    told, world.volumes.latest = world.volumes.latest, None
    async with at_keyboard(world) as person:
        await colon(person, "volumes zzz")
        await person.sees("enter  look for the volume zzz")
        await person.press("enter")
        await person.sees("looking for zzz…")
        assert told is not None
        world.volumes.push(told.value)
        await person.sees("there is no volume zzz")
        assert person.app.current_mode == "instances"


async def test_a_tag_filters_the_machines_from_any_screen() -> None:
    async with at_keyboard() as person:
        await person.press("6")
        await colon(person, "tag team=pay")
        await person.press("tab", "enter")
        await person.until(lambda: person.app.current_mode == "instances", "the machines")
        await person.sees("1 of 7", "/ tags:team=payments", "db-primary")
        await colon(person, "tag nonsense")
        await person.press("enter")
        await person.sees(":tag KEY=VALUE")


async def test_the_first_key_after_a_long_rest_looks_again_at_once() -> None:
    async with at_keyboard() as person:
        await person.press("j")
        assert person.world.fleet.refreshed == 0
        person.world.idle = True
        await person.press("k")
        assert person.world.fleet.refreshed == 1


@pytest.mark.parametrize("key", ["4", "5", "7", "9"])
async def test_d_and_y_show_the_whole_row_of_every_table(key: str) -> None:
    async with at_keyboard() as person:
        await person.press(key)
        await person.until(lambda: person.table.cursor_key is not None, "rows")
        await person.press("d")
        await person.until(lambda: person.dialog, "a description")
        await person.press("escape", "y")
        await person.until(lambda: person.dialog == "TextView", "JSON")
        await person.sees('"')


def test_raw_rows_keep_what_hides_itself() -> None:
    job = TrainingJob("train.py", secrets=(("TOKEN", "hunter2"),))
    text = raw_json(replace(data.LLAMA_RUN, job=job))
    assert json.loads(text)["job"]["script"] == "train.py"
    assert "hunter2" not in text
    assert json.loads(text)["status"] == "running"


async def test_a_login_that_ends_is_asked_for_once_and_its_return_drops_the_open_plan() -> None:
    world = World()
    async with at_keyboard(world) as person:
        world.facts = replace(
            world.facts, renew="run `aws sso login --profile research`", lock="read-only: :arm 10m first"
        )
        world.clock.advance(31)
        await person.sees("The login has expired", "run `aws sso login --profile research`", "Look again")
        await person.press("escape")
        world.clock.advance(31)
        await person.press("j", "k")
        await person.until(lambda: person.dialog == "", "it is asked once")
        await person.sees("READ-ONLY", "llama-7b")
        person.app._front.change(Operation.TERMINATE, ["aws/i-0abc12de34f567890"])  # type: ignore[attr-defined] # a screen that changes things
        await person.sees("TERMINATE", "Type llama-7b")
        world.facts = replace(world.facts, renew="", lock="", returns=1)
        world.clock.advance(31)
        await person.until(lambda: person.dialog == "", "the plan is dropped")
        await person.sees("the credentials are renewed, and the open plan is dropped")
        world.facts = replace(world.facts, renew="run `aws login`")
        world.clock.advance(31)
        await person.sees("run `aws login`", "Look again")
        world.clock.advance(31)
        await person.sees("Look again")
        world.facts = replace(world.facts, renew="", returns=2)
        await person.press("enter")
        await person.sees("the credentials are renewed")
        assert person.dialog == ""


async def test_what_a_key_waits_for_shows_its_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = asyncio.Event()

    async def examine(_: object) -> tuple[Finding, ...]:
        tell_retry("retry 2 of 5 in 3 s")
        await go_on.wait()
        return (Finding("terminal", True, "fine"),)

    monkeypatch.setattr(FakeDoctor, "examine", examine)
    async with at_keyboard(World()) as person:
        await person.press("colon")
        await person.type("doctor")
        await person.press("enter")
        await person.sees("retry 2 of 5 in 3 s")
        go_on.set()
        await person.sees("terminal  fine")


async def test_a_command_that_is_being_typed_comes_along_to_the_screen_that_opens_beneath() -> None:
    async with at_keyboard() as person:
        await person.press("colon")
        await person.type("aud")
        person.app.action_open_mode("volumes")
        await person.until(lambda: person.app.current_mode == "volumes", "the screen is another")
        await person.until(lambda: isinstance(person.app.focused, Input), "the line is open there")
        await person.type("it")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "audit", "the command was typed whole")
        person.app.action_open_mode("instances")
        await person.until(lambda: person.app.current_mode == "instances", "back")
        assert not person.app.screen.query_one(CommandLine).display, "nothing was left there"


async def test_commands_are_had_back_by_the_arrows_on_every_screen() -> None:
    async with at_keyboard() as person:
        for command, mode in (("volumes", "volumes"), ("audit", "audit")):
            await person.press("colon")
            await person.type(command)
            await person.press("enter")
            await person.until(lambda mode=mode: person.app.current_mode == mode, "it is there")  # type: ignore[misc]  # a lambda with a default is not inferred
        await person.press("colon", "up", "up")
        await person.press("enter")
        await person.until(lambda: person.app.current_mode == "volumes", "the command before the last is done again")
