"""Bars by day: one column of blocks per day over its date; used by the Costs screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.widgets.series import enough_ticks, tick_label
from runctl_tui.widgets.text import content, lines, pad, plain

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
EIGHTHS: Final = 8
LEAST: Final = (20, 4)
"""Cells and lines below which bars cannot be read."""
WIDEST: Final = 4
"""Cells of a bar and the gap beside it at most."""


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day."""

    day: int
    """Of its month."""
    value: float | None
    """None: nothing is known about that day, such as one to come."""
    partial: bool = False
    """Something on that day has no known price: the bar is the least that it was."""


class DayBars(Widget):
    """Draws `bars` under a heading; a question mark stands on days that cost more than is known."""

    ALLOW_SELECT = False

    bars: reactive[tuple[DayBar, ...]] = reactive(())
    heading: reactive[SafeText] = reactive(EMPTY)
    empty: reactive[SafeText] = reactive(safe("not added up yet"))
    """What stands where there is nothing to draw."""

    def render(self) -> Content:
        """Draw heading, bars with their scale, and the dates."""
        width, height = self.size
        head = content(pad(self.heading, width), "$heading bold")
        known = [bar for bar in self.bars if bar.value is not None]
        if not any(bar.value or bar.partial for bar in known):
            return lines([head, content(safe(f"○ {self.empty}"), "$muted")])
        if width < LEAST[0] or height < LEAST[1]:
            dearest = max(known, key=lambda bar: bar.value or 0)
            return lines([head, content(safe(f"most: {dearest.value:,.2f} on day {dearest.day}"))])
        return lines([head, *_drawn(self.bars, width, height - 1)])


def _drawn(bars: Sequence[DayBar], width: int, height: int) -> list[Content]:
    rows = height - 1
    top = max(max(bar.value or 0 for bar in bars), 0.01)
    ticks = {max(0, round(tick / top * rows) - 1): tick for tick in enough_ticks(0, top, max(2, rows // 3)) if tick}
    labels = {row: tick_label(tick) for row, tick in ticks.items()}
    axis = max(map(len, labels.values()), default=1)
    room = width - axis - 2
    shown = bars[-max(1, room) :]
    cells = max(1, min(WIDEST, room // len(shown)))
    drawn = [_row(shown, row, top, (rows, cells)) for row in reversed(range(rows))]
    marks = [f"{labels.get(row, ''):>{axis}} ┤" for row in reversed(range(rows))]
    out = [Content.assemble(content(plain(mark), "$muted"), line) for mark, line in zip(marks, drawn, strict=True)]
    return [*out, content(pad(plain(" " * (axis + 2) + _dates(shown, cells, room)), width), "$muted")]


def _row(bars: Sequence[DayBar], row: int, top: float, size: tuple[int, int]) -> Content:
    """Return one line of all bars, `row` lines above the axis."""
    rows, cells = size
    last = max((number for number, bar in enumerate(bars) if bar.value is not None), default=-1)
    parts = []
    for number, bar in enumerate(bars):
        eighths = _eighths(bar.value or 0, top, rows)
        level = max(0, min(EIGHTHS, eighths - row * EIGHTHS))
        asks = bar.partial and row == min(rows - 1, -(-eighths // EIGHTHS))
        block = "?" if asks else BLOCKS[level]
        style = "$warn" if asks else "$cost" if number == last else "$chart-1"
        parts.append(content(plain(block * max(1, cells - 1) + " " * (cells > 1)), style))
    return Content("").join(parts)


def _eighths(value: float, top: float, rows: int) -> int:
    """Return how high a bar is; what was spent at all is seen."""
    return max(1 if value > 0 else 0, round(value / top * rows * EIGHTHS))


def _dates(bars: Sequence[DayBar], cells: int, room: int) -> str:
    """Return the dates that have room under their bars: the first day, then every fifth."""
    line = ""
    for number, bar in enumerate(bars):
        place, date = number * cells, str(bar.day)
        fits = len(line) + (1 if line else 0) <= place <= room - len(date)
        if fits and (bar.day == 1 or bar.day % 5 == 0):
            line = line.ljust(place) + date
    return line
