"""One program over runs on real hosts of this machine and moto's S3: what a person has sent there, and sees arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.plan import JobView, Plan
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.run_uploads import RunUpload
from runctl_tui.domain.safety import CleanupSafety, Policy
from runctl_tui.services.action_calls import Caller
from runctl_tui.services.action_facts import FactGatherer
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.checkpoints.book import CheckpointBook
from runctl_tui.services.evidence import RegisterEvidence
from runctl_tui.services.feed import PushFeed
from runctl_tui.services.hosts.local import LocalHost
from runctl_tui.services.jobs import JobBoard
from runctl_tui.services.journal import Journal
from runctl_tui.services.launch.supplies import Supplies
from runctl_tui.services.locks import LockSet
from runctl_tui.services.run_uploads import RunUploads, UploadParts
from runctl_tui.services.runs.relay import UploadRelay
from runctl_tui.services.safe_cleanup import last_view
from runctl_tui.services.store import Store
from tests.fakes import ACCOUNT, OWNER, FakeFleet, acknowledging
from tests.services.actions_rig import FakeExecutor
from tests.services.agent.harness import metadata_service
from tests.services.aws.world import World
from tests.services.rig import PATH, SECOND, Rig

BUCKET = "my-runs-here"
WRITES = (
    "import os, sys, time\nfolder = os.environ['TRAINCTL_CHECKPOINT_DIR']\n"
    "for step in (1, 2, 3):\n"
    "    with open(folder + '/step_%06d.bin' % step, 'wb') as file: file.write(os.urandom(1000 + step))\n"
)
RUN = "r-000001aaaaa"


class UploadRig(Rig):
    """A program whose hosts have an instance profile, or depend on the relay."""

    def prepare(self, world: World) -> None:
        self.world = world
        self.s3 = world.raw("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.usual = ""
        self.nap = SECOND
        self.relays = 0
        self.relay_works = True
        self.serving: asyncio.Task[None] | None = None
        self.served = UploadRelay(self.register, self.machines, self._store, self.folder / "relay.lock", self._sleep)
        self.book = CheckpointBook(self.register, self._store, self.clock, lambda poll: PushFeed())
        self.locks = LockSet(self.folder)
        self.rows = Store(self.folder, self.clock)
        self.journal = Journal(self.rows, self.clock, self.locks)
        self.jobs = JobBoard(self.rows, self.clock, self.locks)
        self.actions = ActionService(self._parts())

    def _parts(self) -> ActionParts:
        evidence = RegisterEvidence(self.register, self.book, self.hosts, self.clock)
        fleet, policy = FakeFleet(self.provider), Policy(who=OWNER, ordinary_accounts=frozenset({ACCOUNT}))
        facts = FactGatherer(self.registry, fleet, evidence, self.journal, self.clock, lambda: policy)
        caller = Caller(self.registry, self.journal, self.clock, self._sleep)
        uploads = RunUploads(
            UploadParts(
                facts=facts,
                caller=caller,
                safety=CleanupSafety(),
                runs=self.register,
                checkpoints=self.book,
                usual_place=lambda: self.usual,
                region_of=Supplies(self.registry, self._store, "us-east-1").region_of,
                month=lambda region, size: Unknown("no prices here"),
                relay=self._relay,
            )
        )
        executor = FakeExecutor(self.provider)
        return ActionParts(facts, caller, self.locks, self.jobs, executor, run_uploads=uploads)

    def host(self, machine: Instance, metadata: str) -> None:
        """Give a machine's host an instance profile that may write to S3."""
        home = self.hosts.home(machine.id)
        home.mkdir(parents=True, exist_ok=True)
        base = {
            "PATH": PATH,
            "AWS_ENDPOINT_URL": self.world.settings.endpoint_url or "",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata,
        }
        self.hosts._made[machine.id] = LocalHost(machine.id, home=home, base=lambda: base)

    async def ended(self, machine: Instance, **more: object) -> TrainingSession:
        """Return a run that has ended and written three checkpoints."""
        await self.start(machine, WRITES, RUN, **more)
        return await self.ended_run(RUN)

    def stored(self) -> set[str]:
        """Return the keys that the bucket has."""
        return {row["Key"] for row in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}

    async def plan(self, to: str = "") -> Plan:
        return await self.actions.plan_upload(RunUpload((RUN,), to))

    async def commit(self, plan: Plan) -> JobView:
        return await last_view(self.jobs, await self.actions.commit(plan, acknowledging(plan)))

    async def close(self) -> None:
        if self.serving is not None:
            self.serving.cancel()
            await asyncio.wait([self.serving])
        self.clean()
        self.rows.close()
        self.rows.join()

    def _store(self) -> Any:
        return self.store

    def _relay(self) -> None:
        self.relays += 1
        if self.serving is None and self.relay_works:
            self.serving = asyncio.create_task(self.served.work())

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await asyncio.sleep(self.nap)


@asynccontextmanager
async def upload_rig(folder: Path, world: World) -> AsyncIterator[tuple[UploadRig, Instance]]:
    """Give a program and its machine, whose host has an instance profile."""
    made = UploadRig(folder, store=cast("Any", world.provider.store))
    made.prepare(world)
    with metadata_service() as (endpoint, _):
        machine = made.machine()
        made.host(machine, endpoint)
        try:
            yield made, machine
        finally:
            await made.close()
