"""One line of facts that fits itself to the width; base of header, title, hints, problems and cost bar."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

from runctl_tui.widgets.text import Piece, row_of, width_of


class StatusRow(Widget):
    """A line of pieces; repaints only the cells that changed, and never causes a layout."""

    ALLOW_SELECT = False

    gap = 2
    """Cells between two pieces."""
    margin = 1
    """Blank cells at either end."""

    _shown: Content | None = None

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return what the line says, in order, for `width` cells."""
        raise NotImplementedError

    def render(self) -> Content:
        """Fit the pieces to the width."""
        self._shown = self._fitted()
        return self._shown

    def redraw(self) -> None:
        """Repaint what looks different since the line was last drawn; watchers of subclasses call it."""
        if self._shown is None or not self.size.width:
            self.refresh()
            return
        fresh = self._fitted()
        span = changed_cells(self._shown, fresh)
        if span is not None:
            self.refresh(Region(span[0], 0, span[1] - span[0], 1))

    def _fitted(self) -> Content:
        width = max(1, self.size.width)
        return row_of(self.pieces(max(1, width - 2 * self.margin)), width, self.gap, self.margin)


def changed_cells(old: Content, new: Content) -> tuple[int, int] | None:
    """Return the first and the end cell in which two lines differ, or None if they look the same."""
    before, after = _characters(old), _characters(new)
    if before == after:
        return None
    if len(before) != len(after):
        return 0, max(old.cell_length, new.cell_length)
    different = [index for index, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    start = min(width_of(line.plain[: different[0]]) for line in (old, new))
    end = max(width_of(line.plain[: different[-1] + 1]) for line in (old, new))
    return start, end


def _characters(line: Content) -> list[tuple[str, tuple[str, ...]]]:
    """Return each character with the styles on it."""
    styles: list[tuple[str, ...]] = [()] * len(line.plain)
    for span in line.spans:
        for index in range(span.start, min(span.end, len(styles))):
            styles[index] = (*styles[index], str(span.style))
    return list(zip(line.plain, styles, strict=True))
