"""A dialog that asks for one line of text."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.widgets.form import Check, FormField, FormInput


class Prompt(Dialog[str]):
    """Answers with the text once it is right; enter accepts."""

    AUTO_FOCUS = "FormInput"

    def __init__(
        self,
        clock: Clock,
        title: SafeText,
        label: SafeText,
        *,
        value: str = "",
        hint: SafeText = EMPTY,
        check: Check | None = None,
    ) -> None:
        super().__init__(clock, title)
        self._label = label
        self._value = value
        self._hint = hint
        self._check = check

    def compose_body(self) -> ComposeResult:
        """Lay out the field."""
        yield FormField(self._label, FormInput(self._value), hint=self._hint, check=self._check)

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Offer to cancel or accept."""
        yield from super().compose_buttons()
        yield DialogButton(safe("OK"), "ok")

    @on(Input.Submitted)
    def accept(self, event: Input.Submitted) -> None:
        """Answer with the text."""
        event.stop()
        self.pressed("ok")

    def pressed(self, button_id: str) -> None:
        """Answer if the value is right, else say what is wrong."""
        field = self.query_one(FormField)
        if field.validate_value():
            self.dismiss(field.value)
        else:
            field.control.focus()
