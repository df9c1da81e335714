"""What the rules about volumes and snapshots judge beside the common facts; unknown by default like those."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.volume import Volume, VolumeShape, VolumeSnapshot

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
    """Ours of the volume, whatever their state."""
    images: Fact[tuple[str, ...]] = _UNASKED
    """That rest on the snapshot."""
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

    def fresh(self, at: datetime) -> StorageFacts:
        """Return the same with what is too old replaced by unknown."""
        stale: dict[str, Any] = {}
        for name in ("volume", "snapshot", "snapshots", "images", "host"):
            fact = getattr(self, name)
            if isinstance(fact, Known) and fact.age(at) > FRESH:
                stale[name] = Unknown(f"last seen {fact.age(at).total_seconds():.0f} s ago")
        return replace(self, **stale) if stale else self
