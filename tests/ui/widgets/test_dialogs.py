"""Dialogs: what confirms, what never does, and what they answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import ClassVar

import pytest
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button, Input

from runctl_tui.domain.text import safe
from runctl_tui.modals.base import BURST_KEYS, Dialog, DialogButton, DialogInput
from runctl_tui.modals.help import Help
from runctl_tui.modals.pick import Pick, PickItem
from runctl_tui.modals.text_view import TextLines, TextView
from runctl_tui.widgets.key_hints import live_keys
from tests.ui.widgets.harness import WidgetApp, box_table, boxes
from tests.ui.widgets.showcase import FixedClock

UNANSWERED = "unanswered"


class Ask(Dialog[str]):
    """A question that may be confirmed by y."""

    CONFIRM_BY_Y: ClassVar[bool] = True

    def compose_buttons(self) -> list[DialogButton]:
        return [*super().compose_buttons(), DialogButton(safe("Other"), "other")]

    def pressed(self, button_id: str) -> None:
        self.dismiss(button_id)

    def confirmed(self) -> None:
        self.dismiss("yes")


class AskHard(Ask):
    """A question that y does not confirm."""

    CONFIRM_BY_Y = False


class Stage:
    """An app with a dialog open, and the answer once there is one."""

    def __init__(self, make: Callable[[FixedClock], Dialog[str]]) -> None:
        self.clock = FixedClock()
        self.answer: str | None = UNANSWERED
        self.app = WidgetApp(lambda: [box_table(boxes(3))])
        self._make = make

    async def open(self, pilot: Pilot[None], wake: bool = True) -> None:
        self.app.push_screen(self._make(self.clock), self.take)
        await pilot.pause()
        if wake:
            self.clock.seconds += 0.5

    def take(self, answer: str | None) -> None:
        self.answer = answer

    async def settled(self, pilot: Pilot[None], answer: str | None) -> bool:
        deadline = time.monotonic() + 10
        while self.answer != answer and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
            await pilot.pause()
        return self.answer == answer

    async def quiet(self, pilot: Pilot[None]) -> None:
        """Return once the keys sent have all been let through or dropped."""
        dialog = self.app.screen
        assert isinstance(dialog, Dialog)
        for _ in range(1000):
            if dialog._burst_timer is None:
                break
            await asyncio.sleep(0.01)
        await pilot.pause()


async def test_y_confirms_where_it_may() -> None:
    stage = Stage(lambda clock: Ask(clock, safe("Launch")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot)
        await pilot.press("y")
        assert await stage.settled(pilot, "yes")


async def test_y_does_nothing_where_it_may_not() -> None:
    stage = Stage(lambda clock: AskHard(clock, safe("Terminate")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot)
        await pilot.press("y")
        await stage.quiet(pilot)
        assert stage.answer == UNANSWERED


@pytest.mark.parametrize("key", ["y", "enter"])
async def test_keys_of_the_first_moment_are_ignored(key: str) -> None:
    stage = Stage(lambda clock: Ask(clock, safe("Launch")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot, wake=False)
        stage.clock.seconds += 0.29
        await pilot.press(key)
        await stage.quiet(pilot)
        assert stage.answer == UNANSWERED


async def test_escape_closes_from_the_first_moment() -> None:
    stage = Stage(lambda clock: Ask(clock, safe("Launch")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot, wake=False)
        await pilot.press("escape")
        assert await stage.settled(pilot, None)


@pytest.mark.parametrize(("key", "answer"), [("enter", "cancel"), ("escape", None)])
async def test_a_dialog_that_changes_nothing_hears_its_first_key(key: str, answer: str | None) -> None:
    items = [PickItem("cancel", safe("Cancel the plan"))]
    stage = Stage(lambda clock: Pick(clock, safe("Actions"), items))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot, wake=False)
        await pilot.press(key)
        assert await stage.settled(pilot, answer)


async def test_cancel_has_the_focus_and_enter_cancels() -> None:
    stage = Stage(lambda clock: Ask(clock, safe("Launch")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot)
        assert isinstance(stage.app.focused, Button)
        assert stage.app.focused.id == "cancel"
        await pilot.press("enter")
        assert await stage.settled(pilot, None)


async def test_escape_answers_nothing() -> None:
    stage = Stage(lambda clock: Ask(clock, safe("Launch")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot)
        await pilot.press("escape")
        assert await stage.settled(pilot, None)


async def test_buttons_are_reached_by_tab_and_arrows() -> None:
    stage = Stage(lambda clock: Ask(clock, safe("Launch")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot)
        await pilot.press("right")
        await pilot.press("enter")
        assert await stage.settled(pilot, "other")


@pytest.mark.parametrize("kind", [Ask, AskHard])
async def test_keys_that_arrive_together_act_in_their_order(kind: type[Ask]) -> None:
    stage = Stage(lambda clock: kind(clock, safe("Launch")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot)
        stage.app.simulate_key("tab")
        stage.app.simulate_key("enter")
        assert await stage.settled(pilot, "other")


@pytest.mark.parametrize("pasted", ["yes please do it", "dyd", "yy"])
async def test_pasted_text_confirms_nothing(pasted: str) -> None:
    stage = Stage(lambda clock: Ask(clock, safe("Launch")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot)
        for letter in pasted:
            stage.app.simulate_key("space" if letter == " " else letter)
        await pilot.pause()
        await stage.quiet(pilot)
        assert stage.answer == UNANSWERED
        told = str(stage.app.screen.query_one(".dialog").border_subtitle or "")
        assert told == ("nothing is taken from a paste: type it" if len(pasted) > BURST_KEYS else "")


async def test_picking_by_a_few_letters() -> None:
    items = [PickItem(name, safe(name)) for name in ("us-east-1", "us-west-2", "eu-west-1")]
    items.append(PickItem("off", safe("us-wet-9"), disabled_because=safe("no account")))
    stage = Stage(lambda clock: Pick(clock, safe("Region"), items))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.open(pilot)
        await pilot.press(*"uw2")
        await pilot.pause()
        assert "eu-west-1" not in "\n".join(stage.app.screen_text())
        await pilot.press("enter")
        assert await stage.settled(pilot, "us-west-2")


async def test_who_types_before_the_list_is_there_has_it_narrowed_all_the_same() -> None:
    items = [PickItem(name, safe(name)) for name in ("copy", "upload")]
    stage = Stage(lambda clock: Pick(clock, safe("Actions"), items))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.open(pilot)
        dialog = stage.app.screen
        assert isinstance(dialog, Pick)
        with dialog.prevent(Input.Changed):
            dialog.query_one(Input).value = "up"
        dialog.on_mount()
        await pilot.press("enter")
        assert await stage.settled(pilot, "upload")


async def test_what_cannot_be_picked_is_not() -> None:
    stage = Stage(lambda clock: Pick(clock, safe("x"), [PickItem("a", safe("a"), disabled_because=safe("no key"))]))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.open(pilot)
        assert "no key" in "\n".join(stage.app.screen_text())
        await pilot.press("enter")
        await pilot.pause()
        assert stage.answer == UNANSWERED


async def test_the_cursor_begins_at_what_can_be_picked() -> None:
    items = [PickItem("no", safe("stop"), disabled_because=safe("busy")), PickItem("yes", safe("stop all"))]
    stage = Stage(lambda clock: Pick(clock, safe("x"), items))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.open(pilot)
        await pilot.press(*"stop", "enter")
        await pilot.pause()
        assert stage.answer == UNANSWERED, "what was typed for is not stepped over"
        await pilot.press("ctrl+u", "enter")
        assert await stage.settled(pilot, "yes")


async def test_help_lists_the_keys_that_are_live() -> None:
    app = WidgetApp(lambda: [box_table(boxes(3))])
    async with app.run_test(size=(120, 40)) as pilot:
        hints = live_keys(app.screen)
        app.push_screen(Help(FixedClock(), safe("Boxes"), hints, "What boxes are for."))
        await pilot.pause()
        text = "\n".join(app.screen_text())
        assert "What boxes are for." in text
        assert {hint.id for hint in hints} >= {"table.down", "table.mark_range", "table.sort_flip"}
        for hint in hints:
            assert hint.description in text
            assert hint.keys[0] in text


async def test_a_text_is_searched_and_copied() -> None:
    app = WidgetApp(lambda: [box_table(boxes(3))])
    lines = [safe(f'"key-{n}": {n}') for n in range(100)]
    clock = FixedClock()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(TextView(clock, safe("raw"), lines))
        await pilot.pause()
        clock.seconds += 1
        assert "1-18 of 100" in "\n".join(app.screen_text())
        await pilot.press("slash", *"key-77", "enter")
        await pilot.pause()
        assert '"key-77": 77' in "\n".join(app.screen_text())
        assert isinstance(app.focused, TextLines)
        await pilot.press("c")
        await pilot.pause()
        assert app.clipboard == "\n".join(lines)
        await pilot.press("q")
        await pilot.pause()
        assert not isinstance(app.screen, TextView)


class AskName(Ask):
    """A question with a field beside its buttons."""

    def compose_body(self) -> ComposeResult:
        yield DialogInput()


async def test_a_key_that_reaches_a_field_waits_for_those_typed_before_it() -> None:
    stage = Stage(lambda clock: AskName(clock, safe("Terminate")))
    async with stage.app.run_test() as pilot:
        await stage.open(pilot)
        dialog = stage.app.screen
        assert isinstance(dialog, Dialog)
        dialog.BURST_SECONDS = 0.2  # type: ignore[misc]  # a class variable, here for one dialog
        for key in "ne":
            stage.app.post_message(events.Key(key, key))
        await pilot.pause()
        assert [one.key for one in dialog._burst] == ["n", "e"]
        field = dialog.query_one(DialogInput)
        field.focus()
        for key in ("w", "x", "backspace", "tab"):
            stage.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await stage.quiet(pilot)
        await stage.quiet(pilot)
        assert field.value == "new"
        assert stage.app.focused is not field
