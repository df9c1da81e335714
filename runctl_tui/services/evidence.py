"""What the safety rules need to know about training: runs and checkpoints of a machine, or why they are not known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.host import HostProcess
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.run import TrainingSession
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.ports import Checkpoints, Runs

if TYPE_CHECKING:
    from runctl_tui.services.training.agent_client import AgentClient


BUSY_PERCENT: Final = 50.0
"""Of a core, from which on something is work."""
_AGENT: Final = re.compile(r"/\.runctl/agent-[0-9a-f]+\.pyz\b")
"""Our own program on a host, which has just begun and so seems busy."""


class Meters(Protocol):
    """Reaches the agents on hosts."""

    async def agent(self, instance: Instance) -> AgentClient:
        """The agent on a machine; HostUnreachable says why there is none."""


class Evidence(Protocol):
    """Looks at training for the actions."""

    async def runs_on(self, instance: Instance) -> Fact[tuple[TrainingSession, ...]]:
        """Every run on a machine, asked now."""

    async def work_on(self, instance: Instance) -> Fact[tuple[HostProcess, ...]]:
        """What works hard on a machine and belongs to no run of ours, measured now."""

    async def checkpoints_on(self, instance: Instance) -> Fact[tuple[Checkpoint, ...]]:
        """The checkpoints of all its runs, host and S3 copies joined, asked now."""

    async def run(self, reference: str) -> TrainingSession:
        """One run; ResourceNotFound or ValidationError where the reference does not name one."""

    async def checkpoints_of(self, session: TrainingSession) -> Fact[tuple[Checkpoint, ...]]:
        """The checkpoints of one run."""


class RegisterEvidence:
    """Asks the register of runs and the checkpoint service; a host that did not answer leaves its facts unknown."""

    def __init__(self, runs: Runs, checkpoints: Checkpoints, hosts: Meters, clock: Clock) -> None:
        self._runs = runs
        self._hosts = hosts
        self._checkpoints = checkpoints
        self._clock = clock

    async def runs_on(self, instance: Instance) -> Fact[tuple[TrainingSession, ...]]:
        """Return every run on a machine; nobody asks a machine that is not ours."""
        if not _may_know(instance):
            return Unknown("it is not ours, so it was not asked")
        try:
            snapshot = await self._runs.now(instance.key)
        except TrainctlError as error:
            return Unknown(str(error))
        mine = tuple(one for one in snapshot.value if _is_on(one, instance))
        gap = _gap(snapshot.missing, _names(instance))
        if gap is not None and not (_off(instance) and mine and all(map(_told_to_the_end, mine))):
            return Unknown(gap)
        return Known(mine, self._clock.now(), "register of runs")

    async def work_on(self, instance: Instance) -> Fact[tuple[HostProcess, ...]]:
        """Return what else works hard on a machine; nobody asks one that is not ours, or that is off."""
        if not _may_know(instance):
            return Unknown("it is not ours, so it was not asked")
        if instance.state is not ResourceState.RUNNING:
            return Unknown(f"it is {instance.state.value}, so it was not asked")
        try:
            reading = await (await self._hosts.agent(instance)).host_now()
        except TrainctlError as error:
            return Unknown(str(error))
        return Known(tuple(filter(_works_hard, reading.processes)), self._clock.now(), "agent on the host")

    async def checkpoints_on(self, instance: Instance) -> Fact[tuple[Checkpoint, ...]]:
        """Return the checkpoints of all runs on a machine."""
        runs = await self.runs_on(instance)
        if isinstance(runs, Unknown):
            return runs
        if not runs.value and instance.state is ResourceState.STOPPED and instance.market is not Market.LOCAL:
            return Unknown("it is stopped, and no run on its disks is known here")
        found: list[Checkpoint] = []
        for session in runs.value:
            copies = await self.checkpoints_of(session)
            if isinstance(copies, Unknown):
                return copies
            found.extend(copies.value)
        return Known(tuple(found), self._clock.now(), "host and S3")

    async def run(self, reference: str) -> TrainingSession:
        """Return one run."""
        return await self._runs.find(reference)

    async def checkpoints_of(self, session: TrainingSession) -> Fact[tuple[Checkpoint, ...]]:
        """Return the checkpoints of one run."""
        try:
            snapshot = await self._checkpoints.now(session.id)
        except TrainctlError as error:
            return Unknown(str(error))
        names = {session.id, session.instance_id, session.machine_key}
        mine = tuple(one for one in snapshot.value if one.run_id == session.id)
        if (gap := _gap(snapshot.missing, names)) is not None and not _all_told(session, mine):
            return Unknown(gap)
        if session.status.ended and not _newest_told(session, mine):
            return Unknown(f"its newest, {session.newest_checkpoint}, is told neither by its host nor by S3")
        return Known(mine, self._clock.now(), "host and S3")


def _works_hard(process: HostProcess) -> bool:
    """Tell whether a process computes: on a GPU, or on half a core; runs and our own program on the host are known."""
    if process.run_id or _AGENT.search(process.command):
        return False
    return bool(process.gpus or process.gpu_memory_mib) or process.cpu_percent >= BUSY_PERCENT


def _may_know(instance: Instance) -> bool:
    return instance.market is Market.LOCAL or instance.ownership is Ownership.OURS


def _is_on(session: TrainingSession, instance: Instance) -> bool:
    return session.provider == instance.provider and session.instance_id == instance.id


def _off(instance: Instance) -> bool:
    return instance.state in (ResourceState.STOPPED, ResourceState.TERMINATED)


def _told_to_the_end(session: TrainingSession) -> bool:
    """Return whether a run's host was heard after the run had ended, so that nothing newer can be on it."""
    ended, heard = session.ended_at, session.heard_at
    return session.status.ended and ended is not None and heard is not None and heard >= ended


def _all_told(session: TrainingSession, found: tuple[Checkpoint, ...]) -> bool:
    """Return whether what was found holds the run's last checkpoint, although its host does not answer now."""
    return _told_to_the_end(session) and _newest_told(session, found)


def _newest_told(session: TrainingSession, found: tuple[Checkpoint, ...]) -> bool:
    """Return whether the last checkpoint that the host told of, if any, is among those that were found."""
    return session.checkpoints == 0 or session.newest_checkpoint in {one.name for one in found}


def _names(instance: Instance) -> set[str]:
    place = f"{instance.provider}/{instance.region}"
    key = instance.key
    return {instance.id, key, instance.name, instance.provider, instance.region, place}


def _gap(missing: Iterable[Problem], names: set[str]) -> str | None:
    """Return why something about these names is missing; a gap without a scope may be about anything."""
    for problem in missing:
        if not problem.scope or problem.scope in names:
            return ": ".join(part for part in (problem.what, problem.why) if part)
    return None
