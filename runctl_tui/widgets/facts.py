"""Rows of label and value; used by describe views, dialogs and the panes beside a table."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.text import clip, content, lines, pad, width_of, wrap


@dataclass(frozen=True, slots=True)
class Fact:
    """One row; a fact without a label goes on with the row above, one without anything is a blank line."""

    label: SafeText
    value: SafeText
    style: str = ""
    seen: SafeText = EMPTY
    """How old it is, at the right edge."""


class FactList(Widget):
    """Draws `facts`: labels in one column, long values wrapped under their start."""

    facts: reactive[tuple[Fact, ...]] = reactive((), layout=True)
    more: SafeText = EMPTY
    """What leads to lines for which there is no room; empty where they can be scrolled to."""

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Count the wrapped lines."""
        return max(1, len(self._lines(width)))

    def render(self) -> Content:
        """Draw all rows, or those that there is room for and what leads to the others."""
        width, height = max(1, self.size.width), self.size.height
        drawn = self._lines(width)
        if self.more and len(drawn) > height:
            left = len(drawn) - height + 1
            words = safe(f"▾ {left:,} more line{'s' if left > 1 else ''}: {self.more}")
            drawn = [*drawn[: max(0, height - 1)], content(clip(words, width), "$muted")]
        return lines(drawn)

    def _lines(self, width: int) -> list[Content]:
        column = min(max((width_of(fact.label) for fact in self.facts), default=0), max(4, width // 3))
        return [line for fact in self.facts for line in _row(fact, column, width)]


def _row(fact: Fact, column: int, width: int) -> list[Content]:
    start = column + 2 if column else 0
    age_cells = width_of(fact.seen) + 2 if fact.seen else 0
    room = max(4, width - start - age_cells)
    out: list[Content] = []
    for number, part in enumerate(wrap(fact.value, room)):
        label = fact.label if number == 0 else EMPTY
        row = Content.assemble(
            content(pad(label, column), "$muted") if column else "",
            "  " if column else "",
            content(part, fact.style),
        )
        if fact.seen and number == 0:
            blank = width - row.cell_length - width_of(fact.seen)
            row = Content.assemble(row, " " * max(1, blank), content(fact.seen, "$muted"))
        out.append(row)
    return out
