"""The filter language of the resource table and the pickers; pure.

`word` keeps rows that contain it, `!word` those that do not, `-f wrd` matches letters in order,
`column:value` looks into one column only. Case never matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed; an empty one keeps everything."""

    needle: str = ""
    """Casefolded."""
    column: int | None = None
    """Index of the only column to look into."""
    invert: bool = False
    fuzzy: bool = False

    def keeps(self, cells: Sequence[str]) -> bool:
        """Tell whether a row with these casefolded cells is kept."""
        if not self.needle:
            return True
        where = cells if self.column is None else cells[self.column : self.column + 1]
        found = any(map(self._finds, where))
        return found is not self.invert

    def _finds(self, text: str) -> bool:
        return fuzzy_score(self.needle, text) is not None if self.fuzzy else self.needle in text


def parse_filter(text: str, column_ids: Sequence[str]) -> Filter:
    """Read a filter as the user typed it; a `name:` that is no column is part of the text."""
    rest = text.strip()
    invert = rest.startswith("!")
    rest = rest.removeprefix("!").strip()
    fuzzy = rest.startswith("-f ")
    rest = rest.removeprefix("-f ").strip()
    name, colon, value = rest.partition(":")
    folded = [identifier.casefold() for identifier in column_ids]
    column = folded.index(name.casefold()) if colon and name.casefold() in folded else None
    needle = value.strip() if column is not None else rest
    return Filter(needle.casefold(), column, invert, fuzzy)


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
