"""Ends a paste whose end never comes, so that no lost byte deafens the program; used by the driver."""

from __future__ import annotations

from typing import Final

START: Final = "\x1b[200~"
END: Final = "\x1b[201~"
SILENCE: Final = 1.0
"""Seconds without a byte after which a paste is taken to have ended."""
LATE: Final = 10.0
"""Seconds after that in which what comes in one piece still counts as the rest of it."""


class PasteGuard:
    """Follows where pastes begin and end in what is typed; times are seconds of one clock."""

    def __init__(self) -> None:
        self._tail = ""
        self._open = False
        self._heard_at = 0.0
        self._given_up_at: float | None = None

    def passed(self, text: str, now: float) -> str:
        """Return what to take for typed: the rest of a paste that was given up is one of its own, no keys."""
        self._heard_at = now
        if self._is_rest(text, now):
            text = START + text
        seen = self._tail + text
        start, end = seen.rfind(START), seen.rfind(END)
        if start != end:
            self._open = start > end
        if end >= 0:
            self._given_up_at = None
        self._tail = seen[1 - len(START) :]
        return text

    def overdue(self, now: float) -> str:
        """Return the end of a paste that nobody sent, once it has been missed for long enough; mostly nothing."""
        if not self._open or now - self._heard_at < SILENCE:
            return ""
        self._open, self._tail, self._given_up_at = False, "", now
        return END

    def _is_rest(self, text: str, now: float) -> bool:
        recent = self._given_up_at is not None and now - self._given_up_at < LATE
        return recent and not self._open and len(text) > 1 and not text.startswith("\x1b")
