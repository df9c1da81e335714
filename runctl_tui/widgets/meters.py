"""Labelled bars in as many columns as fit, for what is used of processors, memory and GPUs; used by the Host screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.content import Content
from textual.geometry import Region
from textual.reactive import reactive
from textual.widget import Widget

from runctl_tui.domain.text import EMPTY, SafeText
from runctl_tui.widgets.text import content, lines, pad, plain, width_of

COLUMNS: Final = ((165, 3), (72, 2))
"""From how many cells on there are how many columns."""
GAP: Final = 3
BAR: Final = 8
LABEL: Final = 11
"""Cells of the longest label."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing that is measured."""

    label: SafeText
    words: SafeText
    short: SafeText = EMPTY
    """What is said where there is no room for all of it."""
    share: float | None = None
    """Used, from 0 to 1; None: no bar."""
    style: str = ""
    """Of the words."""
    fills_up: bool = False
    """Whether being nearly full is a danger and no merit."""


class Meters(Widget):
    """Draws `meters` row by row, each in a cell of the same width, as high as it needs to be."""

    ALLOW_SELECT = False

    meters: reactive[tuple[Meter, ...]] = reactive((), repaint=False)

    def watch_meters(self, before: tuple[Meter, ...], now: tuple[Meter, ...]) -> None:
        """Draw again the rows that changed; another number of them is another height."""
        columns = columns_in(self.size.width - 2)
        if len(before) != len(now) or not self.size.width:
            self.refresh(layout=True)
            return
        rows = {place // columns for place, pair in enumerate(zip(before, now, strict=True)) if pair[0] != pair[1]}
        if rows:
            self.refresh(*(Region(0, row, self.size.width, 1) for row in sorted(rows)))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """Count the rows."""
        return max(1, -(-len(self.meters) // columns_in(width - 2)))

    def render(self) -> Content:
        """Draw all rows."""
        width = max(1, self.size.width - 2)
        columns = columns_in(width)
        cells = (width - GAP * (columns - 1)) // columns
        label = min(LABEL, max((width_of(meter.label) for meter in self.meters), default=0))
        drawn = [_drawn(meter, label, cells) for meter in self.meters]
        return lines([_row(drawn[start : start + columns]) for start in range(0, len(drawn), columns)])


def columns_in(width: int) -> int:
    """Return how many columns fit."""
    return next((columns for least, columns in COLUMNS if width >= least), 1)


def _row(cells: Sequence[Content]) -> Content:
    return Content.assemble(" ", Content(" " * GAP).join(cells))


def _drawn(meter: Meter, label: int, cells: int) -> Content:
    parts = [content(pad(meter.label, label), "$muted"), Content(" ")]
    if meter.share is not None:
        share = max(0.0, min(1.0, meter.share))
        full = max(1 if share else 0, round(share * BAR))
        parts += [
            content(plain("█" * full), _colour(share) if meter.fills_up else "$chart-1"),
            content(plain("░" * (BAR - full)), "$muted"),
            Content(" "),
        ]
    room = max(1, cells - label - 1 - (BAR + 1 if meter.share is not None else 0))
    words = meter.short if meter.short and width_of(meter.words) > room else meter.words
    return Content.assemble(*parts, content(pad(words, room), meter.style))


def _colour(share: float) -> str:
    return "$danger" if share >= 0.95 else "$warn" if share >= 0.85 else "$chart-1"
