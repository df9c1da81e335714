"""All services put together; imported by the composition root when the first of them is asked for.

Nothing here touches a cloud, imports an SDK or waits: that begins when the application, or a headless command, iterates
`Services.start()`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Unknown
from runctl_tui.domain.plan import Confirmation, Operation, Severity
from runctl_tui.domain.safety import CleanupSafety, Policy
from runctl_tui.domain.volume import Storage
from runctl_tui.sandbox.remote import SandboxRemote
from runctl_tui.services.action_calls import Caller
from runctl_tui.services.action_facts import FactGatherer
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.aws.object_io import ObjectIo
from runctl_tui.services.aws.objects import AwsObjects
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.checkpoints.book import CheckpointBook
from runctl_tui.services.checkpoints.folders import CheckpointFolders
from runctl_tui.services.doctor import DoctorParts, DoctorService
from runctl_tui.services.errors import CloudProviderError, Refused, TrainctlError
from runctl_tui.services.evidence import RegisterEvidence
from runctl_tui.services.exports import ExportFolder
from runctl_tui.services.feed import Pace, PollingFeed
from runctl_tui.services.fleet import FleetBook, FleetParts
from runctl_tui.services.histories import HistoryBook
from runctl_tui.services.host_book import HostBook
from runctl_tui.services.hosts.local import LocalHost
from runctl_tui.services.hosts.ssh import SshPool
from runctl_tui.services.hosts.trust import TrustStore
from runctl_tui.services.jobs import JobBoard
from runctl_tui.services.journal import Journal
from runctl_tui.services.launch.desk import LaunchDefaults, LaunchDesk
from runctl_tui.services.launch.parts import HereSettings, PipelineParts
from runctl_tui.services.launch.pipeline import LaunchPipeline
from runctl_tui.services.launch.supplies import Supplies
from runctl_tui.services.local.provider import LocalProvider
from runctl_tui.services.locks import LockSet
from runctl_tui.services.machines import MachineList
from runctl_tui.services.memory import StoredMemory
from runctl_tui.services.ports import Services
from runctl_tui.services.runpod.provider import RunpodProvider
from runctl_tui.services.runs.archive import RunArchive
from runctl_tui.services.runs.files import RunFiles
from runctl_tui.services.runs.register import RunRegister
from runctl_tui.services.runs.relay import UploadRelay
from runctl_tui.services.shells import HostShells
from runctl_tui.services.storage.carry import Carrier
from runctl_tui.services.storage.desk import StorageDesk, StorageParts
from runctl_tui.services.storage.heirlooms import Heirlooms
from runctl_tui.services.storage.survey import Survey
from runctl_tui.services.store import Store
from runctl_tui.services.tempo import Tempo
from runctl_tui.services.threads import BackendPool
from runctl_tui.services.tracker import ResourceTracker
from runctl_tui.services.volume_actions import VolumeActions, VolumeParts
from runctl_tui.services.volume_facts import VolumeFactGatherer
from runctl_tui.services.volumes import VolumeBook
from runctl_tui.wiring.cloud import SANDBOX_PROFILE, Cloud, forget_old_world
from runctl_tui.wiring.ground import Ground, Place
from runctl_tui.wiring.relay_process import start_relay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runctl_tui.domain.checkpoint import Checkpoint
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.domain.snapshot import Snapshot

    CheckpointPoll = Callable[[], Awaitable[Snapshot[tuple[Checkpoint, ...]]]]

_LOG: Final = logging.getLogger(__name__)
RUNS_PREFIX: Final = "runs"
"""Below which runs lie in the bucket."""
SANDBOX_FLEET_SECONDS: Final = 3.0
RUN_SECONDS: Final = 3.0
CHECKPOINT_SECONDS: Final = 4.0


class Assembly:
    """Puts the services together in the order in which they need each other."""

    def __init__(self, ground: Ground) -> None:
        self.place = place = ground.place
        if place.sandbox and place.options.fresh:
            forget_old_world(place.state)
        self.clock = clock = ground.clock
        self.tempo = Tempo(clock)
        self.session = ground.session
        self.registry = ground.registry
        self.registry.register(LocalProvider(clock, place.owner))
        self.cloud = Cloud(place, self.registry, clock)
        self.store = Store(place.state, clock)
        self.locks = LockSet(place.state)
        self.machines = MachineList(self.registry, clock)
        self.local = LocalHost(home=place.local_home, base=self.cloud.local_environment)
        self.hosts = HostBook(self.registry, SshPool(TrustStore(place.state / "known_hosts")), self.local)
        archive = RunArchive(self.cloud.store, place.bucket, RUNS_PREFIX, clock)
        self.runs = RunRegister(RunFiles(place.state / "runs"), self.hosts, self.machines.now, clock, archive)
        self.runs.feed = PollingFeed(self.runs.poll, self._pace(RUN_SECONDS), clock, key=runs_as_seen, empty=())
        self.tracker = ResourceTracker(
            self.store, clock, lambda: place.configuration.costs.monthly_budget, self.cloud.balance
        )
        self.fleet = FleetBook(
            FleetParts(self.registry, self.machines, self.cloud.prices, self.tracker, self.runs, clock),
            warnings=lambda: place.configuration.monitoring.enable_warnings,
        )
        self.fleet.feed = PollingFeed(self.fleet.poll, self._pace(fleet_pace(place)), clock, empty=())
        self.folders = CheckpointFolders(self._checkpoint_folders, BackendPool("folders", 2))
        self.checkpoints = CheckpointBook(self.runs, self.cloud.store, clock, self._checkpoint_feed, self.folders)
        self.volumes = VolumeBook(self.registry, self.machines, clock)
        self.volumes.feed = PollingFeed(self.volumes.poll, self._pace(fleet_pace(place)), clock, empty=Storage())
        self.objects = AwsObjects(self.cloud.store)
        self.jobs = JobBoard(self.store, clock, self.locks)
        self.journal = Journal(self.store, clock, self.locks)
        self.relay = UploadRelay(self.runs, self.machines, self.cloud.store, place.state / "relay.lock")
        self.supplies = Supplies(self.registry, self.cloud.store, place.configuration.aws.region)
        self.actions = self._action_service()
        self._watching: asyncio.Task[None] | None = None

    def services(self) -> Services:
        """Return what screens and commands see."""
        place = self.place
        remote = SandboxRemote(lambda: self.cloud.session, place.world, self.runs.known) if place.sandbox else None
        parts = DoctorParts(self.registry, place.configuration, place.settings, place.state, os.environ, place.sandbox)
        return Services(
            clock=self.clock,
            session=self.session,
            registry=self.registry,
            fleet=self.fleet,
            runs=self.runs,
            checkpoints=self.checkpoints,
            volumes=self.volumes,
            launcher=LaunchDesk(self.registry, self.actions, self._defaults, self._disk_month, self.supplies.region_of),
            objects=self.objects,
            actions=self.actions,
            jobs=self.jobs,
            costs=self.tracker,
            histories=HistoryBook(self.tracker, self.journal),
            memory=StoredMemory(self.store),
            shells=HostShells(self.fleet, self.hosts, self.local),
            settings=place.settings,
            doctor=DoctorService(parts),
            sandbox=remote,
            exports=ExportFolder(lambda: Path(place.configuration.monitoring.log_dir), self.clock),
            log_path=str(place.log),
            start=self.start,
            relay=self.relay.work,
            close=self.close,
            troubles=lambda: self.store.problems,
            touch=self.tempo.touch,
        )

    async def start(self) -> AsyncIterator[str]:
        """Make everything ready and tell what is being done; called once, after the first paint."""
        if self.place.sandbox and self.cloud.session is None:
            async for words in self.cloud.attach():
                yield words
        await self.jobs.load()
        await self.journal.reconcile(self.registry)
        self._watching = asyncio.create_task(self._keep_watching_runs())

    def close(self) -> None:
        """Let go of everything at once, without waiting for any backend."""
        if self._watching is not None:
            with contextlib.suppress(RuntimeError):  # its loop may be closed
                self._watching.cancel()
        self.hosts.abort()
        for provider in self.registry.all():
            if isinstance(provider, (AwsProvider, LocalProvider, RunpodProvider)):
                provider.close()
        self.folders.close()
        self.store.close()

    async def aclose(self) -> None:
        """Let go and wait until every connection is closed: for a program that goes on afterwards."""
        self.close()
        if self._watching is not None:
            await asyncio.wait([self._watching])
        await self.hosts.close()
        await self.cloud.aclose()

    async def _keep_watching_runs(self) -> None:
        """Keep the register fresh whatever screen is shown, and see to it that a relay works where one is needed."""
        async with contextlib.aclosing(self.runs.feed.watch()) as changes:  # type: ignore[type-var]  # a feed's generator
            first = True
            async for snapshot in changes:
                if first:
                    self.fleet.feed.refresh()  # its rows say nothing about runs until the runs are known
                    first = False
                try:
                    if await self.relay.needed_by(snapshot.value):
                        self.begin_relay()
                except TrainctlError as error:
                    _LOG.warning("nobody knows whether a relay is needed: %s", error)

    def begin_relay(self) -> None:
        """Start the detached relay of this state folder unless one works already."""
        if not self.relay.working():
            start_relay(self.place.options, self.place.state / "relay.log")

    def _action_service(self) -> ActionService:
        place = self.place
        evidence = RegisterEvidence(self.runs, self.checkpoints, self.clock)
        facts = FactGatherer(self.registry, self.fleet, evidence, self.journal, self.clock, self._policy)
        pipeline = LaunchPipeline(
            PipelineParts(
                registry=self.registry,
                fleet=self.fleet,
                hosts=self.hosts,
                runs=self.runs,
                supplies=self.supplies,
                clock=self.clock,
                rng=random.SystemRandom(),
                owner=place.owner,
                terminate=self._terminate,
                relay=self.begin_relay,
                checkpoints=self.checkpoints,
                here=self._here(),
            )
        )
        caller = Caller(self.registry, self.journal, self.clock)
        safety = CleanupSafety()
        volumes = VolumeActions(VolumeParts(VolumeFactGatherer(facts, self.volumes), caller, safety))
        storage = self._storage(facts, caller)
        return ActionService(ActionParts(facts, caller, self.locks, self.jobs, pipeline, volumes, storage, safety))

    def _storage(self, facts: FactGatherer, caller: Caller) -> StorageDesk:
        carrier = Carrier(self.objects, ObjectIo(self.cloud.transfers), self.clock)
        heirlooms = Heirlooms(self.runs, self.checkpoints)
        return StorageDesk(StorageParts(facts, caller, self.locks, self.jobs, Survey(self.objects), carrier, heirlooms))

    def _here(self) -> HereSettings:
        config = self.place.configuration
        own = config.local.checkpoint_dir
        return HereSettings(
            device=config.local.default_device,
            checkpoint_dir=own if "local.checkpoint_dir" in config.origins or own != "checkpoints" else "",
            usual_dir=config.checkpoint.dir,
        )

    def _policy(self) -> Policy:
        safety, costs = self.place.configuration.safety, self.place.configuration.costs
        return Policy(
            read_only=self.session.why_read_only(),
            cap_per_hour=costs.cap_per_hour,
            sandbox=self.place.sandbox,
            production_accounts=frozenset(safety.production_accounts),
            who=self.place.owner,
        )

    async def _terminate(self, key: str) -> None:
        """Terminate a machine that a confirmed launch made, through the same rules as everything else."""
        self.machines.forget()
        plan = await self.actions.plan(Operation.TERMINATE, [key])
        if plan.verdict.blocked:
            why = "; ".join(reason.text for reason in plan.verdict.reasons if reason.severity is Severity.BLOCK)
            raise Refused(f"{key} is not terminated", why, "mend that, then terminate it")
        confirmation = Confirmation(plan.hash, yes=True, name=plan.name_to_type)
        job_id = await self.actions.commit(plan, confirmation)
        async for view in self.jobs.watch(job_id):
            if view.ok is False:
                raise CloudProviderError(f"{key} could not be terminated", view.result)

    def _pace(self, seconds: float) -> Pace:
        return Pace(seconds, stretch=self.tempo.stretch)

    def _checkpoint_feed(self, poll: CheckpointPoll) -> PollingFeed[tuple[Checkpoint, ...]]:
        return PollingFeed(poll, self._pace(CHECKPOINT_SECONDS), self.clock, empty=())

    def _checkpoint_folders(self) -> tuple[Path, ...]:
        """Return the project's own checkpoint folders, and those of the configuration."""
        place, config = self.place, self.place.configuration
        own = (place.project / config.checkpoint.dir, place.project / config.local.checkpoint_dir)
        return (*own, *(Path(folder).expanduser().absolute() for folder in config.checkpoint.folders))

    def _disk_month(self, region: str, gib: int) -> Fact[Decimal]:
        prices = self.cloud.prices()
        return prices.disk_month(region, "gp3", gib) if prices else Unknown("the prices are not here yet")

    def _defaults(self) -> LaunchDefaults:
        place, config = self.place, self.place.configuration
        return LaunchDefaults(
            region=config.aws.region,
            type="g5.xlarge" if place.sandbox else config.aws.default_instance_type,
            spot=config.aws.use_spot,
            spot_max_price=config.aws.spot_max_price,
            folder=place.project,
            project="tiny" if place.sandbox else config.aws.default_project_name or "",
            checkpoint_dir=config.checkpoint.dir,
            output_dest=f"s3://{place.bucket}/{RUNS_PREFIX}" if place.bucket else "",
            profile=config.aws.iam_instance_profile or (SANDBOX_PROFILE if place.sandbox else ""),
            environment=(
                ("TRAINCTL_SAVE_INTERVAL", str(config.checkpoint.save_interval)),
                ("TRAINCTL_KEEP_LAST_N", str(config.checkpoint.keep_last_n)),
            ),
        )


def fleet_pace(place: Place) -> float:
    """Return the seconds between two looks at the fleet; the sandbox is never slower than three."""
    wanted = float(place.configuration.monitoring.update_interval_secs)
    return min(wanted, SANDBOX_FLEET_SECONDS) if place.sandbox else wanted


def runs_as_seen(runs: tuple[TrainingSession, ...]) -> object:
    """Return what a person would see change about runs: not when they were last heard of."""
    return [replace(run, heard_at=None) for run in runs]
