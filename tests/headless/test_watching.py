"""`resources list --watch`: a line per change or interval, a clean end by an interrupt and by a closed pipe."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import ResourceState
from runctl_tui.headless.watching import while_read
from runctl_tui.services.errors import CloudProviderError, CredentialsError
from tests.headless import fakes
from tests.headless.conftest import Runctl
from tests.headless.fakes import World, machine

THROTTLED = Problem("Throttling", "us-west-2: could not be listed", "throttled")


@pytest.fixture
def looks(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the fleet be looked at so often, each time after a step; then the person interrupts."""

    def plan(*steps: Callable[[], object]) -> None:
        left = list(steps)

        async def pause(seconds: float) -> None:
            paused.append(seconds)
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr("asyncio.sleep", pause)

    paused: list[float] = []
    plan.paused = paused  # type: ignore[attr-defined] # what the test looks at
    return plan


def lines(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_line_for_each_change_and_none_for_what_grows_by_itself(
    runctl: Runctl, world: World, looks: Callable[..., None]
) -> None:
    def stop() -> None:
        world.machines = (machine(state=ResourceState.STOPPED),)

    def grow() -> None:
        world.machines = tuple(replace(row, so_far=row.so_far + 1) for row in world.machines if row.so_far)

    def lose() -> None:
        world.missing = (THROTTLED,)

    looks(grow, stop, grow, lose)
    said = runctl("resources", "list", "--watch", "--json")
    first, second, third = lines(said.out)
    assert said.code == 0
    assert "interrupted" not in said.err
    assert [row["state"] for row in first["data"]] == ["running"]  # type: ignore[attr-defined] # a list of rows
    assert [row["state"] for row in second["data"]] == ["stopped"]  # type: ignore[attr-defined] # a list of rows
    assert first["as_of"] == "2026-11-20T12:00:00+00:00"
    assert third["missing"][0]["code"] == "Throttling"  # type: ignore[index] # a list of problems


def test_a_line_for_each_interval_changed_or_not(runctl: Runctl, looks: Callable[..., None]) -> None:
    looks(lambda: None, lambda: None)
    said = runctl("resources", "list", "--watch", "--interval", "2", "--provider", "aws")
    assert len(lines(said.out)) == 3
    assert looks.paused == [2, 2, 2]  # type: ignore[attr-defined] # set by the fixture


def test_what_passes_is_a_line_and_what_does_not_ends_it(
    runctl: Runctl, looks: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [CloudProviderError("EC2: throttled", transient=True), CredentialsError("the login ended")]
    now = fakes.FakeFleet.now

    async def failing(fleet: fakes.FakeFleet) -> object:
        if errors:
            raise errors.pop(0)
        return await now(fleet)

    looks(lambda: None)
    monkeypatch.setattr(fakes.FakeFleet, "now", failing)
    said = runctl("resources", "list", "--watch", "--json")
    passing, ending = lines(said.out)
    assert (passing["success"], ending["success"], said.code) == (False, False, 2)


@pytest.mark.parametrize("flags", [("--interval", "0"), ("--interval", "x"), ("--interval", "5")])
def test_an_interval_that_means_nothing_is_a_usage_error(runctl: Runctl, flags: tuple[str, ...]) -> None:
    watched = ("--watch",) if flags[1] != "5" else ()
    assert runctl("resources", "list", *watched, *flags, "--json").error["type"] == "UsageError"


async def test_a_reader_who_leaves_ends_it_at_once() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:

        async def leave() -> None:
            os.close(reading)

        leaving = asyncio.create_task(leave())
        with pytest.raises(BrokenPipeError):
            async with while_read(stream):
                await asyncio.wait_for(asyncio.Event().wait(), 20)
        await leaving


async def test_another_cancellation_stays_one() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading):

        async def read() -> None:
            async with while_read(stream):
                await asyncio.Event().wait()

        task = asyncio.create_task(read())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
