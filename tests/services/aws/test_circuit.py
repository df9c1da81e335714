"""A region that is down: left alone for a while, tried by one call, and nobody else's trouble."""

from __future__ import annotations

import pytest

from runctl_tui.services.aws.circuit import FAILURES, REST_SECONDS, Circuits
from runctl_tui.services.errors import AwsError
from tests.fakes import FakeClock


class Region:
    """A region that fails as long as it is down."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.circuits = Circuits(self.clock)
        self.error: AwsError | None = AwsError("failed", "no answer", code="ReadTimeoutError", transient=True)
        self.calls = 0

    async def _call(self) -> str:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return "answer"

    async def ask(self, region: str = "us-west-2") -> str:
        return await self.circuits.guard(region, "not listed", self._call)

    async def fail(self, times: int) -> AwsError:
        for _ in range(times):
            with pytest.raises(AwsError) as caught:
                await self.ask()
        return caught.value


async def test_a_region_that_failed_three_times_is_left_alone_for_a_while() -> None:
    down = Region()
    error = await down.fail(FAILURES + 5)
    assert down.calls == FAILURES
    assert (error.what, error.code, error.retryable) == ("not listed", "ReadTimeoutError", True)
    assert error.why == f"us-west-2 fails since {down.clock.now():%H:%M} UTC: no answer"
    assert "asked again in 30 s" in error.todo


async def test_the_other_regions_go_on() -> None:
    down = Region()
    await down.fail(FAILURES + 1)
    down.error = None
    assert await down.ask("us-east-1") == "answer"


async def test_after_the_rest_one_call_tries_and_an_answer_ends_it() -> None:
    down = Region()
    await down.fail(FAILURES)
    down.clock.advance(REST_SECONDS)
    await down.fail(2)
    assert down.calls == FAILURES + 1
    down.clock.advance(REST_SECONDS)
    down.error = None
    assert [await down.ask() for _ in range(2)] == ["answer", "answer"]


async def test_a_refusal_is_an_answer() -> None:
    up = Region()
    await up.fail(FAILURES - 1)
    up.error = AwsError("failed", "denied", code="UnauthorizedOperation")
    await up.fail(FAILURES + 1)
    assert up.calls == 2 * FAILURES
