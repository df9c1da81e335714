"""One program that changes a real account of moto's: every verb of EC2, with a real state file below."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.plan import JobView, Operation, Plan
from runctl_tui.domain.safety import CleanupSafety, Policy
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.action_calls import Caller
from runctl_tui.services.action_facts import FactGatherer
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.jobs import JobBoard, JobHandle
from runctl_tui.services.journal import Journal
from runctl_tui.services.journal_rows import Row
from runctl_tui.services.locks import LockSet
from runctl_tui.services.machines import MachineList
from runctl_tui.services.mark_actions import MarkActions, MarkParts
from runctl_tui.services.registry import Registry
from runctl_tui.services.safe_cleanup import last_view
from runctl_tui.services.store import Store
from runctl_tui.services.volume_actions import VolumeActions, VolumeParts
from runctl_tui.services.volume_facts import VolumeFactGatherer
from runctl_tui.services.volumes import VolumeBook
from tests.fakes import FakeClock, FakeEvidence, acknowledging
from tests.services.aws.world import OWNER, World

ACCOUNT = "123456789012"


@dataclass
class Machines:
    """The fleet, as EC2 tells it."""

    world: World

    async def find(self, reference: str) -> FleetRow:
        found = await self.world.provider.get_resource_status(reference.rpartition("/")[2], "us-east-1")
        return FleetRow(found, Unknown("no price list here"), None, None)

    async def now(self) -> Snapshot[tuple[FleetRow, ...]]:
        raise AssertionError("small plans do not count the fleet")


@dataclass
class Creator:
    """Launches without a pipeline around the call."""

    world: World
    tokens: list[str] = field(default_factory=list)

    async def launch(self, request: LaunchRequest, job: JobHandle) -> str:
        assert request.options is not None
        self.tokens.append(job.id)
        made = await self.world.provider.create_resource(request.options, job.id)
        job.set(instance_id=made.id)
        return made.id

    async def take_up(self, view: JobView, job: JobHandle) -> str:
        raise AssertionError("nothing is taken up here")

    async def stop_run(self, run_id: str, job: JobHandle) -> str:
        raise AssertionError("nothing trains here")


class Acting:
    """What a test gets: plan, confirm, carry out."""

    def __init__(self, folder: Path, world: World) -> None:
        self.world, clock = world, world.clock
        self.policy = Policy(who=OWNER, ordinary_accounts=frozenset({ACCOUNT}))
        self.registry, self.locks = Registry(), LockSet(folder)
        self.registry.register(world.provider)
        self.store = Store(folder, clock)
        self.journal = Journal(self.store, clock, self.locks)
        self.jobs = JobBoard(self.store, clock, self.locks)
        self.creator, safety = Creator(world), CleanupSafety()
        machines, evidence = Machines(world), FakeEvidence(FakeClock(clock.now() + timedelta(hours=1)))
        facts = FactGatherer(self.registry, machines, evidence, self.journal, clock, lambda: self.policy)
        caller = Caller(self.registry, self.journal, clock, self.sleep)
        book = VolumeBook(self.registry, MachineList(self.registry, clock), clock)
        of_volumes = VolumeFactGatherer(facts, book)
        volumes = VolumeActions(VolumeParts(of_volumes, caller, safety))
        marks = MarkActions(MarkParts(facts, of_volumes, caller, safety))
        parts = ActionParts(facts, caller, self.locks, self.jobs, self.creator, volumes, marks=marks, safety=safety)
        self.actions = ActionService(parts)

    async def sleep(self, seconds: float) -> None:
        """Let the world's time pass, and none of ours."""
        self.world.clock.advance(seconds)
        await asyncio.sleep(0)

    async def commit(self, plan: Plan) -> JobView:
        said = replace(acknowledging(plan), typed_cap=Decimal(99))
        return await last_view(self.jobs, await self.actions.commit(plan, said))

    async def do(self, operation: Operation, reference: str) -> JobView:
        return await self.commit(await self.actions.plan(operation, [reference]))

    async def launch(self, options: CreateResourceOptions) -> JobView:
        return await self.commit(await self.actions.plan_launch(LaunchRequest(options)))

    async def rows(self) -> tuple[Row, ...]:
        return await self.journal.history()

    def close(self) -> None:
        self.store.close()
        self.store.join()
