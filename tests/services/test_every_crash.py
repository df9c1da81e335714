"""Death at every step of every operation: whatever was written or sent then, the next program finds one truth."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.marks import MarkRequest
from runctl_tui.domain.plan import Operation, Plan
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.volume import NewVolume, VolumeChange
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.journal_rows import JournalState
from tests.fakes import an_instance
from tests.services.actions_rig import OPTIONS, Rig, codes, yes
from tests.services.test_mark_actions import BOX as MARKED
from tests.services.test_mark_actions import MarkRig
from tests.services.test_volume_actions import SHAPE, VolumeRig

T = TypeVar("T")
BOX, OFF = an_instance(), an_instance(2, state=ResourceState.STOPPED)
DATA = "vol-data"


class Died(BaseException):
    """The program is killed: nothing of it goes on."""


class Mortal:
    """Counts the moments between the steps of an operation, and dies at one of them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.steps = 0

    @property
    def dead(self) -> bool:
        return self.steps >= self.at

    def step(self) -> None:
        if self.dead:
            raise Died
        self.steps += 1
        if self.dead:
            raise Died

    def around(self, work: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """Have a moment before and one after each time that something is done."""

        async def mortal(*arguments: Any, **named: Any) -> T:
            self.step()
            value = await work(*arguments, **named)
            self.step()
            return value

        return mortal


@dataclass
class Act:
    """One operation, where it can be done, and what it does to the world."""

    operation: Operation
    rig: Callable[[Path], Rig]
    plan: Callable[[Rig], Awaitable[Plan]]

    def make(self, folder: Path, before: Rig | None = None) -> Rig:
        """A program on a state folder, in the world that an earlier one left, a while later."""
        rig = self.rig(folder)
        if isinstance(rig, VolumeRig):
            rig.ebs.add("data")
            rig.ebs.save("kept", DATA)
        if before is not None:
            of_machines = ("machines", "tokens", "locks", "calls", "_pending")
            vars(rig.provider).update({name: vars(before.provider)[name] for name in of_machines})
            rig.clock.moment, rig.clock.ticks = before.clock.moment, before.clock.ticks
            rig.clock.advance(61)
            if isinstance(rig, VolumeRig) and isinstance(before, VolumeRig):
                of_volumes = ("volumes", "snapshots", "calls")
                vars(rig.ebs).update({name: vars(before.ebs)[name] for name in of_volumes})
        return rig


def calls(rig: Rig) -> list[Any]:
    """Every changing call that reached the world."""
    return [*rig.provider.calls, *(rig.ebs.calls if isinstance(rig, VolumeRig) else ())]


def make_mortal(rig: Rig, mortal: Mortal) -> None:
    """Let a program die between any two of its writes and calls."""
    every: Any = rig
    every.store.run = mortal.around(rig.store.run)
    every.provider.before_call = mortal.step
    every.provider._answer = mortal.step
    if isinstance(rig, MarkRig):
        every.store_of_marks.change = mortal.around(rig.store_of_marks.change)
    if isinstance(rig, VolumeRig):
        every.ebs.change = mortal.around(rig.ebs.change)


def _the_dead_are_silent(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Died):
        loop.default_exception_handler(context)


async def live(act: Act, rig: Rig) -> None:
    """Plan, confirm, carry out, and see the end or die before."""
    asyncio.get_running_loop().set_exception_handler(_the_dead_are_silent)
    mine = asyncio.current_task()
    try:
        plan = await act.plan(rig)
        await rig.actions.commit(plan, yes(plan))
    except Died:
        pass
    others = [task for task in asyncio.all_tasks() if task is not mine]
    if others:
        await asyncio.wait(others, timeout=5)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def machine(operation: Operation, key: str) -> Act:
    def made(folder: Path) -> Rig:
        return Rig(folder, BOX, OFF)

    return Act(operation, made, lambda rig: rig.actions.plan(operation, [key]))


def volume(change: VolumeChange) -> Act:
    return Act(change.operation, VolumeRig, lambda rig: rig.actions.plan_volume(change))


def mark(operation: Operation) -> Act:
    request = MarkRequest(operation, "instance", (MARKED.id,))
    box = replace(MARKED, tags=(("CreatedBy", "runctl"),)) if operation is Operation.CLAIM else MARKED
    return Act(operation, lambda folder: MarkRig(folder, box), lambda rig: rig.actions.plan_marks(request))


NEW = NewVolume("fake", "us-east-1a", "fresh", SHAPE, "llama")
ACTS = [
    machine(Operation.TERMINATE, BOX.id),
    machine(Operation.STOP, BOX.id),
    machine(Operation.START, OFF.id),
    Act(
        Operation.LAUNCH,
        lambda folder: Rig(folder, BOX),
        lambda rig: rig.actions.plan_launch(LaunchRequest(OPTIONS)),
    ),
    mark(Operation.PROTECT),
    mark(Operation.CLAIM),
    volume(VolumeChange(Operation.VOLUME_CREATE, new=NEW)),
    volume(VolumeChange(Operation.VOLUME_SNAPSHOT, (DATA,), name="saved")),
    volume(VolumeChange(Operation.VOLUME_DELETE, (DATA,))),
]


@pytest.mark.parametrize("act", [pytest.param(act, id=act.operation.value) for act in ACTS])
async def test_death_at_any_moment_leaves_one_truth(act: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = 0
    while True:
        folder = tmp_path / str(points)
        rig, mortal = act.make(folder), Mortal(points + 1)
        make_mortal(rig, mortal)
        await live(act, rig)
        rig.close()
        rig.store.join()
        if not mortal.dead:
            break
        await finds_one_truth(act, folder, rig, f"moment {points + 1}")
        points += 1
    assert points >= 10, "the moments were not met"


async def finds_one_truth(act: Act, folder: Path, before: Rig, where: str) -> None:
    """The next program: all is settled, nothing was done twice, and it can be done now."""
    rig = act.make(folder, before)
    try:
        sent = len(calls(rig))
        assert sent <= 1, where
        left = await rig.journal.reconcile(rig.registry)
        assert left == (), f"{where}: {left}"
        states = [row.state for row in await rig.rows() if row.entry.operation is act.operation]
        settled = [state for state in states if state is not JournalState.CONFIRMED]
        if sent:
            assert settled == [JournalState.VERIFIED], f"{where}: {states}"
        elif not sent:
            assert settled in ([], [JournalState.FAILED]), f"{where}: {states}"
        assert len(calls(rig)) == sent, f"{where}: settling called something"
        await once_more(act, rig, sent, where)
    finally:
        rig.close()
        rig.store.join()


async def once_more(act: Act, rig: Rig, sent: int, where: str) -> None:
    """Doing it again is possible, and does nothing where it was done."""
    if sent and act.operation in (Operation.LAUNCH, Operation.VOLUME_CREATE, Operation.VOLUME_SNAPSHOT):
        return  # a second one would be another thing
    try:
        plan = await act.plan(rig)
    except TrainctlError:
        assert sent, where  # what is gone cannot be planned about
        return
    assert not {"reconcile_first", "busy"} & codes(plan), where
    view = await rig.commit(plan)
    assert view.ok, f"{where}: {view.result}"
    assert len(calls(rig)) == 1, f"{where}: done twice"
    assert cast("Any", view).ended_at is not None
