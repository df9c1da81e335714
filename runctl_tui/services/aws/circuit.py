"""One circuit per region: a region that fails again and again is left alone for a while; used by `AwsClients`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from runctl_tui.domain.clock import Clock
from runctl_tui.services.errors import AwsError, TrainctlError

T = TypeVar("T")
FAILURES: Final = 3
"""Passing failures in a row after which a region is left alone."""
REST_SECONDS: Final = 30.0
"""How long; then one call may try, and the others go on only when that one was answered."""


@dataclass(slots=True)
class _Trouble:
    since: datetime
    """When the failures began."""
    failures: int = 0
    next_try: float = 0.0
    why: str = ""
    code: str = ""


class Circuits:
    """Spares everybody the wait for regions that are down: reads of them fail at once, and say since when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._troubled: dict[str, _Trouble] = {}

    async def guard(self, region: str, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """Return the call's answer; a region at rest raises instead, with the code of what it failed with."""
        self._check(region, what)
        try:
            answer = await call()
        except TrainctlError as error:
            if error.retryable:
                self._note(region, error)
            else:
                self._troubled.pop(region, None)
            raise
        self._troubled.pop(region, None)
        return answer

    def _check(self, region: str, what: str) -> None:
        trouble = self._troubled.get(region)
        if trouble is None or trouble.failures < FAILURES:
            return
        left = trouble.next_try - self._clock.monotonic()
        if left > 0:
            why = f"{region} fails since {trouble.since:%H:%M} UTC: {trouble.why}"
            todo = f"it is asked again in {left:.0f} s; the other regions go on"
            raise AwsError(what, why, todo, code=trouble.code, transient=True)
        trouble.next_try = self._clock.monotonic() + REST_SECONDS

    def _note(self, region: str, error: TrainctlError) -> None:
        trouble = self._troubled.setdefault(region, _Trouble(self._clock.now()))
        trouble.failures += 1
        trouble.why, trouble.code = error.why or error.what, error.code
        trouble.next_try = self._clock.monotonic() + REST_SECONDS
