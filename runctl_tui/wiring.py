"""The composition root: options to configuration to services; the only module that knows what implements a port.

Nothing here touches a cloud, imports an SDK or waits: that begins when the application, or a headless command, iterates
`Services.start()`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from runctl_tui import paths
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.settings import AwsCredentials, AwsSettings, LaunchSettings, SshSettings
from runctl_tui.services.checkpoints.book import CheckpointBook
from runctl_tui.services.config.service import ConfigService
from runctl_tui.services.config.sources import sources_of
from runctl_tui.services.errors import SandboxFailed
from runctl_tui.services.feed import PollingFeed
from runctl_tui.services.fleet import FleetBook
from runctl_tui.services.host_book import HostBook
from runctl_tui.services.hosts.local import LocalHost
from runctl_tui.services.hosts.ssh import SshPool
from runctl_tui.services.hosts.trust import TrustStore
from runctl_tui.services.identity import SessionPlace, SessionService, owner_of
from runctl_tui.services.jobs import JobBoard
from runctl_tui.services.journal import Journal
from runctl_tui.services.local.provider import LocalProvider
from runctl_tui.services.locks import LockSet
from runctl_tui.services.log_file import open_log
from runctl_tui.services.machines import MachineList
from runctl_tui.services.registry import Registry
from runctl_tui.services.runs.files import RunFiles
from runctl_tui.services.runs.register import RunRegister
from runctl_tui.services.store import Store
from runctl_tui.services.system_clock import SystemClock
from runctl_tui.services.tracker import ResourceTracker
from runctl_tui.services.training.relay import UploadRelay

if TYPE_CHECKING:
    from runctl_tui.options import Options
    from runctl_tui.sandbox.client import SandboxSession
    from runctl_tui.services.aws.s3 import S3Store
    from runctl_tui.services.prices import PriceBook

T = TypeVar("T")
SANDBOX_BUCKET: Final = "runctl-sandbox-checkpoints"
SANDBOX_PROFILE: Final = "runctl-sandbox"
FLEET_SECONDS: Final = 3.0
RUN_SECONDS: Final = 2.0
CHECKPOINT_SECONDS: Final = 4.0


class Place:
    """Where this program works: folders, configuration, owner; real or sandboxed."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.sandbox = options.sandbox
        base = paths.state_dir(options.state_dir or None)
        self.state = base / "sandbox" if options.sandbox else base
        self.world = self.state / "world"
        self.log = open_log(self.state)
        self.settings = ConfigService(sources_of(options, os.environ, Path.cwd()))
        self.configuration = self.settings.configuration
        self.owner = owner_of(self.configuration, os.environ.get("USER", ""))

    @property
    def local_home(self) -> Path | None:
        """The home folder of runs on this machine: one of the sandbox's own in the sandbox."""
        return self.world / "homes" / "local" if self.sandbox else None

    @property
    def bucket(self) -> str:
        """Where checkpoints go when nothing else is said; empty: nowhere."""
        return self.configuration.aws.s3_bucket or (SANDBOX_BUCKET if self.sandbox else "")

    @property
    def project(self) -> Path:
        """The folder in which a project is looked for."""
        return self.state / "project" if self.sandbox else Path.cwd()


class Cloud:
    """AWS as far as it is known yet: in the sandbox only once that has started."""

    def __init__(self, place: Place, registry: Registry, clock: SystemClock) -> None:
        self._place = place
        self._registry = registry
        self._clock = clock
        self._provider: AwsProvider | None = None
        self.session: SandboxSession | None = None
        if not place.sandbox:
            self._register(self._settings())

    def store(self) -> S3Store:
        """Return the S3 client; SandboxFailed while the sandbox is not there yet."""
        if self._provider is None:
            raise SandboxFailed("The sandbox has not started yet", "", "wait a moment")
        return self._provider.store

    def prices(self) -> PriceBook | None:
        """Return the price book, None while there is none."""
        return self._provider.prices if self._provider else None

    async def attach(self) -> AsyncIterator[str]:
        """Start the sandbox, or find it running, and tell what happens."""
        from runctl_tui.sandbox.client import attach
        from runctl_tui.services.aws.keys import own_key

        place = self._place
        yield "starting the sandbox"
        self.session = await attach(place.world, owner=place.owner, fresh=place.options.fresh)
        ends = self.session.endpoints
        key = await asyncio.to_thread(own_key, place.state / "keys", f"runctl-{place.owner}")
        await self.session.command("trust", key.public)
        await asyncio.to_thread(_ship_project, place.project)
        settings = replace(
            self._settings(),
            regions=place.options.regions or ends.regions,
            endpoint_url=ends.endpoint_url,
            credentials=AwsCredentials(ends.access_key, ends.secret_key),
        )
        settings = replace(settings, ssh=replace(settings.ssh, key_files=(str(key.path),)))
        self._register(settings)

    def _register(self, settings: AwsSettings) -> None:
        self._provider = AwsProvider(settings, self._clock)
        self._registry.register(self._provider)

    def _settings(self) -> AwsSettings:
        place, config = self._place, self._place.configuration
        return AwsSettings(
            state_dir=place.state,
            owner=place.owner,
            regions=config.regions,
            profile=config.aws.profile or "",
            launch=LaunchSettings(
                image=config.aws.default_ami or "",
                key_name=config.aws.key_name or "",
                security_groups=config.aws.security_groups,
                subnet=config.aws.subnet or "",
                instance_profile=config.aws.iam_instance_profile or (SANDBOX_PROFILE if place.sandbox else ""),
                ssh_cidr=config.aws.ssh_cidr,
                warn_at=config.safety.max_instances_warn,
                block_at=config.safety.max_instances_block,
            ),
            ssh=SshSettings(overrides=config.ssh.overrides, jump_host=config.aws.jump_host or ""),
        )


class Assembly:
    """Puts the services together in the order in which they need each other."""

    def __init__(self, options: Options) -> None:
        self.place = place = Place(options)
        self.clock = clock = SystemClock()
        self.registry = Registry()
        self.registry.register(LocalProvider(clock, place.owner))
        self.cloud = Cloud(place, self.registry, clock)
        self.session = SessionService(
            SessionPlace(place.configuration, self.registry, clock, place.sandbox, root=os.geteuid() == 0)
        )
        self.store = Store(place.state, clock)
        self.locks = LockSet(place.state)
        self.machines = MachineList(self.registry, clock)
        self.local = LocalHost(home=place.local_home, inherit=not place.sandbox)
        self.hosts = HostBook(self.registry, SshPool(TrustStore(place.state / "known_hosts")), self.local)
        self.runs = RunRegister(RunFiles(place.state / "runs"), self.hosts, self.machines.now, clock)
        self.runs.feed = PollingFeed(self.runs.now, RUN_SECONDS, clock, key=runs_as_seen, empty=())
        self.tracker = ResourceTracker(self.store, clock, lambda: place.configuration.costs.monthly_budget)
        self.fleet = FleetBook(self.registry, self.machines, self.cloud.prices, self.tracker, self.runs, clock)
        self.fleet.feed = PollingFeed(self.fleet.poll, FLEET_SECONDS, clock, empty=())
        self.checkpoints = CheckpointBook(self.runs, self.cloud.store, clock, self._checkpoint_feed)
        self.jobs = JobBoard(self.store, clock, self.locks)
        self.journal = Journal(self.store, clock, self.locks)
        self.relay = UploadRelay(self.runs, self.machines, self.cloud.store, place.state / "relay.lock")
