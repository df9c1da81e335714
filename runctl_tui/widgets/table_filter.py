"""The filter language of the resource table and the pickers; pure.

`word` keeps rows that contain it, `!word` those that do not, `-f wrd` matches letters in order,
`column:value` looks into one column only. Case never matters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"[^\W\d][\w /-]*|[$%][\w/]*")
"""What somebody who writes it before a colon takes for a column."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed; an empty one keeps everything."""

    needle: str = ""
    """Casefolded."""
    column: int | None = None
    """Index of the only column to look into."""
    invert: bool = False
    fuzzy: bool = False
    unknown: str = ""
    """What was written as the name of a column and is none; it is searched for as text."""

    def keeps(self, cells: Sequence[str]) -> bool:
        """Tell whether a row with these casefolded cells is kept."""
        if not self.needle:
            return True
        where = cells if self.column is None else cells[self.column : self.column + 1]
        found = any(map(self._finds, where))
        return found is not self.invert

    def _finds(self, text: str) -> bool:
        return fuzzy_score(self.needle, text) is not None if self.fuzzy else self.needle in text


def parse_filter(text: str, columns: Sequence[Collection[str]]) -> Filter:
    """Read a filter as the user typed it, given the casefolded names of each column.

    A `name:` that is no column is part of the text, and told.
    """
    rest = text.strip()
    invert = rest.startswith("!")
    rest = rest.removeprefix("!").strip()
    fuzzy = rest.startswith("-f ")
    rest = rest.removeprefix("-f ").strip()
    name, colon, value = rest.partition(":")
    wanted = name.strip().casefold() if colon else ""
    column = next((index for index, names in enumerate(columns) if wanted in names), None)
    needle = value.strip() if column is not None else rest
    meant = wanted and column is None and _NAME.fullmatch(wanted) and not value.startswith("//")
    return Filter(needle.casefold(), column, invert, fuzzy, name.strip() if meant else "")


def fuzzy_score(needle: str, text: str) -> int | None:
    """Return how loosely the letters of `needle` occur in order in `text` (0 is best), or None if they do not."""
    if needle in text:
        return text.index(needle)
    score, position = 0, -1
    for letter in needle:
        found = text.find(letter, position + 1)
        if found < 0:
            return None
        score += found - position - 1 if position >= 0 else found
        position = found
    return score + len(text)
