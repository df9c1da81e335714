"""Gathers what is known about the targets of an operation, by strong reads, all at once; what fails stays unknown."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol, TypeVar

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.host import HostProcess
from runctl_tui.domain.instance import ApiProtection, Instance
from runctl_tui.domain.money import Price
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.plan import Operation, Target
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.safety import Policy, SafetyFacts
from runctl_tui.domain.safety.facts import UNASKED
from runctl_tui.domain.safety.machine import FULL_FOR
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import IN_S3, MARKING, ON_UPLOADS, Capability
from runctl_tui.services.errors import ResourceNotFound, StateError, TrainctlError
from runctl_tui.services.evidence import Evidence
from runctl_tui.services.journal import Journal
from runctl_tui.services.ports import ProviderRegistry, TrainingProvider

T = TypeVar("T")
PATIENCE: Final = 20.0
"""Seconds that any one fact may take."""

CAPABILITY: Final = {
    Operation.LAUNCH: Capability.CREATE,
    Operation.START: Capability.START,
    Operation.STOP: Capability.STOP,
    Operation.TERMINATE: Capability.TERMINATE,
    Operation.RUN_START: Capability.TRAIN,
    Operation.RUN_RESUME: Capability.TRAIN,
    Operation.RUN_STOP: Capability.TRAIN,
    Operation.RUN_UPLOAD: Capability.TRAIN,
    Operation.VOLUME_ATTACH: Capability.ATTACH,
    Operation.VOLUME_DETACH: Capability.ATTACH,
    Operation.VOLUME_SNAPSHOT: Capability.SNAPSHOTS,
    Operation.SNAPSHOT_COPY: Capability.SNAPSHOTS,
    Operation.SNAPSHOT_DELETE: Capability.SNAPSHOTS,
    Operation.CLAIM: Capability.TAGS,
    Operation.PROTECT: Capability.TAGS,
    Operation.UNPROTECT: Capability.TAGS,
    Operation.SCHEDULE: Capability.TAGS,
    Operation.UNSCHEDULE: Capability.TAGS,
    Operation.PROCESS_END: Capability.SHELL,
    Operation.PROCESS_KILL: Capability.SHELL,
}
Training = tuple[Fact[tuple[TrainingSession, ...]], Fact[tuple[Checkpoint, ...]], Fact[tuple[HostProcess, ...]]]
"""The runs on a machine, their checkpoints, and what else works there."""
_ENDING: Final = frozenset({Operation.STOP, Operation.TERMINATE})


class FleetLookup(Protocol):
    """The part of `ports.Fleet` that actions need."""

    async def find(self, reference: str) -> FleetRow:
        """The machine with this key, id or unique name."""

    async def now(self) -> Snapshot[tuple[FleetRow, ...]]:
        """All machines."""


@dataclass(frozen=True, slots=True)
class FactGatherer:
    """Knows whom to ask."""

    registry: ProviderRegistry
    fleet: FleetLookup
    evidence: Evidence
    journal: Journal
    clock: Clock
    policy: Callable[[], Policy]

    async def instance(self, operation: Operation, row: FleetRow, planned_account: str | None) -> SafetyFacts:
        """Return the facts about one existing machine."""
        machine = row.instance
        provider = self.registry.get(machine.provider)
        key = machine.key
        base, price, evidence = await asyncio.gather(
            self.base(operation, provider, _target(machine), key, planned_account),
            self._price(provider, row),
            self._training(operation, machine),
        )
        status, protection = await asyncio.gather(
            self._status(provider, machine), self._protection(operation, provider, machine)
        )
        base = replace(base, protection=protection, price=price, so_far=row.so_far, disks_per_month=row.disks_per_month)
        if isinstance(status, Unknown):
            return replace(base.without_instance(status.reason), at=self.clock.now())
        if status.value.state is not machine.state:
            evidence = await self._training(operation, status.value)
        settled = base.with_instance(status.value, status.observed_at, status.source)
        sessions, checkpoints, work = evidence
        settled = replace(settled, target=_target(status.value), sessions=sessions, checkpoints=checkpoints, work=work)
        return replace(settled, at=self.clock.now())

    async def _training(self, operation: Operation, machine: Instance) -> Training:
        """Return what is known about training on a machine; asked first, because hosts are slower than providers."""
        if operation not in (*_ENDING, Operation.RUN_START, Operation.RUN_RESUME):
            return UNASKED, UNASKED, UNASKED
        return await asyncio.gather(
            known(self.evidence.runs_on(machine)),
            known(self.evidence.checkpoints_on(machine)),
            known(self.evidence.work_on(machine)),
        )

    async def run(self, operation: Operation, session: TrainingSession, planned_account: str | None) -> SafetyFacts:
        """Return the facts about stopping or uploading one run."""
        provider = self.registry.get(session.provider)
        target = Target("run", session.id, session.name, session.provider, session.region)
        base, checkpoints = await asyncio.gather(
            self.base(operation, provider, target, session.id, planned_account),
            known(self.evidence.checkpoints_of(session)),
        )
        with contextlib.suppress(TrainctlError):  # what its machine costs is only told
            row = await self.fleet.find(session.machine_key)
            base = replace(base, price=await self._price(provider, row), so_far=row.so_far)
        now = self.clock.now()
        return replace(base, sessions=Known((session,), now, "register of runs"), checkpoints=checkpoints, at=now)

    async def launch(
        self, operation: Operation, options: CreateResourceOptions, planned_account: str | None, falls_back: bool
    ) -> SafetyFacts:
        """Return the facts about creating one machine; raises where the provider says that it cannot work.

        `falls_back`: where spot has no room it is made on demand, for what that costs.
        """
        provider = self.registry.get(options.provider)
        target = Target("instance", "", options.name, options.provider, options.region)
        base, price, warnings = await asyncio.gather(
            self.base(operation, provider, target, launch_lock(options), planned_account),
            known(provider.estimate_cost(options.region, options.type, options.market)),
            provider.check_create(options),
        )
        incapable = base.incapable or provider.capabilities.why_not(Capability.CREATE)
        if falls_back and options.market is Market.SPOT:
            full = await known(provider.estimate_cost(options.region, options.type, Market.ON_DEMAND))
            base = replace(base, fallback=full)
        return replace(
            base, price=price, warnings=warnings, type=options.type, incapable=incapable, at=self.clock.now()
        )

    async def base(
        self, operation: Operation, provider: TrainingProvider, target: Target, lock: str, planned_account: str | None
    ) -> SafetyFacts:
        """Return what every verdict rests on: policy, account, journal; all else is unknown."""
        account, usable, open_rows, unprotected_at = await asyncio.gather(
            self._account(provider),
            self.journal.usable(),
            self._open_rows(lock, planned_account is None),
            self._unprotected_at(lock),
        )
        return SafetyFacts(
            at=self.clock.now(),
            target=target,
            policy=self.policy(),
            account=account,
            planned_account=planned_account,
            incapable=_incapable(provider, operation),
            unprotected_at=unprotected_at,
            out_of_capacity_at=await self._out_of_capacity(target),
            no_tags=provider.capabilities.why_not(Capability.TAGS),
            journal_ok=usable,
            open_rows=open_rows,
        )

    async def _account(self, provider: TrainingProvider) -> Fact[str]:
        identity = await known(provider.identity())
        if isinstance(identity, Unknown):
            return identity
        return Known(identity.value.account, identity.observed_at, identity.source)

    async def _unprotected_at(self, lock: str) -> datetime | None:
        with contextlib.suppress(StateError):  # a journal that cannot be read is a reason of its own
            return await self.journal.last_time(lock, Operation.UNPROTECT)
        return None

    async def _out_of_capacity(self, target: Target) -> Fact[datetime | None]:
        now = self.clock.now()
        try:
            found = await self.journal.refused_for_capacity(target.provider, target.region, now - FULL_FOR)
        except StateError as error:
            return Unknown(str(error))
        return Known(found, now, "journal")

    async def _open_rows(self, lock: str, settle_first: bool) -> tuple[str, ...] | None:
        try:
            rows = await (self.journal.reconcile(self.registry, lock) if settle_first else self.journal.open_rows(lock))
        except StateError:
            return None
        return tuple(f"{row.entry.operation.value} {row.state.value}" for row in rows)

    async def _status(self, provider: TrainingProvider, machine: Instance) -> Fact[Instance]:
        try:
            async with asyncio.timeout(PATIENCE):
                found = await provider.get_resource_status(machine.id, machine.region)
        except ResourceNotFound:
            found = replace(machine, state=ResourceState.TERMINATED)
        except TimeoutError:
            return Unknown(f"no answer within {PATIENCE:.0f} s")
        except TrainctlError as error:
            return Unknown(str(error))
        return Known(found, self.clock.now(), provider.label)

    async def _protection(
        self, operation: Operation, provider: TrainingProvider, machine: Instance
    ) -> Fact[ApiProtection]:
        if operation not in _ENDING | MARKING:
            return Unknown("not asked")
        return await known(provider.protections(machine.id, machine.region))

    async def _price(self, provider: TrainingProvider, row: FleetRow) -> Fact[Price]:
        if isinstance(row.price, Known):
            return row.price
        machine = row.instance
        return await known(provider.estimate_cost(machine.region, machine.type, machine.market))


async def known(asked: Awaitable[Fact[T]]) -> Fact[T]:
    """Return the fact, or unknown where asking failed or took too long."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await asked
    except TimeoutError:
        return Unknown(f"no answer within {PATIENCE:.0f} s")
    except TrainctlError as error:
        return Unknown(str(error))


def _incapable(provider: TrainingProvider, operation: Operation) -> str:
    """Return why a provider cannot do it; what is in S3 is no matter of a machine's provider."""
    if operation in IN_S3 | ON_UPLOADS:
        return ""
    return provider.capabilities.why_not(CAPABILITY.get(operation, Capability.VOLUMES))


def launch_lock(options: CreateResourceOptions) -> str:
    """Return the name under which launches of a machine of this name are locked and journaled."""
    return f"launch/{options.provider}/{options.region}/{options.name}"


def _target(machine: Instance) -> Target:
    return Target("instance", machine.id, machine.name, machine.provider, machine.region)
