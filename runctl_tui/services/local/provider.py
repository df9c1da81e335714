"""`LocalProvider`: the machine at hand behind the `TrainingProvider` port; it costs nothing and is never destroyed."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Final, NoReturn

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.identity import Identity
from runctl_tui.domain.instance import TAG_OWNER, ApiProtection, Instance
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.domain.offer import Capabilities, CreateResourceOptions, TypeOffer
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import Capability
from runctl_tui.services.errors import ResourceNotFound, Unsupported
from runctl_tui.services.local.hardware import Hardware, look
from runctl_tui.services.ports import SshTarget
from runctl_tui.services.threads import BackendPool

PROVIDER: Final = "local"
LABEL: Final = "this machine"
ID: Final = "local"
REGION: Final = "local"
KEPT: Final = "this machine can never be stopped or terminated, only its runs"
_REFUSED: Final = {
    Capability.CREATE: "this machine is here already; nothing can be created",
    Capability.START: "this machine runs as long as you can see this",
    Capability.STOP: KEPT,
    Capability.TERMINATE: KEPT,
    Capability.SPOT: "this machine is not bought",
    Capability.VOLUMES: "the disks of this machine are yours to look after",
    Capability.LOGS: "this machine has no log of its own here; its runs have theirs",
    Capability.DRY_RUN: "there is nobody to ask on this machine",
}


class LocalProvider:
    """One machine: this one."""

    name = PROVIDER
    label = LABEL

    def __init__(self, clock: Clock, owner: str, pool: BackendPool | None = None) -> None:
        self._clock = clock
        self._owner = owner
        self._pool = pool or BackendPool(PROVIDER, 2)
        self._hardware: Hardware | None = None

    @property
    def capabilities(self) -> Capabilities:
        """It trains and has a shell; the rest is refused with the reason."""
        return Capabilities(_REFUSED)

    def regions(self) -> tuple[str, ...]:
        """The one place there is."""
        return (REGION,)

    async def identity(self) -> Fact[Identity]:
        """Return the login name on this machine."""
        hardware = await self._look()
        user = await self._pool.run(getpass.getuser)
        return Known(Identity(hardware.hostname, user, ""), self._clock.now(), "operating system")

    async def list_resources(self) -> Snapshot[tuple[Instance, ...]]:
        """Return this machine."""
        return Snapshot((await self._instance(),), self._clock.now(), (PROVIDER,))

    async def get_resource_status(self, resource_id: str, region: str = "") -> Instance:
        """Return this machine; ResourceNotFound for any other."""
        self._check(resource_id)
        return await self._instance()

    async def describe(self, resource_id: str, region: str = "") -> Mapping[str, object]:
        """Return what the operating system says."""
        self._check(resource_id)
        found = await self._look()
        gpu = found.gpu
        return {
            "Hostname": found.hostname,
            "System": found.system,
            "Architecture": found.architecture,
            "Processors": found.vcpus,
            "MemoryGiB": found.memory_gib,
            "Gpu": {"Name": gpu.name, "Count": gpu.count, "MemoryGiB": gpu.memory_gib} if gpu else None,
            "BootedAt": found.booted_at.isoformat() if found.booted_at else None,
        }

    async def offers(self, region: str) -> tuple[TypeOffer, ...]:
        """Nothing is for sale here."""
        return ()

    async def estimate_cost(self, region: str, type_name: str, market: Market) -> Fact[Price]:
        """Return that it costs nothing."""
        now = self._clock.now()
        return Known(Price(Decimal(0), PriceKind.FREE, LABEL, now.date()), now, LABEL)

    async def check_create(self, options: CreateResourceOptions) -> tuple[str, ...]:
        """Refuse."""
        self._refuse(Capability.CREATE)

    async def create_resource(self, options: CreateResourceOptions, token: str) -> Instance:
        """Refuse."""
        self._refuse(Capability.CREATE)

    async def start(self, resource_id: str, region: str = "") -> None:
        """Refuse."""
        self._refuse(Capability.START)

    async def stop(self, resource_id: str, region: str = "") -> None:
        """Refuse, always."""
        self._refuse(Capability.STOP)

    async def terminate(self, resource_id: str, region: str = "") -> None:
        """Refuse, always."""
        self._refuse(Capability.TERMINATE)

    async def dry_run(self, operation: Operation, resource_id: str, region: str = "") -> None:
        """Do nothing: there is nobody to ask."""

    def logs(self, resource_id: str, follow: bool = True) -> AsyncIterator[str]:
        """Raise: there is no log of a machine."""
        raise Unsupported(f"{resource_id} has no log", self.capabilities.why_not(Capability.LOGS))

    async def protections(self, resource_id: str, region: str = "") -> Fact[ApiProtection]:
        """Return that it is locked against everything."""
        self._check(resource_id)
        return Known(ApiProtection(termination=True, stop=True), self._clock.now(), LABEL)

    async def find_by_token(self, token: str, region: str = "") -> Instance | None:
        """Return nothing, because nothing is ever created."""
        return None

    async def ssh_target(self, instance: Instance) -> SshTarget | None:
        """Return None: commands run here directly."""
        return None

    async def host_keys(self, instance: Instance) -> tuple[str, ...]:
        """Return none, because no connection is made."""
        return ()

    def close(self) -> None:
        """Let go of the pool without waiting for any call."""
        self._pool.close()

    async def _look(self) -> Hardware:
        if self._hardware is None:
            self._hardware = await self._pool.run(look)
        return self._hardware

    async def _instance(self) -> Instance:
        found = await self._look()
        return Instance(
            id=ID,
            provider=PROVIDER,
            region=REGION,
            name=LABEL,
            state=ResourceState.RUNNING,
            type=found.architecture,
            market=Market.LOCAL,
            gpu=found.gpu,
            vcpus=found.vcpus,
            memory_gib=found.memory_gib,
            launched_at=found.booted_at,
            tags=((TAG_OWNER, self._owner),),
            owner_label=self._owner,
        )

    def _check(self, resource_id: str) -> None:
        if resource_id != ID:
            raise ResourceNotFound(f"There is no machine {resource_id} here", f"this machine's id is '{ID}'")

    def _refuse(self, capability: Capability) -> NoReturn:
        raise Unsupported(f"{LABEL}: {capability.value} is not possible", _REFUSED[capability])
