"""The Settings screen: what is set and by whom, a check under the field, the difference before it is written."""

from __future__ import annotations

import pytest

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.secret import Secret
from runctl_tui.screens.columns.settings import is_default
from runctl_tui.services.ports import Setting
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fakes import FILE, World


async def go_to(person: Person, key: str) -> None:
    """Open the screen on one key."""
    await person.press("colon")
    await person.type(f"settings {key}")
    await person.press("enter")
    await person.until(lambda: person.app.current_mode == "settings" and person.table.cursor_key == key, f"at {key}")


async def retype(person: Person, text: str) -> None:
    """Put another text into the field."""
    await person.press("end", "ctrl+u")
    await person.type(text)


async def test_every_key_is_shown_with_its_origin_and_what_is_set_alone_on_a_key() -> None:
    world = World()
    world.settings |= {"aws.region": "eu-west-1", "runpod.api_key": Secret("hunter2")}
    async with at_keyboard(world) as person:
        await person.press("9")
        await person.sees("aws.region", "eu-west-1", "user", "region of new instances", "default")
        await person.press("o")
        await person.sees("only what is set", "runpod.api_key")
        assert "aws.subnet" not in person.text()
        assert "hunter2" not in person.text()
        await person.press("d")
        await person.sees("RUNCTL_TUI_AWS_REGION", FILE)


async def test_the_list_fits_a_small_terminal() -> None:
    async with at_keyboard(size=NARROW) as person:
        await person.press("9")
        await person.sees("KEY", "VALUE", "FROM", "aws.default_instance_type", "t3.medium")
        await person.press("j", "j")
        await person.sees("region of new instances")


async def test_a_change_shows_the_difference_and_the_file_before_it_is_written() -> None:
    async with at_keyboard() as person:
        await go_to(person, "costs.monthly_budget")
        await person.press("enter")
        await person.sees("dollars per month", "at least 0", "as it is: nothing is written", "now from: default")
        await person.type("200")
        await person.sees("(unset)  →  200", f"in {FILE}")
        assert "costs.monthly_budget" not in person.world.settings, "nothing is written while typing"
        await person.press("enter")
        await person.sees(f"costs.monthly_budget written to {FILE}")
        assert str(person.world.settings["costs.monthly_budget"]) == "200"
        assert "from the next start" not in person.text()


async def test_a_wrong_value_is_told_under_the_field_and_not_written() -> None:
    async with at_keyboard() as person:
        await go_to(person, "aws.region")
        await person.press("enter")
        await retype(person, "mars")
        await person.sees("nothing can be written yet")
        await person.press("enter")
        await person.sees("▲ ")
        assert person.dialog == "EditSetting"
        await retype(person, "eu-west-1")
        await person.sees("us-east-1  →  eu-west-1")
        await person.press("enter")
        await person.sees("written to", "it counts from the next start on")
        assert person.world.settings["aws.region"] == "eu-west-1"


async def test_escape_and_an_unchanged_value_write_nothing() -> None:
    async with at_keyboard() as person:
        before = dict(person.world.settings)
        await go_to(person, "aws.region")
        await person.press("enter")
        await retype(person, "eu-west-1")
        await person.press("escape")
        await person.until(lambda: not person.dialog, "it is closed")
        await person.press("enter")
        await person.until(lambda: person.dialog, "it is open")
        await person.press("enter")
        await person.until(lambda: not person.dialog, "it is closed again")
        assert person.world.settings == before


async def test_a_theme_is_chosen_from_a_list_and_applies_at_once() -> None:
    async with at_keyboard() as person:
        await go_to(person, "ui.theme")
        await person.press("enter")
        await person.sees("(•) runctl-dark", "( ) runctl-light")
        await person.press("right")
        await person.sees("runctl-dark  →  runctl-light")
        await person.press("enter")
        await person.until(lambda: person.app.theme == "runctl-light", "the colours changed")
        await person.press("x")
        await person.sees("Remove it from the file…")
        await person.press("down", "enter")
        await person.sees("REMOVE", "[ Remove it from the file ]")
        await person.press("enter")
        await person.until(lambda: person.app.theme == "runctl-dark", "they are as before")
        assert "ui.theme" not in person.world.settings


async def test_a_keymap_applies_at_once() -> None:
    async with at_keyboard() as person:
        await go_to(person, "ui.keymap")
        await person.press("enter")
        await person.sees("NAME=VALUE")
        await person.type("app.costs=f6")
        await person.press("enter")
        await person.sees("ui.keymap written")
        await person.press("f6")
        await person.until(lambda: person.app.current_mode == "costs", "the new key works")


async def test_a_secret_is_never_shown_and_cannot_be_copied() -> None:
    world = World()
    world.settings["runpod.api_key"] = Secret("hunter2")
    async with at_keyboard(world) as person:
        await go_to(person, "runpod.api_key")
        await person.press("enter")
        await person.sees("stays hidden", "as it is")
        await person.type("sesame")
        await person.sees("→")
        assert "sesame" not in person.text()
        assert "hunter2" not in person.text()
        await person.press("enter")
        await person.sees("runpod.api_key written")
        await person.press("x")
        await person.sees("it is secret")


async def test_what_is_wrong_with_the_files_stands_under_the_keys() -> None:
    world = World()
    world.wrong_settings = (Problem("config", "config.toml: aws.regoin is no configuration key", "", ""),)
    async with at_keyboard(world) as person:
        await person.press("9")
        await person.sees("✗ config.toml: aws.regoin is no configuration key")


@pytest.mark.parametrize(("origin", "default"), [("default", True), ("sandbox", True), ("user (/f)", False)])
def test_what_the_sandbox_brings_is_set_by_nobody(origin: str, default: bool) -> None:
    assert is_default(Setting("aws.region", "us-east-1", origin, "")) is default
