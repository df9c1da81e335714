"""The pane beside the S3 table: facts of the row under the cursor over a preview that can be scrolled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from runctl_tui.domain.text import SafeText
from runctl_tui.modals.text_view import TextLines
from runctl_tui.widgets.facts import Fact, FactList
from runctl_tui.widgets.text import content


class ObjectPane(Vertical):
    """Shows what it is given; enter in the table gives it the keys, escape gives them back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "screen.leave_pane", "back to the list", id="s3.leave_preview"),
    ]

    def compose(self) -> ComposeResult:
        """Lay out facts, what is being done, and preview."""
        yield FactList(id="object-facts")
        yield Static("", id="object-words", markup=False)
        yield TextLines((), id="object-preview")

    def show_facts(self, facts: tuple[Fact, ...], words: SafeText, style: str = "$muted") -> None:
        """Show facts, and words in place of a preview."""
        self.query_one(FactList).facts = facts
        self.say(words, style)
        self.show_preview(())

    def say(self, words: SafeText, style: str = "$muted") -> None:
        """Say what is being waited for, or why there is no preview."""
        line = self.query_one("#object-words", Static)
        line.display = bool(words)
        line.update(content(words, style))

    def show_preview(self, lines: Sequence[SafeText]) -> None:
        """Show a preview from its first line."""
        text = self.query_one(TextLines)
        text.clear()
        text.following, text.wrapped = False, True
        text.display = bool(lines)
        text.append(lines)
        self.call_after_refresh(self._wrap)

    def focus_preview(self) -> bool:
        """Give the preview the keys; False where there is none."""
        text = self.query_one(TextLines)
        if text.display:
            text.focus()
        return bool(text.display)

    def _wrap(self) -> None:
        """Wrap for the width that the preview has once it is shown."""
        text = self.query_one(TextLines)
        text.forget_drawn()
        text.refresh()
