"""How fast the feeds look while nobody is at the keyboard; the application says when somebody is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock

SLOWER: Final = ((30 * 60.0, 10.0), (5 * 60.0, 3.0))
"""Seconds without a key from which on a feed waits so many times as long, longest first."""


class Tempo:
    """Knows when a key was pressed last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._touched_at = clock.monotonic()

    def touch(self) -> bool:
        """Note that somebody is there; returns whether the feeds had slowed down."""
        slow = self.stretch() > 1
        self._touched_at = self._clock.monotonic()
        return slow

    def stretch(self) -> float:
        """Return how many times as long as usual a feed waits now."""
        idle = self._clock.monotonic() - self._touched_at
        return next((factor for seconds, factor in SLOWER if idle >= seconds), 1.0)
