"""One line of facts that fits itself to the width; base of header, title, tabs, hints and cost bar."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from runctl_tui.widgets.text import Piece, row_of


class StatusRow(Widget):
    """A line of pieces; repaints when they change, and never causes a layout."""

    ALLOW_SELECT = False

    gap = 2
    """Cells between two pieces."""
    margin = 1
    """Blank cells at either end."""

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return what the line says, in order, for `width` cells."""
        raise NotImplementedError

    def render(self) -> Content:
        """Fit the pieces to the width."""
        room = max(1, self.size.width - 2 * self.margin)
        blank = " " * self.margin
        return Content.assemble(blank, row_of(self.pieces(room), room, self.gap), blank)
