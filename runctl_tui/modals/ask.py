"""A dialog that asks for a plain Enter before something small and free is done."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.widgets import Static

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.text import SafeText
from runctl_tui.modals.base import CANCEL, Dialog, DialogButton
from runctl_tui.widgets.text import content

ACT = "act"


class Ask(Dialog[bool]):
    """Answers True on Enter; escape and Cancel answer None."""

    AUTO_FOCUS = f"#{ACT}"

    def __init__(self, clock: Clock, title: SafeText, words: SafeText, verb: SafeText) -> None:
        super().__init__(clock, title)
        self._words = words
        self._verb = verb

    def compose_body(self) -> ComposeResult:
        """Say what would be done."""
        yield Static(content(self._words), classes="ask-words")

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Offer to cancel or to go on."""
        yield from super().compose_buttons()
        yield DialogButton(self._verb, ACT)

    def pressed(self, button_id: str) -> None:
        """Answer yes."""
        if button_id == ACT:
            self.dismiss(True)


class AskFirst(Ask):
    """The same where something is lost by going on: Cancel has the focus."""

    AUTO_FOCUS = f"#{CANCEL}"
