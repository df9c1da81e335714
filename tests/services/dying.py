"""Programs that die at a chosen moment, and the next ones, which find the world and the state folder as they were."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from runctl_tui.domain.plan import Operation, Plan
from runctl_tui.services.audit import AuditLog
from runctl_tui.services.audited import Actor, AuditedActions, Auditor
from runctl_tui.services.journal_rows import JournalState
from tests.fakes import OWNER
from tests.services.actions_rig import Rig, yes

T = TypeVar("T")
LATER = 61
"""Seconds between a death and the next program: after them, what is not seen has not arrived."""


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

    @property
    def last(self) -> bool:
        """Whether the next moment is the one of death."""
        return self.steps == self.at - 1

    def check(self) -> None:
        """Raise where it is dead already: a thing that it had begun with ends, and the next one never begins."""
        if self.dead:
            raise Died

    def step(self) -> None:
        self.check()
        self.steps += 1
        self.check()

    def around(self, work: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """Have a moment after each time that something is done: before the next one nothing has changed."""

        async def mortal(*arguments: Any, **named: Any) -> T:
            self.check()
            value = await work(*arguments, **named)
            self.step()
            return value

        return mortal


@dataclass(frozen=True)
class Part:
    """A thing of the world, which outlives the program: what it keeps, and the ways to change it."""

    thing: Any
    kept: tuple[str, ...]
    doors: tuple[str, ...]


World = list[dict[str, Any]]
"""What each part keeps."""


@dataclass(frozen=True)
class Act:
    """One operation, where it can be done, and what it does to the world."""

    operation: Operation
    rig: Callable[[Path], Rig]
    plan: Callable[[Rig], Awaitable[Plan]]
    others: Callable[[Any], list[Part]] = lambda rig: []
    """What there is beside machines."""
    most: int = 1
    """Changing calls in all, each on another target."""
    makes: bool = False
    """Done again it makes another thing, so that a person decides about that."""
    repeats: bool = False
    """What was interrupted is done again, which changes nothing more."""
    rows: Callable[[Any], int] | None = None
    """Rows of the journal that are verified, where they are not as many as calls arrived."""
    told: frozenset[JournalState] = frozenset({JournalState.VERIFIED})
    """How a row of a call that arrived may be settled."""
    holds: Callable[[Any], bool] = lambda rig: True
    """What is true of the world after any death."""
    done: Callable[[Any], bool] = lambda rig: True
    """What is true of the world at the end."""

    def parts(self, rig: Rig) -> list[Part]:
        machines = "machines", "tokens", "locks", "calls", "_pending"
        doors = "create_resource", "start", "stop", "terminate"
        return [Part(rig.provider, machines, doors), *self.others(rig)]

    def calls(self, rig: Rig) -> list[Any]:
        """Every changing call that reached the world."""
        return [call for part in self.parts(rig) for call in getattr(part.thing, "calls", ())]

    def world(self, rig: Rig) -> World:
        clock = {"moment": rig.clock.moment, "ticks": rig.clock.ticks}
        return [clock, *({name: vars(part.thing)[name] for name in part.kept} for part in self.parts(rig))]

    def make(self, folder: Path, world: World | None = None) -> Rig:
        """A program on a state folder, in the world that an earlier one left, a while later."""
        rig = self.rig(folder)
        if world is not None:
            for thing, kept in zip((rig.clock, *(part.thing for part in self.parts(rig))), world, strict=True):
                vars(thing).update(kept)
            rig.clock.advance(LATER)
        rig.audit = AuditLog(folder / "audit.jsonl", rig.clock)  # type: ignore[attr-defined]  # this rig's alone
        return rig


def audit_of(rig: Rig) -> AuditLog:
    log: AuditLog = vars(rig)["audit"]
    return log


def audited(rig: Rig) -> AuditedActions:
    """The way in that the program has, which writes down what is wanted and what came of it."""

    async def caller() -> str:
        return OWNER

    auditor = Auditor(audit_of(rig), rig.clock, Actor(OWNER, "", "", ""), caller)
    rig.jobs.on_end = auditor.ended
    return AuditedActions(rig.actions, auditor)


def make_mortal(act: Act, rig: Rig, mortal: Mortal) -> None:
    """Let a program die between any two of its writes and calls."""
    _written(rig, mortal)
    _torn(audit_of(rig), mortal)
    _locked(rig, mortal)
    for part in act.parts(rig):
        for door in part.doors:
            setattr(part.thing, door, mortal.around(getattr(part.thing, door)))


def _written(rig: Any, mortal: Mortal) -> None:
    """Have a moment after each transaction that wrote something."""
    run = rig.store.run

    async def mortal_run(work: Callable[[sqlite3.Connection], T]) -> T:
        mortal.check()
        wrote = False

        def counted(connection: sqlite3.Connection) -> T:
            nonlocal wrote
            before = connection.total_changes
            value = work(connection)
            wrote = connection.total_changes != before
            return value

        value: T = await run(counted)
        if wrote:
            mortal.step()
        mortal.check()
        return value

    rig.store.run = mortal_run


def _torn(log: Any, mortal: Mortal) -> None:
    """Have a moment in the middle of each line of the audit log, and one after it."""
    append = log._append

    async def mortal_append(entry: Any) -> None:
        mortal.check()
        if mortal.last:
            with log._locked() as handle:
                os.write(handle, b'{"at":"2026-11-1')
        mortal.step()
        append(entry)
        mortal.step()

    log.append = mortal_append


def _locked(rig: Any, mortal: Mortal) -> None:
    """Have a moment after each making of a lock file; the kernel lets go of what a dead program held."""
    hold, forget = rig.locks.hold, rig.locks.forget

    @contextlib.contextmanager
    def mortal_hold(name: str, doing: str = "") -> Iterator[None]:
        mortal.check()
        with hold(name, doing):
            mortal.step()
            yield

    def mortal_forget(name: str) -> None:
        mortal.check()
        forget(name)
        mortal.step()

    rig.locks.hold, rig.locks.forget = mortal_hold, mortal_forget


def _the_dead_are_silent(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Died):
        loop.default_exception_handler(context)


async def live(act: Act, rig: Rig) -> None:
    """Plan, confirm, carry out, and see the end or die before."""

    async def whole() -> None:
        plan = await act.plan(rig)
        await audited(rig).commit(plan, yes(plan))

    await live_through(whole())


async def live_through(work: Awaitable[object]) -> None:
    """Do something, and see the end of all that it began, or die before."""
    asyncio.get_running_loop().set_exception_handler(_the_dead_are_silent)
    mine = asyncio.current_task()
    with contextlib.suppress(Died):
        await work
    others = asyncio.all_tasks() - {mine}
    if others:
        await asyncio.wait(others, timeout=5)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def close(rig: Rig) -> None:
    """End a program; one that died holds no lock any more."""
    audit_of(rig).close()
    if rig.jobs._owner_lock is not None:
        os.close(rig.jobs._owner_lock)
        rig.jobs._owner_lock = None
    rig.close()


async def die_in_the_call(act: Act, folder: Path) -> None:
    """Live until a changing call was carried out, leave the world in a file, and be killed before anybody knows."""
    rig = act.make(folder)

    def killing(work: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        async def last(*arguments: Any, **named: Any) -> T:
            value = await work(*arguments, **named)
            if act.calls(rig):
                world_of(folder).write_bytes(pickle.dumps(act.world(rig)))
                os.kill(os.getpid(), signal.SIGKILL)
            return value

        return last

    for part in act.parts(rig):
        for door in part.doors:
            setattr(part.thing, door, killing(getattr(part.thing, door)))
    await live(act, rig)


def world_of(folder: Path) -> Path:
    """Where a program that was killed left the world."""
    return folder / "world.pickle"
