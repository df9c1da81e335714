"""The log of a run with its search line; used by the monitor and its full-screen log."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from runctl_tui.domain.text import safe
from runctl_tui.widgets.filter_line import FilterLine
from runctl_tui.widgets.log_view import LogView


class LogPane(Vertical):
    """A log that can be searched; the messages of the search stay inside."""

    def compose(self) -> ComposeResult:
        """Lay out log and search line."""
        yield LogView(id="log")
        yield FilterLine(placeholder=safe("search the log"))

    @property
    def log_view(self) -> LogView:
        """The log."""
        return self.query_one(LogView)

    @on(LogView.SearchRequested)
    def open_search(self, event: LogView.SearchRequested) -> None:
        """Let a text be typed."""
        event.stop()
        self.query_one(FilterLine).open(self.log_view.needle)

    @on(FilterLine.Changed)
    def search(self, event: FilterLine.Changed) -> None:
        """Search while typing."""
        event.stop()
        self.log_view.search(event.text)
        if event.done:
            self.log_view.focus()
