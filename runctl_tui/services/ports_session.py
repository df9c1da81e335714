"""Where and who we are, as screens and the command line see it; a part of `ports`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What the header says about where and who we are."""

    sandbox: bool
    profile: str
    regions: tuple[str, ...]
    who: str
    expires_in: float | None
    """Seconds until the credentials end."""
    lock: str
    """Why nothing may be changed, as menus say it; empty: changes are allowed."""
    armed_for: float | None
    """Seconds for which a production account stays armed; None outside production accounts."""
    root: bool
    """Whether the program runs as the superuser."""
    renew: str = ""
    """What renews credentials that have ended; empty while there is nothing to renew."""
    returns: int = 0
    """How often credentials came back after they had ended."""

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed."""
        return bool(self.lock)


class Session(Protocol):
    """Where, who, and whether changes are allowed."""

    async def facts(self) -> SessionFacts:
        """The header's facts."""

    def cached(self) -> SessionFacts:
        """What is known without asking anybody; never blocks."""

    def arm(self, seconds: float) -> None:
        """Allow changes in a production account for a while."""
