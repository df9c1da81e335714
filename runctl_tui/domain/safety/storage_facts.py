"""What the rules about volumes and snapshots judge beside the common facts; unknown by default like those."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.volume import Volume, VolumeShape, VolumeSnapshot, newest_completed

_UNASKED: Final = Unknown("nobody asked")
FRESH: Final = timedelta(seconds=10)
"""How old a state or an attachment may be before it counts as unknown."""


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """One volume or snapshot, and what a change of it depends on."""

    volume: Fact[Volume | None] = _UNASKED
    """Known(None): it is gone, as the source of a snapshot may be."""
    snapshot: Fact[VolumeSnapshot] = _UNASKED
    snapshots: Fact[tuple[VolumeSnapshot, ...]] = _UNASKED
    """Ours of the volume in its own region, whatever their state."""
    copies: Fact[tuple[VolumeSnapshot, ...]] = _UNASKED
    """Ours in other regions, of snapshots of the volume."""
    used_at: Fact[datetime | None] = _UNASKED
    """When the volume was put on a machine or taken off one the last time; Known(None): not by this program."""
    modified_at: Fact[datetime | None] = _UNASKED
    """When the volume's shape was last changed; Known(None): never."""
    images: Fact[tuple[str, ...]] = _UNASKED
    """Images and launch templates that rest on the snapshot, by id."""
    host: Fact[Instance] = _UNASKED
    """The machine that a volume is on, or shall be put on."""
    shape: VolumeShape | None = None
    """Of a new volume, or what a volume shall become."""
    zone: str = ""
    """Where a new volume shall be."""
    to_region: str = ""
    """Where a copy shall be."""
    device: str = ""
    """What a volume shall be attached as."""
    no_attach: str = ""
    """Why its provider never takes a volume off a machine; empty: it does."""
    no_snapshots: str = ""
    """Why its provider has no snapshots; empty: it has."""
    month: Fact[Decimal] = _UNASKED
    """Dollars per month of the volume as it will be; of a snapshot, at most."""

    def kept(self, but: str = "") -> Fact[VolumeSnapshot | None]:
        """Return what else holds the volume's contents: the newest whole snapshot, and where there is none a copy.

        Copies count only there, so that a region that is silent hinders nothing that it cannot change.
        """
        own = _newest(self.snapshots, but)
        return own if isinstance(own, Unknown) or own.value is not None else _newest(self.copies, but)

    def fresh(self, at: datetime) -> StorageFacts:
        """Return the same with what is too old replaced by unknown."""
        stale: dict[str, Any] = {}
        for name in ("volume", "snapshot", "snapshots", "copies", "images", "host"):
            fact = getattr(self, name)
            if isinstance(fact, Known) and fact.age(at) > FRESH:
                stale[name] = Unknown(f"last seen {fact.age(at).total_seconds():.0f} s ago")
        return replace(self, **stale) if stale else self


def _newest(fact: Fact[tuple[VolumeSnapshot, ...]], but: str) -> Fact[VolumeSnapshot | None]:
    if isinstance(fact, Unknown):
        return fact
    newest = newest_completed(tuple(one for one in fact.value if one.id != but))
    return Known(newest, fact.observed_at, fact.source)
