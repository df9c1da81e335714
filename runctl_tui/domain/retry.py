"""When to try again, and how long to wait before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

_STEEPEST: Final = 60
"""Doublings after which every cap has long been reached; more would not fit a float."""


class RetryPolicy(Protocol):
    """Decides whether attempt number `attempt` (1 for the first) is followed by another, and after how long."""

    def delay(self, attempt: int, jitter: float, elapsed: float = 0.0) -> float | None:
        """Return seconds to wait after a failed attempt, or None to give up; `jitter` is drawn from [0, 1)."""


@dataclass(frozen=True, slots=True)
class ExponentialBackoffPolicy:
    """Doubles the wait up to a cap, with full jitter between half of it and the whole."""

    max_attempts: int = 3
    initial: float = 0.1
    """Seconds."""
    factor: float = 2.0
    maximum: float = 30.0
    deadline: float = float("inf")
    """Seconds since the first attempt after which none begins."""

    def delay(self, attempt: int, jitter: float, elapsed: float = 0.0) -> float | None:
        """Return the wait after `attempt`; never above `maximum`, None when attempts or time are used up."""
        if attempt >= self.max_attempts:
            return None
        ceiling = min(self.initial * self.factor ** min(attempt - 1, _STEEPEST), self.maximum)
        wait = ceiling * (0.5 + 0.5 * min(max(jitter, 0.0), 1.0))
        return wait if elapsed + wait <= self.deadline else None

    @classmethod
    def for_cloud(cls) -> ExponentialBackoffPolicy:
        """Return the policy for calls to a cloud: five attempts."""
        return cls(max_attempts=5)
