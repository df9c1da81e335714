"""What the first rows need: providers, books of machines, runs and money; nothing that changes anything.

Nothing here touches a cloud, imports an SDK or waits: that begins when the application, or a headless command, iterates
`Services.start()`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runctl_tui.sandbox.remote import SandboxRemote
from runctl_tui.services.audit import AuditLog
from runctl_tui.services.audited import Auditor, actor
from runctl_tui.services.feed import Pace, PollingFeed
from runctl_tui.services.fleet import FleetBook, FleetParts
from runctl_tui.services.host_book import HostBook
from runctl_tui.services.hosts.local import LocalHost
from runctl_tui.services.hosts.ssh import SshPool
from runctl_tui.services.hosts.trust import TrustStore
from runctl_tui.services.jobs import LOOKS_EVERY, JobBoard
from runctl_tui.services.journal import Journal
from runctl_tui.services.local.provider import LocalProvider
from runctl_tui.services.locks import LockSet
from runctl_tui.services.machines import MachineList
from runctl_tui.services.memory import StoredMemory
from runctl_tui.services.runs.archive import RunArchive
from runctl_tui.services.runs.files import RunFiles
from runctl_tui.services.runs.register import RunRegister
from runctl_tui.services.runs.relay import UploadRelay
from runctl_tui.services.store import Store
from runctl_tui.services.tempo import Tempo
from runctl_tui.services.tracker import Others, ResourceTracker
from runctl_tui.services.witnesses import Witnesses
from runctl_tui.wiring.cloud import Cloud, forget_old_world
from runctl_tui.wiring.detached import own_command, start_detached

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.sandbox.client import SandboxSession
    from runctl_tui.services.aws.objects import AwsObjects
    from runctl_tui.wiring.ground import Ground, Place

RUNS_PREFIX: Final = "runs"
"""Below which runs lie in the bucket."""
SANDBOX_FLEET_SECONDS: Final = 3.0
RUN_SECONDS: Final = 3.0
AUDIT_SECONDS: Final = 2.0


class Core:
    """Puts the services of the first rows together in the order in which they need each other."""

    def __init__(self, ground: Ground) -> None:
        self.place = place = ground.place
        if place.sandbox and place.options.fresh:
            forget_old_world(place.state)
        self.clock = clock = ground.clock
        self.session = ground.session
        self._tempo = Tempo(clock)
        self.touch = self._tempo.touch
        self.registry = ground.registry
        self.registry.register(LocalProvider(clock, place.owner))
        self.cloud = Cloud(place, self.registry, clock)
        self.cloud.forbids = self.session.why_read_only
        self.store = Store(place.state, clock)
        self.locks = LockSet(place.state)
        self.machines = MachineList(self.registry, clock)
        self.local = LocalHost(home=place.local_home, base=self.cloud.local_environment)
        self.pool = SshPool(TrustStore(place.state / "known_hosts"))
        self.hosts = HostBook(self.registry, self.pool, self.local, place.configuration.retry.ssh)
        archive = RunArchive(self.cloud.store, place.bucket, RUNS_PREFIX, clock)
        self.runs = RunRegister(RunFiles(place.state / "runs"), self.hosts, self.machines.now, clock, archive)
        self.runs.feed = PollingFeed(self.runs.poll, self.pace(RUN_SECONDS), clock, key=runs_as_seen, empty=())
        self.costs = ResourceTracker(self.store, clock, self._told_to_costs(place))
        self.fleet = FleetBook(
            FleetParts(self.registry, self.machines, self.cloud.prices, self.costs, self.runs, clock),
            warnings=lambda: place.configuration.monitoring.enable_warnings,
        )
        looks = self.pace(fleet_pace(place))
        self.fleet_feed: PollingFeed[tuple[FleetRow, ...]] = PollingFeed(self.fleet.poll, looks, clock, empty=())
        self.fleet.feed = self.fleet_feed
        self.jobs = JobBoard(self.store, clock, self.locks, place.owner, self.pace(LOOKS_EVERY))
        self.audit = AuditLog(place.state / "audit.jsonl", clock)
        self.audit.feed = PollingFeed(self.audit.poll, self.pace(AUDIT_SECONDS), clock, empty=())
        self.auditor = Auditor(self.audit, clock, actor(os.environ), self.session.caller)
        self.jobs.on_end = self.auditor.ended
        self.journal = Journal(self.store, clock, self.locks, place.whose)
        witnesses = Witnesses(self.runs, self.jobs.view, self._objects, self._runs_there)
        self.journal.witnesses = witnesses.by_operation()
        self.memory = StoredMemory(self.store)
        self.relay = UploadRelay(self.runs, self.machines, self.cloud.store, place.state / "relay.lock")
        self.sandbox = SandboxRemote(self._session, place.world, self.runs.known) if place.sandbox else None

    async def _runs_there(self, process: str) -> bool:
        """Tell whether a process is still at work on its host."""
        from runctl_tui.domain.host import split_reference

        machine, pid, start = split_reference(process)
        agent = await self.hosts.agent((await self.fleet.find(machine)).instance)
        return bool(await agent.process_state(pid, start or 0))

    def _objects(self) -> AwsObjects:
        from runctl_tui.services.aws.objects import AwsObjects

        return AwsObjects(self.cloud.store)

    def _told_to_costs(self, place: Place) -> Others:
        """Return what the ledger's figures are compared with, and whose they are."""
        return Others(
            lambda: place.configuration.costs.monthly_budget,
            self.cloud.balance,
            self.cloud.billed,
            lambda: place.configuration.costs.project_budgets,
            place.whose,
        )

    def pace(self, seconds: float) -> Pace:
        """Return the pace of a feed, slower while nobody is at the keyboard."""
        return Pace(seconds, stretch=self._tempo.stretch)

    async def enter_world(self) -> None:
        """Leave out of the ledger what a former world of the sandbox had."""
        if self.cloud.session is not None:
            await self.costs.enter_world(self.cloud.session.endpoints.world)

    def troubles(self) -> tuple[Problem, ...]:
        """Return what is wrong with this program's own files."""
        return (*self.store.problems, *self.cloud.problems())

    def begin_relay(self) -> None:
        """Start the detached relay of this state folder unless one works already."""
        if not self.session.read_only and not self.relay.working():
            start_detached(self.place.state / "relay.log", own_command(self.place.options, "relay"))

    def _session(self) -> SandboxSession | None:
        return self.cloud.session


def fleet_pace(place: Place) -> float:
    """Return the seconds between two looks at the fleet; the sandbox is never slower than three."""
    wanted = float(place.configuration.monitoring.update_interval_secs)
    return min(wanted, SANDBOX_FLEET_SECONDS) if place.sandbox else wanted


def runs_as_seen(runs: tuple[TrainingSession, ...]) -> object:
    """Return what a person would see change about runs: not when they were last heard of."""
    return [replace(run, heard_at=None) for run in runs]
