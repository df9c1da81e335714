"""Who we are to a provider, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """The account and caller behind the credentials in use."""

    account: str
    caller: str
    """ARN or user name; untrusted text."""
    profile: str
    expires_at: datetime | None = None
    """When the credentials end; None: they do not, or it is not told."""
