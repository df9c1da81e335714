"""One program over real uploads on moto: its book of them and its actions, with a real state file below."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.identity import Identity
from runctl_tui.domain.plan import JobView, Operation, Plan
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.safety import Policy
from runctl_tui.domain.uploads import UnfinishedUpload, upload_reference
from runctl_tui.services.action_calls import Caller
from runctl_tui.services.action_facts import FactGatherer
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.errors import StateError
from runctl_tui.services.jobs import JobBoard
from runctl_tui.services.journal import Journal
from runctl_tui.services.locks import LockSet
from runctl_tui.services.registry import Registry
from runctl_tui.services.safe_cleanup import last_view
from runctl_tui.services.store import Store
from runctl_tui.services.upload_actions import UploadActions
from runctl_tui.services.upload_owners import UploadOwners
from runctl_tui.services.uploads import UploadBook
from tests.fakes import FakeEvidence, FakeFleet, FakeProvider, acknowledging
from tests.services.actions_rig import FakeExecutor
from tests.services.aws.world import World

BUCKET = "my-data-here"
MOTO = "arn:aws:iam::123456789012:user/user1-11111a31-17b5-4fb7-9df5-b111111f13de"
"""Who began every upload, as moto has it."""
PART = 5 * 1024 * 1024


@dataclass
class SomeRuns:
    """What the register of runs would tell."""

    rows: tuple[TrainingSession, ...] = ()
    broken: bool = False
    asked: list[str] = field(default_factory=list)

    async def writing_at(self, addresses: Any) -> tuple[TrainingSession, ...]:
        self.asked += addresses
        if self.broken:
            raise StateError("the register cannot be read")
        return self.rows


class Rig:
    """What a test gets."""

    def __init__(self, folder: Path, world: World, caller: str = MOTO) -> None:
        self.world, self.clock = world, world.clock
        self.policy = Policy(who="tester", sandbox=True)
        self.registry = Registry()
        self.registry.register(world.provider)
        self.caller_arn = caller
        world.provider.identity = self._identity  # type: ignore[method-assign]  # moto's caller began nothing
        self.locks = LockSet(folder)
        self.store = Store(folder, world.clock)
        self.journal = Journal(self.store, world.clock, self.locks)
        self.jobs = JobBoard(self.store, world.clock, self.locks)
        self.runs = SomeRuns()
        nobody = FakeProvider(clock=world.clock)  # type: ignore[arg-type]  # a clock by its methods
        facts = FactGatherer(
            self.registry, FakeFleet(nobody), FakeEvidence(world.clock), self.journal, world.clock, lambda: self.policy  # type: ignore[arg-type]  # as above
        )  # fmt: skip
        caller_ = Caller(self.registry, self.journal, world.clock, self._sleep)
        owners = UploadOwners(self.registry, self.runs, self.journal, world.clock, "tester")
        self.book = UploadBook(self.registry, owners, world.clock)
        uploads = UploadActions(facts, caller_, owners)
        executor = FakeExecutor(nobody)
        self.actions = ActionService(ActionParts(facts, caller_, self.locks, self.jobs, executor, uploads=uploads))

    async def _identity(self) -> Fact[Identity]:
        return Known(Identity("123456789012", self.caller_arn, ""), self.clock.now(), "test")

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    def begin(self, key: str, parts: int = 1, bucket: str = BUCKET, region: str = "us-east-1") -> str:
        """Begin an upload behind the program's back, and return its id."""
        s3 = self.world.raw("s3", region)
        upload: str = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        for number in range(1, parts + 1):
            s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=bytes(PART))
        return upload

    def pass_days(self, days: float) -> None:
        """Let time pass; what moto made is as old afterwards."""
        self.clock.advance(timedelta(days=days).total_seconds())

    def listed(self, bucket: str = BUCKET) -> list[str]:
        told = self.world.raw("s3").list_multipart_uploads(Bucket=bucket)
        return [one["UploadId"] for one in told.get("Uploads", [])]

    async def plan(self, key: str, upload: str) -> Plan:
        return await self.actions.plan(Operation.UPLOAD_ABORT, [upload_reference(BUCKET, key, upload)])

    async def commit(self, plan: Plan) -> JobView:
        return await last_view(self.jobs, await self.actions.commit(plan, acknowledging(plan)))

    async def rows(self, prefix: str = "") -> tuple[UnfinishedUpload, ...]:
        return (await self.book.now(BUCKET, prefix)).value

    def close(self) -> None:
        self.store.close()
        self.store.join()


def codes(plan: Plan) -> set[str]:
    return {reason.code for reason in plan.verdict.reasons}
