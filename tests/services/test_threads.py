from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from runctl_tui.services.errors import CloudProviderError, ResourceNotFound, TrainctlError
from runctl_tui.services.threads import BackendPool, CancelToken

BOUND = 10.0


async def until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.005)


async def test_returns_what_the_function_returns_from_another_thread() -> None:
    pool = BackendPool("t", 2)
    name = await pool.run(lambda suffix: threading.current_thread().name + suffix, "!")
    assert name.startswith("t-")
    assert name.endswith("!")
    pool.close()


async def test_never_more_threads_than_its_size() -> None:
    pool = BackendPool("t", 3)
    gate, lock, counts = threading.Event(), threading.Lock(), [0, 0]

    def call() -> None:
        with lock:
            counts[0] += 1
            counts[1] = max(counts)
        gate.wait(BOUND)
        with lock:
            counts[0] -= 1

    calls = [asyncio.create_task(pool.run(call)) for _ in range(12)]
    await until(lambda: counts[0] == 3)
    gate.set()
    await asyncio.gather(*calls)
    assert counts[1] == 3
    pool.close()


async def test_an_sdk_error_becomes_ours_with_its_cause() -> None:
    pool = BackendPool("t", 1, lambda error: ResourceNotFound("mapped", str(error)))

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(ResourceNotFound, match="mapped") as caught:
        await pool.run(fail)
    assert isinstance(caught.value.__cause__, KeyError)
    pool.close()


async def test_our_own_errors_pass_untouched_and_unknown_ones_are_named() -> None:
    pool = BackendPool("t", 1)
    own = ResourceNotFound("mine")

    def fail(error: Exception) -> None:
        raise error

    with pytest.raises(ResourceNotFound) as caught:
        await pool.run(fail, own)
    assert caught.value is own
    with pytest.raises(TrainctlError, match="ValueError: odd"):
        await pool.run(fail, ValueError("odd"))
    pool.close()


async def test_cancelling_frees_the_task_at_once_and_tells_the_call() -> None:
    pool = BackendPool("t", 1)
    token, begun, seen = CancelToken(), threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        if token.wait(BOUND):
            seen.set()

    task = asyncio.create_task(pool.run(call, cancel=token))
    await until(begun.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(seen.is_set)
    assert await pool.run(lambda: "the thread is free again") == "the thread is free again"
    pool.close()


async def test_a_time_out_says_so_and_may_be_tried_again() -> None:
    pool = BackendPool("t", 1)
    gate = threading.Event()
    with pytest.raises(CloudProviderError, match=r"no answer within 0\.01 seconds") as caught:
        await pool.run(gate.wait, BOUND, timeout=0.01)
    assert caught.value.retryable
    gate.set()
    pool.close()


async def test_a_call_that_nobody_waits_for_is_never_begun() -> None:
    pool = BackendPool("t", 1)
    gate, calls = threading.Event(), list[str]()
    first = asyncio.create_task(pool.run(gate.wait, BOUND))
    second = asyncio.create_task(pool.run(calls.append, "second"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.set()
    await first
    await pool.run(calls.append, "third")
    assert calls == ["third"]
    pool.close()


async def test_a_closed_pool_refuses() -> None:
    pool = BackendPool("t", 1)
    await pool.run(lambda: None)
    pool.close()
    pool.close()
    with pytest.raises(CloudProviderError, match="no calls any more"):
        await pool.run(lambda: None)


LEAVING = """
import asyncio, threading
from runctl_tui.services.threads import BackendPool
async def main():
    pool = BackendPool("t", 4)
    calls = [asyncio.create_task(pool.run(threading.Event().wait)) for _ in range(4)]
    await asyncio.sleep(0.05)
    pool.close()
    for call in calls:
        call.cancel()
asyncio.run(main())
print("left")
"""


def test_hanging_calls_do_not_keep_the_program() -> None:
    left = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, text=True, timeout=BOUND, check=True)
    assert left.stdout == "left\n"
    assert left.stderr == ""
