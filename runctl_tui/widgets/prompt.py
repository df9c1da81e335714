"""One line of input: the compact field of forms, and the prompt that opens over a screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.text import Text
from textual import events
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from runctl_tui.domain.text import EMPTY, SafeText, safe, safe_in_place
from runctl_tui.widgets.text import width_of

UNFILLED: Final = safe("_" * 8)
"""Shows where an empty field is, also without colours."""

PARTS_AFTER: Final = 0.5
"""Seconds; whoever is quicker than that waits for the parts to be made."""


_EDITING: Final = ("delete_", "cursor_", "home", "end")
"""What the actions begin with that change the text or where the cursor is."""


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

    async def _on_key(self, event: events.Key) -> None:
        """Edit in the order of the keys: a binding would act only after what was typed behind it in the same moment."""
        actions = [one.action for one in self._bindings.key_to_bindings.get(event.key, ())]
        if event.is_printable or not actions or not actions[0].startswith(_EDITING):
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        await self.run_action(actions[0])

    @property
    def _value(self) -> Text:
        """What is drawn of the value, which itself stays as it is: a text to edit may come from a provider."""
        shown = "•" * len(self.value) if self.password else safe_in_place(self.value)
        return Text(shown, no_wrap=True, overflow="ignore", end="")

    def _position_to_cell(self, position: int) -> int:
        return width_of(safe_in_place(self.value[:position]))


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
