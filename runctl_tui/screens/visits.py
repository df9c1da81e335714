"""Where somebody has been: the views in the order in which they were opened; pure, used by the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KEPT: Final = 50
"""Views that are remembered."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One view of one screen."""

    mode: str
    reference: str = ""
    """What the cursor was put on, or what the whole screen was about."""
    machine: str = ""
    """The machine that the screen was narrowed to; empty: it showed everything."""
    view: str = ""
    """The saved view that was recalled."""
    filter: str = ""
    """The filter that it was opened with."""


class Visits:
    """The way through the product, back and forth."""

    def __init__(self, first: Visit) -> None:
        self._way = [first]
        self._place = 0

    @property
    def current(self) -> Visit:
        """Where we are."""
        return self._way[self._place]

    @property
    def before(self) -> Visit | None:
        """Where we were before; None at the first view."""
        return self._way[self._place - 1] if self._place else None

    def go(self, visit: Visit) -> None:
        """Open a view; what lay ahead is forgotten."""
        if visit != self.current:
            self._way = [*self._way[: self._place + 1], visit][-KEPT:]
            self._place = len(self._way) - 1

    def step(self, count: int) -> Visit | None:
        """Go back or forth and return where that leads; None at either end."""
        if not 0 <= self._place + count < len(self._way):
            return None
        self._place += count
        return self.current
