"""One line of input: the compact field of forms, and the prompt that opens over a screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from runctl_tui.domain.text import EMPTY, SafeText, safe

UNFILLED: Final = safe("_" * 8)
"""Shows where an empty field is, also without colours."""

PARTS_AFTER: Final = 0.5
"""Seconds; whoever is quicker than that waits for the parts to be made."""


class FormInput(Input):
    """A compact input whose cursor stands still."""

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: SafeText = EMPTY,
        password: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(value, str(placeholder), password=password, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False


class PromptLine(Horizontal):
    """A line with one input that opens over a screen and gives the focus back when it closes.

    Its parts are made a moment after the screen, whose first frame does not show them.
    """

    _before: Widget | None = None

    def parts(self) -> Iterable[Widget]:
        """Return what the line consists of, one `FormInput` among it."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Have the parts at hand soon."""
        self.set_timer(PARTS_AFTER, self._make_parts)

    def take_focus(self, text: str) -> FormInput:
        """Show the line with a text to edit and take the focus."""
        self._make_parts()
        self._before = self.screen.focused
        self.display, self.disabled = True, False
        field = self.query_one(FormInput)
        field.value = text
        field.cursor_position = len(text)
        self.screen.set_focus(field)
        return field

    def give_back(self) -> None:
        """Hide the line; the focus goes to where it was."""
        before, self._before = self._before, None
        if before is not None and before.is_mounted:
            before.focus()
        self.hide()

    def hide(self) -> None:
        """Take no room and no focus."""
        self.display, self.disabled = False, True

    def _make_parts(self) -> None:
        if not self.children:
            self.mount_all(self.parts())
