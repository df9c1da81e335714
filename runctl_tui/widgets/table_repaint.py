"""Repaints as little as possible when the rows of a table change; used by the resource table alone."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import zip_longest
from types import TracebackType

from textual.strip import Strip

from runctl_tui.widgets.line_view import LineView


class RowsView(LineView):
    """A line view whose lines are rows with keys and a cursor."""

    @property
    def cursor_index(self) -> int:
        """The line that the cursor is on."""
        raise NotImplementedError

    def lines_in_view(self) -> list[tuple[Hashable, bool]]:
        """Return key and whether it has the cursor, for each row in view."""
        raise NotImplementedError

    def forget_row(self, key: Hashable) -> Strip | None:
        """Drop a row's drawn line and return it, if there is one."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show as not possible now what needs a row, while there is none."""
        if action in ("choose", "mark") and not self.line_count():
            return None
        return super().check_action(action, parameters)


class Repaint:
    """While rows change: keeps the cursor's row at its line and repaints only lines that look different."""

    def __init__(self, table: RowsView) -> None:
        self.changed: frozenset[Hashable] = frozenset()
        """Keys of rows that may look different."""
        self._table = table
        self._offset = table.cursor_index - table.top
        self._before = table.lines_in_view()
        self._bar = table.bar()

    def __enter__(self) -> Repaint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        table = self._table
        old = {key: table.forget_row(key) for key in self.changed}
        table.top = max(0, min(table.cursor_index - self._offset, table.line_count() - table.page))
        after = table.lines_in_view()
        if bool(after) is not bool(self._before) or not after:
            table.refresh()
            return
        for number, (was, now) in enumerate(zip_longest(self._before, after)):
            index = table.top + number
            if was != now or (
                now is not None and now[0] in old and old[now[0]] != table.draw_line(index, table.line_width)
            ):
                table.refresh_index(index)
        if table.bar() != self._bar:
            table.refresh_bar()
