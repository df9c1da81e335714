"""The lines of a log, bounded in number and size, with the place of each when wrapped; pure, used by the log view."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from runctl_tui.widgets.text import width_of

if TYPE_CHECKING:
    from runctl_tui.domain.text import SafeText

MAX_LINES: Final = 200_000
MAX_BYTES: Final = 64 * 1024 * 1024
SLACK: Final = 1 / 16
"""Share by which the bounds may be passed, so that dropping old lines is rare."""


class LogBuffer:
    """Lines that arrive at the end and are dropped from the front; a row is a line, or a piece of it when wrapped."""

    def __init__(self, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self.dropped = 0
        """Lines dropped from the front so far."""
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._lines: list[SafeText] = []
        self._bytes = 0
        self._width = 0
        self._ends = array("q")

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: int) -> SafeText:
        return self._lines[index]

    @property
    def lines(self) -> Sequence[SafeText]:
        """All lines, oldest first."""
        return self._lines

    @property
    def rows(self) -> int:
        """Rows that the lines take at the width set."""
        return (self._ends[-1] if self._ends else 0) if self._width else len(self._lines)

    def set_width(self, width: int) -> None:
        """Wrap at `width` cells, or not at all for 0."""
        if width == self._width:
            return
        self._width = width
        self._ends = array("q")
        self._extend_ends(self._lines)

    def append(self, lines: Sequence[SafeText]) -> int:
        """Add lines; returns how many rows were dropped from the front."""
        lines = lines[-self._max_lines :]
        self._lines.extend(lines)
        self._bytes += sum(map(len, lines))
        self._extend_ends(lines)
        over = len(self._lines) - self._max_lines
        too_many = over > self._max_lines * SLACK
        too_big = self._bytes > self._max_bytes * (1 + SLACK)
        return self._drop(max(over, 0)) if too_many or too_big else 0

    def clear(self) -> None:
        """Forget everything."""
        self._lines.clear()
        self._ends = array("q")
        self._bytes = self.dropped = 0

    def row(self, row: int) -> tuple[int, int]:
        """Return line and piece of the line shown at `row`."""
        if not self._width:
            return row, 0
        index = bisect_right(self._ends, row)
        return index, row - (self._ends[index - 1] if index else 0)

    def row_of(self, index: int) -> int:
        """Return the first row of a line."""
        return index if not self._width or not index else self._ends[index - 1]

    def find(self, needle: str, start: int, step: int) -> int | None:
        """Return the next line from `start` that contains a casefolded text, going round; `step` is 1 or -1."""
        count = len(self._lines)
        for offset in range(count):
            index = (start + offset * step) % count
            if needle in self._lines[index].casefold():
                return index
        return None

    def _drop(self, over: int) -> int:
        size = self._bytes - sum(map(len, self._lines[:over]))
        while size > self._max_bytes and over < len(self._lines) - 1:
            size -= len(self._lines[over])
            over += 1
        rows = self.row_of(over)
        del self._lines[:over]
        self._bytes = size
        self.dropped += over
        if self._width:
            self._ends = array("q", (end - rows for end in self._ends[over:]))
        return rows

    def _extend_ends(self, lines: Iterable[SafeText]) -> None:
        if not self._width:
            return
        end = self._ends[-1] if self._ends else 0
        for line in lines:
            end += max(1, -(-width_of(line) // self._width))
            self._ends.append(end)
