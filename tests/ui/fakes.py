"""A complete Services bundle on fixed data, with failures on demand: hang, error, partial, empty."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from runctl_tui.domain.audit import AuditEntry, Chain
from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.cost import CostReport, CostShare, CostSummary, TrackedResource
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.history import History
from runctl_tui.domain.host import HostReading
from runctl_tui.domain.launch import LaunchPreview, LaunchRequest, container_words
from runctl_tui.domain.marks import MarkRequest
from runctl_tui.domain.objects import CopyRequest, DeleteRequest
from runctl_tui.domain.offer import Capabilities, TypeOffer
from runctl_tui.domain.plan import (
    Confirmation,
    JobView,
    Level,
    Operation,
    Plan,
    PlanLine,
    Reason,
    Reversibility,
    Target,
    Verdict,
)
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.run import LogChunk, RunUpdate, TrainingSession
from runctl_tui.domain.run_uploads import RunUpload
from runctl_tui.domain.setting_spec import SettingDraft
from runctl_tui.domain.settings import SCHEMA, SPECS
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import DESTROYING, Capability
from runctl_tui.domain.uploads import UnfinishedUpload
from runctl_tui.domain.volume import Storage, Volume, VolumeChange, VolumeShape, VolumeSnapshot
from runctl_tui.services.config.values import parse, show
from runctl_tui.services.errors import CloudProviderError, InvalidValue, ResourceNotFound, ValidationError
from runctl_tui.services.ports import Finding, SessionFacts, Setting, ShellCommand
from runctl_tui.services.ports_services import Services
from tests.ui import fake_data as data
from tests.ui.audit_data import audit
from tests.ui.fake_feed import FakeClock, FakeFeed
from tests.ui.fake_objects import FakeBucket, FakeObjects, some_buckets, storage_plan
from tests.ui.host_data import HostFeeds
from tests.ui.tunnel_data import FakeTunnels
from tests.ui.upload_data import FakeUploads
from tests.ui.volume_data import network_volumes, storage

FILE = "/home/alice/.config/runctl-tui/config.toml"
Mode = Literal["ok", "hang", "error"]


@dataclass
class World:
    """Everything that the fakes answer with; tests change it and look at what was asked of it."""

    mode: Mode = "ok"
    """What each asynchronous call does."""
    marks: list[MarkRequest] = field(default_factory=list)
    uploading: list[RunUpload] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)
    facts: SessionFacts = data.FACTS
    settings: dict[str, object] = field(default_factory=lambda: {"ui.keymap": {}, "ui.theme": "runctl-dark"})
    fleet: FakeFeed[tuple[FleetRow, ...]] = field(default_factory=lambda: FakeFeed(data.fleet(), ("aws", "local")))
    runs: FakeFeed[tuple[TrainingSession, ...]] = field(default_factory=lambda: FakeFeed(data.RUNS))
    checkpoints: FakeFeed[tuple[Checkpoint, ...]] = field(default_factory=lambda: FakeFeed(data.checkpoints()))
    interrupted: tuple[JobView, ...] = ()
    taken_up: list[str] = field(default_factory=list)
    volumes: FakeFeed[Storage] = field(default_factory=lambda: FakeFeed(storage()))
    uploads: FakeFeed[tuple[UnfinishedUpload, ...]] = field(default_factory=lambda: FakeFeed(()))
    tunnels: FakeTunnels = field(default_factory=FakeTunnels)
    hosts: HostFeeds = field(default_factory=HostFeeds)
    budgets: Mapping[str, Decimal] = field(default_factory=dict)
    """Of projects."""
    costs: FakeFeed[CostSummary] = field(default_factory=lambda: FakeFeed(data.COST))
    jobs: FakeFeed[tuple[JobView, ...]] = field(default_factory=lambda: FakeFeed((data.job(),)))
    log: bytes = field(default_factory=data.log_text)
    buckets: dict[str, FakeBucket] = field(default_factory=some_buckets)
    run_costs: dict[str, Decimal] = field(default_factory=lambda: {data.LLAMA_RUN.id: Decimal("406.26")})
    link: str = ""
    with_runpod: bool = False
    start_words: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    """What plans about objects leave out."""
    """What the next plan's verdict says besides its level."""
    refused: dict[str, Reason] = field(default_factory=dict)
    """What forbids plans that name these keys."""
    plan_parameters: tuple[tuple[str, str], ...] = ()
    price_unknown: bool = False
    shell: ShellCommand = field(default_factory=lambda: ShellCommand(("true",), {}))
    leaving: str = ""
    updates: asyncio.Queue[RunUpdate] = field(default_factory=asyncio.Queue)
    planned: list[tuple[Operation, tuple[str, ...]]] = field(default_factory=list)
    changes: list[VolumeChange] = field(default_factory=list)
    previewed: list[LaunchRequest] = field(default_factory=list)
    storage: list[CopyRequest | DeleteRequest] = field(default_factory=list)
    committed: list[tuple[Plan, Confirmation]] = field(default_factory=list)
    answered: list[tuple[str, bool]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    sandbox_words: list[tuple[str, ...]] = field(default_factory=list)
    audit: FakeFeed[tuple[AuditEntry, ...]] = field(default_factory=lambda: FakeFeed(audit()))
    declined: list[Plan] = field(default_factory=list)
    sandbox_ended: asyncio.Event = field(default_factory=asyncio.Event)
    armed: list[float] = field(default_factory=list)
    exported: list[tuple[str, str]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    reports: list[tuple[str, datetime | None, datetime | None]] = field(default_factory=list)
    default_types: dict[str, str] = field(default_factory=lambda: {"aws": "t3.micro"})
    """What a launch starts with, at the providers that offer something."""
    findings: tuple[Finding, ...] = ()
    """What the doctor finds besides that the terminal is fine."""
    wrong_settings: tuple[Problem, ...] = ()
    others: dict[str, World] = field(default_factory=dict)
    """The worlds of other profiles and regions, once somebody went there."""
    idle: bool = False
    """Whether nobody has pressed a key for long."""
    kept: dict[str, object] = field(default_factory=dict)
    closed: int = 0

    async def gate(self) -> None:
        """Let a call through, keep it for ever, or fail it."""
        if self.mode == "hang":
            await asyncio.Event().wait()
        if self.mode == "error":
            raise CloudProviderError(
                "EC2 said no", "you are not authorized", "ask for ec2:*", code="UnauthorizedOperation"
            )

    def empty(self) -> World:
        """Return this world without anything in it."""
        self.fleet, self.runs, self.checkpoints = FakeFeed(()), FakeFeed(()), FakeFeed(())
        self.jobs, self.volumes = FakeFeed(()), FakeFeed(Storage())
        return self

    def loading(self) -> World:
        """Return this world before its first answers."""
        self.fleet, self.runs, self.checkpoints = FakeFeed(None), FakeFeed(None), FakeFeed(None)
        self.jobs, self.costs, self.volumes = FakeFeed(None), FakeFeed(None), FakeFeed(None)
        return self

    def hanging(self) -> World:
        """Return this world with every backend silent for ever."""
        self.mode = "hang"
        return self.loading()

    def with_pods(self) -> World:
        """Return this world with a RunPod account and its network volumes."""
        self.with_runpod = True
        stored = storage()
        self.volumes = FakeFeed(replace(stored, volumes=(*stored.volumes, *network_volumes())))
        return self

    def alone(self) -> World:
        """Return this world without any cloud: no credentials, and only this machine."""
        here = tuple(row for row in data.fleet() if row.instance.provider == "local")
        self.fleet.push(here, (data.NO_CREDENTIALS,))
        self.facts = replace(data.FACTS, sandbox=False, profile="", who="", expires_in=None)
        todo = "aws sso login, or name a profile: --profile NAME"
        self.findings = (
            Finding("aws", False, "no usable credentials; tried: the environment, the profile's files", todo),
            Finding("s3", False, "no bucket for checkpoints: 'train' refuses", "set aws.s3_bucket"),
        )
        return self

    def partial(self) -> World:
        """Return this world with one region missing."""
        rows = tuple(row for row in data.fleet() if row.instance.region != data.US_WEST)
        self.fleet.push(rows, (data.THROTTLED,), data.ago(seconds=48))
        return self

    def services(self) -> Services:
        """Return the bundle that an application is given."""
        return Services(
            clock=self.clock,
            session=FakeSession(self),
            registry=FakeRegistry(self),
            fleet=FakeFleet(self),
            runs=FakeRuns(self),
            checkpoints=FakeCheckpoints(self),
            volumes=FakeVolumes(self),
            objects=FakeObjects(self),
            uploads=FakeUploads(self),
            launcher=FakeLauncher(self),
            actions=FakeActions(self),
            jobs=FakeJobs(self),
            costs=FakeCosts(self),
            histories=FakeHistories(self),
            memory=FakeMemory(self),
            shells=FakeShells(self),
            hosts=FakeHosts(self),
            tunnels=self.tunnels,
            settings=FakeSettings(self),
            doctor=FakeDoctor(self),
            sandbox=FakeSandbox(self) if self.facts.sandbox else None,
            exports=FakeExports(self),
            audit=FakeAudit(self),
            log_path="/home/alice/.local/state/runctl-tui/runctl-tui.log",
            start=self._start,
            warm_up=self.gate,
            relay=self.gate,
            close=self._close,
            touch=self._touch,
            elsewhere=FakeElsewhere(self),
        )

    async def _start(self) -> AsyncIterator[str]:
        for words in self.start_words:
            yield words
        await self.gate()

    def _touch(self) -> bool:
        was, self.idle = self.idle, False
        return was

    def _close(self) -> None:
        self.closed += 1


class _Part:
    def __init__(self, world: World) -> None:
        self.world = world


class FakeSession(_Part):
    async def facts(self) -> SessionFacts:
        await self.world.gate()
        return self.world.facts

    def cached(self) -> SessionFacts:
        return self.world.facts

    def arm(self, seconds: float) -> None:
        self.world.armed.append(seconds)


class FakeProvider(_Part):
    def __init__(self, world: World, name: str, label: str, refused: Mapping[Capability, str]) -> None:
        super().__init__(world)
        self.name, self.label = name, label
        self.capabilities = Capabilities(refused)

    def regions(self) -> tuple[str, ...]:
        return self.world.facts.regions if self.name == "aws" else ("local",)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the interface must not call {name} of a provider")


class FakeRegistry(_Part):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        no = "this machine is yours; only its runs can be changed"
        verbs = (Capability.CREATE, Capability.START, Capability.STOP, Capability.TERMINATE, Capability.LOGS)
        refused = dict.fromkeys(verbs, no)
        aws = FakeProvider(world, "aws", "AWS", {Capability.LOGS: "open a shell"})
        local = FakeProvider(world, "local", "this machine", refused)
        self._providers = {"aws": aws, "local": local}
        if world.with_runpod:
            never = "RunPod mounts it when a pod is created"
            cannot = {Capability.ATTACH: never, Capability.SNAPSHOTS: "RunPod has no snapshots"}
            self._providers["runpod"] = FakeProvider(world, "runpod", "RunPod", cannot)

    def register(self, provider: Any) -> None:
        raise AssertionError("the interface registers nothing")

    def get(self, name: str) -> Any:
        if name not in self._providers:
            raise ResourceNotFound(f"no provider {name!r}")
        return self._providers[name]

    def all(self) -> tuple[Any, ...]:
        return tuple(self._providers.values())


class FakeFleet(_Part):
    @property
    def feed(self) -> FakeFeed[tuple[FleetRow, ...]]:
        return self.world.fleet

    async def now(self) -> Snapshot[tuple[FleetRow, ...]]:
        await self.world.gate()
        assert self.world.fleet.latest
        return self.world.fleet.latest

    async def find(self, reference: str) -> FleetRow:
        rows = (await self.now()).value
        for row in rows:
            if reference in (row.key, row.instance.id, row.instance.name):
                return row
        raise ResourceNotFound(f"no machine {reference!r}")

    async def describe(self, key: str) -> Mapping[str, object]:
        row = await self.find(key)
        return {"InstanceId": row.instance.id, "InstanceType": row.instance.type, "Tags": dict(row.instance.tags)}

    async def logs(self, reference: str, follow: bool = True) -> AsyncIterator[str]:
        for line in ("Pod Started", "\x1b[31mSetting up SSH..."):
            yield line
        await self.world.gate()
        raise CloudProviderError("the log could not be read", "the pod is gone")


class FakeRuns(_Part):
    @property
    def feed(self) -> FakeFeed[tuple[TrainingSession, ...]]:
        return self.world.runs

    async def now(self, machine: str = "") -> Snapshot[tuple[TrainingSession, ...]]:
        await self.world.gate()
        assert self.world.runs.latest
        return self.world.runs.latest

    async def find(self, reference: str) -> TrainingSession:
        for session in (await self.now()).value:
            if session.id == reference or session.name == reference:
                return session
        raise ResourceNotFound(f"no run {reference!r}")

    async def follow(self, run_id: str, offset: int = 0) -> AsyncIterator[RunUpdate]:
        self.world.followed.append(run_id)
        await self.world.gate()
        yield RunUpdate(chunk=LogChunk(0, self.world.log), usage=data.USAGE, link=self.world.link)
        while True:
            yield await self.world.updates.get()

    async def log(self, run_id: str, tail_bytes: int | None = None) -> bytes:
        await self.world.gate()
        return self.world.log

    async def forget(self, run_id: str) -> None:
        await self.world.gate()
        self.world.forgotten.append(run_id)


class FakeCheckpoints(_Part):
    def feed(self, run_id: str = "") -> FakeFeed[tuple[Checkpoint, ...]]:
        return self.world.checkpoints

    async def now(self, run_id: str = "") -> Snapshot[tuple[Checkpoint, ...]]:
        await self.world.gate()
        assert self.world.checkpoints.latest
        return self.world.checkpoints.latest

    async def look_into(self, folder: str) -> str:
        await self.world.gate()
        if folder.endswith("/nowhere"):
            raise ResourceNotFound(f"{folder} is no folder on this machine")
        return folder.replace("~", "/home/alice")


class FakeVolumes(_Part):
    @property
    def feed(self) -> FakeFeed[Storage]:
        return self.world.volumes

    async def now(self) -> Snapshot[Storage]:
        await self.world.gate()
        assert self.world.volumes.latest
        return self.world.volumes.latest

    async def find(self, reference: str) -> Volume:
        return next(one for one in (await self.now()).value.volumes if reference in (one.key, one.id, one.name))

    async def find_snapshot(self, reference: str) -> VolumeSnapshot:
        return next(one for one in (await self.now()).value.snapshots if reference in (one.key, one.id, one.name))

    async def describe(self, key: str) -> Mapping[str, object]:
        await self.world.gate()
        return {"VolumeId": key.partition("/")[2], "VolumeType": "gp3"}

    async def zones(self, provider: str) -> tuple[str, ...]:
        return ("EU-RO-1", "US-KS-2", "US-TX-3") if provider == "runpod" else ()

    def month(self, provider: str, region: str, shape: VolumeShape) -> Fact[Decimal]:
        if region == data.US_WEST:
            return Unknown(f"the price list of {region} has not answered yet")
        return Known(Decimal("0.08") * shape.size_gib, self.world.clock.now(), "AWS Pricing API")


class FakeLauncher(_Part):
    async def offers(self, provider: str, region: str) -> tuple[TypeOffer, ...]:
        await self.world.gate()
        return data.offers(region) if provider in self.world.default_types else ()

    def disk_month(self, provider: str, region: str, gib: int) -> Fact[Decimal]:
        return Known(Decimal("0.08") * gib, self.world.clock.now(), "table")

    async def preview(self, request: LaunchRequest) -> LaunchPreview:
        self.world.previewed.append(request)
        plan = await FakeActions(self.world).plan_launch(request)
        words = container_words(request.options) if request.options else ""
        return LaunchPreview(plan, data.CODE, self.disk_month("aws", "us-east-1", 30), words)

    def default_type(self, provider: str) -> str:
        return self.world.default_types.get(provider, "")

    def project_of(self, folder: str) -> str:
        return Path(folder).name

    def defaults(self) -> LaunchRequest:
        return data.request()


class FakeActions(_Part):
    async def plan(self, operation: Operation, references: Sequence[str]) -> Plan:
        self.world.planned.append((operation, tuple(references)))
        await self.world.gate()
        plan = self._plan(operation, tuple(self._target(reference) for reference in references))
        refused = tuple(self.world.refused[one] for one in references if one in self.world.refused)
        return replace(plan, verdict=replace(plan.verdict, reasons=(*plan.verdict.reasons, *refused)))

    async def plan_launch(self, request: LaunchRequest) -> Plan:
        await self.world.gate()
        name = request.options.name if request.options else request.instance_key
        region = request.options.region if request.options else ""
        operation = Operation.LAUNCH if request.options else Operation.RUN_START
        return self._plan(operation, (Target("instance", name, name, "aws", region),))

    async def plan_volume(self, change: VolumeChange) -> Plan:
        self.world.changes.append(change)
        await self.world.gate()
        if change.new is not None:
            if change.new.name in [one.name for one in storage().volumes]:
                raise ValidationError(f"The name {change.new.name!r} is taken", "vol-1 has it", "choose another name")
            target = Target("volume", "", change.new.name, change.new.provider, change.new.region)
            return self._plan(change.operation, (target,))
        return self._plan(change.operation, tuple(self._target(reference) for reference in change.references))

    async def plan_marks(self, request: MarkRequest) -> Plan:
        self.world.marks.append(request)
        await self.world.gate()
        return self._plan(request.operation, tuple(self._target(reference) for reference in request.references))

    async def plan_upload(self, request: RunUpload) -> Plan:
        self.world.uploading.append(request)
        await self.world.gate()
        return self._plan(Operation.RUN_UPLOAD, tuple(self._target(reference) for reference in request.runs))

    async def plan_storage(self, request: CopyRequest | DeleteRequest) -> Plan:
        self.world.storage.append(request)
        await self.world.gate()
        plan = storage_plan(request, self.world.reasons, self.world.clock.now())
        return replace(plan, skipped=self.world.skipped)

    async def take_up(self, job_id: str) -> str:
        self.world.taken_up.append(job_id)
        self.world.jobs.push((data.job("j-taken"), *self.world.interrupted))
        return "j-taken"

    async def decline(self, plan: Plan, error: object = None, answer: object = None) -> None:
        self.world.declined.append(plan)

    async def commit(self, plan: Plan, confirmation: Confirmation) -> str:
        await self.world.gate()
        self.world.committed.append((plan, confirmation))
        job = data.job(f"j-{len(self.world.committed) + 1}", title=plan.effect)
        latest = self.world.jobs.latest
        self.world.jobs.push((job, *(latest.value if latest else ())))
        return job.id

    def _target(self, reference: str) -> Target:
        for row in self.world.fleet.latest.value if self.world.fleet.latest else ():
            if row.key == reference:
                machine = row.instance
                return Target("instance", machine.id, machine.name, machine.provider, machine.region)
        kept = self.world.volumes.latest.value if self.world.volumes.latest else Storage()
        for volume in kept.volumes:
            if volume.key == reference:
                return Target("volume", volume.id, volume.name, volume.provider, volume.region)
        for snapshot in kept.snapshots:
            if snapshot.key == reference:
                return Target("snapshot", snapshot.id, snapshot.name, snapshot.provider, snapshot.region)
        for one in self.world.uploads.latest.value if self.world.uploads.latest else ():
            if one.reference == reference:
                return Target("upload", one.id, one.name, "aws", one.region)
        return Target("run", reference, reference, "aws", data.US_EAST)

    def _cost(self) -> str:
        return "unknown (nobody could say)" if self.world.price_unknown else "$1.01/h, $24.24 per day from now on"

    def _plan(self, operation: Operation, targets: tuple[Target, ...]) -> Plan:
        levels = {Operation.LAUNCH: Level.YES, Operation.START: Level.YES, Operation.VOLUME_CREATE: Level.YES}
        levels |= dict.fromkeys(DESTROYING, Level.NAME)
        destroying = operation in DESTROYING
        return Plan(
            operation=operation,
            targets=targets,
            effect=f"{operation.value} " + ", ".join(f'{target.id} "{target.name}"' for target in targets),
            reversibility=Reversibility.IRREVERSIBLE if destroying else Reversibility.REVERSIBLE,
            verdict=Verdict(self.world.reasons, levels.get(operation, Level.ENTER)),
            made_at=self.world.clock.now(),
            lines=data.TERMINATE_LINES
            if destroying
            else (PlanLine("COST", self._cost()), PlanLine("UNDO", "stop it again")),
            usd_per_hour=None if self.world.price_unknown else Decimal("1.01"),
            price_unknown=self.world.price_unknown,
            account="research (1234…)",
            who="ops/alice",
            parameters=self.world.plan_parameters,
        )


class FakeJobs(_Part):
    @property
    def interrupted(self) -> tuple[JobView, ...]:
        return self.world.interrupted

    @property
    def feed(self) -> FakeFeed[tuple[JobView, ...]]:
        return self.world.jobs

    async def drain(self) -> None:
        pass

    async def watch(self, job_id: str) -> AsyncIterator[JobView]:
        async for snapshot in self.world.jobs.watch():
            for job in snapshot.value:
                if job.id == job_id:
                    yield job
                    if job.ended_at is not None:
                        return

    def answer(self, job_id: str, yes: bool) -> None:
        self.world.answered.append((job_id, yes))
        self.change(job_id, question="")

    def cancel(self, job_id: str) -> None:
        self.world.cancelled.append(job_id)

    def change(self, job_id: str, **changes: Any) -> None:
        assert self.world.jobs.latest
        jobs = tuple(replace(job, **changes) if job.id == job_id else job for job in self.world.jobs.latest.value)
        self.world.jobs.push(jobs)


class FakeCosts(_Part):
    @property
    def feed(self) -> FakeFeed[CostSummary]:
        return self.world.costs

    async def now(self) -> CostSummary:
        await self.world.gate()
        return data.COST

    async def resources(self) -> tuple[TrackedResource, ...]:
        await self.world.gate()
        return ()

    async def by(self, dimension: str) -> tuple[tuple[str, str], ...]:
        await self.world.gate()
        return (("llama", "812.40"),)

    async def run_cost(self, run_id: str) -> Decimal | None:
        await self.world.gate()
        return self.world.run_costs.get(run_id)

    async def report(
        self, dimension: str = "project", since: datetime | None = None, until: datetime | None = None
    ) -> CostReport:
        self.world.reports.append((dimension, since, until))
        await self.world.gate()
        report = data.report(dimension, since, until)
        return replace(report, shares=tuple(self._with_budget(share) for share in report.shares))

    def _with_budget(self, share: CostShare) -> CostShare:
        budget = self.world.budgets.get(share.name)
        return share if budget is None else replace(share, budget=budget, left=budget - share.usd)


class FakeElsewhere(_Part):
    """Every profile and every region is a world of its own."""

    def profiles(self) -> tuple[str, ...]:
        return ("research", "production")

    def services(self, profile: str, regions: tuple[str, ...]) -> Services:
        if profile and profile not in self.profiles():
            raise ResourceNotFound(f"profile {profile}: there is no such profile")
        self.world.sandbox_ended.clear()
        facts = self.world.facts
        there = replace(facts, profile=profile or facts.profile, regions=regions or facts.regions)
        key = f"{there.profile} {there.regions}"
        self.world.others.setdefault(f"{facts.profile} {facts.regions}", self.world)
        world = self.world.others.setdefault(
            key, World(facts=there, jobs=FakeFeed(()), kept=self.world.kept, others=self.world.others)
        )
        return world.services()


class FakeMemory(_Part):
    async def recall(self) -> Mapping[str, object]:
        return dict(self.world.kept)

    async def keep(self, name: str, value: object) -> None:
        self.world.kept[name] = value


class FakeHistories(_Part):
    async def of(self, row: FleetRow) -> History:
        await self.world.gate()
        return data.history(row)


class FakeShells(_Part):
    async def command(self, key: str, words: Sequence[str] = ()) -> ShellCommand:
        await self.world.gate()
        return self.world.shell

    async def reach(self, key: str) -> None:
        raise AssertionError("the interface opens shells")


class FakeHosts(_Part):
    def feed(self, key: str) -> FakeFeed[HostReading]:
        return self.world.hosts.of(key)

    async def now(self, key: str) -> Snapshot[HostReading]:
        raise AssertionError("the interface watches feeds")


class FakeSettings(_Part):
    """The real schema; what `World.settings` holds is set in the user's file."""

    def all(self) -> tuple[Setting, ...]:
        own = self.world.settings
        return tuple(
            Setting(
                spec.key,
                show(own.get(spec.key, spec.default)),
                f"user ({FILE})" if spec.key in own else "default",
                spec.help,
            )
            for spec in SCHEMA
        )

    def value(self, key: str) -> object:
        if key not in SPECS:
            raise InvalidValue(f"{key}: no such key")
        return self.world.settings.get(key, SPECS[key].default)

    def draft(self, key: str, text: str | None) -> SettingDraft:
        old = show(self.value(key))
        try:
            return SettingDraft(key, old, "" if text is None else show(parse(SPECS[key], text)), FILE)
        except ValueError as error:
            return SettingDraft(key, old, old, FILE, str(error))

    def set(self, key: str, text: str | None) -> str:
        self.value(key)
        if text is None:
            self.world.settings.pop(key, None)
        else:
            self.world.settings[key] = parse(SPECS[key], text)
        return FILE

    def validate(self) -> tuple[Problem, ...]:
        return self.world.wrong_settings


class FakeDoctor(_Part):
    async def examine(self) -> tuple[Finding, ...]:
        return (Finding("terminal", True, "fine"), *self.world.findings)


class FakeSandbox(_Part):
    @property
    def ended(self) -> bool:
        return self.world.sandbox_ended.is_set()

    async def until_ended(self) -> Problem:
        await self.world.sandbox_ended.wait()
        return Problem("sandbox", "The sandbox has ended", "its process was killed", "Begin it again: :sandbox start")

    async def command(self, words: Sequence[str]) -> str:
        await self.world.gate()
        self.world.sandbox_words.append(tuple(words))
        return "the link to tiny is cut for 20 s"

    def leaving(self) -> str:
        return self.world.leaving


class FakeAudit(_Part):
    path = Path("/home/alice/.local/state/runctl-tui/audit.jsonl")

    @property
    def feed(self) -> FakeFeed[tuple[AuditEntry, ...]]:
        return self.world.audit

    async def read(self) -> Chain:
        return Chain(self.world.audit.latest.value if self.world.audit.latest else ())


class FakeExports(_Part):
    async def write(self, name: str, text: str) -> str:
        await self.world.gate()
        self.world.exported.append((name, text))
        return f"/home/alice/project/logs/{name}"

    async def write_to(self, path: Path, text: str) -> None:
        await self.world.gate()
        self.world.exported.append((str(path), text))
