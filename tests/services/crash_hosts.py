"""Hosts in memory, for programs that die at any moment of what they do there."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.host import HostProcess, ProcessLook, split_reference
from runctl_tui.domain.run import TrainingJob, TrainingSession, TrainingStatus
from runctl_tui.domain.safety import CleanupSafety
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.errors import AgentError, ResourceNotFound
from runctl_tui.services.launch.parts import PipelineParts
from runctl_tui.services.launch.pipeline import LaunchPipeline
from runctl_tui.services.process_actions import ProcessActions
from runctl_tui.services.run_uploads import RunUploads, UploadParts
from runctl_tui.services.runs.files import RunFiles
from runctl_tui.services.witnesses import Witnesses
from tests.fakes import OWNER, START, a_run, an_instance
from tests.services.actions_rig import Rig

BOX = an_instance()
RUN = a_run(BOX)
PID, BORN = 4711, 99


@dataclass
class Host:
    """A machine's agent: runs, processes and the code that was sent."""

    runs: dict[str, TrainingStatus] = field(default_factory=dict)
    processes: set[int] = field(default_factory=lambda: {PID})
    sent: set[str] = field(default_factory=set)
    """Runs whose checkpoints are in S3."""
    calls: list[tuple[str, object]] = field(default_factory=list)
    host: object = None

    async def agent(self, instance: object) -> Host:
        return self

    async def agent_of(self, session: TrainingSession) -> Host:
        return self

    async def vitals(self) -> None:
        """It answers."""

    async def send_code(self, job: TrainingJob, *rest: object) -> str:
        return "~/code"

    async def region_of(self, output_dest: str) -> str:
        return "us-east-1"

    async def start(self, request: Any) -> None:
        if request.run_id in self.runs:
            raise AgentError("it exists", code="run_exists")
        self.calls.append(("run", request.run_id))
        self.runs[request.run_id] = TrainingStatus.RUNNING

    async def status(self, run_ids: Sequence[str]) -> list[Any]:
        uploads = SimpleNamespace(waiting="", failed=0)
        told = SimpleNamespace(started_at=START, phase="running", reason="", lost=False, uploads=uploads, bytes_left=0)
        return [told for _ in run_ids]

    async def send(self, run_id: str, where: object, there: object) -> None:
        self.calls.append(("send", run_id))
        self.sent.add(run_id)

    async def stored(self, bucket: str, prefix: str) -> tuple[()]:
        return ()

    async def now(self, run_id: str = "") -> Snapshot[tuple[Checkpoint, ...]]:
        return Snapshot((self.checkpoint(run_id),), START)

    def checkpoint(self, run_id: str) -> Checkpoint:
        """The one that a run has written."""
        here, gone = CheckpointCopy(CopyState.PRESENT), CheckpointCopy(CopyState.ABSENT)
        there = CheckpointCopy(CopyState.VERIFIED) if run_id in self.sent else gone
        return Checkpoint(run_id, "step_5.pt", 5, "pt", 1000, START, None, here, there)

    async def stop(self, run_id: str, grace: float) -> Any:
        self.calls.append(("stop", run_id))
        self.runs[run_id] = TrainingStatus.CANCELLED
        return SimpleNamespace(exit_code=0, status=TrainingStatus.CANCELLED)

    async def look_at(self, processes: Sequence[tuple[int, int | None]]) -> tuple[ProcessLook, ...]:
        return tuple(self._look(pid) for pid, _ in processes)

    def _look(self, pid: int) -> ProcessLook:
        there = HostProcess(pid, BORN, "alice", "python train.py", "python", 1.0, 1.0, 1, 60.0, "S", 1, 1, own=True)
        return ProcessLook(pid, BOX.name, there if pid in self.processes else None)

    async def signal(self, pid: int, start: int, name: str) -> bool:
        self.calls.append((name, pid))
        self.processes.discard(pid)
        return True

    async def process_state(self, pid: int, start: int) -> str:
        return "S" if pid in self.processes else ""


@dataclass
class Book:
    """The register of runs: files of the state folder, and what the host says."""

    files: RunFiles
    host: Host

    async def remember(self, session: TrainingSession) -> None:
        await asyncio.to_thread(self.files.save, session)

    def known(self) -> tuple[TrainingSession, ...]:
        return tuple(self._seen(one) for one in self.files.load().values())

    async def find(self, reference: str) -> TrainingSession:
        for one in self.known():
            if one.id == reference:
                return one
        raise ResourceNotFound(f"there is no run {reference}")

    async def agent_of(self, session: TrainingSession) -> Host:
        return self.host

    async def writing_at(self, addresses: Sequence[str]) -> tuple[TrainingSession, ...]:
        return ()

    def _seen(self, session: TrainingSession) -> TrainingSession:
        if session.id not in self.host.runs:
            return replace(session, status=TrainingStatus.LOST, heard_at=None)
        return replace(session, status=self.host.runs[session.id], heard_at=START)


class HostRig(Rig):
    """A program with hosts, on which runs and processes are."""

    def __init__(self, folder: Path, *, trains: bool = False) -> None:
        super().__init__(folder, BOX)
        self.host = Host()
        self.book = Book(RunFiles(folder / "runs"), self.host)
        if trains:
            self.host.runs[RUN.id] = TrainingStatus.RUNNING
            if not self.book.files.load():
                self.book.files.save(RUN)
        everything, evidence = cast("Any", self.host), cast("Any", self.evidence)
        evidence.run, evidence.runs_on, evidence.checkpoints_of = self.book.find, self._runs_on, self._checkpoints_of
        pipeline = LaunchPipeline(
            PipelineParts(
                registry=self.registry, fleet=cast("Any", self.fleet), hosts=everything, runs=cast("Any", self.book),
                supplies=everything, clock=self.clock, rng=random.Random(), owner=OWNER, terminate=self._terminate,
                relay=lambda: None, checkpoints=everything, policy=lambda: self.policy, sleep=self._sleep,
            )
        )  # fmt: skip
        witnesses = Witnesses(self.book, self.jobs.view, _no_objects, self._runs_there)
        self.journal.witnesses = witnesses.by_operation()
        processes = ProcessActions(self.facts, everything, self.caller, self.locks)
        uploads = RunUploads(
            UploadParts(
                self.facts, self.caller, CleanupSafety(), cast("Any", self.book), everything, lambda: "",
                self.host.region_of, lambda region, size: Unknown("no prices here"), lambda: None,
            )
        )  # fmt: skip
        parts = ActionParts(
            self.facts, self.caller, self.locks, self.jobs, pipeline, processes=processes, run_uploads=uploads
        )
        self.actions = ActionService(parts)

    async def _terminate(self, key: str) -> None:
        raise AssertionError("nothing is to be terminated")

    async def _sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def _runs_there(self, process: str) -> bool:
        return split_reference(process)[1] in self.host.processes

    async def _runs_on(self, instance: object) -> Known[tuple[TrainingSession, ...]]:
        return Known(self.book.known(), self.clock.now(), "fake")

    async def _checkpoints_of(self, session: TrainingSession) -> Known[tuple[Checkpoint, ...]]:
        return Known((self.host.checkpoint(session.id),), self.clock.now(), "fake")

    def no_run_is_lost(self) -> bool:
        """Whether everything that a host runs can be found from here, and what it has sent."""
        places = {one.id: one.output_dest for one in self.book.known()}
        return set(self.host.runs) <= set(places) and all(places[run_id] for run_id in self.host.sent)


def _no_objects() -> Any:
    raise AssertionError("S3 is not asked about runs")
