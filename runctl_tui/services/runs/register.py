"""The register of runs: joins what is known here with what each host says, and mirrors their logs.

Implements `ports.Runs`. Only hosts that are ours are asked; a host that does not answer leaves its runs as they were
last seen, marked unreachable.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.instance import Instance, Market, Ownership
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import LogChunk, RunUpdate, TrainingSession
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import HostError, ResourceNotFound, TrainctlError, ValidationError
from runctl_tui.services.runs.mirror import KEEP, SKIP_BEYOND, LogMirror
from runctl_tui.services.runs.sessions import adopted, heard, silent
from runctl_tui.services.training.agent_values import LinkFrame, LogFrame, RunStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.problem import Problem
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.ports import Feed
    from runctl_tui.services.runs.archive import RunArchive
    from runctl_tui.services.runs.files import RunFiles
    from runctl_tui.services.training.agent_client import AgentClient

    Machines = Callable[[], Awaitable[Snapshot[tuple[Instance, ...]]]]

HOST_TIMEOUT: Final = 10.0
"""Seconds that one host may take to tell about its runs."""
PAGE: Final = 1024 * 1024
ARCHIVED: Final = -1
"""The inode of a log that came from S3."""


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
        self._mirrors: dict[str, LogMirror] = {}
        self._revived: set[str] = set()

    async def now(self) -> Snapshot[tuple[TrainingSession, ...]]:
        """Ask every reachable host once."""
        known = await asyncio.to_thread(self._files.load)
        machines, old = await asyncio.gather(self._machines(), self._archive.ended(known))
        known.update({session.id: session for session in old})
        ours = [machine for machine in machines.value if may_be_asked(machine)]
        answers = await asyncio.gather(*(self._ask(machine, known) for machine in ours))
        problems: list[Problem] = [*machines.missing, *self._files.problems]
        mute = set()
        for machine, (sessions, problem) in zip(ours, answers, strict=True):
            known.update({session.id: session for session in sessions})
            if problem is not None:
                mute.add(machine.id)
                problems.append(problem)
        blind = {problem.scope for problem in machines.missing}
        present = {machine.id: machine for machine in machines.value}
        for session in [session for session in known.values() if session.status.live]:
            known[session.id] = silent(session, present.get(session.instance_id), mute, blind)
        await asyncio.to_thread(self._save, known)
        newest_first = sorted(known.values(), key=lambda session: session.id, reverse=True)
        return Snapshot(tuple(newest_first), self._clock.now(), machines.scope, tuple(problems))

    async def remembered(self) -> tuple[TrainingSession, ...]:
        """Return what is known without asking any host, newest first."""
        known = await asyncio.to_thread(self._files.load)
        return tuple(sorted(known.values(), key=lambda session: session.id, reverse=True))

    async def find(self, reference: str) -> TrainingSession:
        """Return the run with this id, unique id prefix or unique name, as its host tells it now."""
        runs = (await self.now()).value
        exact = [run for run in runs if run.id == reference]
        found = exact or [run for run in runs if reference and (run.id.startswith(reference) or run.name == reference)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(run.id for run in found)
            raise ValidationError(f"{reference!r} is more than one run", ids, "name one by its id")
        raise ResourceNotFound(f"There is no run {reference!r}", "", "list them: runctl-tui runs list")

    def mirror(self, run_id: str) -> LogMirror:
        """Return the mirrored log of a run."""
        if run_id not in self._mirrors:
            self._mirrors[run_id] = LogMirror(self._files.log_path(run_id))
        return self._mirrors[run_id]

    async def remember(self, session: TrainingSession) -> None:
        """Write a new run down before anything else is done about it."""
        await asyncio.to_thread(self._files.save, session)

    async def agent_of(self, session: TrainingSession) -> AgentClient:
        """Return the agent of a run's host; HostUnreachable says why there is none."""
        machines = (await self._machines()).value
        machine = next((machine for machine in machines if machine.id == session.instance_id), None)
        if machine is None:
            raise HostError(f"The host of {session.id} is gone", f"{session.instance_id} is not listed any more")
        return await self._hosts.agent(machine)

    async def follow(self, run_id: str, offset: int = 0) -> AsyncIterator[RunUpdate]:
        """Yield what is mirrored from an offset on, then what the host says, live."""
        mirror = self.mirror(run_id)
        start, data = await asyncio.to_thread(mirror.read, offset)
        yield RunUpdate(chunk=LogChunk(start, data))
        session = await self.find(run_id)
        yield RunUpdate(session=session)
        try:
            agent = await self.agent_of(session)
        except TrainctlError as error:
            if session.status.ended and (late := await self._from_archive(session, mirror)):
                yield RunUpdate(chunk=LogChunk(0, late))
            yield RunUpdate(link="" if session.status.ended else str(error))
            return
        async with aclosing(agent.follow(run_id, start + len(data))) as frames:
            async for frame in frames:
                yield self._update(session, frame, mirror)

    async def log(self, run_id: str, tail_bytes: int | None = None) -> bytes:
        """Return the log so far: what the host has, else what was mirrored here."""
        mirror = self.mirror(run_id)
        session = await self.find(run_id)
        try:
            await self._mirror_log(await self.agent_of(session), run_id, mirror)
        except TrainctlError:
            await self._from_archive(session, mirror)
        offset = 0 if tail_bytes is None else max(mirror.end - tail_bytes, 0)
        return (await asyncio.to_thread(mirror.read, offset))[1]

    async def _from_archive(self, session: TrainingSession, mirror: LogMirror) -> bytes:
        """Return the log's copy in S3 where nothing of it was ever mirrored here, and mirror it."""
        if mirror.end or not session.output_dest:
            return b""
        data = await self._archive.log(session)
        await asyncio.to_thread(mirror.append, 0, data, ARCHIVED)
        return data

    def _update(self, session: TrainingSession, frame: object, mirror: LogMirror) -> RunUpdate:
        if isinstance(frame, LogFrame):
            if frame.restarted:
                mirror.restart(frame.offset, frame.inode)
            mirror.append(frame.offset, frame.data, frame.inode)
            return RunUpdate(chunk=LogChunk(frame.offset, frame.data, frame.restarted))
        if isinstance(frame, LinkFrame):
            return RunUpdate(link=frame.text)
        status = getattr(frame, "status", None)
        vitals = getattr(frame, "vitals", None)
        told = heard(session, status, mirror.series, self._clock.now()) if isinstance(status, RunStatus) else None
        return RunUpdate(session=told, usage=vitals.usage if vitals else None)

    async def _ask(
        self, machine: Instance, known: dict[str, TrainingSession]
    ) -> tuple[list[TrainingSession], Problem | None]:
        try:
            async with asyncio.timeout(HOST_TIMEOUT):
                agent = await self._hosts.agent(machine)
                statuses = await agent.sweep()
                for status in statuses:
                    await self._mirror_log(agent, status.run_id, self.mirror(status.run_id))
                    await self._revive_uploader(agent, status)
        except TimeoutError:
            error: TrainctlError = HostError(f"{machine.name or machine.id} took too long to tell about its runs")
        except TrainctlError as raised:
            error = raised
        else:
            return [self._session(machine, status, known) for status in statuses], None
        return [], error.to_problem(scope=machine.name or machine.id)

    async def _revive_uploader(self, agent: AgentClient, status: RunStatus) -> None:
        """Start the uploader of an ended run again where it died with its work undone, as after a reboot."""
        dead = not status.alive and not status.uploader_alive and status.upload_state not in ("off", "done")
        if dead and status.run_id not in self._revived:
            self._revived.add(status.run_id)
            await agent.restart_uploader(status.run_id)

    def _session(self, machine: Instance, status: RunStatus, known: dict[str, TrainingSession]) -> TrainingSession:
        session = known.get(status.run_id) or adopted(machine, status)
        return heard(session, status, self.mirror(status.run_id).series, self._clock.now())

    async def _mirror_log(self, agent: AgentClient, run_id: str, mirror: LogMirror) -> None:
        while True:
            page = await agent.read(run_id, mirror.end, PAGE, mirror.inode)
            if page.truncated or page.size - page.offset > SKIP_BEYOND:
                start = max(page.size - KEEP, 0) if page.size > SKIP_BEYOND else 0
                await asyncio.to_thread(mirror.restart, start, page.inode)
                continue
            await asyncio.to_thread(mirror.append, page.offset, page.data, page.inode)
            if page.offset + len(page.data) >= page.size or not page.data:
                return

    def _save(self, known: dict[str, TrainingSession]) -> None:
        before = self._files.load()
        for session in known.values():
            if before.get(session.id) != session:
                self._files.save(session)


def may_be_asked(machine: Instance) -> bool:
    """Tell whether a machine runs and is ours, so that looking for runs on it is nobody's surprise."""
    ours = machine.market is Market.LOCAL or machine.ownership is Ownership.OURS
    return ours and machine.state is ResourceState.RUNNING
