"""Columns of the resource table: what a cell shows and which columns fit a width; pure, used by the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from runctl_tui.domain.validation import nearest

if TYPE_CHECKING:
    from runctl_tui.domain.text import SafeText

RowT = TypeVar("RowT")
GAP: Final = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as drawn."""

    text: SafeText
    style: str = ""
    """Words as `widgets.text` reads them, such as `"$state-running"`."""


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """One column of a table."""

    id: str
    """Stable name: sorting, filtering (`id:value`) and configuration use it."""
    title: str
    cell: Callable[[RowT], Cell]
    width: int
    """Cells that it needs at least."""
    align: Literal["left", "right"] = "left"
    priority: int = 0
    """The column with the lowest is dropped first when the table is narrow."""
    wide: int = 0
    """Cells that it takes when there is room; the flexible column takes what then remains."""
    flexible: bool = False
    sort_key: Callable[[RowT], Any] | None = None
    """What rows are ordered by; None for a row sorts it last, None here means the cell's text."""
    descending: bool = False
    """The order that the first sort by this column uses."""
    restless: bool = False
    """It changes all the time, such as an age, so that a change in it is not marked."""
    applies: Callable[[], bool] | None = None
    """Whether it has anything to say about the present rows; None: about all."""
    stays: bool = False
    """It is dropped after all that do not stay, however narrow the table is."""
    fact: Callable[[RowT], Any] | None = None
    """What a change is told by where a cell's words get better although nothing happened; None: the text."""

    @property
    def names(self) -> frozenset[str]:
        """What it may be called after the colon and in a filter, casefolded."""
        return frozenset({self.id.casefold(), self.title.casefold()} - {""})

    def order(self, row: RowT) -> Any:
        """Return what a row is ordered by in this column; None sorts it last."""
        return self.sort_key(row) if self.sort_key else str(self.cell(row).text).casefold() or None


@dataclass(frozen=True, slots=True)
class Placed(Generic[RowT]):
    """A column at its place in the line."""

    column: Column[RowT]
    index: int
    """Its index among all columns, shown or not."""
    width: int


def place(columns: Sequence[Column[RowT]], width: int) -> tuple[Placed[RowT], ...]:
    """Choose the columns that fit into `width` cells and share the room that is left among the flexible ones."""
    shown = list(range(len(columns)))
    while len(shown) > 1 and _needed(columns, shown) > width:
        shown.remove(min(shown, key=lambda index: _worth(columns[index], index)))
    widths = {index: columns[index].width for index in shown}
    spare = width - _needed(columns, shown)
    for index in sorted(shown, key=lambda index: -columns[index].priority):
        grown = max(0, min(spare, columns[index].wide - widths[index]))
        widths[index] += grown
        spare -= grown
    flexible = [index for index in shown if columns[index].flexible]
    for left, index in zip(range(len(flexible), 0, -1), flexible, strict=True):
        widths[index] += spare // left
        spare -= spare // left
    if not flexible and spare < 0:
        widths[shown[-1]] += spare
    return tuple(Placed(columns[index], index, max(1, widths[index])) for index in shown)


def no_column(name: str, columns: Sequence[Column[RowT]]) -> tuple[str, str]:
    """Say that there is no such column, and which one was probably meant or which there are."""
    ids = {called: column.id for column in columns for called in sorted(column.names)}
    meant = ids.get(nearest(name.casefold(), ids), "")
    there = "columns: " + " ".join(column.id for column in columns)
    return f"there is no column {name}", f"did you mean {meant}? {there}" if meant else there


def _worth(column: Column[RowT], index: int) -> tuple[bool, int, int]:
    """Return by what a column is kept; of those that stay the leftmost is the last to go."""
    return column.stays, 0 if column.stays else column.priority, -index


def _needed(columns: Sequence[Column[RowT]], shown: Sequence[int]) -> int:
    return sum(columns[index].width for index in shown) + GAP * (len(shown) - 1)
