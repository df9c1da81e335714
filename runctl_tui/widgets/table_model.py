"""Rows of the resource table: owns order, filter, sort, cursor and marks, all by row key; pure.

A key press costs nothing that grows with the number of rows; a new list of rows is compared by key.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from runctl_tui.widgets.columns import Cell, Column, RowT
from runctl_tui.widgets.table_filter import Filter, parse_filter

KeyT = TypeVar("KeyT", bound=Hashable)
CELL_CACHE: Final = 4096
"""Rows whose computed cells are kept."""


@dataclass(frozen=True, slots=True)
class Change(Generic[KeyT]):
    """What a new list of rows changed."""

    rows: frozenset[KeyT]
    """Keys of rows that look different."""
    order: bool
    """Rows came, went or moved."""


class TableModel(Generic[KeyT, RowT]):
    """The rows of one table and how the user looks at them."""

    def __init__(
        self,
        columns: Sequence[Column[RowT]],
        key: Callable[[RowT], KeyT],
        sinks: Callable[[RowT], bool] | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self.sort_column: str | None = None
        self.descending = False
        self.filter_text = ""
        self.hidden: frozenset[str] = frozenset()
        """Ids of columns that the user put away; the filter still looks into them."""
        self.marks: dict[KeyT, None] = {}
        self.view: list[KeyT] = []
        """Keys in the order shown."""
        self.cursor: int = 0
        """Index into the view; its key is `cursor_key`."""
        self._key = key
        self._sinks = sinks
        self._rows: dict[KeyT, RowT] = {}
        self._filter = Filter()
        self._cells: dict[KeyT, tuple[Cell, ...]] = {}
        self._folded: dict[KeyT, tuple[str, ...]] = {}
        self._positions: dict[KeyT, int] = {}

    def __len__(self) -> int:
        return len(self.view)

    @property
    def total(self) -> int:
        """Rows before filtering."""
        return len(self._rows)

    @property
    def unknown_column(self) -> str:
        """What the filter names as a column that there is none of; empty where it names none, or one that there is."""
        return self._filter.unknown

    @property
    def cursor_key(self) -> KeyT | None:
        """The key under the cursor, or None in an empty view."""
        return self.view[self.cursor] if self.view else None

    @property
    def hidden_marks(self) -> int:
        """Marked rows that the filter hides."""
        return sum(1 for key in self.marks if key not in self._positions)

    def row(self, key: KeyT) -> RowT | None:
        """Return the row of a key, or None if it is gone."""
        return self._rows.get(key)

    def find(self, named: Callable[[RowT], bool]) -> KeyT | None:
        """Return the key of the first row for which `named` holds, shown or not; None where there is none."""
        return next((key for key, row in self._rows.items() if named(row)), None)

    def position(self, key: KeyT) -> int | None:
        """Return where a key stands in the view, or None if it is not shown."""
        return self._positions.get(key)

    def cells(self, key: KeyT) -> tuple[Cell, ...]:
        """Return the cells of a row, computed once while it is unchanged and in use."""
        cells = self._cells.pop(key, None)
        if cells is None:
            row = self._rows[key]
            cells = tuple(column.cell(row) for column in self.columns)
            if len(self._cells) >= CELL_CACHE:
                del self._cells[next(iter(self._cells))]
        self._cells[key] = cells
        return cells

    def known_cells(self, key: KeyT) -> tuple[Cell, ...] | None:
        """Return the cells of a row as they were computed last; None where they were not."""
        return self._cells.get(key)

    def forget_cells(self) -> frozenset[KeyT]:
        """Have all cells computed again; returns the keys whose cells had been."""
        known = frozenset(self._cells)
        self._cells.clear()
        self._folded.clear()
        return known

    def set_rows(self, rows: Iterable[RowT]) -> Change[KeyT]:
        """Take a new list of rows; cursor and marks stay on their keys, the cursor else goes to a neighbour."""
        fresh = {self._key(row): row for row in rows}
        old = self._rows
        changed = frozenset(key for key, row in fresh.items() if key in old and _differs(old[key], row))
        self._rows = fresh
        for cache in (self._cells, self._folded):
            for key in [key for key in cache if key in changed or key not in fresh]:
                del cache[key]
        self.marks = {key: None for key in self.marks if key in fresh}
        if not changed and list(fresh) == list(old):
            return Change(changed, False)
        return Change(changed, self._rebuild())

    def set_filter(self, text: str) -> bool:
        """Show only rows that match; returns whether other rows are shown than before."""
        self.filter_text = text
        fresh = parse_filter(text, [column.names for column in self.columns])
        if fresh == self._filter:
            return False
        self._filter = fresh
        return self._rebuild()

    def sort_by(self, column_id: str | None, descending: bool | None = None) -> bool:
        """Order by a column (None: as the rows came); returns whether the order changed."""
        self.sort_column = column_id
        default = column_id is not None and self._column(column_id).descending
        self.descending = default if descending is None else descending
        return self._rebuild()

    def move(self, index: int) -> bool:
        """Put the cursor on a row of the view; returns whether it moved."""
        target = max(0, min(len(self.view) - 1, index))
        moved = target != self.cursor
        self.cursor = target
        return moved

    def toggle_mark(self, key: KeyT) -> None:
        """Mark a row, or unmark it."""
        if key in self.marks:
            del self.marks[key]
        else:
            self.marks[key] = None

    def mark_range(self) -> list[KeyT]:
        """Mark the rows from the last marked one in view to the cursor; returns the keys newly marked."""
        shown = [place for key in reversed(self.marks) if (place := self._positions.get(key)) is not None]
        start = shown[0] if shown else self.cursor
        low, high = sorted((start, self.cursor))
        added = [key for key in self.view[low : high + 1] if key not in self.marks]
        self.marks.update(dict.fromkeys(added))
        return added

    def _column(self, column_id: str) -> Column[RowT]:
        return next(column for column in self.columns if column.id == column_id)

    def _rebuild(self) -> bool:
        """Filter and sort again; the cursor stays on its key or goes to the nearest row that is left."""
        old, cursor = self.view, self.cursor
        self.view = self._sorted([key for key in self._rows if self._keeps(key)])
        self._positions = {key: index for index, key in enumerate(self.view)}
        self.cursor = self._find_cursor(old, cursor)
        return old != self.view

    def _keeps(self, key: KeyT) -> bool:
        if not self._filter.needle:
            return True
        folded = self._folded.get(key)
        if folded is None:
            row = self._rows[key]
            folded = self._folded[key] = tuple(column.cell(row).text.casefold() for column in self.columns)
        return self._filter.keeps(folded)

    def _sorted(self, keys: list[KeyT]) -> list[KeyT]:
        ordered = self._by_column(keys)
        if self._sinks is None:
            return ordered
        sunk = {key for key in ordered if self._sinks(self._rows[key])}
        return [*(key for key in ordered if key not in sunk), *(key for key in ordered if key in sunk)]

    def _by_column(self, keys: list[KeyT]) -> list[KeyT]:
        if self.sort_column is None:
            return keys
        column = self._column(self.sort_column)
        values: dict[KeyT, Any] = {key: column.order(self._rows[key]) for key in keys}
        known = [key for key in keys if values[key] is not None]
        known.sort(key=values.__getitem__, reverse=self.descending)
        return known + [key for key in keys if values[key] is None]

    def _find_cursor(self, old: list[KeyT], cursor: int) -> int:
        for key in [*old[cursor:], *reversed(old[:cursor])]:
            place = self._positions.get(key)
            if place is not None:
                return place
        return 0


def _differs(old: object, new: object) -> bool:
    return old is not new and old != new
