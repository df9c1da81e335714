"""Which cells of a table changed a moment ago; pure, used by the resource table alone.

Only rows in view are compared, so that nothing here grows with the number of rows.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, Generic

from runctl_tui.widgets.columns import Cell, RowT
from runctl_tui.widgets.table_model import KeyT, TableModel

NONE: Final[frozenset[int]] = frozenset()
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

    def told(self, keys: Iterable[KeyT]) -> dict[KeyT, tuple[Cell, ...]]:
        """Return what rows say now, as far as it was drawn."""
        return {key: cells for key in keys if (cells := self._model.known_cells(key)) is not None}

    def mark(self, before: Mapping[KeyT, tuple[Cell, ...]], changed: AbstractSet[Hashable]) -> bool:
        """Mark the cells that say something else than before; returns whether there are any."""
        for key, cells in before.items():
            if key in changed and (indices := self._changed(cells, self._model.cells(key))):
                self._fresh[key] = indices
        return bool(self._fresh)

    def calm(self) -> tuple[Any, ...]:
        """Unmark everything and return the rows that were marked."""
        keys, self._fresh = tuple(self._fresh), {}
        return keys

    def _changed(self, before: Iterable[Cell], after: Iterable[Cell]) -> frozenset[int]:
        triples = zip(self._model.columns, before, after, strict=True)
        return frozenset(
            index
            for index, (column, old, new) in enumerate(triples)
            if old.text != new.text and old.text not in _NOTHING and not column.restless
        )
