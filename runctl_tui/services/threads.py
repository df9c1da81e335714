"""One bounded pool of threads per backend, so that a slow cloud never blocks the event loop, a screen, or leaving."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from runctl_tui.services.errors import CloudProviderError, TrainctlError

T = TypeVar("T")
FaultMapper = Callable[[Exception], TrainctlError]
"""Turns what an SDK raised into an error of the product."""


class CancelToken:
    """Tells a long call in a thread that nobody waits for it any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether the call should end as soon as it can."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Ask the call to end."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleep in the thread for at most so long; True as soon as it is cancelled."""
        return self._event.wait(seconds)


def unexpected(error: Exception) -> TrainctlError:
    """Return the error for what no mapper knows: what was raised, without its traceback."""
    return CloudProviderError("The call failed", f"{type(error).__name__}: {error}", code="unexpected")


@dataclass(slots=True)
class _Call:
    """One call on its way through the pool."""

    function: Callable[[], object]
    faults: FaultMapper
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[object]

    def carry_out(self) -> None:
        """Run in a pool thread; a call that nobody waits for any more is not begun."""
        if self.future.cancelled():
            return
        try:
            value = self.function()
        except TrainctlError as error:
            self._deliver(self._fail, error)
        except Exception as error:  # noqa: BLE001  # the seam where an SDK's exceptions become ours
            self._deliver(self._fail, _mapped(self.faults, error))
        else:
            self._deliver(self._succeed, value)

    def _deliver(self, settle: Callable[[Any], None], outcome: object) -> None:
        try:
            self.loop.call_soon_threadsafe(settle, outcome)
        except RuntimeError:
            """The loop is closed: the program has left and nobody waits."""

    def _succeed(self, value: object) -> None:
        if not self.future.done():
            self.future.set_result(value)

    def _fail(self, error: TrainctlError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def _mapped(faults: FaultMapper, error: Exception) -> TrainctlError:
    try:
        mapped = faults(error)
    except Exception:  # noqa: BLE001  # a mapper that fails must not leave the caller waiting for ever
        mapped = unexpected(error)
    mapped.__cause__ = error
    return mapped


class BackendPool:
    """At most `size` daemon threads that carry out blocking calls; they never delay the interpreter's exit."""

    def __init__(self, name: str, size: int = 8, faults: FaultMapper = unexpected) -> None:
        self._name = name
        self._size = size
        self._faults = faults
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._closed = False

    async def run(
        self,
        function: Callable[..., T],
        *arguments: object,
        timeout: float | None = None,  # noqa: ASYNC109  # a call in a thread cannot be ended from outside, only left
        cancel: CancelToken | None = None,
        faults: FaultMapper | None = None,
    ) -> T:
        """Return what the function returns in a thread of the pool.

        Cancelling the awaiting task, or `timeout` seconds, free it at once and set `cancel`; the thread itself comes
        back when the function does. Raises only TrainctlErrors.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        self._submit(_Call(partial(copy_context().run, function, *arguments), faults or self._faults, loop, future))
        try:
            async with asyncio.timeout(timeout):
                return cast("T", await future)
        except TimeoutError:
            what = f"{self._name}: no answer within {timeout:g} seconds"
            raise CloudProviderError(what, "the call was given up", code="timeout", transient=True) from None
        finally:
            if cancel is not None and (future.cancelled() or not future.done()):
                cancel.cancel()
            future.cancel()

    def close(self) -> None:
        """Refuse further calls and let idle threads end; never waits for a call in progress."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for _ in range(self._threads):
                self._calls.put(None)

    def _submit(self, call: _Call) -> None:
        with self._lock:
            if self._closed:
                raise CloudProviderError(f"{self._name}: no calls any more", "the program is leaving", code="closed")
            self._calls.put(call)
            if self._calls.qsize() > self._idle and self._threads < self._size:
                self._threads += 1
                name = f"{self._name}-{self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            call = self._calls.get()
            with self._lock:
                self._idle -= 1
            if call is None:
                return
            call.carry_out()
            del call
