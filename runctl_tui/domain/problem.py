"""What a person is told when something fails: what, why, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure in words, ready to be shown; text in it is untrusted."""

    code: str
    """The service's own code where it has one ('UnauthorizedOperation'), else ours ('host.link-lost')."""
    what: str
    """What failed: 'us-west-2: the instances could not be listed'."""
    why: str = ""
    todo: str = ""
    """What to do next; an exact command where one helps."""
    request_id: str = ""
    retry_in: float | None = None
    """Seconds until it is tried again by itself; None when it is not."""
    scope: str = ""
    """Where: a region, a provider, a host; empty for everything."""
    not_connected: str = ""
    """Which provider was never asked because nobody is logged in there: 'AWS'; empty: that is not why."""
