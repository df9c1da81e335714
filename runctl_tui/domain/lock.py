"""Why nothing may be changed now, and what lifts that; the session knows it, menus and plans say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ARM: Final = ":arm 10m"


@dataclass(frozen=True, slots=True)
class Lock:
    """One reason for read-only mode."""

    why: str
    todo: str
    """The one thing that lifts it."""

    @property
    def words(self) -> str:
        """What stands at a verb that cannot be chosen: what to do where that is a key away, else why it cannot."""
        return f"read-only: {self.todo} first" if self.todo == ARM else f"read-only: {self.why}"
