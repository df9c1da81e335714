"""A dialog with a form whose one way on is to look at the plan; the launch and the volume dialog are such."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, TypeVar

from textual import on
from textual.binding import Binding, BindingType

from runctl_tui.domain.text import safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.widgets.form import Form

ResultT = TypeVar("ResultT")
REVIEW: Final = "review"


class ReviewDialog(Dialog[ResultT]):
    """Goes on by ctrl+r, by its button, and by Enter in the last field; subclasses say how."""

    SEVERITY = "start"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+r", "review", "review", id="form.review")]

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Offer to leave or to look at the plan."""
        yield from super().compose_buttons()
        yield DialogButton(safe("ctrl+r  Review the plan"), REVIEW)

    @on(Form.Submitted)
    def submit(self) -> None:
        """Go on to the plan."""
        self.action_review()

    def pressed(self, button_id: str) -> None:
        """Go on to the plan."""
        if button_id == REVIEW:
            self.action_review()

    def action_review(self) -> None:
        """Check the form and go on to the plan."""
        raise NotImplementedError
