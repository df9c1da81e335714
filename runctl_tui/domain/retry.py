"""When to try again, and how long to wait before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class RetryPolicy(Protocol):
    """Decides whether attempt number `attempt` (1 for the first) is followed by another, and after how long."""

    def delay(self, attempt: int, jitter: float) -> float | None:
        """Return seconds to wait after a failed attempt, or None to give up; `jitter` is drawn from [0, 1)."""


@dataclass(frozen=True, slots=True)
class ExponentialBackoffPolicy:
    """Doubles the wait up to a cap, with full jitter between half of it and the whole."""

    max_attempts: int = 3
    initial: float = 0.1
    """Seconds."""
    factor: float = 2.0
    maximum: float = 30.0

    def delay(self, attempt: int, jitter: float) -> float | None:
        """Return the wait after `attempt`; never above `maximum`, None when the attempts are used up."""
        if attempt >= self.max_attempts:
            return None
        ceiling = min(self.initial * self.factor ** (attempt - 1), self.maximum)
        return ceiling * (0.5 + 0.5 * min(max(jitter, 0.0), 1.0))

    @classmethod
    def for_cloud(cls) -> ExponentialBackoffPolicy:
        """Return the policy for calls to a cloud: five attempts."""
        return cls(max_attempts=5)
