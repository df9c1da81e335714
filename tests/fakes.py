"""Small fakes that the service tests share: a clock that is told the time, and a cloud that lives in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.host import HostProcess
from runctl_tui.domain.identity import Identity
from runctl_tui.domain.instance import TAG_OWNER, ApiProtection, Disk, Instance
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.domain.offer import Capabilities, CreateResourceOptions, TypeOffer
from runctl_tui.domain.plan import Confirmation, Operation, Plan
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import TrainingSession, TrainingStatus
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import Capability
from runctl_tui.services.errors import CloudProviderError, ResourceExists, ResourceNotFound, TrainctlError
from runctl_tui.services.ports import SshTarget, TrainingProvider

START = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
OWNER = "alice"
ACCOUNT = "111122223333"


class FakeClock:
    """A clock that only moves when it is told to."""

    def __init__(self, now: datetime = START) -> None:
        self.moment = now
        self.ticks = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.ticks

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.ticks += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock alone, as an operator or NTP would."""
        self.moment += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    """Let other tasks work until something holds; fail after five seconds."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 (nothing signals what an arbitrary test waits for)
            await asyncio.sleep(0)


def an_instance(number: int = 1, **changes: object) -> Instance:
    """Return a running machine of ours, two hours old, with one root disk."""
    base = Instance(
        id=f"i-{number:017x}",
        provider="fake",
        region="us-east-1",
        name=f"box-{number}",
        state=ResourceState.RUNNING,
        type="m5.large",
        launched_at=START - timedelta(hours=2),
        created_at=START - timedelta(hours=2),
        tags=((TAG_OWNER, OWNER), ("runctl:project", "llama")),
        disks=(Disk(f"vol-{number:017x}", "/dev/xvda", 30, "gp3", delete_on_termination=True, root=True),),
        owner_label=OWNER,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # test data by keyword


def a_price(usd: str = "1.00") -> Price:
    return Price(Decimal(usd), PriceKind.ON_DEMAND, "bundled table", date(2026, 11, 1))


def a_run(instance: Instance, status: TrainingStatus = TrainingStatus.RUNNING, **changes: object) -> TrainingSession:
    base = TrainingSession(
        id="r-000001",
        name="tiny",
        project="llama",
        provider=instance.provider,
        instance_id=instance.id,
        region=instance.region,
        status=status,
        script="train.py",
        args=(),
        started_at=START - timedelta(hours=1),
        heard_at=START,
        owner=OWNER,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # test data by keyword


@dataclass
class FakeProvider:
    """Machines in memory; state changes need `settle` or as many polls as `lag` says."""

    name: str = "fake"
    label: str = "Fake"
    clock: FakeClock = field(default_factory=FakeClock)
    machines: dict[str, Instance] = field(default_factory=dict)
    locks: dict[str, ApiProtection] = field(default_factory=dict)
    prices: dict[str, Price] = field(default_factory=lambda: {"m5.large": a_price()})
    refused: dict[Capability, str] = field(default_factory=dict)
    account: str = ACCOUNT
    lag: int = 1
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Every changing call, in order."""
    dry_runs: list[tuple[Operation, str]] = field(default_factory=list)
    failures: dict[str, TrainctlError] = field(default_factory=dict)
    """What a method raises, by its name; kept until removed."""
    lose_answer: bool = False
    """Changing calls take effect and then fail as a lost connection."""
    tokens: dict[str, str] = field(default_factory=dict)
    before_call: Callable[[], None] | None = None
    """Runs when a changing call arrives, before it has any effect."""
    _pending: dict[str, tuple[int, ResourceState]] = field(default_factory=dict)

    def add(self, *machines: Instance) -> FakeProvider:
        self.machines.update({machine.id: machine for machine in machines})
        return self

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.refused)

    def regions(self) -> tuple[str, ...]:
        return ("us-east-1",)

    async def identity(self) -> Fact[Identity]:
        if "identity" in self.failures:
            return Unknown(str(self.failures["identity"]))
        return Known(Identity(self.account, OWNER, "default"), self.clock.now(), "fake")

    async def list_resources(self) -> Snapshot[tuple[Instance, ...]]:
        self._fail("list_resources")
        return Snapshot(tuple(self.machines.values()), self.clock.now(), (f"{self.name}/us-east-1",))

    async def get_resource_status(self, resource_id: str, region: str = "") -> Instance:
        self._fail("get_resource_status")
        self._tick(resource_id)
        if resource_id not in self.machines:
            raise ResourceNotFound(f"there is no instance {resource_id}")
        return self.machines[resource_id]

    async def describe(self, resource_id: str, region: str = "") -> Mapping[str, object]:
        return {"InstanceId": (await self.get_resource_status(resource_id, region)).id}

    async def offers(self, region: str) -> tuple[TypeOffer, ...]:
        return ()

    async def estimate_cost(self, region: str, type_name: str, market: Market) -> Fact[Price]:
        self._fail("estimate_cost")
        if type_name not in self.prices:
            return Unknown("no price is known")
        return Known(self.prices[type_name], self.clock.now(), "fake")

    async def check_create(self, options: CreateResourceOptions) -> tuple[str, ...]:
        self._fail("check_create")
        return ()

    async def create_resource(self, options: CreateResourceOptions, token: str) -> Instance:
        if token in self.tokens:
            return self.machines[self.tokens[token]]
        self._call("create", options.name)
        made = an_instance(len(self.machines) + 1, name=options.name, type=options.type, provider=self.name)
        self.tokens[token] = made.id
        self.add(made)
        self._answer()
        return made

    async def start(self, resource_id: str, region: str = "") -> None:
        self._change("start", resource_id, ResourceState.STARTING, ResourceState.RUNNING)

    async def stop(self, resource_id: str, region: str = "") -> None:
        self._change("stop", resource_id, ResourceState.STOPPING, ResourceState.STOPPED)

    async def terminate(self, resource_id: str, region: str = "") -> None:
        self._change("terminate", resource_id, ResourceState.TERMINATING, ResourceState.TERMINATED)

    async def dry_run(self, operation: Operation, resource_id: str, region: str = "") -> None:
        self._fail("dry_run")
        self.dry_runs.append((operation, resource_id))

    async def logs(self, resource_id: str, follow: bool = True) -> AsyncIterator[str]:
        yield f"{resource_id} says nothing"

    async def protections(self, resource_id: str, region: str = "") -> Fact[ApiProtection]:
        if "protections" in self.failures:
            return Unknown(str(self.failures["protections"]))
        return Known(self.locks.get(resource_id, ApiProtection(False, False)), self.clock.now(), "fake")

    async def find_by_token(self, token: str, region: str = "") -> Instance | None:
        self._fail("find_by_token")
        return self.machines.get(self.tokens.get(token, ""))

    async def ssh_target(self, instance: Instance) -> SshTarget | None:
        return None

    async def host_keys(self, instance: Instance) -> tuple[str, ...]:
        return ()

    def _change(self, verb: str, resource_id: str, at_once: ResourceState, later: ResourceState) -> None:
        self._call(verb, resource_id)
        self.machines[resource_id] = replace(self.machines[resource_id], state=at_once)
        self._pending[resource_id] = (self.lag, later)
        self._answer()

    def _call(self, verb: str, what: str) -> None:
        if self.before_call is not None:
            self.before_call()
        self._fail(verb)
        self.calls.append((verb, what))

    def _answer(self) -> None:
        if self.lose_answer:
            raise CloudProviderError("the connection was lost", transient=True)

    def _tick(self, resource_id: str) -> None:
        left, state = self._pending.get(resource_id, (0, ResourceState.UNKNOWN))
        if resource_id in self._pending and left <= 0:
            del self._pending[resource_id]
            self.machines[resource_id] = replace(self.machines[resource_id], state=state)
        elif resource_id in self._pending:
            self._pending[resource_id] = (left - 1, state)

    def _fail(self, name: str) -> None:
        if name in self.failures:
            raise self.failures[name]


class FakeRegistry:
    """Providers by name."""

    def __init__(self, *providers: TrainingProvider) -> None:
        self._providers = {provider.name: provider for provider in providers}

    def register(self, provider: TrainingProvider) -> None:
        if provider.name in self._providers:
            raise ResourceExists(f"there is a provider {provider.name} already")
        self._providers[provider.name] = provider

    def get(self, name: str) -> TrainingProvider:
        if name not in self._providers:
            raise ResourceNotFound(f"there is no provider {name}")
        return self._providers[name]

    def all(self) -> tuple[TrainingProvider, ...]:
        return tuple(self._providers.values())


@dataclass
class FakeFleet:
    """Rows straight from one provider."""

    provider: FakeProvider

    def row(self, instance: Instance) -> FleetRow:
        price = self.provider.prices.get(instance.type)
        fact: Fact[Price] = Known(price, START, "fake") if price else Unknown("no price is known")
        return FleetRow(instance, fact, Decimal("2.40"), Decimal("2.00"))

    async def now(self) -> Snapshot[tuple[FleetRow, ...]]:
        rows = tuple(self.row(machine) for machine in self.provider.machines.values())
        return Snapshot(rows, self.provider.clock.now(), ("fake/us-east-1",))

    async def find(self, reference: str) -> FleetRow:
        for machine in self.provider.machines.values():
            if reference in (machine.id, machine.name, f"{machine.provider}/{machine.id}"):
                return self.row(machine)
        raise ResourceNotFound(f"there is no instance {reference}")


@dataclass
class FakeEvidence:
    """What runs and which checkpoints there are, as the test says."""

    clock: FakeClock
    runs: dict[str, tuple[TrainingSession, ...]] = field(default_factory=dict)
    copies: dict[str, tuple[Checkpoint, ...]] = field(default_factory=dict)
    work: tuple[HostProcess, ...] = ()
    runs_unknown: str = ""
    checkpoints_unknown: str = ""
    slow_seconds: float = 0
    """How long a host takes to tell about its checkpoints."""

    async def runs_on(self, instance: Instance) -> Fact[tuple[TrainingSession, ...]]:
        if self.runs_unknown:
            return Unknown(self.runs_unknown)
        return Known(self.runs.get(instance.id, ()), self.clock.now(), "fake")

    async def work_on(self, instance: Instance) -> Fact[tuple[HostProcess, ...]]:
        return Known(self.work, self.clock.now(), "fake")

    async def checkpoints_on(self, instance: Instance) -> Fact[tuple[Checkpoint, ...]]:
        self.clock.advance(self.slow_seconds)
        if self.checkpoints_unknown:
            return Unknown(self.checkpoints_unknown)
        return Known(self.copies.get(instance.id, ()), self.clock.now(), "fake")

    async def run(self, reference: str) -> TrainingSession:
        for sessions in self.runs.values():
            for session in sessions:
                if reference in (session.id, session.name):
                    return session
        raise ResourceNotFound(f"there is no run {reference}")

    async def checkpoints_of(self, session: TrainingSession) -> Fact[tuple[Checkpoint, ...]]:
        copies = await self.checkpoints_on(an_instance(id=session.instance_id))
        if isinstance(copies, Unknown):
            return copies
        return replace(copies, value=tuple(one for one in copies.value if one.run_id == session.id))


def acknowledging(plan: Plan) -> Confirmation:
    """The answer of a person who types all that a plan asks for."""
    codes = frozenset(plan.verdict.to_acknowledge)
    reason = "it is a test" if codes else ""
    return Confirmation(plan.hash, True, plan.name_to_type, acknowledged=codes, reason=reason)
