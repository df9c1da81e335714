"""A line whose words its screen sets; used where a screen has a line of figures of its own."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from runctl_tui.widgets.status_row import StatusRow
from runctl_tui.widgets.text import Piece


class PieceLine(StatusRow):
    """Draws `line`."""

    gap = 3
    line: reactive[tuple[Piece, ...]] = reactive((), repaint=False)

    def watch_line(self) -> None:
        """Draw what changed."""
        self.redraw()

    def pieces(self, width: int) -> Sequence[Piece]:
        """Return what the screen has set."""
        return self.line
