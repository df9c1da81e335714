"""Whose account an answer is about: what one profile sees proves nothing of another's machines."""

from __future__ import annotations

from collections.abc import Callable

Whose = Callable[[str], str]
"""Tells by a provider's name which profile it works with; empty where nobody names one."""


def nobodys(provider: str) -> str:
    """Say that there is one account only."""
    return ""
