"""Draws the lines of the resource table: titles and rows as strips of styled text; used by the table alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from runctl_tui.domain.text import safe
from runctl_tui.widgets.columns import GAP, Cell, Placed
from runctl_tui.widgets.text import Palette, clip, pad, width_of

PREFIX: Final = 3
"""Cells for the cursor bar, the mark and a blank."""


@dataclass(frozen=True, slots=True)
class RowState:
    """How a row is seen at the moment."""

    cursor: bool
    marked: bool
    focused: bool
    fresh: frozenset[int] = frozenset()
    """Indices of cells that changed a moment ago."""


@dataclass(frozen=True, slots=True)
class Pen:
    """What rows are drawn with."""

    base: Style
    palette: Palette
    ansi: bool
    """The terminal's own 16 colours: the row under the cursor then has one colour, to stay legible."""


def titles(placed: Sequence[Placed[Any]], sort_column: str | None, descending: bool) -> str:
    """Return the line of column titles with an arrow on the one that rows are ordered by."""
    parts = []
    for item in placed:
        title = safe(item.column.title)
        if item.column.id == sort_column:
            arrow = "▼" if descending else "▲"
            space = " " if width_of(title) + 2 <= item.width else ""
            title = safe(clip(title, item.width - 1 - len(space)) + space + arrow)
        parts.append(pad(title, item.width, item.column.align == "right"))
    return " " * PREFIX + (" " * GAP).join(parts)


def row_strip(placed: Sequence[Placed[Any]], cells: Sequence[Cell], state: RowState, pen: Pen) -> Strip:
    """Return one row, as wide as its columns."""
    base, one_colour = pen.base, state.cursor and state.focused and pen.ansi
    if state.cursor:
        base += pen.palette.style("on $cursor-row" if state.focused else "on $cursor-row-blurred")
    if one_colour:
        base += pen.palette.style("$cursor-row-text bold")

    def style(words: str) -> Style:
        return base if one_colour or not words else base + pen.palette.style(words)

    edge = ("▌" if state.focused else "▏") if state.cursor else " "
    parts = [(edge, style("$focus")), ("▪ " if state.marked else "  ", style("$mark"))]
    for number, item in enumerate(placed):
        cell = cells[item.index]
        if number:
            parts.append((" " * GAP, base))
        drawn = style(cell.style)
        if item.index in state.fresh:
            drawn += pen.palette.style("bold" if state.cursor else "bold on $changed")
        parts.append((pad(cell.text, item.width, item.column.align == "right"), drawn))
    return Strip(_segments(parts))


def _segments(parts: Iterable[tuple[str, Style]]) -> list[Segment]:
    """Join neighbours of the same style, for fewer bytes to the terminal."""
    out: list[tuple[str, Style]] = []
    for text, style in parts:
        if out and (out[-1][1] == style or (not text.strip() and out[-1][1].bgcolor == style.bgcolor)):
            out[-1] = (out[-1][0] + text, out[-1][1])
        else:
            out.append((text, style))
    return [Segment(text, style) for text, style in out]
