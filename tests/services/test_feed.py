"""Feeds: shared, silent when nothing changes, at rest when nobody watches."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import CloudProviderError, HostLinkLost
from runctl_tui.services.feed import Pace, PollingFeed, PushFeed, StreamFeed
from tests.fakes import START, FakeClock, until


class Source:
    """A query that answers what the test says, and counts."""

    def __init__(self) -> None:
        self.value = 1
        self.polls = 0
        self.at_once = 0
        self.most_at_once = 0
        self.error: Exception | None = None
        self.hang = False
        self.naps: list[float] = []
        self.clock = FakeClock()
        self.turn = asyncio.Event()
        self.feed = PollingFeed(self.poll, Pace(5.0, self.sleep, lambda: 1.0), self.clock, empty=0)

    async def poll(self) -> Snapshot[int]:
        self.polls += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            if self.hang:
                await asyncio.Event().wait()
            if self.error is not None:
                raise self.error
            return Snapshot(self.value, self.clock.now())
        finally:
            self.at_once -= 1

    async def sleep(self, seconds: float) -> None:
        """Pass when the test says `tick`."""
        self.naps.append(seconds)
        self.turn.clear()
        await self.turn.wait()

    def tick(self) -> None:
        self.clock.advance(self.naps[-1])
        self.turn.set()


@contextlib.asynccontextmanager
async def watching(feed: PushFeed[int]) -> AsyncIterator[list[Snapshot[int]]]:
    seen: list[Snapshot[int]] = []

    async def watch() -> None:
        async for snapshot in feed.watch():
            seen.append(snapshot)  # noqa: PERF401 (the list is read while it grows)

    task = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_polls_only_while_watched_and_starts_again() -> None:
    source = Source()
    assert source.feed.latest is None
    async with watching(source.feed) as seen:
        await until(lambda: len(seen) == 1)
    await until(lambda: not source.feed.polling)
    polls = source.polls
    source.value = 2
    async with watching(source.feed) as seen:
        await until(lambda: len(seen) == 2)
    assert [one.value for one in seen] == [1, 2]
    assert source.polls == polls + 1


async def test_many_watchers_share_one_poll() -> None:
    source = Source()
    async with watching(source.feed) as one, watching(source.feed) as other:
        await until(lambda: len(one) == len(other) == 1)
        assert source.polls == 1
    async with watching(source.feed):
        await until(lambda: source.polls == 2)


async def test_equal_values_are_not_handed_on_but_their_time_is_kept() -> None:
    source = Source()
    async with watching(source.feed) as seen:
        await until(lambda: bool(source.naps))
        source.tick()
        await until(lambda: source.polls == 2 and len(source.naps) == 2)
        assert len(seen) == 1
        assert source.feed.latest is not None
        assert (source.feed.latest.taken_at - START).total_seconds() == 5.0
        source.value = 7
        source.tick()
        await until(lambda: len(seen) == 2)
    assert seen[-1].value == 7


async def test_a_failure_keeps_the_old_value_and_backs_off_to_a_minute() -> None:
    source = Source()
    async with watching(source.feed) as seen:
        await until(lambda: bool(source.naps))
        source.error = CloudProviderError("throttled", code="RequestLimitExceeded")
        for count in range(2, 8):
            source.tick()
            await until(lambda count=count: len(source.naps) == count)  # type: ignore[misc]  # bound on purpose
        assert source.naps == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0]
        assert seen[-1].value == 1
        (problem,) = seen[-1].missing
        assert (problem.code, problem.retry_in) == ("RequestLimitExceeded", 60.0)
        source.error = None
        source.tick()
        await until(lambda: seen[-1].complete)
        assert source.naps[-1] in (5.0, 60.0)


async def test_a_first_failure_shows_nothing_with_its_reason() -> None:
    source = Source()
    source.error = CloudProviderError("no credentials")
    async with watching(source.feed) as seen:
        await until(lambda: len(seen) == 1)
    assert seen[0].value == 0
    assert [problem.what for problem in seen[0].missing] == ["no credentials"]


async def test_refresh_polls_now() -> None:
    source = Source()
    async with watching(source.feed):
        await until(lambda: len(source.naps) == 1)
        source.feed.refresh()
        await until(lambda: source.polls == 2)


async def test_never_two_polls_at_once_however_the_watchers_come_and_go() -> None:
    source = Source()
    for _ in range(20):
        async with watching(source.feed), watching(source.feed):
            source.feed.refresh()
            await asyncio.sleep(0)
    assert source.most_at_once == 1


async def test_a_hanging_poll_ends_with_its_last_watcher() -> None:
    source = Source()
    source.hang = True
    async with watching(source.feed):
        await until(lambda: source.at_once == 1)
    await until(lambda: source.at_once == 0)


async def test_a_defect_in_the_query_reaches_the_watcher() -> None:
    source = Source()
    source.feed = PollingFeed(source.poll, 5.0, source.clock)
    source.error = ZeroDivisionError("a defect")
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(anext(aiter(source.feed.watch())), 5)


async def test_partial_results_arrive_before_the_poll_ends() -> None:
    source = Source()
    source.hang = True
    async with watching(source.feed) as seen:
        await until(lambda: source.at_once == 1)
        source.feed.push(Snapshot(41, START, missing=(Problem("wait", "us-west-2 is still being asked"),)))
        await until(lambda: len(seen) == 1)
    assert seen[0].value == 41


async def test_what_is_missing_counts_as_a_difference() -> None:
    feed: PushFeed[int] = PushFeed()
    feed.push(Snapshot(1, START))
    async with watching(feed) as seen:
        await until(lambda: len(seen) == 1)
        feed.push(Snapshot(1, START, missing=(Problem("x", "us-west-2"),)))
        await until(lambda: len(seen) == 2)
        feed.push(Snapshot(1, START, missing=(Problem("x", "us-west-2"),)))
        await asyncio.sleep(0)
    assert len(seen) == 2


async def test_a_key_says_what_counts_as_equal() -> None:
    feed: PushFeed[int] = PushFeed(key=lambda value: value // 10)
    feed.push(Snapshot(11, START))
    async with watching(feed) as seen:
        await until(lambda: len(seen) == 1)
        feed.push(Snapshot(12, START))
        feed.push(Snapshot(21, START))
        await until(lambda: len(seen) == 2)
    assert [one.value for one in seen] == [11, 21]


async def test_a_stream_is_read_while_watched_and_begun_anew_when_it_breaks() -> None:
    source, begun, closed = Source(), [], []

    async def stream() -> AsyncGenerator[Snapshot[int], None]:
        begun.append(1)
        try:
            yield Snapshot(len(begun) * 10, source.clock.now())
            if len(begun) < 3:
                raise HostLinkLost("cut")
            await asyncio.Event().wait()
        finally:
            closed.append(1)

    feed = StreamFeed(stream, Pace(5.0, source.sleep, lambda: 1.0), source.clock, empty=0)
    async with watching(feed) as seen:
        for turn in (1, 2):
            await until(lambda turn=turn: len(source.naps) == turn)  # type: ignore[misc] # a loop variable held fast
            source.tick()
        await until(lambda: bool(seen) and seen[-1].value == 30)
        assert source.naps == [10.0, 10.0]
        assert [one.value for one in seen if one.missing] == [10, 20]
        assert len(closed) == 2
    await until(lambda: len(closed) == 3)


async def test_a_stream_that_tells_nothing_is_a_problem_over_the_empty_value() -> None:
    source = Source()

    async def stream() -> AsyncGenerator[Snapshot[int], None]:
        for _ in range(0):
            yield Snapshot(1, source.clock.now())

    feed = StreamFeed(stream, Pace(5.0, source.sleep, lambda: 1.0), source.clock, empty=0)
    async with watching(feed) as seen:
        await until(lambda: len(seen) == 1)
        assert (seen[0].value, seen[0].missing[0].code) == (0, "host.link-lost")
