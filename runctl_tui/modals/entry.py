"""A dialog that asks for one line of text, such as a path or an address, and says at once what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock

ACT: Final = "act"
Check = Callable[[str], str]
"""Returns what is wrong with a text, or nothing."""


class Entry(Dialog[str]):
    """Answers with the text; escape and Cancel answer None."""

    AUTO_FOCUS = "FormInput"
    BURST_SECONDS = 0

    def __init__(self, clock: Clock, title: SafeText, words: SafeText, value: str, check: Check) -> None:
        super().__init__(clock, title)
        self._words = words
        self._value = value
        self._check = check

    def compose_body(self) -> ComposeResult:
        """Lay out words, field and what is wrong."""
        yield Static(content(self._words), classes="ask-words")
        yield FormInput(self._value)
        yield Static(content(EMPTY), classes="entry-wrong")

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Offer to cancel or to go on."""
        yield from super().compose_buttons()
        yield DialogButton(safe("Go on"), ACT)

    def on_mount(self) -> None:
        """Put the cursor behind what is suggested."""
        self.query_one(FormInput).cursor_position = len(self._value)
        self._judge()

    @on(Input.Changed)
    def judge_again(self, event: Input.Changed) -> None:
        """Say what is wrong while typing."""
        event.stop()
        self._judge()

    @on(Input.Submitted)
    def go_on(self, event: Input.Submitted) -> None:
        """Answer, if nothing is wrong."""
        event.stop()
        self.pressed(ACT)

    def pressed(self, button_id: str) -> None:
        """Answer with the text."""
        value = self.query_one(FormInput).value.strip()
        if button_id == ACT and not self._check(value):
            self.dismiss(value)

    def _judge(self) -> None:
        wrong = self._check(self.query_one(FormInput).value.strip())
        self.query_one(".entry-wrong", Static).update(content(safe(wrong), "$warn"))
        self.query_one(f"#{ACT}", DialogButton).disabled = bool(wrong)
