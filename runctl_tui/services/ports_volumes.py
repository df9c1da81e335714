"""The port of volumes, as screens and the command line see it; beside `ports.py`, which names it in `Services`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.domain.volume import Storage, Volume, VolumeShape, VolumeSnapshot
    from runctl_tui.services.ports_feed import Feed


class Volumes(Protocol):
    """Volumes and their snapshots, of all regions."""

    @property
    def feed(self) -> Feed[Storage]:
        """All of them, live."""

    async def now(self) -> Snapshot[Storage]:
        """Read them once, whole."""

    async def find(self, reference: str) -> Volume:
        """The volume with this key, id or unique name; ResourceNotFound or ValidationError (ambiguous) otherwise."""

    async def find_snapshot(self, reference: str) -> VolumeSnapshot:
        """The snapshot with this key, id or unique name."""

    async def describe(self, key: str) -> Mapping[str, object]:
        """The provider's own words about a volume or snapshot."""

    async def zones(self, provider: str) -> tuple[str, ...]:
        """Where a provider's new volumes may be; empty where it goes by where the machines are."""

    def month(self, provider: str, region: str, shape: VolumeShape) -> Fact[Decimal]:
        """Dollars per month of such a volume, as far as is known without asking anybody."""
