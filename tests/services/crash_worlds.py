"""Hosts and object stores in memory, for programs that die at any moment of what they do there."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.host import HostProcess, ProcessLook
from runctl_tui.domain.objects import Bucket, EntryKind, ObjectEntry, ObjectFacts, Versioning
from runctl_tui.domain.run import TrainingJob, TrainingSession, TrainingStatus
from runctl_tui.domain.safety import CleanupSafety
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.uploads import UnfinishedUpload, UploadedParts
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.errors import AgentError, ResourceNotFound
from runctl_tui.services.launch.parts import PipelineParts
from runctl_tui.services.launch.pipeline import LaunchPipeline
from runctl_tui.services.process_actions import ProcessActions
from runctl_tui.services.run_uploads import RunUploads, UploadParts
from runctl_tui.services.runs.files import RunFiles
from runctl_tui.services.storage.carry import Carrier
from runctl_tui.services.storage.desk import StorageDesk, StorageParts
from runctl_tui.services.storage.heirlooms import Heirlooms
from runctl_tui.services.storage.survey import Survey
from runctl_tui.services.upload_actions import UploadActions
from runctl_tui.services.upload_owners import UploadOwners
from runctl_tui.services.witnesses import Witnesses
from tests.fakes import OWNER, START, FakeClock, FakeProvider, a_run, an_instance
from tests.services.actions_rig import Rig

BOX = an_instance()
RUN = a_run(BOX)
PID, BORN = 4711, 99
BUCKET = "my-data-here"


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
                supplies=everything, clock=self.clock, rng=random.Random(), owner=OWNER, terminate=_nothing,
                relay=lambda: None, checkpoints=everything, policy=lambda: self.policy, sleep=self.clock.sleep,
            )
        )  # fmt: skip
        self.journal.witnesses = Witnesses(self.book, self.jobs.view, _no_objects).by_operation()
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

    async def _runs_on(self, instance: object) -> Known[tuple[TrainingSession, ...]]:
        return Known(self.book.known(), self.clock.now(), "fake")

    async def _checkpoints_of(self, session: TrainingSession) -> Known[tuple[Checkpoint, ...]]:
        return Known((self.host.checkpoint(session.id),), self.clock.now(), "fake")

    def no_run_is_lost(self) -> bool:
        """Whether everything that a host runs can be found from here, and what it has sent."""
        places = {one.id: one.output_dest for one in self.book.known()}
        return set(self.host.runs) <= set(places) and all(places[run_id] for run_id in self.host.sent)


async def _nothing(key: str) -> None:
    raise AssertionError("nothing is to be terminated")


def _no_objects() -> Any:
    raise AssertionError("S3 is not asked about runs")


@dataclass
class Objects:
    """Buckets in memory, as they are read and changed, with unfinished uploads."""

    clock: FakeClock
    objects: dict[str, bytes] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=lambda: {"u-1"})
    calls: list[tuple[str, object]] = field(default_factory=list)

    async def pages(
        self, bucket: str, prefix: str = "", *, recursive: bool = False
    ) -> AsyncIterator[tuple[ObjectEntry, ...]]:
        yield tuple(self._entry(key) for key in sorted(self.objects) if key.startswith(prefix))

    def _entry(self, key: str) -> ObjectEntry:
        size = len(self.objects[key])
        return ObjectEntry(EntryKind.OBJECT, BUCKET, key, size, START, etag=self.objects[key].hex())

    async def head(self, bucket: str, key: str) -> ObjectFacts:
        if key not in self.objects:
            raise ResourceNotFound(f"there is no {key}")
        entry = self._entry(key)
        return ObjectFacts(bucket, key, entry.size or 0, entry.etag, START)

    async def region_of(self, bucket: str) -> str:
        return "us-east-1"

    async def versioning(self, bucket: str) -> Versioning:
        return Versioning("Off")

    async def bucket_tags(self, bucket: str) -> tuple[tuple[str, str], ...]:
        return ()

    async def copy(self, entry: ObjectEntry, bucket: str, key: str, moved: Any) -> None:
        self.calls.append(("copy", entry.key))
        self.objects[key] = self.objects[entry.key]
        moved(entry.size)

    async def upload(self, source: Path, bucket: str, key: str, moved: Any) -> None:
        content = await asyncio.to_thread(source.read_bytes)
        self.calls.append(("upload", source.name))
        self.objects[key] = content
        moved(len(content))

    async def download(self, entry: ObjectEntry, folder: Path, name: str, moved: Any) -> None:
        await asyncio.to_thread((folder / name).write_bytes, self.objects[entry.key])
        moved(entry.size)

    async def delete(self, bucket: str, entries: Sequence[ObjectEntry]) -> tuple[tuple[str, str], ...]:
        self.calls.append(("delete", tuple(entry.key for entry in entries)))
        for entry in entries:
            del self.objects[entry.key]
        return ()


@dataclass
class Uploads:
    """What is unfinished in the buckets."""

    store: Objects

    async def buckets(self) -> tuple[Bucket, ...]:
        return ()

    async def pages(self, bucket: str, prefix: str = "") -> AsyncIterator[tuple[UnfinishedUpload, ...]]:
        born = START - timedelta(days=30)
        yield tuple(
            UnfinishedUpload(BUCKET, "big.pt", one, "us-east-1", born, OWNER) for one in sorted(self.store.unfinished)
        )

    async def measured(self, upload: UnfinishedUpload) -> UnfinishedUpload:
        parts = Known(UploadedParts(1, 5, upload.started_at), self.store.clock.now(), "fake")
        return replace(upload, parts=parts)

    async def bucket_tags(self, bucket: str) -> tuple[tuple[str, str], ...]:
        return ()

    async def abort(self, upload: UnfinishedUpload) -> None:
        self.store.calls.append(("abort", upload.upload_id))
        self.store.unfinished.remove(upload.upload_id)


class ObjectRig(Rig):
    """A program with an object store."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.here = folder / "here"
        if not self.here.is_dir():
            self.here.mkdir(parents=True)
            (self.here / "d").write_bytes(b"d")
        self.s3 = Objects(self.clock, {f"old/{name}": name.encode() for name in "abc"})
        self.uploads = Uploads(self.s3)
        aws: Any = FakeProvider(name="aws", clock=self.clock)
        aws.uploads = self.uploads
        self.registry.register(aws)
        nobody: Any = Book(RunFiles(folder / "runs"), Host())
        everything: Any = self.s3
        desk = StorageDesk(
            StorageParts(
                self.facts, self.caller, self.locks, self.jobs, Survey(everything),
                Carrier(everything, everything, self.clock), Heirlooms(nobody, nobody),
            )
        )  # fmt: skip
        self.journal.witnesses = Witnesses(nobody, self.jobs.view, lambda: everything).by_operation()
        owners = UploadOwners(self.registry, nobody, self.journal, self.clock, OWNER)
        actions = UploadActions(self.facts, self.caller, owners)
        self.actions = ActionService(
            ActionParts(
                self.facts, self.caller, self.locks, self.jobs, self.executor, storage=desk, uploads=actions
            )
        )  # fmt: skip

    def contents(self) -> set[bytes]:
        """What is anywhere, here or there."""
        return {*self.s3.objects.values(), *(path.read_bytes() for path in self.here.iterdir())}
