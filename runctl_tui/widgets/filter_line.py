"""The line in which a filter is typed; it applies while typing, enter keeps it, escape takes it back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from runctl_tui.domain.text import SafeText, safe
from runctl_tui.widgets.prompt import FormInput, PromptLine
from runctl_tui.widgets.text import content

FILTER_WORDS: Final = safe("text   !not   -f fuzzy   column:value")


class FilterLine(PromptLine):
    """A `/` and an input; hidden until opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "clear filter", id="filter.cancel"),
        Binding("up,ctrl+p", "history(-1)", "earlier", show=False, id="filter.earlier", priority=True),
        Binding("down,ctrl+n", "history(1)", "later, then to the rows", show=False, id="filter.later", priority=True),
    ]

    class Changed(Message):
        """The filter is another; `done` once it is kept or cleared and the line has closed."""

        def __init__(self, text: str, done: bool) -> None:
            super().__init__()
            self.text = text
            self.done = done

    def __init__(self, placeholder: SafeText = FILTER_WORDS, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._placeholder = placeholder
        self._history: tuple[str, ...] = ()
        self._place = 0
        self.hide()

    def parts(self) -> Iterable[Widget]:
        """Return sign, field and the reminder of the language."""
        yield Static("/", classes="prompt-sign", markup=False)
        yield FormInput(placeholder=self._placeholder)
        yield Static(content(safe("enter keeps  esc clears  ↑ earlier")), classes="prompt-hint")

    def open(self, text: str = "", history: Sequence[str] = ()) -> None:
        """Show the line with a filter to edit and take the focus; earlier filters come by the arrows."""
        self._history, self._place = tuple(history), len(history)
        self.take_focus(text)

    @on(Input.Changed)
    def apply_while_typing(self, event: Input.Changed) -> None:
        """Pass the text on as it is typed."""
        event.stop()
        if self.display:
            self.post_message(self.Changed(event.value, done=False))

    @on(Input.Submitted)
    def keep_on_enter(self, event: Input.Submitted) -> None:
        """Keep the filter and close."""
        event.stop()
        self._close(event.value)

    def action_history(self, step: int) -> None:
        """Go through earlier filters; down from the newest keeps what is typed and closes."""
        field = self.query_one(FormInput)
        if step > 0 and self._place >= len(self._history):
            self._close(field.value)
            return
        self._place = max(0, min(len(self._history), self._place + step))
        field.value = self._history[self._place] if self._place < len(self._history) else ""
        field.cursor_position = len(field.value)

    def action_cancel(self) -> None:
        """Clear the filter and close."""
        self._close("")

    def _close(self, text: str) -> None:
        self.give_back()
        self.post_message(self.Changed(text, done=True))
