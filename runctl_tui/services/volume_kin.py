"""What a snapshot was taken of, and what else holds the same: in its own region, and as copies in others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.services.action_facts import known
from runctl_tui.services.errors import ResourceNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.volume import Volume, VolumeSnapshot
    from runctl_tui.services.volume_store import VolumeStore

T = TypeVar("T")
_ORPHAN: Final = Unknown("it is a copy, and EC2 does not tell which volume a copy is of")


@dataclass(frozen=True, slots=True)
class Kin:
    """One snapshot's relatives."""

    volume: Fact[Volume | None]
    """Known(None): it is gone."""
    snapshots: Fact[tuple[VolumeSnapshot, ...]]
    """Of the volume, in the volume's own region."""
    copies: Fact[tuple[VolumeSnapshot, ...]]
    """Of those, in other regions."""


async def kin_of(store: VolumeStore, snapshot: VolumeSnapshot, clock: Clock) -> Kin:
    """Return the relatives of a snapshot, from strong reads; what cannot be told is unknown and never absent."""

    async def fact(asked: Awaitable[T]) -> Fact[T]:
        async def wrapped() -> Fact[T]:
            return Known(await asked, clock.now(), "EC2")

        return await known(wrapped())

    volume_id = await fact(_volume_id(store, snapshot))
    if isinstance(volume_id, Unknown):
        return Kin(volume_id, volume_id, volume_id)
    first = snapshot.copy_of or snapshot.id
    if not volume_id.value:
        return Kin(_ORPHAN, _ORPHAN, _ORPHAN)
    volume, snapshots, copies = await asyncio.gather(
        fact(_volume(store, volume_id.value, snapshot.home)),
        fact(store.snapshots_of(volume_id.value, snapshot.home)),
        fact(store.copies_of(volume_id.value, snapshot.home, first)),
    )
    return Kin(volume, snapshots, copies)


async def _volume_id(store: VolumeStore, snapshot: VolumeSnapshot) -> str:
    """Return the id as the snapshot tells it, else as the one that it was copied from tells it; empty: nobody does."""
    if snapshot.volume_id or not snapshot.copy_of:
        return snapshot.volume_id
    try:
        return (await store.snapshot(snapshot.copy_of, snapshot.home)).volume_id
    except ResourceNotFound:
        return ""


async def _volume(store: VolumeStore, volume_id: str, region: str) -> Volume | None:
    try:
        return await store.volume(volume_id, region)
    except ResourceNotFound:
        return None
