"""Numbers of bytes in words, for plans, dialogs and transfers; apart, because the first frame says some too."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")


def byte_words(amount: float) -> str:
    """Return a number of bytes in decimal units: '3.1 GB'."""
    for unit in _UNITS[:-1]:
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} {_UNITS[-1]}"
