"""Reads that are tried again: how often, for how long, who is told, and how the wait is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.domain.plan import JobView
from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.domain.settings import RetrySection
from runctl_tui.services.errors import CloudProviderError, Refused, ResourceNotFound, TrainctlError
from runctl_tui.services.job_handle import JobHandle
from runctl_tui.services.retrying import Onlooker, Retrying, watched
from tests.fakes import FakeClock


class Work:
    """Fails so many times, then answers."""

    def __init__(self, failures: int, error: TrainctlError | None = None) -> None:
        self.left, self.calls = failures, 0
        self.error = error or CloudProviderError("it failed", transient=True)

    async def __call__(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "answer"


def reads(policy: ExponentialBackoffPolicy, slept: list[float]) -> Retrying:
    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    return Retrying(policy, policy.max_attempts, sleep, lambda: 1.0)


async def test_it_is_tried_again_and_told_until_it_answers() -> None:
    told, slept, work = list[str](), list[float](), Work(2)
    with watched(Onlooker(told.append)):
        assert await reads(ExponentialBackoffPolicy(5, 2.0), slept).read(work) == "answer"
    await asyncio.sleep(0)
    assert work.calls == 3
    assert sum(slept) == pytest.approx(6.0)
    assert told == ["retry 2 of 5 in 2 s", "retry 3 of 5 in 4 s", ""]


@pytest.mark.parametrize(
    ("policy", "error", "calls"),
    [
        (ExponentialBackoffPolicy(3), None, 3),
        (ExponentialBackoffPolicy(9, deadline=0.0), None, 1),
        (ExponentialBackoffPolicy(3), ResourceNotFound("gone"), 1),
    ],
)
async def test_it_ends_at_the_last_attempt_the_deadline_or_what_no_retry_helps(
    policy: ExponentialBackoffPolicy, error: TrainctlError | None, calls: int
) -> None:
    work = Work(99, error)
    with pytest.raises(TrainctlError) as caught:
        await reads(policy, []).read(work)
    assert (work.calls, caught.value) == (calls, work.error)


async def test_a_person_ends_the_wait_within_a_glance() -> None:
    slept, work = list[float](), Work(99)

    def check() -> None:
        if len(slept) == 2:
            raise Refused("cancelled")

    with watched(Onlooker(lambda _: None, check)), pytest.raises(Refused):
        await reads(ExponentialBackoffPolicy(5, 30.0), slept).read(work)
    assert (work.calls, slept) == (1, [0.25, 0.25])


@given(
    st.builds(
        ExponentialBackoffPolicy,
        st.integers(1, 2000),
        st.floats(0.001, 60),
        st.floats(1, 10),
        st.floats(0.001, 60),
        st.floats(0, 600),
    ),
    st.integers(1, 2000),
    st.floats(-1, 2),
    st.floats(0, 600),
)
def test_no_jitter_exceeds_the_cap_and_no_wait_the_deadline(
    policy: ExponentialBackoffPolicy, attempt: int, jitter: float, elapsed: float
) -> None:
    wait = policy.delay(attempt, jitter, elapsed)
    if wait is not None:
        assert 0 < wait <= policy.maximum
        assert elapsed + wait <= policy.deadline
        assert attempt < policy.max_attempts


@pytest.mark.parametrize("made", [RetrySection().http, RetrySection().ssh, ExponentialBackoffPolicy()])
def test_runctl_s_policy_is_the_default(made: ExponentialBackoffPolicy) -> None:
    assert (made.max_attempts, made.initial, made.factor, made.maximum) == (3, 0.1, 2.0, 30.0)
    assert RetrySection().cloud_attempts == ExponentialBackoffPolicy.for_cloud().max_attempts == 5


async def test_what_is_called_in_a_thread_tells_too() -> None:
    from runctl_tui.services.retrying import tell_retry
    from runctl_tui.services.threads import BackendPool

    told = list[str]()
    tell: Callable[[str], None] = tell_retry
    with watched(Onlooker(told.append)):
        await BackendPool("t", 1).run(tell, "retry 2 of 5")
    await asyncio.sleep(0)
    assert told == ["retry 2 of 5"]


async def test_a_step_of_a_job_shows_its_retries_and_a_cancelled_job_ends_them() -> None:
    shown, slept = list[str](), list[float]()

    def changed(view: JobView) -> None:
        if view.steps and view.steps[0].detail not in shown:
            shown.append(view.steps[0].detail)

    job = JobHandle(JobView("j", "copy", (), datetime(2026, 11, 22, tzinfo=UTC)), FakeClock(), changed)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)
        job.cancel()

    with pytest.raises(Refused, match="cancelled"):
        async with job.step("read", "read"):
            await Retrying(ExponentialBackoffPolicy(5, 4.0), 5, sleep, lambda: 0.5).read(Work(99))
    assert "retry 2 of 5 in 3 s" in shown
    assert len(slept) == 1
