"""A dialog that changes one configuration key: its check under the field, and what would be written before it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from runctl_tui.domain.setting_spec import Kind, SettingDraft, SettingSpec
from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.widgets.form import Choice, Form, FormField, RadioLine
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock

SAVE = "save"
Try = Callable[[str], SettingDraft]
"""Returns what writing a text would do."""
_HINTS = {
    Kind.LIST: "with commas: a,b",
    Kind.TABLE: "NAME=VALUE;NAME=VALUE",
    Kind.AMOUNTS: "NAME=DOLLARS;NAME=DOLLARS",
    Kind.AMOUNT: "dollars, such as 0.40",
    Kind.SECRET: "stays hidden",
}


class EditSetting(Dialog[str]):
    """Answers with the text to write; None where nothing is to be changed."""

    AUTO_FOCUS = "FormInput, RadioLine"
    BURST_SECONDS = 0

    def __init__(self, clock: Clock, spec: SettingSpec, value: str, origin: str, attempt: Try) -> None:
        super().__init__(clock, safe(spec.key))
        self._spec = spec
        self._secret = spec.kind is Kind.SECRET
        self._value = "" if self._secret else value
        self._origin = origin
        self._try = attempt

    def compose_body(self) -> ComposeResult:
        """Say what the key means, ask for its value, and say what would be written."""
        yield Static(content(safe(f"{self._spec.help}{self._limits()}")), classes="setting-words")
        yield Static(content(safe(f"now from: {self._origin}"), "$muted"), classes="setting-words -last")
        with Form():
            hint = safe(_HINTS.get(self._spec.kind, ""))
            yield FormField(safe("Value"), self._control(), hint=hint, check=self._complaint, id="setting-value")
        yield Static(self._difference(self._value), id="setting-difference")

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Offer to cancel or to save."""
        yield from super().compose_buttons()
        yield DialogButton(safe("Save"), SAVE)

    def pressed(self, button_id: str) -> None:
        """Save from the button."""
        if button_id == SAVE and self.query_one(Form).validate_all():
            self._save()

    @on(Form.Submitted)
    def save_from_field(self) -> None:
        """Save by enter in the field."""
        self._save()

    @on(Input.Changed)
    @on(RadioLine.Changed)
    def show_difference(self) -> None:
        """Say what would be written now."""
        text = self._field.value
        self.query_one("#setting-difference", Static).update(self._difference(text))
        if isinstance(self._field.control, RadioLine):
            self._field.validate_value()

    @property
    def _field(self) -> FormField:
        return self.query_one("#setting-value", FormField)

    def _save(self) -> None:
        text = self._field.value
        self.dismiss(None if self._unchanged(text) else text)

    def _control(self) -> Widget:
        choices = ("true", "false") if self._spec.kind is Kind.SWITCH else self._spec.limits.choices
        if choices:
            return RadioLine([Choice(word, safe(word)) for word in choices], self._value)
        return FormInput(self._value, password=self._secret)

    def _unchanged(self, text: str) -> bool:
        return text == self._value

    def _complaint(self, text: str) -> SafeText | None:
        problem = "" if self._unchanged(text) else self._try(text).problem
        return safe(problem) if problem else None

    def _difference(self, text: str) -> Content:
        """Return 'old → new' with the file, or that nothing changes."""
        draft = self._try(text)
        if self._unchanged(text) or draft.problem:
            words = "as it is: nothing is written" if self._unchanged(text) else "nothing can be written yet"
            return content(safe(words), "$muted")
        line = f"{draft.old or '(unset)'}  →  {draft.new or '(unset)'}     in {draft.file}"
        if draft.overruled_by:
            return content(safe(f"{line}\n▲ without effect while it is set by {draft.overruled_by}", 1000), "$warn")
        return content(safe(line, 1000), "$strong")

    def _limits(self) -> SafeText:
        limits = self._spec.limits
        words = [f"at least {limits.minimum}" if limits.minimum is not None else ""]
        words.append(f"at most {limits.maximum}" if limits.maximum is not None else "")
        said = ", ".join(filter(None, words))
        return safe(f" ({said})") if said else EMPTY
