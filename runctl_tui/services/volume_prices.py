"""What volumes and snapshots cost per month, from the price book; unknown where any part of it is."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.volume import VolumeShape
from runctl_tui.domain.volume_shapes import provisioned
from runctl_tui.services.prices import GP3_IOPS, GP3_THROUGHPUT, IO1_IOPS, IO2_IOPS, SNAPSHOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runctl_tui.domain.instance import Disk
    from runctl_tui.services.prices import PriceBook

_IOPS: Final = {"gp3": GP3_IOPS, "io1": IO1_IOPS, "io2": IO2_IOPS}
IO_TIER: Final = 32_000
"""IOPS of io2 above which another price holds, which the price book does not know."""


def volume_month(prices: PriceBook, region: str, shape: VolumeShape) -> Fact[Decimal]:
    """Return dollars per month of a volume, attached or not."""
    size = prices.disk_month(region, shape.type, shape.size_gib)
    if isinstance(size, Unknown):
        return size
    total = size.value
    for name, amount in _paid_apart(shape):
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


def attached_month(prices: PriceBook, region: str, disk: Disk) -> Fact[Decimal]:
    """Return dollars per month of a machine's disk: what a volume costs does not depend on whether it is attached."""
    if disk.size_gib is None:
        return Unknown("the disk's size is not known")
    return volume_month(prices, region, VolumeShape(disk.type, disk.size_gib, disk.iops, disk.throughput))


def _paid_apart(shape: VolumeShape) -> Iterator[tuple[str, int]]:
    """Yield what is paid for besides the size, by the price book's names."""
    iops, throughput = provisioned(shape)
    if iops:
        yield _IOPS[shape.type], iops
    if throughput:
        yield GP3_THROUGHPUT, throughput
