"""Lengths of time in words, for screens, plans and commands; pure, and never less than nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

_UNITS: Final = ((86400, "d", 48 * 3600), (3600, "h", 3600), (60, "min", 60))
"""Seconds of a unit, its word, and from how many seconds on it is used alone."""
_PARTS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def in_one_unit(seconds: float) -> str:
    """Return '40 s', '38 min', '47 h' or '9 d'."""
    whole = max(0, int(seconds))
    for size, unit, least in _UNITS:
        if whole >= least:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def in_a_word(seconds: float) -> str:
    """Return '40s', '38m', '47h' or '9d', for cells."""
    return in_one_unit(seconds).replace(" ", "").replace("min", "m")


def in_two_units(seconds: float) -> str:
    """Return '8 s', '1 min 37 s', '3 d 4 h' or '92 d': the largest unit, and the next one where it says something."""
    whole = max(0, int(seconds))
    for (size, unit), (smaller, word) in pairwise(_PARTS):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {word}" if rest else "")
    return f"{whole} s"
