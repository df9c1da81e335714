"""The line over a body: what it shows, how many, in which order, what is marked and what filters it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.reactive import reactive

from runctl_tui.domain.text import SafeText, safe
from runctl_tui.widgets.status_row import StatusRow
from runctl_tui.widgets.text import Piece


@dataclass(frozen=True, slots=True)
class TitleFacts:
    """What the title line says."""

    title: SafeText
    shown: int | None = None
    total: int | None = None
    complete: bool = True
    """False while pages are still arriving or a region is missing; the total then has a plus sign."""
    order: SafeText | None = None
    """Title of the column that rows are ordered by."""
    descending: bool = False
    marked: int = 0
    hidden_marks: int = 0
    filter: str = ""
    note: SafeText | None = None
    """Further words, such as a price or a scope."""
    note_right: SafeText | None = None


class TitleLine(StatusRow):
    """Draws `facts`."""

    gap = 3
    facts: reactive[TitleFacts] = reactive(TitleFacts(safe("")), repaint=False)

    def watch_facts(self) -> None:
        """Draw what changed."""
        self.redraw()

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return title, count, order and marks on the left, filter on the right."""
        facts = self.facts
        out = [Piece(facts.title, "$strong bold", 90)]
        count = count_words(facts)
        if count:
            out.append(Piece(safe(count), "$muted", 70))
        if facts.order:
            out.append(Piece(safe(f"by {facts.order} {'▼' if facts.descending else '▲'}"), "$muted", 30))
        if facts.marked:
            hidden = f" ({facts.hidden_marks:,} hidden)" if facts.hidden_marks else ""
            out.append(Piece(safe(f"▪ {facts.marked:,} marked{hidden}"), "$mark", 80))
        if facts.note:
            out.append(Piece(facts.note, "$muted", 20))
        if facts.note_right:
            out.append(Piece(facts.note_right, "$muted", 10, right=True))
        if facts.filter:
            out.append(Piece(safe(f"/ {facts.filter}"), "$warn bold", 75, right=True))
        return out


def count_words(facts: TitleFacts) -> str:
    """Return `14 of 52`, `52`, `14 of 52+`, `?` where nothing could be counted, or nothing before anything was."""
    if facts.total is None:
        return "" if facts.shown is None else f"{facts.shown:,}"
    if not facts.total and not facts.complete:
        return "?"
    total = f"{facts.total:,}{'' if facts.complete else '+'}"
    return total if facts.shown in (None, facts.total) else f"{facts.shown:,} of {total}"
