"""Why nothing may be changed now, and what lifts that; the session knows it, menus and plans say it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lock:
    """One reason for read-only mode."""

    why: str
    todo: str
    """The one thing that lifts it."""
    short: str
    """What to do where that is a command away, else why not, for a menu's narrow lines."""

    @property
    def words(self) -> str:
        """What stands at a verb that cannot be chosen."""
        return f"read-only: {self.short}"
