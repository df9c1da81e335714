"""A view of a text that grows: what a machine itself prints, followed until the view is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from runctl_tui.domain.log_colours import coloured_line
from runctl_tui.domain.text import SafeText, safe
from runctl_tui.modals.text_view import TextView
from runctl_tui.widgets.filter_line import FilterLine
from runctl_tui.widgets.log_view import LogView

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock


class FollowView(TextView):
    """Shows lines as they come; `f` follows again after scrolling."""

    AUTO_FOCUS = "LogView"

    def __init__(self, clock: Clock, title: SafeText, source: AsyncIterator[str]) -> None:
        self._heard: list[SafeText] = []
        super().__init__(clock, title, self._heard)
        self._source = source

    def compose_body(self) -> ComposeResult:
        """Lay out the log and the search line."""
        yield LogView()
        yield FilterLine(placeholder=safe("search"))

    def on_mount(self) -> None:
        """Begin to listen; closing the view ends it."""
        self.query_one(LogView).set_note(safe("waiting for the log…"))
        self.run_worker(self._listen(), exclusive=True)

    async def _listen(self) -> None:
        view = self.query_one(LogView)
        async for line in self._source:
            self._heard.append(coloured_line(line))
            view.append(self._heard[-1:])
            view.set_note(safe("live"))
        view.ended = True
        view.set_note(safe("the log has ended"))
