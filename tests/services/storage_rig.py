"""One program over a real store on moto: its actions on objects, with a real state file below."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.objects import CopyRequest, DeleteRequest
from runctl_tui.domain.plan import JobView, Plan
from runctl_tui.domain.run import TrainingSession, TrainingStatus
from runctl_tui.domain.safety import Policy
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.action_calls import Caller
from runctl_tui.services.action_facts import FactGatherer
from runctl_tui.services.aws.object_io import ObjectIo
from runctl_tui.services.aws.objects import AwsObjects
from runctl_tui.services.errors import HostUnreachable, StateError
from runctl_tui.services.jobs import JobBoard
from runctl_tui.services.journal import Journal
from runctl_tui.services.journal_rows import Row
from runctl_tui.services.locks import LockSet
from runctl_tui.services.registry import Registry
from runctl_tui.services.safe_cleanup import last_view
from runctl_tui.services.storage.carry import Carrier
from runctl_tui.services.storage.desk import StorageDesk, StorageParts
from runctl_tui.services.storage.heirlooms import Heirlooms
from runctl_tui.services.storage.survey import Survey
from runctl_tui.services.store import Store
from tests.fakes import FakeEvidence, FakeFleet, FakeProvider, a_run, acknowledging, an_instance
from tests.services.aws.world import World


@dataclass
class SomeCheckpoints:
    """The checkpoints that the register would tell of."""

    world: World
    rows: tuple[Checkpoint, ...] = ()
    broken: bool = False
    output_dest: str = "s3://my-data-here/runs"
    asked: list[str] = field(default_factory=list)
    status: TrainingStatus = TrainingStatus.COMPLETED
    silent: bool = False
    """Whether the run's host does not answer."""

    async def writing_at(self, addresses: Collection[str]) -> tuple[TrainingSession, ...]:
        return (a_run(an_instance(), id="r-000001", output_dest=self.output_dest, status=TrainingStatus.RUNNING),)

    async def find(self, reference: str) -> TrainingSession:
        if self.silent:
            raise HostUnreachable("no way there")
        (run,) = await self.writing_at(())
        return replace(run, status=self.status)

    def feed(self, run_id: str = "") -> object:
        raise AssertionError("plans read checkpoints afresh")

    async def now(self, run_id: str = "") -> Snapshot[tuple[Checkpoint, ...]]:
        self.asked.append(run_id)
        if self.broken:
            raise StateError("the register cannot be read")
        return Snapshot(self.rows, self.world.clock.now())


class Rig:
    """What a test gets."""

    def __init__(self, folder: Path, world: World) -> None:
        self.world = world
        self.policy = Policy(who="tester", sandbox=True)
        registry = self.registry = Registry()
        registry.register(world.provider)
        self.locks = LockSet(folder)
        self.store = Store(folder, world.clock)
        self.journal = Journal(self.store, world.clock, self.locks)
        self.jobs = JobBoard(self.store, world.clock, self.locks)
        self.checkpoints = SomeCheckpoints(world)
        nobody = FakeProvider(clock=world.clock)  # type: ignore[arg-type]  # a clock by its methods
        facts = FactGatherer(
            registry, FakeFleet(nobody), FakeEvidence(world.clock), self.journal, world.clock, lambda: self.policy  # type: ignore[arg-type]  # as above
        )  # fmt: skip
        self.objects = AwsObjects(lambda: world.provider.store)
        self.mover = ObjectIo(lambda: world.provider.transfers)
        parts = StorageParts(
            facts,
            Caller(registry, self.journal, world.clock),
            self.locks,
            self.jobs,
            Survey(self.objects),
            Carrier(self.objects, self.mover, world.clock),
            Heirlooms(self.checkpoints, self.checkpoints),  # type: ignore[arg-type]  # nobody asks for a feed
            world.provider.prices.object_month,
        )
        self.desk = StorageDesk(parts)

    async def put(self, bucket: str, *keys: str, content: bytes = b"x") -> None:
        for key in keys:
            await self.world.provider.store.put_bytes(bucket, key, content)

    async def keys(self, bucket: str) -> list[str]:
        return [entry.key async for page in self.objects.pages(bucket, recursive=True) for entry in page]

    async def commit(self, plan: Plan, name: str | None = None) -> JobView:
        said = acknowledging(plan)
        said = said if name is None else replace(said, name=name)
        return await last_view(self.jobs, await self.desk.commit(plan, said))

    async def do(self, request: CopyRequest | DeleteRequest) -> JobView:
        return await self.commit(await self.desk.plan(request))

    async def rows(self) -> tuple[Row, ...]:
        return await self.journal.history()

    def close(self) -> None:
        self.store.close()
        self.store.join()


def codes(plan: Plan) -> set[str]:
    return {reason.code for reason in plan.verdict.reasons}
