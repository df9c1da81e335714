"""Carries one confirmed call out: asked by dry run, written down, made once, watched until its end state."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.plan import Operation, Plan, Target
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.states import Capability
from runctl_tui.domain.text import safe
from runctl_tui.services.errors import CloudProviderError, ResourceNotFound, TrainctlError
from runctl_tui.services.jobs import JobHandle, StepHandle
from runctl_tui.services.journal import Journal
from runctl_tui.services.journal_rows import Entry, JournalState, Row
from runctl_tui.services.ports import ProviderRegistry, TrainingProvider
from runctl_tui.services.settling import settle

FIRST_POLL: Final = 1.0
SLOWEST_POLL: Final = 5.0
GIVE_UP: Final = 600.0
"""Seconds to wait for an end state."""

_NOT_DONE: Final = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown"}
    | {"InsufficientInstanceCapacity", "SpotMaxPriceTooLow", "MaxSpotInstanceCountExceeded", "VcpuLimitExceeded"}
)
"""Codes with which a provider says that it has not even begun."""

_END: Final = {
    Operation.START: ResourceState.RUNNING,
    Operation.STOP: ResourceState.STOPPED,
    Operation.TERMINATE: ResourceState.TERMINATED,
}
_ON_THE_WAY: Final = {
    Operation.START: ResourceState.STARTING,
    Operation.STOP: ResourceState.STOPPING,
    Operation.TERMINATE: ResourceState.TERMINATING,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes changing calls on machines, each at most once."""

    registry: ProviderRegistry
    journal: Journal
    clock: Clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def change(self, plan: Plan, target: Target, job: JobHandle) -> str:
        """Start, stop or terminate one machine and return how it stands."""
        provider = self.registry.get(target.provider)
        call = _method(provider, plan.operation)
        async with job.step(f"ask:{target.id}"):
            if not provider.capabilities.why_not(Capability.DRY_RUN):
                await provider.dry_run(plan.operation, target.id, target.region)
        entry = entry_for(plan, target, target.key, f"op-{uuid.uuid4().hex}")
        async with job.step(f"call:{target.id}"):
            await self.call(entry, lambda: call(target.id, target.region))
        async with job.step(f"wait:{target.id}") as step:
            state = await self._wait(provider, plan.operation, target, step, entry.op_id)
        await self.journal.mark(entry.op_id, JournalState.VERIFIED, f"it is {state.value}")
        return f"{target.name or target.id} is {state.value}"

    async def execute(self, entry: Entry, work: Callable[[], Awaitable[str]]) -> str:
        """Do a launch or stop a run, written down; a launch's token is its job's id."""
        await self.journal.begin(entry)
        await self.journal.mark(entry.op_id, JournalState.SENT)
        try:
            result = await work()
        except TrainctlError as error:
            if entry.operation is Operation.LAUNCH and _may_have_arrived(error):
                await self._settle(entry, error)
            else:
                await self.journal.mark(entry.op_id, JournalState.FAILED, _told(error))
            raise
        await self.journal.mark(entry.op_id, JournalState.VERIFIED, result)
        return result

    async def call(self, entry: Entry, call: Callable[[], Awaitable[None]]) -> None:
        """Make the call with its intent on the disk; an answer that was lost is settled by looking."""
        await self.journal.begin(entry)
        await self.journal.mark(entry.op_id, JournalState.SENT)
        try:
            await call()
        except TrainctlError as error:
            if not _may_have_arrived(error):
                await self.journal.mark(entry.op_id, JournalState.FAILED, _told(error))
                raise
            await self._settle(entry, error)
        else:
            await self.journal.mark(entry.op_id, JournalState.ACKED)

    async def _settle(self, entry: Entry, error: TrainctlError) -> None:
        await self.journal.mark(entry.op_id, JournalState.AMBIGUOUS, str(error))
        row = Row(entry, JournalState.AMBIGUOUS, self.clock.now())
        state, detail = await settle(row, self.registry, self.clock.now())
        if state is JournalState.VERIFIED:
            await self.journal.mark(entry.op_id, JournalState.ACKED, detail)
            return
        if state is JournalState.FAILED:
            await self.journal.mark(entry.op_id, JournalState.FAILED, detail)
        raise error

    async def _wait(
        self, provider: TrainingProvider, operation: Operation, target: Target, step: StepHandle, op_id: str
    ) -> ResourceState:
        """Look until the end state is there; a look that fails is no failure of the call."""
        deadline, nap, moved = self.clock.monotonic() + GIVE_UP, FIRST_POLL, False
        while self.clock.monotonic() < deadline:
            try:
                machine = await provider.get_resource_status(target.id, target.region)
            except ResourceNotFound:
                if operation is Operation.TERMINATE:
                    return ResourceState.TERMINATED
                await self.journal.mark(op_id, JournalState.FAILED, "it no longer exists")
                raise
            except TrainctlError as error:
                step.progress(detail=f"could not look: {error}")
            else:
                step.progress(detail=machine.state.value)
                if machine.state is _END[operation]:
                    return machine.state
                if moved and machine.state is not _ON_THE_WAY[operation]:
                    await self._fell_back(machine, op_id)
                moved = moved or machine.state is _ON_THE_WAY[operation]
            await self.sleep(nap)
            nap = min(nap * 1.5, SLOWEST_POLL)
        await self.journal.mark(op_id, JournalState.AMBIGUOUS, "the end state did not come")
        what = f"{target.name or target.id} is not {_END[operation].value} after {GIVE_UP / 60:.0f} minutes"
        raise CloudProviderError(what, "the call was accepted", "look at it again later", transient=True)

    async def _fell_back(self, machine: Instance, op_id: str) -> None:
        why = machine.state_reason or "the provider gives no reason"
        await self.journal.mark(op_id, JournalState.FAILED, f"{machine.state.value}: {why}")
        raise CloudProviderError(f"{machine.name or machine.id} became {machine.state.value}", why)


def entry_for(plan: Plan, target: Target, resource: str, token: str) -> Entry:
    """Return the journal's entry for one call of a plan."""
    return Entry(
        op_id=token,
        operation=plan.operation,
        kind=target.kind,
        resource=resource,
        name=safe(target.name),
        provider=target.provider,
        region=target.region,
        plan_hash=plan.hash,
        token=token,
        who=plan.who,
        effect=plan.effect,
    )


def end_state(operation: Operation) -> ResourceState:
    """Return the state in which an operation on a machine ends."""
    return _END[operation]


def _told(error: TrainctlError) -> str:
    """Return an error with its code, which is looked for later."""
    return str(error) if error.code in str(error) else f"{error} ({error.code})"


def _may_have_arrived(error: TrainctlError) -> bool:
    """Return whether the call may have taken effect although it failed: lost answers and errors of the server."""
    return error.retryable and error.code not in _NOT_DONE


def _method(provider: TrainingProvider, operation: Operation) -> Callable[[str, str], Awaitable[None]]:
    if operation is Operation.START:
        return provider.start
    return provider.stop if operation is Operation.STOP else provider.terminate
