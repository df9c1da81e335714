"""The table of the whole product: rows of any kind, keyed by id, drawn line by line; used by every list screen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, Generic

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from runctl_tui.domain.text import safe
from runctl_tui.widgets.columns import Column, Placed, RowT, place
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.table_changes import FreshCells
from runctl_tui.widgets.table_draw import PREFIX, Pen, RowState, row_strip, titles
from runctl_tui.widgets.table_model import KeyT, TableModel
from runctl_tui.widgets.table_notices import nothing_matches, wrong_filter
from runctl_tui.widgets.table_repaint import Repaint, RowsView

DRAWN_CACHE: Final = 2048
FRESH_SECONDS: Final = 2.0
"""For how long a cell that changed is marked."""
MOVE: Final = Binding.Group("move", compact=True)


class ResourceTable(RowsView, Generic[KeyT, RowT]):
    """Rows with a cursor, marks, filter and sort order that all stay on their rows over every refresh."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", id="table.open", group=None),
        Binding("j,down", "move(1)", "down", show=False, id="table.down", group=MOVE),
        Binding("k,up", "move(-1)", "up", show=False, id="table.up", group=MOVE),
        Binding("g,home", "go('first')", "first", show=False, id="table.first", group=MOVE),
        Binding("G,end", "go('last')", "last", show=False, id="table.last", group=MOVE),
        Binding("ctrl+f,pagedown", "page(1)", "page down", show=False, id="table.page_down", group=MOVE),
        Binding("ctrl+b,pageup", "page(-1)", "page up", show=False, id="table.page_up", group=MOVE),
        Binding("space", "mark", "mark", id="table.mark"),
        Binding("shift+down", "mark_along(1)", "mark on", show=False, id="table.mark_down"),
        Binding("shift+up", "mark_along(-1)", "mark back", show=False, id="table.mark_up"),
        Binding("ctrl+@,ctrl+space", "mark_range", "mark range", show=False, id="table.mark_range"),
        Binding("ctrl+backslash", "clear_marks", "clear marks", show=False, id="table.clear_marks"),
        Binding("slash", "filter", "filter", key_display="/", id="table.filter"),
        Binding("shift+right", "sort(1)", "sort by next column", show=False, id="table.sort_next"),
        Binding("shift+left", "sort(-1)", "sort by previous column", show=False, id="table.sort_previous"),
        Binding("O", "flip", "flip order", show=False, id="table.sort_flip"),
    ]

    head = 1

    class _AboutRow(Message):
        def __init__(self, table: ResourceTable[Any, Any], key: Any) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> ResourceTable[Any, Any]:
            """The table."""
            return self.table

    class Chosen(_AboutRow):
        """The user opened a row."""

    class Highlighted(_AboutRow):
        """The cursor is on another row; the key is None in an empty table."""

    class _AboutTable(Message):
        def __init__(self, table: ResourceTable[Any, Any]) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> ResourceTable[Any, Any]:
            """The table."""
            return self.table

    class MarksChanged(_AboutTable):
        """Rows were marked or unmarked."""

    class SortChanged(_AboutTable):
        """The rows are in another order; `table.sort` says which."""

    class FilterRequested(_AboutTable):
        """The user wants to type a filter."""

    def __init__(
        self,
        columns: Sequence[Column[RowT]],
        key: Callable[[RowT], KeyT],
        *,
        sinks: Callable[[RowT], bool] | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.model: TableModel[KeyT, RowT] = TableModel(columns, key, sinks)
        self._placed: tuple[Placed[RowT], ...] = ()
        self._drawn: dict[Hashable, tuple[RowState, Strip]] = {}
        self._said: tuple[Notice, ...] = ()
        self._notices: tuple[Notice, ...] = ()
        self._placeholder = Notice.loading(safe("rows"))
        self._told: KeyT | None = None
        self._fresh = FreshCells(self.model)
        self._calmer: Timer | None = None

    @property
    def cursor_key(self) -> KeyT | None:
        """The key under the cursor."""
        return self.model.cursor_key

    @property
    def cursor_row(self) -> RowT | None:
        """The row under the cursor."""
        key = self.model.cursor_key
        return None if key is None else self.model.row(key)

    @property
    def marks(self) -> tuple[KeyT, ...]:
        """Marked keys in the order in which they were marked, hidden ones included."""
        return tuple(self.model.marks)

    @property
    def sort(self) -> tuple[str | None, bool]:
        """Column id and whether descending."""
        return self.model.sort_column, self.model.descending

    def set_rows(self, rows: Iterable[RowT]) -> None:
        """Show these rows; repaints only lines in view that look different."""
        before = self._fresh.told(self.model.view[self.top : self.top + self.page])
        with Repaint(self) as repaint:
            repaint.changed = self.model.set_rows(rows).rows
            if self._fresh.mark(before, repaint.changed):
                self._calm_later()
            for key in [key for key in self._drawn if self.model.row(key) is None]:  # type: ignore[arg-type]  # a row's key
                del self._drawn[key]
        self._tell()

    def recompute(self) -> None:
        """Compute the cells again, for those that depend on the time; repaints what looks different."""
        with Repaint(self) as repaint:
            repaint.changed = self.model.forget_cells()

    def hide_columns(self, ids: Iterable[str]) -> None:
        """Put these columns away; all others are shown as far as there is room."""
        known = frozenset(column.id for column in self.model.columns)
        wanted = known & frozenset(ids)
        self.model.hidden = wanted if wanted < known else frozenset()
        self.place_columns()

    def place_columns(self) -> None:
        """Show the columns that apply now."""
        self.forget_drawn()
        self.refresh()

    def set_filter(self, text: str) -> None:
        """Show only rows that match."""
        with Repaint(self):
            self.model.set_filter(text)
        self._tell()
        self._show_notices()

    def sort_by(self, column_id: str | None, descending: bool | None = None) -> None:
        """Order rows by a column, in its natural direction unless told."""
        with Repaint(self):
            self.model.sort_by(column_id, descending)
        self.refresh(Region(0, 0, self.size.width, 1))
        self.post_message(self.SortChanged(self))

    def move_to(self, key: KeyT) -> bool:
        """Put the cursor on a row; returns False if it is not shown."""
        place_of = self.model.position(key)
        if place_of is None:
            return False
        self._move(place_of)
        return True

    def set_notices(self, notices: Sequence[Notice]) -> None:
        """Show lines under the rows that say what is missing, old or failed."""
        self._said = tuple(notices)
        self._show_notices()

    def set_placeholder(self, notice: Notice) -> None:
        """Say what stands in place of the rows while there are none."""
        if notice != self._placeholder:
            self._placeholder = notice
            if not len(self.model):
                self.refresh()

    def shown(self) -> tuple[list[str], list[list[str]]]:
        """Return titles and whole cells of the columns in view, of all rows that the filter shows, in their order."""
        columns = [placed.column for placed in self._placed]
        rows = [self.model.row(key) for key in self.model.view]
        return [each.title for each in columns], [
            [str(each.cell(row).text) for each in columns] for row in rows if row is not None
        ]

    def line_count(self) -> int:
        """Return how many rows are shown."""
        return len(self.model)

    def forget_drawn(self) -> None:
        """Drop drawn lines and place the columns again."""
        self._drawn.clear()
        columns, hidden = self.model.columns, self.model.hidden
        fit = [index for index, column in enumerate(columns) if column.applies is None or column.applies()]
        shown = [index for index in fit if columns[index].id not in hidden] or fit
        placed = place([columns[index] for index in shown], self.line_width - PREFIX)
        self._placed = tuple(replace(item, index=shown[item.index]) for item in placed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show as not possible now what needs a row, while there is none."""
        if action in ("choose", "mark") and not len(self.model):
            return None
        return super().check_action(action, parameters)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.show_index(self.model.cursor)

    def on_focus(self) -> None:
        """Show the cursor as active."""
        self.refresh_index(self.model.cursor)

    def on_blur(self) -> None:
        """Show the cursor as resting."""
        self.refresh_index(self.model.cursor)

    def on_click(self, event: events.Click) -> None:
        """Move to the row; a double click opens it."""
        index = self.top + event.y - self.head
        if event.y >= self.head and index < len(self.model):
            self._move(index)
            if event.chain == 2:
                self.action_choose()

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._move(self.model.cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by a page."""
        self._move(self.model.cursor + step * max(1, self.page - 1))

    def action_go(self, where: str) -> None:
        """Move the cursor to the first or last row."""
        self._move(0 if where == "first" else len(self.model) - 1)

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        key = self.model.cursor_key
        if key is not None:
            self.post_message(self.Chosen(self, key))

    def action_mark(self) -> None:
        """Mark or unmark the row under the cursor and go on to the next."""
        key, index = self.model.cursor_key, self.model.cursor
        if key is not None:
            self.model.toggle_mark(key)
            self._move(index + 1)
            self._marked([index])

    def action_mark_along(self, step: int) -> None:
        """Mark the row under the cursor and the one that the cursor moves to."""
        before = self.model.cursor
        self._move(before + step)
        first, last = sorted((before, self.model.cursor))
        self.model.marks.update(dict.fromkeys(self.model.view[first : last + 1]))
        self._marked([before, self.model.cursor])

    def action_mark_range(self) -> None:
        """Mark the rows from the last mark to the cursor."""
        self._marked(map(self.model.position, self.model.mark_range()))

    def action_clear_marks(self) -> None:
        """Unmark all rows, hidden ones too."""
        keys = list(self.model.marks)
        self.model.marks.clear()
        self._marked(map(self.model.position, keys))

    def action_filter(self) -> None:
        """Ask for a filter to be typed."""
        self.post_message(self.FilterRequested(self))

    def action_sort(self, step: int) -> None:
        """Order by the next or previous column in view."""
        ids = [placed.column.id for placed in self._placed]
        current = self.model.sort_column
        index = ids.index(current) + step if current in ids else (0 if step > 0 else -1)
        self.sort_by(ids[index % len(ids)])

    def action_flip(self) -> None:
        """Turn the order round."""
        if self.model.sort_column is not None:
            self.sort_by(self.model.sort_column, not self.model.descending)

    def draw_head(self, y: int, width: int) -> Strip:
        """Draw the column titles."""
        text = titles(self._placed, self.model.sort_column, self.model.descending)
        return self.text_strip(text, width, "$heading bold")

    def draw_foot(self, y: int, width: int) -> Strip:
        """Draw a notice."""
        notice = self._notices[y]
        return self.text_strip(notice.line(width), width, notice.style)

    def draw_line(self, index: int, width: int) -> Strip:
        """Draw a row, or what stands in its place."""
        if index >= len(self.model):
            return self._draw_past_end(index, width)
        key = self.model.view[index]
        state = RowState(index == self.model.cursor, key in self.model.marks, self.has_focus, self._fresh.of(key))
        drawn = self._drawn.get(key)
        if drawn is not None and drawn[0] == state:
            return drawn[1]
        pen = Pen(self.base_style, self.palette, self.app.native_ansi_color)
        strip = row_strip(self._placed, self.model.cells(key), state, pen).adjust_cell_length(width, pen.base)
        if len(self._drawn) >= DRAWN_CACHE:
            self._drawn.clear()
        self._drawn[key] = (state, strip)
        return strip

    @property
    def cursor_index(self) -> int:
        """The row that the cursor is on."""
        return self.model.cursor

    def lines_in_view(self) -> list[tuple[Hashable, bool]]:
        """Return key and whether it has the cursor, for each row in view."""
        cursor = self.model.cursor_key
        return [(key, key == cursor) for key in self.model.view[self.top : self.top + self.page]]

    def forget_row(self, key: Hashable) -> Strip | None:
        """Drop a row's drawn line and return it, if there is one."""
        drawn = self._drawn.pop(key, None)
        return None if drawn is None else drawn[1]

    def _show_notices(self) -> None:
        """Show what is said, under what is wrong with the filter."""
        fresh = (*wrong_filter(self.model), *self._said)[:4]
        if fresh == self._notices:
            return
        same_height = len(fresh) == len(self._notices)
        self._notices, self.foot = fresh, len(fresh)
        if same_height:
            self.refresh_foot()
        else:
            self.show_index(self.model.cursor)
            self.refresh()

    def _calm_later(self) -> None:
        if self._calmer is not None:
            self._calmer.stop()
        self._calmer = self.set_timer(FRESH_SECONDS, self._calm_down)

    def _calm_down(self) -> None:
        """Draw what was marked as all else again."""
        for key in self._fresh.calm():
            self._drawn.pop(key, None)
            index = self.model.position(key)
            if index is not None:
                self.refresh_index(index)

    def _draw_past_end(self, index: int, width: int) -> Strip:
        if len(self.model):
            return self.blank(width)
        notice = nothing_matches(self.model) if self.model.total else self._placeholder
        lines = notice.lines(max(1, width - PREFIX))
        if not 1 <= index <= len(lines):
            return self.blank(width)
        text, style = lines[index - 1]
        return self.text_strip(" " * PREFIX + text, width, style)

    def _move(self, index: int) -> None:
        before = self.model.cursor
        if not self.model.move(index):
            return
        if not self.show_index(self.model.cursor):
            self.refresh_index(before)
            self.refresh_index(self.model.cursor)
        self._tell()

    def _marked(self, indexes: Iterable[int | None]) -> None:
        """Draw rows that were marked or unmarked, as far as they are shown, and tell of it."""
        for index in indexes:
            if index is not None:
                self.refresh_index(index)
        self.post_message(self.MarksChanged(self))

    def _tell(self) -> None:
        """Say which row the cursor is on, once per row."""
        if self.model.cursor_key != self._told:
            self._told = self.model.cursor_key
            self.post_message(self.Highlighted(self, self._told))
