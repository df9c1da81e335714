"""A line that says in what state some data is; used by the table and the panes around it."""

from __future__ import annotations

from dataclasses import dataclass

from runctl_tui.domain.text import EMPTY, SafeText, safe


@dataclass(frozen=True, slots=True)
class Notice:
    """A symbol, words and a colour that repeats what they say."""

    symbol: str
    text: SafeText
    style: str = "$muted"
    todo: SafeText = EMPTY
    """The next step, on a line of its own where there is room."""

    @classmethod
    def loading(cls, what: SafeText) -> Notice:
        """Say that the first rows are on their way."""
        return cls("◐", safe(f"loading {what}…"))

    @classmethod
    def empty(cls, text: SafeText) -> Notice:
        """Say that there is nothing, and what to do."""
        return cls("○", text)

    @classmethod
    def partial(cls, text: SafeText) -> Notice:
        """Say which rows are missing or old."""
        return cls("▲", text, "$warn")

    @classmethod
    def error(cls, text: SafeText, todo: SafeText = EMPTY) -> Notice:
        """Say what failed, and what to do."""
        return cls("✗", text, "$danger", todo)
