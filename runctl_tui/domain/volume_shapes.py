"""The limits of volume types, and presets by use: what shape a volume may have, and what shape fits a purpose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.volume import VolumeShape

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider allows a volume of one type to be."""

    smallest_gib: int
    largest_gib: int
    least_iops: int = 0
    """Zero: IOPS cannot be chosen."""
    most_iops: int = 0
    iops_per_gib: int = 0
    least_throughput: int = 0
    """MiB/s; zero: throughput cannot be chosen."""
    most_throughput: int = 0
    iops_required: bool = False
    words: str = ""
    """What it is good for."""

    def iops_of(self, size_gib: int) -> int:
        """Return the most IOPS that a volume of this size may have."""
        return max(self.least_iops, min(self.most_iops, self.iops_per_gib * size_gib))


LIMITS: Final[Mapping[str, Limits]] = MappingProxyType(
    {
        "gp3": Limits(1, 65_536, 3_000, 80_000, 500, 125, 2_000, words="the usual one"),
        "gp2": Limits(1, 16_384, words="older and dearer than gp3"),
        "io1": Limits(4, 16_384, 100, 64_000, 50, iops_required=True, words="older than io2"),
        "io2": Limits(4, 65_536, 100, 256_000, 1_000, iops_required=True, words="steady and durable, dear"),
        "st1": Limits(125, 16_384, words="large files read from end to end"),
        "sc1": Limits(125, 16_384, words="rarely read, cheapest"),
    }
)
NETWORK: Final = "network"
"""RunPod's network volumes."""
NETWORK_FAST: Final = "network-fast"
"""RunPod's high-performance tier; some data centres have it."""
NETWORK_LIMITS: Final[Mapping[str, Limits]] = MappingProxyType(
    {
        NETWORK: Limits(10, 4_096, words="stays when its pods end, and is mounted by any pod of its data centre"),
        NETWORK_FAST: Limits(10, 4_096, words="the faster tier, where the data centre has it"),
    }
)
FREE_IOPS: Final = 3_000
"""Of gp3, included in the price per GiB."""
FREE_THROUGHPUT: Final = 125
"""Of gp3 in MiB/s, included in the price per GiB."""
IOPS_PER_MIBS: Final = 4
"""gp3 allows 0.25 MiB/s of throughput for each of its IOPS."""
USES: Final[Mapping[str, int]] = MappingProxyType({"general": 100, "data": 500, "checkpoints": 300, "archive": 0})
"""Purpose, and IOPS per GiB over the baseline."""
_IO2_MOST: Final = 64_000
_IO_BASELINE: Final = 3_000


def preset(use: str, kind: str, size_gib: int) -> VolumeShape:
    """Return the shape that fits a purpose, within AWS's limits."""
    limits, per_gib = LIMITS[kind], USES[use]
    if kind == "gp3":
        iops = min(FREE_IOPS + size_gib * per_gib, limits.iops_of(size_gib))
        throughput = max(FREE_THROUGHPUT, min(iops // IOPS_PER_MIBS, limits.most_throughput)) if per_gib else None
        return VolumeShape(kind, size_gib, iops, throughput or FREE_THROUGHPUT)
    if limits.iops_required:
        wanted = min(size_gib * per_gib, _IO2_MOST) if use in ("data", "checkpoints") else _IO_BASELINE
        return VolumeShape(kind, size_gib, max(limits.least_iops, min(wanted, limits.iops_of(size_gib))))
    return VolumeShape(kind, size_gib)


def advice(use: str, size_gib: int) -> str:
    """Return the type that fits a purpose best."""
    if use == "data":
        return "st1" if size_gib > 1_000 else "gp3"
    if use == "checkpoints":
        return "gp3" if size_gib < 100 else "io2"
    if use == "archive":
        return "sc1" if size_gib > 500 else "gp3"
    return "gp3"


def limits_of(kind: str) -> Limits | None:
    """Return the limits of a type of any provider, None where there is no such type."""
    return LIMITS.get(kind) or NETWORK_LIMITS.get(kind)


def settled(shape: VolumeShape) -> VolumeShape:
    """Return the shape with what its type gives by itself filled in, so that two shapes compare and have a price."""
    if shape.type == "gp3":
        return replace(shape, iops=shape.iops or FREE_IOPS, throughput=shape.throughput or FREE_THROUGHPUT)
    return shape


def provisioned(shape: VolumeShape) -> tuple[int, int]:
    """Return the IOPS and MiB/s that are paid for besides the size: 0 where the type gives them by itself."""
    if shape.type == "gp3":
        return max(0, (shape.iops or 0) - FREE_IOPS), max(0, (shape.throughput or 0) - FREE_THROUGHPUT)
    limits = LIMITS.get(shape.type)
    return (shape.iops or 0) if limits is not None and limits.iops_required else 0, 0


def extra_words(shape: VolumeShape) -> str:
    """Return the speeds that are paid for besides the size, ', 12,000 IOPS, 500 MiB/s'; nothing where none is."""
    iops, throughput = provisioned(shape)
    words = f", {shape.iops:,} IOPS" if iops else ""
    return words + (f", {shape.throughput:,} MiB/s" if throughput else "")


def wrong_with(shape: VolumeShape) -> tuple[str, ...]:
    """Return in words what the provider would refuse about a shape."""
    limits = limits_of(shape.type)
    if limits is None:
        return (f"there is no volume type {shape.type!r}: {', '.join(LIMITS)}",)
    return tuple(_wrong(shape, limits))


def _wrong(shape: VolumeShape, limits: Limits) -> Iterator[str]:
    if not limits.smallest_gib <= shape.size_gib <= limits.largest_gib:
        yield f"{shape.type} has {limits.smallest_gib:,} to {limits.largest_gib:,} GiB, not {shape.size_gib:,}"
    yield from _wrong_iops(shape, limits)
    yield from _wrong_throughput(shape, limits)


def _wrong_iops(shape: VolumeShape, limits: Limits) -> Iterator[str]:
    kind, iops, most = shape.type, shape.iops, limits.iops_of(shape.size_gib)
    if iops is None:
        if limits.iops_required:
            yield f"{kind} needs its IOPS said"
    elif not limits.most_iops:
        yield f"the IOPS of {kind} cannot be chosen"
    elif not limits.least_iops <= iops <= limits.most_iops:
        yield f"{kind} has {limits.least_iops:,} to {limits.most_iops:,} IOPS, not {iops:,}"
    elif iops > most:
        ratio = f"{limits.iops_per_gib:,} per GiB"
        yield f"{shape.size_gib:,} GiB of {kind} allow {most:,} IOPS ({ratio}), not {iops:,}"


def _wrong_throughput(shape: VolumeShape, limits: Limits) -> Iterator[str]:
    kind, wanted, most = shape.type, shape.throughput, limits.most_throughput
    if wanted is None:
        return
    if not most:
        yield f"the throughput of {kind} cannot be chosen"
    elif not limits.least_throughput <= wanted <= most:
        yield f"{kind} has {limits.least_throughput} to {most:,} MiB/s, not {wanted:,}"
    elif wanted * IOPS_PER_MIBS > (shape.iops or FREE_IOPS):
        yield f"{wanted:,} MiB/s need at least {wanted * IOPS_PER_MIBS:,} IOPS"
