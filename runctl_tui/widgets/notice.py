"""A line that says in what state some data is; used by the table and the panes around it."""

from __future__ import annotations

from dataclasses import dataclass

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.text import pad, plain, width_of, wrap


@dataclass(frozen=True, slots=True)
class Notice:
    """A symbol, words and a colour that repeats what they say."""

    symbol: str
    text: SafeText
    style: str = "$muted"
    todo: SafeText = EMPTY
    """The next step, on a line of its own where there is room."""
    more: SafeText = EMPTY
    """Further words, left out whole where there is no room."""
    hint: SafeText = EMPTY
    """The key that tells all of it, at the right edge."""

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

    def line(self, width: int) -> SafeText:
        """Return it in one line of so many cells."""
        edge = f"  {self.hint}" if self.hint else ""
        words, room = plain(f" {self.symbol} {self.text}"), width - width_of(edge)
        if self.more and width_of(words) + 1 + width_of(self.more) <= room:
            words = plain(f"{words} {self.more}")
        return plain(pad(words, room) + edge)

    def lines(self, width: int) -> list[tuple[SafeText, str]]:
        """Return it in as many lines of so many cells as it takes, each with its style; the next step comes last."""
        room = max(1, width - 2)
        words = [plain(f"{' ' if number else self.symbol} {part}") for number, part in enumerate(wrap(self.text, room))]
        steps = [plain(f"  {part}") for part in wrap(plain(f"→ {self.todo}"), room)] if self.todo else []
        return [*((line, self.style) for line in words), *((line, "$foreground") for line in steps)]
