"""What volumes and snapshots cost per month, from the price book; unknown where any part of it is."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.volume_shapes import FREE_IOPS, FREE_THROUGHPUT, settled
from runctl_tui.services.prices import GP3_IOPS, GP3_THROUGHPUT, IO1_IOPS, IO2_IOPS, SNAPSHOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runctl_tui.domain.volume import VolumeShape
    from runctl_tui.services.prices import PriceBook

_IO_IOPS: Final = {"io1": IO1_IOPS, "io2": IO2_IOPS}
IO_TIER: Final = 32_000
"""IOPS of io2 above which another price holds, which the price book does not know."""


def volume_month(prices: PriceBook, region: str, shape: VolumeShape) -> Fact[Decimal]:
    """Return dollars per month of a volume, attached or not."""
    size = prices.disk_month(region, shape.type, shape.size_gib)
    if isinstance(size, Unknown):
        return size
    total = size.value
    for name, amount in _provisioned(shape):
        if name == IO2_IOPS and amount > IO_TIER:
            return Unknown(f"the price of more than {IO_TIER:,} IOPS is not in the price book")
        each = prices.storage(region, name)
        if isinstance(each, Unknown):
            return each
        total += each.value * amount
    return Known(total, size.observed_at, size.source)


def snapshot_month(prices: PriceBook, region: str, size_gib: int) -> Fact[Decimal]:
    """Return the most that a snapshot of a volume of this size costs per month."""
    return prices.disk_month(region, SNAPSHOTS, size_gib)


def _provisioned(shape: VolumeShape) -> Iterator[tuple[str, int]]:
    """Yield what is paid for besides the size."""
    full = settled(shape)
    if full.type == "gp3":
        if (full.iops or 0) > FREE_IOPS:
            yield GP3_IOPS, (full.iops or 0) - FREE_IOPS
        if (full.throughput or 0) > FREE_THROUGHPUT:
            yield GP3_THROUGHPUT, (full.throughput or 0) - FREE_THROUGHPUT
    elif full.type in _IO_IOPS and full.iops:
        yield _IO_IOPS[full.type], full.iops
