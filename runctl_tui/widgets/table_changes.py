"""Which cells of a table changed a moment ago; pure, used by the resource table alone.

Only rows in view are compared, so that nothing here grows with the number of rows.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, Generic, TypeAlias

from runctl_tui.widgets.columns import Cell, Column, RowT
from runctl_tui.widgets.table_model import KeyT, TableModel

NONE: Final[frozenset[int]] = frozenset()
Told: TypeAlias = tuple[RowT, tuple[Cell, ...]]
"""A row and what it said."""
_NOTHING: Final = ("", "-", "?")
"""What is unknown: being told it is no change."""


class FreshCells(Generic[KeyT, RowT]):
    """Indices of changed cells by row, until they are calmed."""

    def __init__(self, model: TableModel[KeyT, RowT]) -> None:
        self._model = model
        self._fresh: dict[Hashable, frozenset[int]] = {}

    def of(self, key: Hashable) -> frozenset[int]:
        """Return the cells of a row that changed a moment ago."""
        return self._fresh.get(key, NONE)

    def told(self, keys: Iterable[KeyT]) -> dict[KeyT, Told[RowT]]:
        """Return what rows say now, as far as it was drawn."""
        found = ((key, self._model.row(key), self._model.known_cells(key)) for key in keys)
        return {key: (row, cells) for key, row, cells in found if row is not None and cells is not None}

    def mark(self, before: Mapping[KeyT, Told[RowT]], changed: AbstractSet[Hashable]) -> bool:
        """Mark the cells that say something else than before; returns whether there are any."""
        for key, old in before.items():
            row = self._model.row(key)
            if key in changed and row is not None and (indices := self._changed(old, (row, self._model.cells(key)))):
                self._fresh[key] = indices
        return bool(self._fresh)

    def calm(self) -> tuple[Any, ...]:
        """Unmark everything and return the rows that were marked."""
        keys, self._fresh = tuple(self._fresh), {}
        return keys

    def _changed(self, before: Told[RowT], after: Told[RowT]) -> frozenset[int]:
        triples = zip(self._model.columns, before[1], after[1], strict=True)
        return frozenset(
            index
            for index, (column, old, new) in enumerate(triples)
            if old.text != new.text
            and old.text not in _NOTHING
            and not column.restless
            and _happened(column, before[0], after[0])
        )


def _happened(column: Column[RowT], before: RowT, after: RowT) -> bool:
    """Tell whether other words are about something else, and do not only say it better."""
    return column.fact is None or column.fact(before) != column.fact(after)
