"""What a provider of volumes can do, and where to find it; used by the volume book and by changes of volumes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import Unsupported

if TYPE_CHECKING:
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.states import Operation
    from runctl_tui.domain.volume import NewVolume, Storage, Volume, VolumeShape, VolumeSnapshot
    from runctl_tui.services.ports import ProviderRegistry
    from runctl_tui.services.standing import Standing


@dataclass(frozen=True, slots=True)
class StorageCall:
    """One changing call on one volume or snapshot, with everything that it needs."""

    operation: Operation
    region: str
    id: str = ""
    """Of the volume or snapshot that exists."""
    token: str = ""
    """Comes back with what the call makes: as EC2's own token where it has one, and as a tag."""
    new: NewVolume | None = None
    shape: VolumeShape | None = None
    instance_id: str = ""
    device: str = ""
    to_region: str = ""
    name: str = ""
    project: str = ""
    volume_id: str = ""
    """Of the volume whose snapshot is copied."""


@dataclass(frozen=True, slots=True)
class Modification:
    """The latest change of a volume's shape."""

    state: str
    """modifying, optimizing, completed, failed."""
    started_at: datetime | None
    why: str = ""

    @property
    def usable(self) -> bool:
        """Whether the volume has its new shape, though it may still become faster."""
        return self.state in ("optimizing", "completed")


class VolumeStore(Protocol):
    """Volumes and snapshots of one provider; every method raises `TrainctlError`s only."""

    async def list_storage(self) -> Snapshot[Storage]:
        """Everything of all regions; a region that fails is named in `missing`."""

    async def standing(self) -> Standing:
        """Volumes that cost by themselves and not with a machine; asked at each look at the fleet."""

    async def learn_prices(self) -> None:
        """Have the prices of all regions at hand; a failure leaves what is known."""

    async def zones(self) -> tuple[str, ...]:
        """Where a new volume may be; empty where that goes by where the machines are."""

    async def check_zone(self, zone: str) -> None:
        """Raise ValidationError, which names the zones that there are, where a new volume cannot be there."""

    def priced(self, storage: Storage) -> Storage:
        """The same with what is known about prices now."""

    async def volume(self, volume_id: str, region: str = "") -> Volume:
        """One volume with its newest snapshot, read strongly; ResourceNotFound where there is none."""

    async def snapshot(self, snapshot_id: str, region: str = "") -> VolumeSnapshot:
        """One snapshot, read strongly."""

    async def snapshots_of(self, volume_id: str, region: str) -> tuple[VolumeSnapshot, ...]:
        """All our snapshots of a volume, also of one that is gone, in the volume's own region."""

    async def copies_of(self, volume_id: str, region: str, snapshot_id: str = "") -> tuple[VolumeSnapshot, ...]:
        """Our copies, in all regions but the volume's own, of its snapshots, and of one of them that is named."""

    async def users_of(self, snapshot_id: str, region: str) -> tuple[str, ...]:
        """Ids of our images that rest on a snapshot."""

    async def modification(self, volume_id: str, region: str) -> Modification | None:
        """The latest change of a volume's shape; None: never changed."""

    async def describe(self, resource_id: str, region: str = "") -> Mapping[str, object]:
        """The provider's own answer about a volume or snapshot as JSON-ready values."""

    async def find_by_token(self, token: str, region: str) -> str:
        """The id of the volume or snapshot that a call with this token made; empty where there is none."""

    async def change(self, call: StorageCall, *, dry: bool = False) -> str:
        """Carry a call out, or ask only whether it would be allowed; returns the id of what was made or changed."""

    def month(self, region: str, shape: VolumeShape) -> Fact[Decimal]:
        """Dollars per month of a volume, as far as is known without asking."""

    def snapshot_month(self, region: str, size_gib: int) -> Fact[Decimal]:
        """The most that a snapshot costs per month, as far as is known without asking."""


async def standing_volumes(registry: ProviderRegistry) -> Standing | None:
    """Return all volumes that cost by themselves; None where no provider has volumes."""
    parts = await asyncio.gather(*(store.standing() for store in volume_stores(registry)))
    if not parts:
        return None
    return Snapshot(
        value=tuple(one for part in parts for one in part.value),
        taken_at=min(part.taken_at for part in parts),
        scope=tuple(scope for part in parts for scope in part.scope),
        missing=tuple(problem for part in parts for problem in part.missing),
    )


def volume_store(registry: ProviderRegistry, name: str) -> VolumeStore:
    """Return a provider's volumes; Unsupported where it has none."""
    provider = registry.get(name)
    store: VolumeStore | None = getattr(provider, "volumes", None)
    if store is None:
        raise Unsupported(f"{provider.label} has no volumes", "", "choose another provider")
    return store


def volume_stores(registry: ProviderRegistry) -> tuple[VolumeStore, ...]:
    """Return the volumes of all providers that have any."""
    found = (getattr(provider, "volumes", None) for provider in registry.all())
    return tuple(store for store in found if store is not None)
