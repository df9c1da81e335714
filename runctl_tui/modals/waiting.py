"""A dialog that takes the keys while something is looked up, so that none of them acts on what lies beneath."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.widgets import Static

from runctl_tui.domain.text import SafeText, safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock


class Waiting(Dialog[bool]):
    """Answers True when what was waited for has come, None when the person gave up."""

    AUTO_FOCUS = ""

    def __init__(self, clock: Clock, words: SafeText) -> None:
        super().__init__(clock, safe("One moment"))
        self._words = words

    def compose_body(self) -> ComposeResult:
        """Say what is waited for, and how to give up."""
        yield Static(content(self._words))
        yield Static(content(safe("esc gives up"), "$muted"))

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Offer no button: a key that was meant for something else would press it."""
        return ()

    def done(self) -> None:
        """Close because it has come."""
        if self.is_current:
            self.dismiss(True)
