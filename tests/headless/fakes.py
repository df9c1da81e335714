"""A small bundle of services with fixed facts: what the command line sees of the world in these tests."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.cost import Billed, CostReport, CostShare, CostSummary, DayCost, ProjectBudget, TrackedResource
from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.host import HostReading
from runctl_tui.domain.instance import Disk, Gpu, Instance
from runctl_tui.domain.launch import CodeSummary, LaunchPreview, LaunchRequest, container_words
from runctl_tui.domain.marks import MarkRequest
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.domain.objects import CopyRequest, DeleteRequest
from runctl_tui.domain.offer import Capabilities, CreateResourceOptions
from runctl_tui.domain.plan import (
    Confirmation,
    JobView,
    Level,
    Operation,
    Plan,
    PlanLine,
    Reason,
    Reversibility,
    Severity,
    Step,
    StepState,
    Target,
    Verdict,
)
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import (
    GpuReading,
    LogChunk,
    ResourceUsage,
    RunUpdate,
    TrainingJob,
    TrainingSession,
    TrainingStatus,
)
from runctl_tui.domain.run_uploads import RunUpload
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import Capability
from runctl_tui.domain.uploads import UnfinishedUpload
from runctl_tui.domain.volume import Storage, Volume, VolumeChange, VolumeSnapshot
from runctl_tui.services.audit import AuditLog
from runctl_tui.services.errors import ResourceNotFound, TrainctlError
from runctl_tui.services.exports import ExportFolder
from runctl_tui.services.ports import Finding, ShellCommand
from runctl_tui.services.ports_services import Services
from runctl_tui.services.registry import Registry
from tests.headless.fake_objects import FakeObjects
from tests.ui.fake_feed import FakeFeed as StorageFeed
from tests.ui.host_data import reading
from tests.ui.tunnel_data import FakeTunnels
from tests.ui.upload_data import FakeUploads
from tests.ui.volume_data import storage

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LOG = "".join(f"step {step}/20 | loss {3 - step / 10:.2f} | ü\n" for step in range(1, 21)).encode()


class FakeClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@dataclass
class FakeFeed(Generic[T]):
    snapshots: list[Snapshot[T]]

    @property
    def latest(self) -> Snapshot[T] | None:
        return self.snapshots[-1]

    async def watch(self) -> AsyncIterator[Snapshot[T]]:
        for snapshot in self.snapshots:
            yield snapshot
        await asyncio.Event().wait()

    def refresh(self) -> None:
        pass


BUSY = ResourceUsage(NOW, cpu_percent=93.0, cpus=4, gpus=(GpuReading(0, "A10G", 97.0, 20_000, 24_000),))
QUIET = ResourceUsage(NOW, cpu_percent=2.0, cpus=4, gpus=(GpuReading(0, "A10G", 0.0, 0, 24_000),))


def idle(row: FleetRow) -> FleetRow:
    """Return a machine as one whose host tells that nothing is at work on it."""
    return replace(row, usage=QUIET)


def machine(**changes: Any) -> FleetRow:
    base = Instance(
        id="i-0123456789abcdef0",
        provider="aws",
        region="us-east-1",
        name="llama-7b",
        state=ResourceState.RUNNING,
        type="g5.xlarge",
        zone="us-east-1a",
        gpu=Gpu("A10G", 1),
        launched_at=NOW - timedelta(hours=2, minutes=5),
        tags=(("runctl:owner", "me"), ("runctl:project", "llama")),
        disks=(Disk("vol-1", "/dev/xvda", 100, "gp3", True, root=True),),
        owner_label="me",
    )
    price = Known(
        Price(Decimal("1.006"), PriceKind.ON_DEMAND, "bundled table", date(2026, 11, 1)), NOW, "bundled table"
    )
    return FleetRow(replace(base, **changes), price, Decimal("8.00"), Decimal("2.1"), usage=BUSY, runs_unknown="")


def run(**changes: Any) -> TrainingSession:
    base = TrainingSession(
        id="r-01abcdef",
        name="llama-7b",
        project="llama",
        provider="aws",
        instance_id="i-0123456789abcdef0",
        region="us-east-1",
        status=TrainingStatus.RUNNING,
        script="train.py",
        args=("--steps", "20"),
        started_at=NOW - timedelta(hours=1),
        checkpoints=2,
        output_dest="s3://bucket/runs",
    )
    return replace(base, **changes)


def checkpoint(step: int = 100, state: CopyState = CopyState.VERIFIED, **changes: Any) -> Checkpoint:
    name = f"step_{step:06d}.json"
    base = Checkpoint(
        run_id="r-01abcdef",
        name=name,
        step=step,
        format="json",
        size_bytes=2048,
        created_at=NOW - timedelta(minutes=5),
        loss=2.5,
        host=CheckpointCopy(CopyState.PRESENT, f"/home/ubuntu/checkpoints/{name}"),
        s3=CheckpointCopy(state, f"s3://bucket/runs/r-01abcdef/{name}"),
    )
    return replace(base, **changes)


def plan(operation: Operation, **changes: Any) -> Plan:
    level = {Operation.TERMINATE: Level.NAME, Operation.LAUNCH: Level.YES, Operation.START: Level.YES}
    target = Target("instance", "i-0123456789abcdef0", "llama-7b", "aws", "us-east-1")
    base = Plan(
        operation=operation,
        targets=() if operation is Operation.LAUNCH else (target,),
        effect=f"{operation} llama-7b",
        reversibility=Reversibility.IRREVERSIBLE,
        verdict=Verdict((), level.get(operation, Level.ENTER)),
        made_at=NOW,
        lines=(PlanLine("COST", "$1.01 per hour ends", NOW), PlanLine("DIES", "disk vol-1, 100 GiB")),
        usd_per_hour=Decimal("1.006"),
    )
    return replace(base, **changes)


BLOCKED = Verdict(
    (
        Reason(
            "training_runs", Severity.BLOCK, "training r-01abcdef runs on it", Level.NEVER, offer="stop the run first"
        ),
    )
)


@dataclass
class World:
    """What the fakes say, and what was done to them."""

    machines: tuple[FleetRow, ...] = field(default_factory=lambda: (machine(),))
    missing: tuple[Problem, ...] = ()
    marks: list[MarkRequest] = field(default_factory=list)
    uploading: list[RunUpload] = field(default_factory=list)
    billed: tuple[Billed, ...] = ()
    costs_unread: bool = False
    """Nobody could look at the cloud, and nothing was ever seen there."""
    tracked_volumes: tuple[TrackedResource, ...] = ()
    runs: list[TrainingSession] = field(default_factory=lambda: [run()])
    checkpoints: list[tuple[Checkpoint, ...]] = field(default_factory=lambda: [(checkpoint(200), checkpoint(100))])
    log: bytes = LOG
    plan_changes: dict[str, Any] = field(default_factory=dict)
    many: bool = False
    """Whether plans name what they were asked about, instead of one machine always."""
    refused: dict[str, Verdict] = field(default_factory=dict)
    """What plans about these keys meet."""
    views: list[JobView] = field(default_factory=list)
    defaults: LaunchRequest = field(
        default_factory=lambda: LaunchRequest(
            CreateResourceOptions("aws", "us-east-1", "", "", "demo"),
            job=TrainingJob("", output_dest="s3://bucket/runs"),
        )
    )
    storage: StorageFeed[Storage] = field(default_factory=lambda: StorageFeed(storage()))
    uploads: StorageFeed[tuple[UnfinishedUpload, ...]] = field(default_factory=lambda: StorageFeed(()))
    changes: list[VolumeChange] = field(default_factory=list)
    committed: list[tuple[Plan, Confirmation]] = field(default_factory=list)
    declined: list[Plan] = field(default_factory=list)
    answered: list[tuple[object, object]] = field(default_factory=list)
    """Why, and which answer, of each of those; None where a person only did not confirm."""
    requests: list[LaunchRequest] = field(default_factory=list)
    host: HostReading = field(default_factory=reading)
    tunnels: FakeTunnels = field(default_factory=FakeTunnels)
    preview_error: TrainctlError | None = None
    """Why no launch can be looked at."""
    unreachable: TrainctlError | None = None
    """Why no host can be asked."""
    stored: list[CopyRequest | DeleteRequest] = field(default_factory=list)
    planned: list[tuple[Operation, tuple[str, ...]]] = field(default_factory=list)
    answers: list[bool] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    providers: tuple[str, ...] = ("aws", "runpod", "local")
    interrupted_at: int | None = None
    """The view before which somebody presses ctrl+c."""
    sandbox_words: list[tuple[str, ...]] = field(default_factory=list)
    reports: list[tuple[str, datetime | None, datetime | None]] = field(default_factory=list)
    """What divided costs were asked for."""
    budget: Decimal = Decimal(200)
    project_budgets: tuple[ProjectBudget, ...] = ()
    shares: tuple[CostShare, ...] = (
        CostShare("llama", Decimal("30.50"), 0.0, 1),
        CostShare("", Decimal("9.50"), 60.0, 2),
        CostShare("sdxl", Decimal(0), 3600.0, 1),
        CostShare("tiny", Decimal("0.0042"), 0.0, 1),
    )
    """What money was spent on, whatever it is divided by."""
    started: int = 0
    closed: int = 0
    on_commit: Callable[[Plan], None] = lambda plan: None
    looks: int = 0
    """How often a provider was asked for one machine."""
    on_look: Callable[[int], None] = lambda number: None
    """Called before each of those."""
    ssh_errors: list[TrainctlError] = field(default_factory=list)
    printed: tuple[str, ...] = ()
    """What containers print."""
    """What the next attempts to reach a machine meet."""

    async def gate(self) -> None:
        """Let every call through."""


def view(ended: bool = True, ok: bool | None = True, **changes: Any) -> JobView:
    base = JobView(
        id="j-1",
        title="launch llama-7b",
        steps=(
            Step("create", "create", StepState.DONE if ok else StepState.FAILED, "i-0123456789abcdef0", seconds=1.5),
        ),
        started_at=NOW,
        ended_at=NOW if ended else None,
        ok=ok if ended else None,
        result="llama-7b is ready" if ok else "no capacity",
        run_id="r-01abcdef",
        instance_id="i-0123456789abcdef0",
    )
    return replace(base, **changes)


class FakeFleet:
    def __init__(self, world: World) -> None:
        self.world = world

    async def now(self) -> Snapshot[tuple[FleetRow, ...]]:
        return Snapshot(self.world.machines, NOW, ("aws/us-east-1",), self.world.missing)

    async def logs(self, reference: str, follow: bool = True) -> AsyncIterator[str]:
        for line in self.world.printed:
            yield line

    async def find(self, reference: str) -> FleetRow:
        for row in self.world.machines:
            if reference in (row.key, row.instance.id, row.instance.name):
                return row
        raise ResourceNotFound(f"no machine {reference!r}", todo="'instances list' shows them")

    async def describe(self, key: str) -> Mapping[str, object]:
        return {"InstanceId": "i-0123456789abcdef0", "LaunchTime": NOW}


class FakeRegistry:
    """One provider for every name; a machine that is not listed is not known to it either."""

    def __init__(self, world: World, name: str = "") -> None:
        self.world = world
        self.name = name
        refused = {Capability.CREATE: "it is here already"} if name == "local" else {}
        self.capabilities = Capabilities(refused)

    def get(self, name: str) -> FakeRegistry:
        if name not in self.world.providers:
            Registry(self.all()).get(name)  # type: ignore[arg-type]  # it raises as the real one does
        return FakeRegistry(self.world, name)

    def all(self) -> tuple[FakeRegistry, ...]:
        return tuple(FakeRegistry(self.world, name) for name in self.world.providers)

    def regions(self) -> tuple[str, ...]:
        return ("secure", "community")

    async def get_resource_status(self, resource_id: str, region: str = "") -> Instance:
        self.world.looks += 1
        self.world.on_look(self.world.looks)
        return (await FakeFleet(self.world).find(resource_id)).instance


class FakeShells:
    """What is run for a machine is run here."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def command(self, key: str, words: Sequence[str] = ()) -> ShellCommand:
        return ShellCommand(tuple(words) or ("sh", "-c", "exit 7"), {"ON": key})

    async def reach(self, key: str) -> None:
        if self.world.ssh_errors:
            raise self.world.ssh_errors.pop(0)


class FakeRuns:
    def __init__(self, world: World) -> None:
        self.world = world

    async def now(self, machine: str = "") -> Snapshot[tuple[TrainingSession, ...]]:
        return Snapshot(tuple(self.world.runs), NOW, (), self.world.missing)

    async def find(self, reference: str) -> TrainingSession:
        for item in self.world.runs:
            if item.id.startswith(reference) or item.name == reference:
                return item
        raise ResourceNotFound(f"no run {reference!r}")

    async def follow(self, run_id: str, offset: int = 0) -> AsyncIterator[RunUpdate]:
        log = self.world.log
        half = len(log) // 2 + 1
        yield RunUpdate(chunk=LogChunk(0, log[:half]))
        yield RunUpdate(link="link lost, next try in 1 s")
        yield RunUpdate(chunk=LogChunk(half - 10, log[half - 10 : half + 5]), link="")
        self.world.runs[0] = replace(
            self.world.runs[0], status=self.ending, exit_code=self.exit_code, reason=self.reason
        )
        yield RunUpdate(session=self.world.runs[0])

    ending = TrainingStatus.COMPLETED
    exit_code = 0
    reason = ""

    async def log(self, run_id: str, tail_bytes: int | None = None) -> bytes:
        return self.world.log


class FakeCheckpoints:
    def __init__(self, world: World) -> None:
        self.world = world

    def feed(self, run_id: str = "") -> FakeFeed[tuple[Checkpoint, ...]]:
        return FakeFeed([Snapshot(item, NOW) for item in self.world.checkpoints])

    async def now(self, run_id: str = "") -> Snapshot[tuple[Checkpoint, ...]]:
        return Snapshot(self.world.checkpoints[-1], NOW)

    async def look_into(self, folder: str) -> str:
        return folder


class FakeVolumes:
    def __init__(self, world: World) -> None:
        self.world = world

    async def now(self) -> Snapshot[Storage]:
        assert self.world.storage.latest
        return self.world.storage.latest

    async def find(self, reference: str) -> Volume:
        return next(one for one in (await self.now()).value.volumes if reference in (one.key, one.id, one.name))

    async def find_snapshot(self, reference: str) -> VolumeSnapshot:
        return next(one for one in (await self.now()).value.snapshots if reference in (one.key, one.id, one.name))

    async def describe(self, key: str) -> dict[str, object]:
        return {"VolumeId": key.partition("/")[2]}


class FakeLauncher:
    def __init__(self, world: World) -> None:
        self.world = world

    async def preview(self, request: LaunchRequest) -> LaunchPreview:
        if self.world.preview_error is not None:
            raise self.world.preview_error
        code = CodeSummary("/project", 3, 2048) if request.job else None
        words = container_words(request.options) if request.options else ""
        return LaunchPreview(await FakeActions(self.world).plan_launch(request), code, container=words)

    def default_type(self, provider: str) -> str:
        options = self.world.defaults.options
        return options.type if options is not None else ""

    def project_of(self, folder: str) -> str:
        return Path(folder).name

    def defaults(self) -> LaunchRequest:
        return self.world.defaults


class FakeActions:
    def __init__(self, world: World) -> None:
        self.world = world

    async def plan(self, operation: Operation, references: Sequence[str]) -> Plan:
        self.world.planned.append((operation, tuple(references)))
        refused = next((self.world.refused[one] for one in references if one in self.world.refused), None)
        targets = tuple(Target("instance", key.partition("/")[2], key, "aws", "us-east-1") for key in references)
        more: dict[str, Any] = {"targets": targets, "effect": f"{operation} {', '.join(references)}"}
        more |= {"verdict": refused} if refused else {}
        return plan(operation, **(more if self.world.many else {}), **self.world.plan_changes)

    async def plan_storage(self, request: CopyRequest | DeleteRequest) -> Plan:
        self.world.stored.append(request)
        operation = Operation.S3_DELETE if isinstance(request, DeleteRequest) else request.operation
        return plan(operation, **self.world.plan_changes)

    async def plan_launch(self, request: LaunchRequest) -> Plan:
        self.world.requests.append(request)
        return plan(Operation.LAUNCH, **self.world.plan_changes)

    async def plan_volume(self, change: VolumeChange) -> Plan:
        self.world.changes.append(change)
        return plan(change.operation, **self.world.plan_changes)

    async def plan_marks(self, request: MarkRequest) -> Plan:
        self.world.marks.append(request)
        return plan(request.operation, **self.world.plan_changes)

    async def plan_upload(self, request: RunUpload) -> Plan:
        self.world.uploading.append(request)
        return plan(Operation.RUN_UPLOAD, **self.world.plan_changes)

    async def take_up(self, job_id: str) -> str:
        raise NotImplementedError(job_id)

    async def decline(self, plan: Plan, error: object = None, answer: object = None) -> None:
        self.world.declined.append(plan)
        self.world.answered.append((error, answer))

    async def commit(self, plan: Plan, confirmation: Confirmation) -> str:
        self.world.committed.append((plan, confirmation))
        self.world.on_commit(plan)
        return "j-1"


class FakeJobs:
    def __init__(self, world: World) -> None:
        self.world = world

    async def drain(self) -> None:
        pass

    async def watch(self, job_id: str) -> AsyncIterator[JobView]:
        for number, item in enumerate(self.world.views or [view()]):
            if number == self.world.interrupted_at:
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0.05)
            yield item

    def answer(self, job_id: str, yes: bool) -> None:
        self.world.answers.append(yes)

    def cancel(self, job_id: str) -> None:
        self.world.cancelled.append(job_id)


class FakeCosts:
    def __init__(self, world: World) -> None:
        self.world = world

    async def now(self) -> CostSummary:
        if self.world.costs_unread:
            zero = Decimal(0)
            return CostSummary(NOW, zero, zero, zero, zero, None, ("AWS (not connected)",), True, 1, unread=True)
        return CostSummary(
            as_of=NOW,
            burn_per_hour=Decimal("1.006"),
            today=Decimal("2.10"),
            month=Decimal(40),
            forecast=Decimal("280.5"),
            budget=self.world.budget,
            excluded=("us-west-2", "2 unpriced types"),
            estimated=True,
            running=1,
            billed=self.world.billed,
            projects=self.world.project_budgets,
        )

    async def resources(self) -> tuple[TrackedResource, ...]:
        return (
            TrackedResource(
                id="i-0123456789abcdef0",
                kind="instance",
                provider="aws",
                region="us-east-1",
                name="llama-7b",
                state=ResourceState.RUNNING,
                project="llama",
                run="",
                usd_per_hour=None,
                accumulated=Decimal("2.10"),
                unpriced_seconds=60,
                first_seen_at=NOW,
                last_seen_at=NOW,
            ),
            *self.world.tracked_volumes,
        )

    async def by(self, dimension: str) -> tuple[tuple[str, str], ...]:
        return (("llama", "30.50"), ("", "9.50"))

    async def run_cost(self, run_id: str) -> Decimal | None:
        return None

    async def report(
        self, dimension: str = "project", since: datetime | None = None, until: datetime | None = None
    ) -> CostReport:
        start = since or NOW.replace(day=1, hour=0)
        self.world.reports.append((dimension, since, until))
        return CostReport(
            by=dimension,
            since=start,
            until=until or NOW,
            total=Decimal(40),
            shares=self.world.shares,
            days=(
                DayCost(start.date(), Decimal("37.90")),
                DayCost((start + timedelta(days=1)).date(), Decimal("2.10"), 3660.0),
            ),
            unpriced=("db (p9.huge)",),
            recorded_since=start,
            tags=("team",),
        )


class FakeHosts:
    def __init__(self, world: World) -> None:
        self.world = world

    def feed(self, key: str) -> FakeFeed[HostReading]:
        return FakeFeed([Snapshot(replace(self.world.host, key=key), NOW)] * 2)

    async def now(self, key: str) -> Snapshot[HostReading]:
        if self.world.unreachable is not None:
            raise self.world.unreachable
        return Snapshot(replace(self.world.host, key=key), NOW)


class FakeDoctor:
    async def examine(self) -> tuple[Finding, ...]:
        return (Finding("aws", False, "no credentials", "aws configure sso"), Finding("state", True, "private"))


class FakeSandbox:
    def __init__(self, world: World) -> None:
        self.world = world

    async def command(self, words: Sequence[str]) -> str:
        self.world.sandbox_words.append(tuple(words))
        return "done"

    async def leaving(self) -> str:
        return ""


def services(world: World, *, sandbox: bool = True) -> Services:
    async def start() -> AsyncIterator[str]:
        world.started += 1
        yield "starting the sandbox"

    def close() -> None:
        world.closed += 1

    ports: dict[str, object] = {
        "clock": FakeClock(),
        "session": None,
        "registry": FakeRegistry(world),
        "fleet": FakeFleet(world),
        "runs": FakeRuns(world),
        "checkpoints": FakeCheckpoints(world),
        "volumes": FakeVolumes(world),
        "objects": FakeObjects(),
        "uploads": FakeUploads(world),
        "launcher": FakeLauncher(world),
        "actions": FakeActions(world),
        "jobs": FakeJobs(world),
        "costs": FakeCosts(world),
        "hosts": FakeHosts(world),
        "tunnels": world.tunnels,
        "shells": FakeShells(world),
        "histories": None,
        "memory": None,
        "settings": None,
        "doctor": FakeDoctor(),
        "sandbox": FakeSandbox(world) if sandbox else None,
        "log_path": "/tmp/log",
        "start": start,
        "warm_up": None,
        "relay": None,
        "audit": AuditLog(Path("audit.jsonl"), FakeClock()),
        "exports": ExportFolder(Path.cwd, FakeClock()),
        "close": close,
    }
    return Services(**cast(Any, ports))
