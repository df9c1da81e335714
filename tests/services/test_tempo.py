"""Feeds look less often while nobody is at the keyboard, and never so seldom that rows look old."""

from __future__ import annotations

from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.feed import LONGEST_IDLE, Pace, PollingFeed
from runctl_tui.services.tempo import Tempo
from tests.fakes import FakeClock, until


def test_slower_after_minutes_without_a_key_and_as_usual_at_the_first() -> None:
    clock = FakeClock()
    tempo = Tempo(clock)
    assert tempo.stretch() == 1
    clock.advance(299)
    assert tempo.stretch() == 1
    assert not tempo.touch()
    clock.advance(300)
    assert tempo.stretch() == 3
    clock.advance(1500)
    assert tempo.stretch() == 10
    assert tempo.touch()
    assert tempo.stretch() == 1


async def test_a_feed_waits_longer_while_nobody_is_there() -> None:
    clock = FakeClock()
    tempo = Tempo(clock)
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)
        await clock.sleep(100)

    async def poll() -> Snapshot[int]:
        return Snapshot(len(naps), clock.now())

    feed = PollingFeed(poll, Pace(10, sleep, stretch=tempo.stretch), clock)
    watching = feed.watch()
    await anext(watching)
    await until(lambda: len(naps) > 20)
    await watching.aclose()
    assert naps[0] == 10
    assert naps[5] == 30
    assert naps[20] == LONGEST_IDLE
