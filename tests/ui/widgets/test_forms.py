"""Forms and the two lines one types into, by keyboard."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from runctl_tui.domain.text import SafeText, safe
from runctl_tui.widgets.command_line import CommandLine, both
from runctl_tui.widgets.filter_line import FilterLine
from runctl_tui.widgets.form import CheckLine, Choice, Form, FormField, RadioLine
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.steps import StepList, progress_bar
from tests.ui.widgets.harness import WidgetApp, box_table, boxes
from tests.ui.widgets.showcase import demo_steps


def needed(value: str) -> SafeText | None:
    return None if value else safe("a name is needed")


def small_form() -> Form:
    choices = [
        Choice("aws", safe("AWS")),
        Choice("runpod", safe("RunPod"), safe("no key")),
        Choice("local", safe("here")),
    ]
    return Form(
        FormField(safe("Provider"), RadioLine(choices, id="provider")),
        FormField(safe("Name"), FormInput(id="name"), check=needed),
        FormField(safe("Lease"), CheckLine(safe("stop when idle"), id="lease")),
    )


@pytest.mark.parametrize(
    ("lead", "offers", "width", "said"),
    [
        ("enter  go", "tab  a  b", 40, "enter  go   tab  a  b"),
        ("enter  show only these", "tab  name", 26, "enter  show o…   tab  name"),
        ("enter  show only these", "tab  name  state  type", 30, "enter  show …   tab  name  state  type"),
        ("", "tab  name", 30, "tab  name"),
        ("enter  go", "", 30, "enter  go"),
    ],
)
def test_where_enter_leads_leaves_room_for_what_may_follow(lead: str, offers: str, width: int, said: str) -> None:
    assert both(lead, offers, width) == said


async def test_a_form_is_filled_in_by_keyboard_alone() -> None:
    app = WidgetApp(lambda: [small_form()])
    async with app.run_test(size=(80, 12), message_hook=app.seen.append) as pilot:
        assert "( ) RunPod, no key" in app.screen_text()[0]
        await pilot.press("right", "enter", *"llama", "enter", "space", "enter")
        await pilot.pause()
        assert [field.value for field in app.query_one(Form).fields()] == ["local", "llama", "True"]
        assert len(app.kinds(Form.Submitted)) == 1
        assert "[x] stop when idle" in "\n".join(app.screen_text())


async def test_a_wrong_value_is_said_under_its_field_until_it_is_right() -> None:
    app = WidgetApp(lambda: [small_form()])
    async with app.run_test(size=(80, 12), message_hook=app.seen.append) as pilot:
        await pilot.press("enter", "enter", "enter")
        await pilot.pause()
        assert "▲ a name is needed" in app.screen_text()[2]
        assert app.focused is app.query_one("#name")
        assert not app.kinds(Form.Submitted)
        await pilot.press("x")
        await pilot.pause()
        assert "a name is needed" not in "\n".join(app.screen_text())


async def test_a_filter_applies_while_typing_and_gives_the_focus_back() -> None:
    table, line = box_table(boxes(3)), FilterLine()
    app = WidgetApp(lambda: [table, line])
    async with app.run_test(size=(80, 12), message_hook=app.seen.append) as pilot:
        assert not line.display
        line.open("ab")
        await pilot.press("c", "enter")
        await pilot.pause()
        said = [(message.text, message.done) for message in app.kinds(FilterLine.Changed)]
        assert said[-2:] == [("abc", False), ("abc", True)]
        assert app.focused is table
        line.open("abc")
        await pilot.press("escape")
        await pilot.pause()
        last = app.kinds(FilterLine.Changed)[-1]
        assert (last.text, last.done) == ("", True)
        assert not line.display


async def test_commands_complete_and_are_remembered() -> None:
    known = ("sandbox cut", "sandbox stop", "quit")
    table, line = box_table(boxes(3)), CommandLine(lambda text: [name for name in known if name.startswith(text)])
    app = WidgetApp(lambda: [table, line])
    async with app.run_test(size=(80, 12), message_hook=app.seen.append) as pilot:
        line.open()
        await pilot.press("s", "tab")
        assert app.query_one(FormInput).value == "sandbox ", "as far as all agree"
        await pilot.press("tab", "tab")
        assert app.query_one(FormInput).value == "sandbox stop"
        await pilot.press("enter")
        line.open()
        await pilot.press(*"quit", "enter")
        line.open()
        await pilot.press("up", "up")
        assert app.query_one(FormInput).value == "sandbox stop"
        await pilot.press("down")
        assert app.query_one(FormInput).value == "quit"
        await pilot.press("escape")
        await pilot.pause()
        assert [message.text for message in app.kinds(CommandLine.Submitted)] == ["sandbox stop", "quit"]
        assert len(app.kinds(CommandLine.Closed)) == 1
        assert app.focused is table


async def test_steps_say_how_far_they_are_and_why_they_failed() -> None:
    listing = StepList()
    listing.set_reactive(StepList.steps, demo_steps())
    app = WidgetApp(lambda: [listing, Static("below")])
    async with app.run_test(size=(100, 12)) as pilot:
        await pilot.pause()
        text = app.screen_text()
        assert text[0].startswith(" ✓  create instance")
        assert "████████████░░░░░░░░  61 %  87 of 142 files  1.2 MB/s  eta 4 s" in text[2]
        assert text[3].startswith(" ✗  install dependencies")
        assert "fix requirements.txt" in text[4]
        assert text[7].startswith("below"), "it is as high as its steps"
        listing.steps = listing.steps[:2]
        await pilot.pause()
        assert app.screen_text()[2].startswith("below")


def test_a_bar_is_full_only_when_all_is_done() -> None:
    assert progress_bar(0.999, 10) == "█████████░"
    assert progress_bar(1, 10) == "█" * 10
    assert progress_bar(-1, 4) == "░░░░"


async def test_an_alternative_is_not_torn_from_its_mark() -> None:
    choices = [Choice(word, safe(word)) for word in ("TensorBoard", "Jupyter", "MLflow", "other")]
    app = WidgetApp(lambda: [Form(FormField(safe("For"), RadioLine(choices)), FormField(safe("Name"), FormInput()))])
    async with app.run_test(size=(54, 12)) as pilot:
        lines = [line.strip() for line in app.screen_text()]
        assert lines[0].endswith("(•) TensorBoard   ( ) Jupyter")
        assert lines[1] == "( ) MLflow   ( ) other"
        assert lines[2].startswith("Name")
        await pilot.resize_terminal(90, 12)
        await pilot.pause()
        assert app.screen_text()[0].rstrip().endswith("( ) Jupyter   ( ) MLflow   ( ) other")
