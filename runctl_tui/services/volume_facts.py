"""Gathers everything that a verdict on a change of volumes or snapshots rests on, from strong reads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.money import HOURS_PER_MONTH, Price, PriceKind
from runctl_tui.domain.plan import Operation, Target
from runctl_tui.domain.safety import SafetyFacts
from runctl_tui.domain.safety.facts import UNASKED
from runctl_tui.domain.safety.storage_facts import StorageFacts
from runctl_tui.domain.states import ON_SNAPSHOTS, Capability
from runctl_tui.domain.volume import SNAPSHOT, VOLUME, Volume, VolumeChange, VolumeSnapshot
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS
from runctl_tui.services.action_facts import FactGatherer, known
from runctl_tui.services.errors import ResourceNotFound, ValidationError
from runctl_tui.services.volume_kin import kin_of
from runctl_tui.services.volume_store import volume_store

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.services.ports_volumes import Volumes
    from runctl_tui.services.volume_store import VolumeStore

T = TypeVar("T")
DEVICES: Final = tuple(f"/dev/sd{letter}" for letter in "fghijklmnop")
"""What AWS recommends for data volumes."""


@dataclass(frozen=True, slots=True)
class VolumeFactGatherer:
    """Knows whom to ask about volumes."""

    common: FactGatherer
    volumes: Volumes

    async def of(self, change: VolumeChange, reference: str, planned_account: str | None) -> SafetyFacts:
        """Return the facts about one target of a change; ResourceNotFound where there is none."""
        if change.new is not None:
            return await self._new(change, planned_account)
        if change.operation in ON_SNAPSHOTS:
            return await self._snapshot(change, await self.volumes.find_snapshot(reference), planned_account)
        return await self._volume(change, await self.volumes.find(reference), planned_account)

    async def about(self, operation: Operation, kind: str, reference: str, planned_account: str | None) -> SafetyFacts:
        """Return the facts about a volume or snapshot for what leaves its contents as they are."""
        change = VolumeChange(operation, (reference,))
        if kind == SNAPSHOT:
            return await self._snapshot(change, await self.volumes.find_snapshot(reference), planned_account)
        return await self._volume(change, await self.volumes.find(reference), planned_account)

    async def _new(self, change: VolumeChange, planned_account: str | None) -> SafetyFacts:
        new = change.new
        if new is None:
            raise ValidationError("a new volume needs its name, zone and size")
        store = volume_store(self.common.registry, new.provider)
        await store.check_zone(new.zone)
        target = Target(VOLUME, "", new.name, new.provider, new.region)
        base = await self._base(change, target, new_lock(change), planned_account)
        await store.learn_prices(new.region)
        taken = [one.id for one in (await self.volumes.now()).value.volumes if one.name == new.name]
        if taken:
            why = f"{taken[0]} has it"
            raise ValidationError(f"The name {new.name!r} is taken", why, "choose another name")
        month = store.month(new.region, new.shape)
        refused = self.common.registry.get(new.provider).capabilities.why_not
        storage = StorageFacts(
            shape=new.shape,
            zone=new.zone,
            month=month,
            no_attach=refused(Capability.ATTACH),
            no_snapshots=refused(Capability.SNAPSHOTS),
        )
        if new.snapshot_id:
            snapshot = await self._fact(store.snapshot(new.snapshot_id))
            if isinstance(snapshot, Unknown):
                what = f"The snapshot {new.snapshot_id} could not be read"
                raise ResourceNotFound(what, snapshot.reason, "list them: runctl-tui snapshots list")
            storage = replace(storage, snapshot=snapshot)
        return replace(base, type=new.shape.words, price=_hourly(month), storage=storage)

    async def _volume(self, change: VolumeChange, listed: Volume, planned_account: str | None) -> SafetyFacts:
        store = volume_store(self.common.registry, listed.provider)
        target = Target(VOLUME, listed.id, listed.name, listed.provider, listed.region)
        base, volume, snapshots, copies = await asyncio.gather(
            self._base(change, target, listed.key, planned_account),
            self._fact(store.volume(listed.id, listed.region)),
            self._fact(store.snapshots_of(listed.id, listed.region)),
            self._fact(store.copies_of(listed.id, listed.region)),
        )
        refused = self.common.registry.get(listed.provider).capabilities.why_not
        storage = StorageFacts(
            volume=_maybe(_named(volume, listed)),
            snapshots=snapshots,
            copies=copies,
            no_attach=refused(Capability.ATTACH),
            no_snapshots=refused(Capability.SNAPSHOTS),
        )
        if isinstance(volume, Unknown):
            return replace(_blind(base, volume.reason), storage=storage, at=self.common.clock.now())
        found = volume.value
        facts = _settled(base, found, volume.observed_at)
        month, price = found.usd_per_month, base.price
        if change.operation is Operation.VOLUME_MODIFY and change.shape is not None:
            month = store.month(found.region, change.shape)
            price = _hourly(_more(found.usd_per_month, month))
            if found.shape.type not in NETWORK_LIMITS:
                storage = replace(storage, modified_at=await self._fact(_last_change(store, found)))
        if change.operation is Operation.VOLUME_SNAPSHOT:
            month = store.snapshot_month(found.region, found.shape.size_gib)
        if change.operation is Operation.VOLUME_DELETE:
            storage = replace(storage, used_at=await known(self._last_use(found)))
        storage = replace(storage, shape=change.shape, month=month)
        storage, sessions = await self._with_host(change, found, storage)
        at = self.common.clock.now()
        return replace(facts, type=found.shape.words, price=price, storage=storage, sessions=sessions, at=at)

    async def _last_use(self, volume: Volume) -> Fact[datetime | None]:
        """Return when this program put a volume on a machine or took it off; a provider tells nothing of the past."""
        journal = self.common.journal
        moves = (Operation.VOLUME_ATTACH, Operation.VOLUME_DETACH)
        times = [at for each in moves if (at := await journal.last_time(volume.key, each)) is not None]
        return Known(max(times, default=None), self.common.clock.now(), "journal")

    async def _with_host(
        self, change: VolumeChange, volume: Volume, storage: StorageFacts
    ) -> tuple[StorageFacts, Fact[tuple[TrainingSession, ...]]]:
        """Add the machine that the volume is on or shall be put on, and what trains there."""
        held = volume.attachment
        sessions: Fact[tuple[TrainingSession, ...]] = UNASKED
        if change.operation is Operation.VOLUME_ATTACH:
            machine = (await self.common.fleet.find(change.instance)).instance
        elif change.operation is Operation.VOLUME_DETACH and held is not None:
            machine = (await self.common.fleet.find(f"{volume.provider}/{held.instance_id}")).instance
            sessions = await known(self.common.evidence.runs_on(machine))
        else:
            return storage, sessions
        provider = self.common.registry.get(machine.provider)
        host = await self._fact(provider.get_resource_status(machine.id, machine.region))
        device = change.device or (free_device(host.value) if isinstance(host, Known) else "")
        return replace(storage, host=host, device=device), sessions

    async def _snapshot(self, change: VolumeChange, listed: VolumeSnapshot, planned: str | None) -> SafetyFacts:
        store = volume_store(self.common.registry, listed.provider)
        target = Target(SNAPSHOT, listed.id, listed.name, listed.provider, listed.region)
        base, snapshot, images, kin = await asyncio.gather(
            self._base(change, target, listed.key, planned),
            self._fact(store.snapshot(listed.id, listed.region)),
            self._fact(store.users_of(listed.id, listed.region)),
            kin_of(store, listed, self.common.clock),
        )
        month = listed.usd_per_month
        if change.region:
            await store.learn_prices(change.region)
            month = store.snapshot_month(change.region, listed.size_gib)
        storage = StorageFacts(
            volume=kin.volume,
            snapshot=snapshot,
            snapshots=kin.snapshots,
            copies=kin.copies,
            images=images,
            to_region=change.region,
            month=month,
        )
        base = replace(base, storage=storage, type=f"{listed.size_gib:,} GiB", at=self.common.clock.now())
        if isinstance(snapshot, Unknown):
            return _blind(base, snapshot.reason)
        return _settled(base, snapshot.value, snapshot.observed_at)

    async def _base(self, change: VolumeChange, target: Target, lock: str, planned_account: str | None) -> SafetyFacts:
        provider = self.common.registry.get(target.provider)
        return await self.common.base(change.operation, provider, target, lock, planned_account)

    async def _fact(self, asked: Awaitable[T]) -> Fact[T]:
        async def wrapped() -> Fact[T]:
            return Known(await asked, self.common.clock.now(), "EC2")

        return await known(wrapped())


def new_lock(change: VolumeChange) -> str:
    """Return the name under which creations of a volume of this name are locked and journaled."""
    new = change.new
    return f"volume/{new.provider}/{new.region}/{new.name}" if new else ""


def free_device(machine: Instance) -> str:
    """Return the first device name that is free on a machine."""
    taken = {disk.device for disk in machine.disks}
    free = [device for device in DEVICES if device not in taken]
    if not free:
        raise ValidationError(f"{machine.name or machine.id} has no free device name", ", ".join(DEVICES))
    return free[0]


async def _last_change(store: VolumeStore, volume: Volume) -> datetime | None:
    change = await store.modification(volume.id, volume.region)
    return change.started_at if change is not None else None


def _settled(base: SafetyFacts, found: Volume | VolumeSnapshot, seen_at: datetime) -> SafetyFacts:
    """Return the common facts with all that is settled by a strong read."""

    def fact(value: T) -> Known[T]:
        return Known(value, seen_at, "EC2")

    born = found.created_at if isinstance(found, Volume) else found.started_at
    return replace(
        base,
        target=replace(base.target, name=found.name),
        tags=fact(found.tags),
        ownership=fact(found.ownership),
        created_at=fact(born) if born else Unknown("its provider does not tell"),
    )


def _blind(base: SafetyFacts, reason: str) -> SafetyFacts:
    lost = Unknown(reason)
    return replace(base, tags=lost, ownership=lost, created_at=lost)


def _maybe(fact: Fact[Volume]) -> Fact[Volume | None]:
    return fact if isinstance(fact, Unknown) else Known(fact.value, fact.observed_at, fact.source)


def _named(fact: Fact[Volume], listed: Volume) -> Fact[Volume]:
    """Return a volume with the names of its machines, which EC2 does not tell with it."""
    if isinstance(fact, Unknown):
        return fact
    names = {each.instance_id: each.instance_name for each in listed.attachments}
    attachments = tuple(
        replace(each, instance_name=names.get(each.instance_id, each.instance_name)) for each in fact.value.attachments
    )
    return replace(fact, value=replace(fact.value, attachments=attachments))


def _more(before: Fact[Decimal], after: Fact[Decimal]) -> Fact[Decimal]:
    """Return what a volume costs more per month than before; less is nothing."""
    if isinstance(before, Unknown):
        return before
    if isinstance(after, Unknown):
        return after
    return replace(after, value=max(after.value - before.value, Decimal(0)))


def _hourly(month: Fact[Decimal]) -> Fact[Price]:
    if isinstance(month, Unknown):
        return month
    price = Price(month.value / HOURS_PER_MONTH, PriceKind.STORAGE, month.source, month.observed_at.date())
    return Known(price, month.observed_at, month.source)
