"""The one way in which reads over HTTP and SSH are tried again, and where every retry is told.

Calls of boto3 are tried again by botocore alone, never here: a second layer would send a call many times.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final, TypeVar

from runctl_tui.services.errors import TrainctlError

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from runctl_tui.domain.retry import RetryPolicy

T = TypeVar("T")
GLANCE: Final = 0.25
"""Seconds of a wait after which it is looked whether somebody ended it."""


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who waits for a call: is told of retries, and may end the wait."""

    tell: Callable[[str], None]
    check: Callable[[], None] = lambda: None
    """Raises where a person has cancelled."""


_WATCHING: ContextVar[Onlooker | None] = ContextVar("onlooker", default=None)


@contextlib.contextmanager
def watched(onlooker: Onlooker | None) -> Iterator[None]:
    """Let everything that is called inside, also in threads of a pool, tell its retries to somebody, or to nobody."""
    before = _WATCHING.get()
    _WATCHING.set(onlooker and Onlooker(_from_any_thread(onlooker.tell), onlooker.check))
    try:
        yield
    finally:
        _WATCHING.set(before)


def tell_retry(words: str) -> None:
    """Tell whoever waits about a retry; an empty text says that the wait is over."""
    if onlooker := _WATCHING.get():
        onlooker.tell(words)


def retry_words(attempt: int, most: int, wait: float) -> str:
    """Return 'retry 2 of 5 in 3 s'."""
    return f"retry {attempt} of {most} in {ceil(wait)} s"


@dataclass(frozen=True, slots=True)
class Retrying:
    """Tries reads again as its policy says; what changes something is never given to it."""

    policy: RetryPolicy
    most: int
    """Attempts, for words."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def read(
        self, work: Callable[[], Awaitable[T]], worth: Callable[[TrainctlError], bool] = lambda error: error.retryable
    ) -> T:
        """Return what the work returns; `worth` tells which errors another attempt may help against."""
        from tenacity import AsyncRetrying

        waits = [0.0]

        async def attempt() -> T:
            return await work()

        def again(state: RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            if not isinstance(error, TrainctlError) or not worth(error):
                return False
            wait = self.policy.delay(state.attempt_number, self.jitter(), state.seconds_since_start or 0.0)
            waits.append(wait or 0.0)
            return wait is not None

        def told(state: RetryCallState) -> None:
            tell_retry(retry_words(state.attempt_number + 1, self.most, waits[-1]))

        trying = AsyncRetrying(retry=again, wait=lambda _: waits[-1], before_sleep=told, sleep=self._nap)
        try:
            return await trying(attempt)
        finally:
            if len(waits) > 1:
                tell_retry("")

    async def _nap(self, seconds: float) -> None:
        onlooker, left = _WATCHING.get(), seconds
        while left > 0:
            if onlooker:
                onlooker.check()
            await self.sleep(min(left, GLANCE))
            left -= GLANCE


def _from_any_thread(tell: Callable[[str], None]) -> Callable[[str], None]:
    loop = asyncio.get_running_loop()

    def soon(words: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(tell, words)

    return soon
