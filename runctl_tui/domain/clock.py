"""The one source of time, injected everywhere so that tests decide what time it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """What tells the time: wall time for facts and money, monotonic time for countdowns and time-outs."""

    def now(self) -> datetime:
        """Return the wall time, timezone-aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
