"""What acts, and what is asked later than the first rows; imported with the first of it."""

from __future__ import annotations

import os
import random
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Unknown
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.safety import CleanupSafety, Policy
from runctl_tui.domain.volume import Storage
from runctl_tui.services.action_calls import Caller
from runctl_tui.services.action_checks import given_with_launch
from runctl_tui.services.action_facts import FactGatherer
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.audited import AuditedActions
from runctl_tui.services.aws.object_io import ObjectIo
from runctl_tui.services.aws.objects import AwsObjects
from runctl_tui.services.checkpoints.book import CheckpointBook
from runctl_tui.services.checkpoints.folders import CheckpointFolders
from runctl_tui.services.doctor import DoctorParts, DoctorService
from runctl_tui.services.errors import CloudProviderError
from runctl_tui.services.evidence import RegisterEvidence
from runctl_tui.services.exports import ExportFolder
from runctl_tui.services.feed import PollingFeed
from runctl_tui.services.histories import HistoryBook
from runctl_tui.services.host_watch import HostWatch
from runctl_tui.services.identity import login_name
from runctl_tui.services.launch.desk import LaunchDefaults, LaunchDesk
from runctl_tui.services.launch.parts import HereSettings, PipelineParts
from runctl_tui.services.launch.pipeline import LaunchPipeline
from runctl_tui.services.launch.supplies import Supplies
from runctl_tui.services.mark_actions import MarkActions, MarkParts
from runctl_tui.services.process_actions import ProcessActions
from runctl_tui.services.run_uploads import RunUploads, UploadParts
from runctl_tui.services.runpod.parse import short
from runctl_tui.services.shells import HostShells
from runctl_tui.services.storage.carry import Carrier
from runctl_tui.services.storage.desk import StorageDesk, StorageParts
from runctl_tui.services.storage.heirlooms import Heirlooms
from runctl_tui.services.storage.survey import Survey
from runctl_tui.services.threads import BackendPool
from runctl_tui.services.tunnels.book import TunnelBook, TunnelParts
from runctl_tui.services.upload_actions import UploadActions
from runctl_tui.services.upload_owners import UploadOwners
from runctl_tui.services.uploads import UploadBook
from runctl_tui.services.volume_actions import VolumeActions, VolumeParts
from runctl_tui.services.volume_facts import VolumeFactGatherer
from runctl_tui.services.volumes import VolumeBook
from runctl_tui.wiring.core import RUNS_PREFIX, Core, fleet_pace
from runctl_tui.wiring.detached import own_command, start_detached

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runctl_tui.domain.checkpoint import Checkpoint
    from runctl_tui.domain.snapshot import Snapshot

    CheckpointPoll = Callable[[], Awaitable[Snapshot[tuple[Checkpoint, ...]]]]

CHECKPOINT_SECONDS: Final = 4.0
TUNNEL_SECONDS: Final = 1.0
UPLOAD_SECONDS: Final = 300.0
"""Every bucket of the account is asked at each look."""


class Desks:
    """Puts together everything else, on top of the core."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._place = place = core.place
        self.folders = CheckpointFolders(self.checkpoint_folders, BackendPool("folders", 2))
        self.checkpoints = CheckpointBook(core.runs, core.cloud.store, core.clock, self._checkpoint_feed, self.folders)
        self.volumes = VolumeBook(core.registry, core.machines, core.clock)
        self.volumes.feed = PollingFeed(self.volumes.poll, core.pace(fleet_pace(place)), core.clock, empty=Storage())
        self.objects = AwsObjects(core.cloud.store)
        self._supplies = Supplies(core.registry, core.cloud.store, place.configuration.aws.region)
        self._owners = UploadOwners(core.registry, core.runs, core.journal, core.clock, place.owner)
        self.uploads = UploadBook(core.registry, self._owners, core.clock)
        self.uploads.feed = PollingFeed(self.uploads.poll, core.pace(UPLOAD_SECONDS), core.clock, empty=())
        self.actions = AuditedActions(self._action_service(), core.auditor)
        self.launcher = LaunchDesk(
            core.registry, self.actions, self._defaults, self._disk_month, self._supplies.region_of
        )
        self.histories = HistoryBook(core.costs, core.journal)
        self.shells = HostShells(core.fleet, core.hosts, core.local, core.session.why_read_only)
        self.hosts = HostWatch(core.machines, core.hosts, core.clock)
        self.tunnels = self._tunnel_book()
        self.doctor = DoctorService(
            DoctorParts(
                core.registry,
                place.configuration,
                place.settings,
                place.state,
                os.environ,
                place.sandbox,
                core.cloud.store,
            )
        )
        self.exports = ExportFolder(lambda: Path(place.configuration.monitoring.log_dir), core.clock)

    def _tunnel_book(self) -> TunnelBook:
        core, place = self._core, self._place

        def begin(tunnel_id: str, log: Path) -> None:
            start_detached(log, own_command(place.options, "tunnels", "hold", tunnel_id))

        folder, who = place.state / "tunnels", login_name()
        book = TunnelBook(TunnelParts(core.fleet, core.hosts, core.pool, core.clock, folder, begin, os.environ, who))
        book.feed = PollingFeed(book.poll, TUNNEL_SECONDS, core.clock, empty=())
        return book

    def checkpoint_folders(self) -> tuple[Path, ...]:
        """Return the project's own checkpoint folders, and those of the configuration."""
        place, config = self._place, self._place.configuration
        own = (place.project / config.checkpoint.dir, place.project / config.local.checkpoint_dir)
        return (*own, *(Path(folder).expanduser().absolute() for folder in config.checkpoint.folders))

    def here(self) -> HereSettings:
        """Return how jobs on this machine run where they do not say it."""
        config = self._place.configuration
        own = config.local.checkpoint_dir
        return HereSettings(
            device=config.local.default_device,
            checkpoint_dir=own if "local.checkpoint_dir" in config.origins or own != "checkpoints" else "",
            usual_dir=config.checkpoint.dir,
        )

    def policy(self) -> Policy:
        """Return what is allowed now."""
        safety, costs = self._place.configuration.safety, self._place.configuration.costs
        lock = self._core.session.lock()
        return Policy(
            read_only=lock.why if lock is not None else "",
            unlock=lock.todo if lock is not None else "",
            cap_per_hour=costs.cap_per_hour,
            hard_cap_per_hour=costs.hard_cap_per_hour,
            sandbox=self._place.sandbox,
            production_accounts=frozenset(safety.production_accounts),
            ordinary_accounts=frozenset(safety.ordinary_accounts),
            acknowledgeable=safety.acknowledge,
            who=self._place.owner,
        )

    def _action_service(self) -> ActionService:
        core = self._core
        evidence = RegisterEvidence(core.runs, self.checkpoints, core.hosts, core.clock)
        facts = FactGatherer(core.registry, core.fleet, evidence, core.journal, core.clock, self.policy)
        pipeline = LaunchPipeline(
            PipelineParts(
                registry=core.registry,
                fleet=core.fleet,
                hosts=core.hosts,
                runs=core.runs,
                supplies=self._supplies,
                clock=core.clock,
                rng=random.SystemRandom(),
                owner=self._place.owner,
                terminate=self._terminate,
                policy=self.policy,
                relay=core.begin_relay,
                checkpoints=self.checkpoints,
                here=self.here(),
            )
        )
        caller = Caller(core.registry, core.journal, core.clock)
        safety = CleanupSafety()
        of_volumes = VolumeFactGatherer(facts, self.volumes)
        volumes = VolumeActions(VolumeParts(of_volumes, caller, safety))
        marks = MarkActions(MarkParts(facts, of_volumes, caller, safety))
        storage = self._storage(facts, caller)
        processes = ProcessActions(facts, core.hosts, caller, core.locks)
        uploads = UploadActions(facts, caller, self._owners)
        return ActionService(
            ActionParts(
                facts=facts,
                caller=caller,
                locks=core.locks,
                jobs=core.jobs,
                executor=pipeline,
                volumes=volumes,
                storage=storage,
                marks=marks,
                processes=processes,
                uploads=uploads,
                run_uploads=self._run_uploads(facts, caller, safety),
                safety=safety,
            )
        )

    def _run_uploads(self, facts: FactGatherer, caller: Caller, safety: CleanupSafety) -> RunUploads:
        return RunUploads(
            UploadParts(
                facts=facts,
                caller=caller,
                safety=safety,
                runs=self._core.runs,
                checkpoints=self.checkpoints,
                usual_place=lambda: self._defaults().output_dest,
                region_of=self._supplies.region_of,
                month=lambda region, size: self._object_month(region, "STANDARD", size),
                relay=self._core.begin_relay,
            )
        )

    def _storage(self, facts: FactGatherer, caller: Caller) -> StorageDesk:
        core = self._core
        carrier = Carrier(self.objects, ObjectIo(core.cloud.transfers), core.clock)
        heirlooms = Heirlooms(core.runs, self.checkpoints)
        survey, month = Survey(self.objects), self._object_month
        return StorageDesk(StorageParts(facts, caller, core.locks, core.jobs, survey, carrier, heirlooms, month))

    async def _terminate(self, key: str) -> None:
        """Terminate a machine that a confirmed launch made, through the same rules as everything else."""
        self._core.machines.forget()
        plan = await self.actions.plan(Operation.TERMINATE, [key])
        job_id = await self.actions.commit(plan, given_with_launch(plan))
        async for view in self._core.jobs.watch(job_id):
            if view.ok is False:
                raise CloudProviderError(f"{key} could not be terminated", view.result)

    def _checkpoint_feed(self, poll: CheckpointPoll) -> PollingFeed[tuple[Checkpoint, ...]]:
        return PollingFeed(poll, self._core.pace(CHECKPOINT_SECONDS), self._core.clock, empty=())

    def _disk_month(self, region: str, gib: int) -> Fact[Decimal]:
        prices = self._core.cloud.prices()
        return prices.disk_month(region, "gp3", gib) if prices else Unknown("the prices are not here yet")

    def _object_month(self, region: str, storage_class: str, size: int) -> Fact[Decimal]:
        prices = self._core.cloud.prices()
        return prices.object_month(region, storage_class, size) if prices else Unknown("the prices are not here yet")

    def _defaults(self) -> LaunchDefaults:
        place, config = self._place, self._place.configuration
        return LaunchDefaults(
            region=config.aws.region,
            type=config.aws.default_instance_type,
            spot=config.aws.use_spot,
            spot_max_price=config.aws.spot_max_price,
            folder=place.project,
            project=config.aws.default_project_name or "",
            checkpoint_dir=config.checkpoint.dir,
            output_dest=f"s3://{place.bucket}/{RUNS_PREFIX}" if place.bucket else "",
            profile=config.aws.iam_instance_profile or "",
            environment=(
                ("TRAINCTL_SAVE_INTERVAL", str(config.checkpoint.save_interval)),
                ("TRAINCTL_KEEP_LAST_N", str(config.checkpoint.keep_last_n)),
            ),
            other_types={"runpod": short(config.runpod.default_gpu)},
        )
