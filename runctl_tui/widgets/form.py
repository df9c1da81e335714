"""The one form style: labels in a column, compact fields, what is wrong said under the field; keyboard only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.prompt import UNFILLED
from runctl_tui.widgets.text import content

Check = Callable[[str], SafeText | None]
"""Returns what is wrong with a value, or None."""
_CHANGE: Final = Binding.Group("change", compact=True)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few alternatives."""

    id: str
    label: SafeText
    disabled_because: SafeText = EMPTY
    """Why it cannot be chosen here; it is then shown grey, with the reason when the cursor is on it."""


class RadioLine(Widget, can_focus=True):
    """Alternatives side by side: `(•) AWS   ( ) this machine`; arrows and space change, enter goes on."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "previous", show=False, id="radio.previous", group=_CHANGE),
        Binding("right,l,space", "step(1)", "next", show=False, id="radio.next", group=_CHANGE),
    ]

    value: reactive[str] = reactive("")
    choices: reactive[tuple[Choice, ...]] = reactive(())

    class Changed(Message):
        """Another alternative was chosen."""

        def __init__(self, line: RadioLine, value: str) -> None:
            super().__init__()
            self.line = line
            self.value = value

        @property
        def control(self) -> RadioLine:
            """The line."""
            return self.line

    def __init__(self, choices: Sequence[Choice], value: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.set_reactive(RadioLine.choices, tuple(choices))
        first = next((choice.id for choice in choices if not choice.disabled_because), "")
        self.set_reactive(RadioLine.value, value or first)

    def render(self) -> Content:
        """Draw all alternatives."""
        return self._laid_out(self.size.width)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Return the cells of all alternatives in one line."""
        return self._laid_out(0).cell_length

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines the alternatives take."""
        return self._laid_out(width).get_height({}, width)

    def _laid_out(self, width: int) -> Content:
        """Return the alternatives in lines, none torn from its mark where it fits into one; without a width in one."""
        lines: list[Content] = []
        for each in map(self._drawn, self.choices):
            together = Content("   ").join([*lines[-1:], each])
            lines[-1:] = [together] if together.cell_length <= width or not width else [*lines[-1:], each]
        return Content("\n").join(lines)

    def action_step(self, step: int) -> None:
        """Choose the next or previous alternative that can be chosen."""
        open_ones = [choice.id for choice in self.choices if not choice.disabled_because]
        if not open_ones:
            return
        index = open_ones.index(self.value) + step if self.value in open_ones else 0
        value = open_ones[index % len(open_ones)]
        if value != self.value:
            self.value = value
            self.post_message(self.Changed(self, value))

    def _drawn(self, choice: Choice) -> Content:
        chosen = choice.id == self.value
        text = safe(f"({'•' if chosen else ' '}) {choice.label}")
        if choice.disabled_because:
            return content(safe(f"{text}, {choice.disabled_because}"), "$muted")
        if not chosen:
            return content(text, "$foreground")
        return content(text, "$strong bold on $field-focused" if self.has_focus else "$strong bold")


class CheckLine(Widget, can_focus=True):
    """A yes or no: `[x] stop when idle`; space changes it."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("space,x", "flip", "change", show=False, id="check.toggle")]

    value: reactive[bool] = reactive(False)

    class Changed(Message):
        """The box was ticked or cleared."""

        def __init__(self, line: CheckLine, value: bool) -> None:
            super().__init__()
            self.line = line
            self.value = value

        @property
        def control(self) -> CheckLine:
            """The line."""
            return self.line

    def __init__(self, label: SafeText, value: bool = False, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._label = label
        self.set_reactive(CheckLine.value, value)

    def render(self) -> Content:
        """Draw the box and its label."""
        text = safe(f"[{'x' if self.value else ' '}] {self._label}")
        return content(text, "$strong bold on $field-focused" if self.has_focus else "$foreground")

    def rename(self, label: SafeText) -> None:
        """Say something else beside the box."""
        if label != self._label:
            self._label = label
            self.refresh(layout=True)

    def action_flip(self) -> None:
        """Tick or clear the box."""
        self.value = not self.value
        self.post_message(self.Changed(self, self.value))


class FormField(Horizontal):
    """A label, a field, a hint beside it, and under it what is wrong."""

    def __init__(
        self,
        label: SafeText,
        control: Widget,
        *,
        hint: SafeText = EMPTY,
        check: Check | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
    ) -> None:
        super().__init__(id=id)
        if isinstance(control, Input) and not control.placeholder:
            control.placeholder = UNFILLED
        self.control = control
        self._label = label
        self._hint = hint
        self._check = check

    def compose(self) -> ComposeResult:
        """Lay out label, field, hint and message."""
        yield Static(content(self._label), classes="form-label")
        with Vertical(classes="form-body"):
            with Horizontal(classes="form-row"):
                yield self.control
                yield Static(content(self._hint), classes="form-hint")
            yield Static("", classes="form-message -hidden", markup=False)

    @property
    def value(self) -> str:
        """The field's value as text."""
        return str(getattr(self.control, "value", ""))

    def set_hint(self, hint: SafeText) -> None:
        """Say something else beside the field."""
        self.query_one(".form-hint", Static).update(content(hint), layout=False)

    def set_message(self, message: SafeText | None) -> None:
        """Say what is wrong under the field, or nothing."""
        line = self.query_one(".form-message", Static)
        line.update(content(safe(f"▲ {message}")) if message else "")
        line.set_class(not message, "-hidden")

    def validate_value(self) -> bool:
        """Check the value and say what is wrong; returns whether it is right."""
        problem = self._check(self.value) if self._check else None
        self.set_message(problem)
        return problem is None

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Check a field when it is left."""
        if event.widget is self.control:
            self.validate_value()

    def on_input_changed(self) -> None:
        """Take a complaint back as soon as the value is right."""
        if self._check and self._check(self.value) is None:
            self.set_message(None)


class Form(Vertical):
    """Fields under each other; enter in a field goes to the next, and in the last one submits."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "next field", show=False, id="form.next"),
        Binding("up", "app.focus_previous", "previous field", show=False, id="form.previous"),
    ]

    class Submitted(Message):
        """All fields are right and the last one was left with enter."""

    def fields(self) -> list[FormField]:
        """Return the fields from top to bottom."""
        return list(self.query(FormField))

    def validate_all(self) -> bool:
        """Check every field, go to the first wrong one; returns whether all are right."""
        wrong = [field for field in self.fields() if field.display and not field.validate_value()]
        if wrong:
            wrong[0].control.focus()
        return not wrong

    def on_key(self, event: events.Key) -> None:
        """Go on with enter, except where the field needs the key itself."""
        if event.key != "enter" or not isinstance(self.screen.focused, Input | RadioLine | CheckLine):
            return
        event.stop()
        self._go_on()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on from an input."""
        event.stop()
        self._go_on()

    def _go_on(self) -> None:
        shown = [field.control for field in self.fields() if field.display]
        if shown and self.screen.focused is shown[-1]:
            if self.validate_all():
                self.post_message(self.Submitted())
        else:
            self.screen.focus_next()
