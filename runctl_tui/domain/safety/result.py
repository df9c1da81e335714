"""What a cleanup of many resources came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CleanupResult:
    """Each reference ends in exactly one of the three."""

    deleted: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    """Reference and why it was left alone."""
    errors: tuple[tuple[str, str], ...] = ()
    """Reference and what failed."""
