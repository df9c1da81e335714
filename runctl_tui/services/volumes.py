"""The volume book: volumes and snapshots with prices and machines' names. Implements `Volumes`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.volume import Storage, Volume, VolumeSnapshot, VolumeState
from runctl_tui.services.errors import ResourceNotFound, TrainctlError, ValidationError, unread
from runctl_tui.services.volume_store import volume_store, volume_stores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.volume import VolumeShape
    from runctl_tui.services.machines import MachineList
    from runctl_tui.services.ports import Feed, ProviderRegistry
    from runctl_tui.services.volume_store import VolumeStore

OneT = TypeVar("OneT", Volume, VolumeSnapshot)
NAMES_SECONDS: Final = 30.0
"""How long the names of machines serve before they are asked again."""


class VolumeBook:
    """Lists volumes and snapshots; what a failing region said last stays, with its age."""

    feed: Feed[Storage]
    """Set by the composition root, which knows the feed's pace."""

    def __init__(self, registry: ProviderRegistry, machines: MachineList, clock: Clock) -> None:
        self._registry = registry
        self._machines = machines
        self._clock = clock
        self._kept: dict[str, tuple[datetime, Storage]] = {}
        self._names: dict[str, str] = {}
        self._named_at = float("-inf")

    async def poll(self) -> Snapshot[Storage]:
        """Read everything for the feed: the rows at once, their prices and machines' names as soon as known."""
        if self.feed.latest is None and (push := getattr(self.feed, "push", None)) is not None:
            push(await self._listed())
        return await self.now()

    async def now(self) -> Snapshot[Storage]:
        """Read everything once, whole."""
        listed, _, _ = await asyncio.gather(self._listed(), self._learn_prices(), self._learn_names())
        storage = listed.value
        for store in volume_stores(self._registry):
            storage = store.priced(storage)
        named = tuple(self._with_names(one) for one in storage.volumes)
        return replace(listed, value=Storage(named, storage.snapshots))

    async def find(self, reference: str) -> Volume:
        """Return the volume with this key, id or unique name."""
        found = await self.now()
        ending = (VolumeState.DELETED, VolumeState.DELETING)
        volumes = [one for one in found.value.volumes if one.state not in ending]
        return _only(reference, volumes, "volume", found.missing)

    async def find_snapshot(self, reference: str) -> VolumeSnapshot:
        """Return the snapshot with this key, id or unique name."""
        found = await self.now()
        return _only(reference, found.value.snapshots, "snapshot", found.missing)

    async def describe(self, key: str) -> Mapping[str, object]:
        """Return the provider's own words about a volume or snapshot."""
        provider, _, resource_id = key.partition("/")
        return await volume_store(self._registry, provider).describe(resource_id)

    async def zones(self, provider: str) -> tuple[str, ...]:
        """Return where a provider's new volumes may be; empty where it goes by where the machines are."""
        return await volume_store(self._registry, provider).zones()

    def month(self, provider: str, region: str, shape: VolumeShape) -> Fact[Decimal]:
        """Return dollars per month of a volume as far as is known without asking anybody."""
        return volume_store(self._registry, provider).month(region, shape)

    async def _listed(self) -> Snapshot[Storage]:
        parts = await asyncio.gather(*(self._of(store) for store in volume_stores(self._registry)))
        volumes = [one for part in parts for one in part.value.volumes]
        snapshots = [one for part in parts for one in part.value.snapshots]
        return Snapshot(
            value=Storage(
                tuple(sorted(volumes, key=lambda one: (one.region, one.id))),
                tuple(sorted(snapshots, key=lambda one: (one.region, one.id))),
            ),
            taken_at=min((part.taken_at for part in parts), default=self._clock.now()),
            scope=tuple(scope for part in parts for scope in part.scope),
            missing=tuple(problem for part in parts for problem in part.missing),
        )

    async def _of(self, store: VolumeStore) -> Snapshot[Storage]:
        """Read one provider, and fill the regions that failed with what they said last."""
        found = await store.list_storage()
        failed = {problem.scope for problem in found.missing}
        taken_at, whole = found.taken_at, found.value
        for scope in found.scope:
            region = scope.partition("/")[2]
            here = Storage(_in(region, whole.volumes), _in(region, whole.snapshots))
            if scope not in failed:
                self._kept[scope] = (found.taken_at, here)
            elif scope in self._kept:
                at, before = self._kept[scope]
                taken_at = min(taken_at, at)
                volumes = () if here.volumes else before.volumes
                snapshots = () if here.snapshots else before.snapshots
                whole = Storage((*whole.volumes, *volumes), (*whole.snapshots, *snapshots))
        return replace(found, value=whole, taken_at=taken_at)

    async def _learn_prices(self) -> None:
        await asyncio.gather(*(store.learn_prices() for store in volume_stores(self._registry)))

    async def _learn_names(self) -> None:
        now = self._clock.monotonic()
        if now - self._named_at < NAMES_SECONDS:
            return
        try:
            listed = await self._machines.now()
        except TrainctlError:
            return
        self._named_at = now
        self._names |= {machine.id: machine.name for machine in listed.value if machine.name}

    def _with_names(self, volume: Volume) -> Volume:
        attachments = tuple(
            replace(each, instance_name=self._names.get(each.instance_id, each.instance_name))
            for each in volume.attachments
        )
        return replace(volume, attachments=attachments)


def _in(region: str, found: Sequence[OneT]) -> tuple[OneT, ...]:
    return tuple(one for one in found if region in ("", one.region))


def _only(reference: str, all_of_them: Sequence[OneT], noun: str, missing: Sequence[Problem]) -> OneT:
    exact = [one for one in all_of_them if reference in (one.key, one.id)]
    found = exact or [one for one in all_of_them if reference and one.name == reference]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(one.id for one in found)
        raise ValidationError(f"{reference!r} is the name of more than one {noun}", ids, "name one by its id")
    if missing:
        raise unread(f"Whether there is a {noun} {reference!r} could not be read", missing)
    raise ResourceNotFound(f"There is no {noun} {reference!r}", "", f"list them: runctl-tui {noun}s list")
