"""Three-valued facts: known with time and source, or unknown with a reason; unknown never makes anything easier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A value that somebody observed."""

    value: T
    observed_at: datetime
    """UTC."""
    source: str
    """Who said so, in words for a person: 'EC2 DescribeInstances', 'agent on the host'."""

    def age(self, now: datetime) -> timedelta:
        """Return how old the observation is; never negative, also when a clock jumped back."""
        return max(now - self.observed_at, timedelta(0))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that could not be established, and why."""

    reason: str
    todo: str = ""
    """What to do so that it becomes known, where that is known."""
    code: str = ""
    """The error's code, where a program must tell one reason from another."""


Fact: TypeAlias = Known[T] | Unknown
