"""The register of runs: joins what is known here with what each host says, and mirrors their logs.

Implements `ports.Runs`. Only hosts that are ours are asked; a host that does not answer leaves its runs as they were
last seen, marked unreachable.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.instance import Instance
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.run import LogChunk, RunUpdate, TrainingSession
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import (
    HostError,
    HostUnreachable,
    Refused,
    ResourceNotFound,
    StateError,
    TrainctlError,
    ValidationError,
)
from runctl_tui.services.runs.archive import folders_of_runs
from runctl_tui.services.runs.mirror import Mirrors
from runctl_tui.services.runs.sessions import GONE, Seen, adopted, heard, silent
from runctl_tui.services.runs.sweeps import PAGE, HostSweeps, fetch_log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.run import ResourceUsage
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.ports import Feed
    from runctl_tui.services.runs.archive import RunArchive
    from runctl_tui.services.runs.files import RunFiles
    from runctl_tui.services.runs.mirror import LogMirror
    from runctl_tui.services.runs.sweeps import Answer
    from runctl_tui.services.training.agent_client import AgentClient
    from runctl_tui.services.training.agent_values import RunStatus

    MachineSnapshot = Snapshot[tuple[Instance, ...]]
    Machines = Callable[[], Awaitable[MachineSnapshot]]
    Ask = Callable[[Sequence[Instance]], Awaitable[list[Answer]]]
    Runs = Snapshot[tuple[TrainingSession, ...]]

LOG: Final = logging.getLogger(__name__)
LOG_TIMEOUT: Final = 30.0
"""Seconds that a host may take to send what is new of a log."""
ARCHIVED: Final = -1
"""The inode of a log that came from S3."""


@dataclass(frozen=True, slots=True)
class HostWord:
    """What a machine told when it was asked about its runs."""

    at: datetime
    usage: ResourceUsage | None
    silence: str = ""
    """Why it told nothing of its runs; empty: it did."""


class RunRegister:
    """All runs, newest first."""

    feed: Feed[tuple[TrainingSession, ...]]
    """Set by the composition root, which knows the feed's pace."""

    def __init__(self, files: RunFiles, hosts: HostBook, machines: Machines, clock: Clock, archive: RunArchive) -> None:
        self._files = files
        self._archive = archive
        self._hosts = hosts
        self._machines = machines
        self._clock = clock
        self.mirrors = Mirrors(files.log_path)
        self.sweeps = HostSweeps(hosts, self.mirrors, clock)
        self.told: Mapping[str, HostWord] = {}
        """What each machine told when it was last asked, by its key."""

    async def now(self, machine: str = "") -> Runs:
        """Ask every reachable host once, or only one machine, and wait for each as long as it may take."""
        return await self._all(self.sweeps.ask, machine)

    async def poll(self) -> Runs:
        """Ask as `now` does, for the feed: a host that hung the last time is heard when it answers."""
        return await self._all(self.sweeps.look)

    async def remembered(self) -> tuple[TrainingSession, ...]:
        """Return what is known without asking any host, newest first."""
        return _newest_first(await asyncio.to_thread(self._files.load))

    async def writing_at(self, addresses: Collection[str]) -> tuple[TrainingSession, ...]:
        """Return all known runs, once those are known too that only their own records at these addresses tell of.

        Raises where a run that writes there is at work on a host that does not tell of it.
        """
        folders = folders_of_runs(addresses)
        known = await asyncio.to_thread(lambda: {*self._files.load(), *self._files.forgotten})
        strange = {run_id: place for run_id, place in folders.items() if run_id not in known}
        ended, working = await self._archive.at(strange)
        await asyncio.to_thread(self._files.keep, ended)
        if working:
            heard = {run.id for run in (await self.now()).value}
            if silent_ones := [run_id for run_id in working if run_id not in heard]:
                raise StateError(f"run {silent_ones[0]} writes there, and no host tells of it")
        return await self.remembered()

    async def find(self, reference: str) -> TrainingSession:
        """Return the run with this id, unique id prefix or unique name, as its host tells it now."""
        known = await asyncio.to_thread(self._files.load)
        machine = known[reference].machine_key if reference in known else ""
        runs = (await self.now(machine)).value
        exact = [run for run in runs if run.id == reference]
        found = exact or [run for run in runs if reference and (run.id.startswith(reference) or run.name == reference)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(run.id for run in found)
            raise ValidationError(f"{reference!r} is more than one run", ids, "name one by its id")
        raise ResourceNotFound(f"There is no run {reference!r}", "", "list them: runctl-tui runs list")

    async def remember(self, session: TrainingSession) -> None:
        """Write a run down: a new one before anything else is done about it, one that never began as ended."""
        await asyncio.to_thread(self._files.save, session)

    def known(self) -> tuple[TrainingSession, ...]:
        """Return every run as it was known last; asks nobody and reads nothing."""
        return self._files.known

    async def forget(self, run_id: str) -> None:
        """Take no more note of an ended run, here and on its host; its checkpoints stay. Refused while it is live."""
        session = await self.find(run_id)
        if session.status.live:
            raise Refused(f"{session.name or session.id} is not forgotten", "it may still be working", "stop it first")
        try:
            async with asyncio.timeout(LOG_TIMEOUT):
                await (await self.agent_of(session)).forget(session.id)
        except (TrainctlError, TimeoutError) as error:
            LOG.info("the host of %s keeps its record: %s", session.id, error)
        await asyncio.to_thread(self._files.delete, session.id)
        await asyncio.to_thread(self.mirrors.drop, session.id)
        self.feed.refresh()

    async def agent_of(self, session: TrainingSession) -> AgentClient:
        """Return the agent of a run's host; HostUnreachable says why there is none."""
        machines = await self._machines()
        for machine in machines.value:
            if (machine.provider, machine.id) == (session.provider, session.instance_id):
                return await self._hosts.agent(machine)
        if {session.provider, f"{session.provider}/{session.region}"} & set(machines.silent):
            why = f"{session.region or session.provider} does not tell which machines there are"
            raise HostUnreachable(f"The host of {session.id} is not known now", why, "it is tried again")
        raise HostError(f"The host of {session.id} is gone", f"{session.instance_id} is not listed any more")

    async def machine_is_gone(self, session: TrainingSession) -> bool:
        """Tell whether the machine of a run is certainly no more, so that nothing on its disks can be read again."""
        machines = await self._machines()
        seen = _seen(machines, (), self._clock.now())
        machine = seen.machines.get(session.machine_key)
        return machine.state in GONE if machine is not None else silent(session, seen).status.ended

    async def follow(self, run_id: str, offset: int = 0) -> AsyncIterator[RunUpdate]:
        """Yield what is mirrored from an offset on, then what the host says, live."""
        mirror = await self._mirror(run_id)
        while (piece := await asyncio.to_thread(mirror.read, offset, PAGE))[1] or piece[0] != offset:
            yield RunUpdate(chunk=LogChunk(*piece))
            offset = piece[0] + len(piece[1])
        session = await self.find(run_id)
        yield RunUpdate(session=session)
        try:
            agent = await self.agent_of(session)
        except TrainctlError as error:
            await self._from_archive(session, mirror)
            start, late = await asyncio.to_thread(mirror.read, offset)
            if late:
                yield RunUpdate(chunk=LogChunk(start, late))
            yield RunUpdate(link="" if session.status.ended else str(error))
            return
        from runctl_tui.services.training.agent_values import LinkFrame

        async with aclosing(agent.follow(run_id, offset)) as frames:
            async for frame in frames:
                yield await self._update(session, frame, mirror)
                if isinstance(frame, LinkFrame) and frame.text and (end := await self._gone(session)):
                    yield RunUpdate(session=end)
                    return

    async def log(self, run_id: str, tail_bytes: int | None = None) -> bytes:
        """Return the log so far: what the host has, else its copy in S3, else what was mirrored here."""
        session = await self.find(run_id)
        mirror = await self._mirror(session.id)
        try:
            async with asyncio.timeout(LOG_TIMEOUT):
                await fetch_log(await self.agent_of(session), session.id, mirror)
        except (TrainctlError, TimeoutError):
            await self._from_archive(session, mirror)
        offset = 0 if tail_bytes is None else max(mirror.end - tail_bytes, 0)
        return (await asyncio.to_thread(mirror.read, offset))[1]

    async def _all(self, ask: Ask, only: str = "") -> Runs:
        """Join what is known with what all hosts say, or only one of them."""
        known = await asyncio.to_thread(self._files.load)
        machines = await self._machines()  # before anything of S3, whose client would delay their rows
        old = await self._archive.ended(known)
        known.update({session.id: session for session in old})
        asked = [one for one in machines.value if may_be_asked(one) and only in ("", one.key)]
        answers = await ask(asked)
        now = self._clock.now()
        self._take_note(answers, now, machines.value)
        for answer in answers:
            told = await asyncio.to_thread(self._told, answer, known)
            known.update({session.id: session for session in told})
        heard_of = {status.run_id for answer in answers for status in answer.statuses}
        seen = _seen(machines, answers, now)
        for session in list(known.values()):
            concerned = only in ("", session.machine_key)
            if concerned and session.status.live and session.id not in heard_of:
                known[session.id] = silent(session, seen)
        for run_id in await asyncio.to_thread(lambda: self._files.forgotten):
            known.pop(run_id, None)
        await asyncio.to_thread(self._files.keep, known.values())
        problems = [answer.problem for answer in answers if answer.problem is not None]
        missing = (*machines.missing, *self._files.problems, *problems)
        return Snapshot(_newest_first(known), now, machines.scope, missing)

    def _take_note(self, answers: Sequence[Answer], now: datetime, machines: Sequence[Instance]) -> None:
        """Keep what machines told; one that tells nothing now is known as it was measured last."""
        there = {machine.key for machine in machines}
        told = {key: word for key, word in self.told.items() if key in there}
        for answer in answers:
            before = told.get(answer.machine.key)
            usage = answer.usage or (before.usage if before else None)
            told[answer.machine.key] = HostWord(now, usage, answer.problem.what if answer.problem else "")
        self.told = told

    def _told(self, answer: Answer, known: dict[str, TrainingSession]) -> list[TrainingSession]:
        return [self._session(answer.machine, status, known.get(status.run_id)) for status in answer.statuses]

    def _session(self, machine: Instance, status: RunStatus, known: TrainingSession | None) -> TrainingSession:
        final = known is not None and known.status.ended and known.progress.step is not None
        progress = known.progress if known is not None and final else self.mirrors.of(status.run_id).progress
        return heard(known or adopted(machine, status), status, progress, self._clock.now())

    async def _mirror(self, run_id: str) -> LogMirror:
        return await asyncio.to_thread(self.mirrors.of, run_id)

    async def _from_archive(self, session: TrainingSession, mirror: LogMirror) -> None:
        """Add to the mirror what only the log's copy in S3 has."""
        if not session.output_dest:
            return
        start, data = await self._archive.log(session, mirror.end)
        if data and start > mirror.end:
            await asyncio.to_thread(mirror.restart, start, mirror.inode or ARCHIVED)
        if data:
            await asyncio.to_thread(mirror.append, start, data, mirror.inode or ARCHIVED)

    async def _gone(self, session: TrainingSession) -> TrainingSession | None:
        """Return how a run ended whose link is lost because its machine is down; None while the machine runs."""
        try:
            machines = await self._machines()
        except TrainctlError:
            return None
        end = silent(session, _seen(machines, (), self._clock.now()))
        return end if end.status.ended else None

    async def _machine_name(self, session: TrainingSession) -> str:
        """Return what a run's machine is called; its id where nobody can tell."""
        try:
            machines = (await self._machines()).value
        except TrainctlError:
            return session.instance_id
        mine = (one.name for one in machines if (one.provider, one.id) == (session.provider, session.instance_id))
        return next(mine, "") or session.instance_id

    async def _update(self, session: TrainingSession, frame: object, mirror: LogMirror) -> RunUpdate:
        from runctl_tui.services.training.agent_values import LinkFrame, LogFrame, StatusFrame

        if isinstance(frame, LogFrame):
            if frame.restarted:
                await asyncio.to_thread(mirror.restart, frame.offset, frame.inode)
            await asyncio.to_thread(mirror.append, frame.offset, frame.data, frame.inode)
            return RunUpdate(chunk=LogChunk(frame.offset, frame.data, frame.restarted))
        if isinstance(frame, LinkFrame):
            name = await self._machine_name(session)
            return RunUpdate(link=f"link to {name} lost, {frame.text}" if frame.text else "")
        assert isinstance(frame, StatusFrame)
        progress = await asyncio.to_thread(lambda: mirror.progress)
        told = heard(session, frame.status, progress, self._clock.now())
        return RunUpdate(session=told, usage=frame.vitals.usage)


def may_be_asked(machine: Instance) -> bool:
    """Tell whether a machine runs and is ours, so that looking for runs on it is nobody's surprise."""
    return is_ours(machine) and machine.state is ResourceState.RUNNING


def is_ours(machine: Instance) -> bool:
    """Tell whether looking at a machine is nobody's surprise."""
    return machine.market is Market.LOCAL or machine.ownership is Ownership.OURS


def _seen(machines: MachineSnapshot, answers: Sequence[Answer], now: datetime) -> Seen:
    return Seen(
        machines={machine.key: machine for machine in machines.value},
        scope=frozenset(machines.scope),
        blind=frozenset(problem.scope for problem in machines.missing),
        answered={one.machine.key for one in answers if one.problem is None},
        failed={one.machine.key for one in answers if one.problem is not None},
        at=now,
    )


def _newest_first(known: Mapping[str, TrainingSession]) -> tuple[TrainingSession, ...]:
    begun = {key: session.started_at.timestamp() if session.started_at else 0.0 for key, session in known.items()}
    return tuple(known[key] for key in sorted(known, key=lambda key: (begun[key], key), reverse=True))
