"""Actions over a cloud in memory, with a real state file below."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from runctl_tui.domain.instance import Instance
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.plan import Confirmation, JobView, Operation, Plan
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingJob
from runctl_tui.domain.safety import Policy
from runctl_tui.services.action_calls import Caller
from runctl_tui.services.action_facts import FactGatherer
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.jobs import JobBoard, JobHandle
from runctl_tui.services.journal import Journal
from runctl_tui.services.journal_rows import Row
from runctl_tui.services.locks import LockSet
from runctl_tui.services.safe_cleanup import last_view
from runctl_tui.services.store import Store
from tests.fakes import (
    ACCOUNT,
    OWNER,
    FakeClock,
    FakeEvidence,
    FakeFleet,
    FakeProvider,
    FakeRegistry,
    acknowledging,
)

OPTIONS = CreateResourceOptions("fake", "us-east-1", "m5.large", "new-box", "llama")
JOB = TrainingJob("train.py", ("--steps", "5"), secrets=(("HF_TOKEN", "hf_secret"),))


@dataclass
class FakeExecutor:
    """Creates a machine with the job's token, or does what the test says."""

    provider: FakeProvider
    launched: list[LaunchRequest] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    taken_up: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the test when the run of a launch that was taken up has ended."""
    error: Exception | None = None
    during: Callable[[], None] | None = None

    async def launch(self, request: LaunchRequest, job: JobHandle) -> str:
        self.launched.append(request)
        await self._work(job)
        if request.options is None:
            return "done"
        made = await self.provider.create_resource(request.options, job.id)
        job.set(instance_id=made.id)
        return f"{made.id} runs"

    async def take_up(self, view: JobView, job: JobHandle) -> str:
        self.taken_up.append(view.run_id)
        await self.ended.wait()
        return f"{view.run_id} ended"

    async def stop_run(self, run_id: str, job: JobHandle) -> str:
        self.stopped.append(run_id)
        await self._work(job)
        return f"{run_id} is stopped"

    async def _work(self, job: JobHandle) -> None:
        async with job.step("work", "do it"):
            if self.during is not None:
                self.during()
            if self.error is not None:
                raise self.error


class Rig:
    """One program: its service and everything behind it."""

    def __init__(self, folder: Path, *machines: Instance, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.policy = Policy(who=OWNER, ordinary_accounts=frozenset({ACCOUNT}))
        self.provider = FakeProvider(clock=self.clock).add(*machines)
        self.registry = FakeRegistry(self.provider)
        self.fleet = FakeFleet(self.provider)
        self.evidence = FakeEvidence(self.clock)
        self.locks = LockSet(folder)
        self.store = Store(folder, self.clock)
        self.journal = Journal(self.store, self.clock, self.locks)
        self.jobs = JobBoard(self.store, self.clock, self.locks)
        self.executor = FakeExecutor(self.provider)
        self.facts = FactGatherer(
            self.registry, self.fleet, self.evidence, self.journal, self.clock, lambda: self.policy
        )  # fmt: skip
        self.caller = Caller(self.registry, self.journal, self.clock, self.clock.sleep)
        self.actions = ActionService(ActionParts(self.facts, self.caller, self.locks, self.jobs, self.executor))

    def close(self) -> None:
        self.store.close()
        self.store.join()

    def change(self, machine: Instance, **changes: object) -> None:
        now = self.provider.machines[machine.id]
        self.provider.add(replace(now, **changes))  # type: ignore[arg-type]  # test data by keyword

    def state(self, machine: Instance) -> ResourceState:
        return self.provider.machines[machine.id].state

    async def do(self, operation: Operation, *references: str) -> JobView:
        """Plan, answer rightly, carry out, wait."""
        return await self.commit(await self.actions.plan(operation, references))

    async def commit(self, plan: Plan, cap: str | None = None) -> JobView:
        job_id = await self.actions.commit(plan, yes(plan, cap))
        return await last_view(self.jobs, job_id)

    async def rows(self) -> tuple[Row, ...]:
        return await self.journal.history()


def yes(plan: Plan, cap: str | None = None) -> Confirmation:
    return replace(acknowledging(plan), typed_cap=Decimal(cap) if cap else None)


def codes(plan: Plan) -> set[str]:
    return {reason.code for reason in plan.verdict.reasons}
