"""A scrollable view of a text: describe pages, raw JSON, problems in full; with search and copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.strip import Strip

from runctl_tui.domain.text import SafeText, safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.widgets.filter_line import FilterLine
from runctl_tui.widgets.log_view import LogView
from runctl_tui.widgets.text import Piece, row_of

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock


class TextLines(LogView):
    """A text that does not grow: it starts at its top and follows nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("G,end", "last", "last line", show=False, id="text.last"),
    ]

    def __init__(
        self,
        lines: Sequence[SafeText],
        *,
        wrapped: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self.following, self.wrapped = False, wrapped
        self.append(lines)

    def line_style(self, text: SafeText) -> str:
        """Colour nothing: a text has no levels."""
        return ""

    def draw_foot(self, y: int, width: int) -> Strip:
        """Say where in the text we are."""
        last = min(self.top + self.page, self.line_count())
        pieces = [
            Piece(self.found_words(), "$muted", 50),
            Piece(safe(f"{self.top + 1}-{last} of {self.line_count()}" if last else ""), "$muted", 90, right=True),
        ]
        return self.content_strip(row_of(pieces, max(1, width - 2)), width)

    def action_last(self) -> None:
        """Go to the end."""
        self.scroll_top(self.line_count())

    def scroll_top(self, top: int) -> bool:
        """Scroll without ever following."""
        moved = super().scroll_top(top)
        self.following = False
        self.refresh_foot()
        return moved


class TextView(Dialog[None]):
    """Shows lines until it is closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "cancel", "close", id="text.close"),
        Binding("c", "copy", "copy all", id="text.copy"),
    ]
    KEYS = "/ search  c copy all  q close"
    AUTO_FOCUS = "TextLines"
    BURST_SECONDS = 0

    def __init__(self, clock: Clock, title: SafeText, lines: Sequence[SafeText], *, wrapped: bool = False) -> None:
        super().__init__(clock, title)
        self._lines = lines
        self._wrapped = wrapped

    def compose_body(self) -> ComposeResult:
        """Lay out text and search line."""
        yield TextLines(self._lines, wrapped=self._wrapped)
        yield FilterLine(placeholder=safe("search"))

    def compose_buttons(self) -> Iterable[DialogButton]:
        """A view needs no buttons."""
        return ()

    @on(LogView.SearchRequested)
    def open_search(self) -> None:
        """Ask what to search for."""
        self.query_one(FilterLine).open(self.query_one(LogView).needle)

    @on(FilterLine.Changed)
    def search(self, event: FilterLine.Changed) -> None:
        """Go to what is typed."""
        lines = self.query_one(LogView)
        lines.search(event.text)
        if event.done:
            lines.focus()

    def action_copy(self) -> None:
        """Copy the whole text to the terminal's clipboard."""
        self.app.copy_to_clipboard("\n".join(self._lines))
