"""Volumes and their snapshots, what a person asks for about them, and where they are in their life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.instance import Tagged
from runctl_tui.domain.states import Operation
from runctl_tui.domain.validation import region_of

VOLUME: Final = "volume"
SNAPSHOT: Final = "snapshot"
TAG_VOLUME: Final = "runctl:volume"
"""On a copy of a snapshot: the volume that the first one was taken of, which AWS does not tell with a copy."""
TAG_COPY_OF: Final = "runctl:copy-of"
"""On a copy of a snapshot: 'us-east-1/snap-0123456789abcdef0'."""


class VolumeState(StrEnum):
    """Where a volume is in its life."""

    CREATING = "creating"
    AVAILABLE = "available"
    """Attached to nothing."""
    ATTACHING = "attaching"
    IN_USE = "in-use"
    DETACHING = "detaching"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"
    UNKNOWN = "unknown"


class SnapshotState(StrEnum):
    """How far a snapshot is."""

    PENDING = "pending"
    COMPLETED = "completed"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A volume on a machine."""

    instance_id: str
    device: str
    state: str = "attached"
    delete_on_termination: bool | None = None
    """None: unknown."""
    attached_at: datetime | None = None
    instance_name: str = ""
    """Empty where nobody told it."""

    @property
    def host(self) -> str:
        """The machine's name, its id where it has none."""
        return self.instance_name or self.instance_id


@dataclass(frozen=True, slots=True)
class VolumeShape:
    """What a volume's price and speed depend on."""

    type: str
    size_gib: int
    iops: int | None = None
    """None: what the type gives by itself."""
    throughput: int | None = None
    """MiB/s; None: what the type gives by itself."""

    @property
    def words(self) -> str:
        """The shape in words: '500 GiB gp3, 3,000 IOPS, 125 MiB/s'."""
        parts = [f"{self.size_gib:,} GiB {self.type}"]
        parts += [f"{self.iops:,} IOPS"] if self.iops else []
        parts += [f"{self.throughput:,} MiB/s"] if self.throughput else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Volume(Tagged):
    """One volume: of EBS, or one of a data centre's network volumes."""

    id: str
    provider: str
    region: str
    zone: str
    name: str
    state: VolumeState
    shape: VolumeShape
    usd_per_month: Fact[Decimal]
    last_snapshot: Fact[datetime | None]
    """When the newest completed snapshot was begun; None: there is none."""
    encrypted: bool | None = None
    created_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    snapshot_id: str = ""
    """What it was made from."""
    tags: tuple[tuple[str, str], ...] = ()
    """Sorted; untrusted text."""
    owner_label: str = ""

    @property
    def attachment(self) -> Attachment | None:
        """Where it is attached, the first where there are more."""
        return self.attachments[0] if self.attachments else None


@dataclass(frozen=True, slots=True)
class VolumeSnapshot(Tagged):
    """One EBS snapshot of ours."""

    id: str
    provider: str
    region: str
    name: str
    state: SnapshotState
    volume_id: str
    """Empty: it is a copy, and nobody tells what it was taken of."""
    size_gib: int
    """Of the volume; the snapshot holds at most that much."""
    usd_per_month: Fact[Decimal]
    """At most; what was never written, or did not change since an earlier snapshot, costs nothing."""
    started_at: datetime | None = None
    progress: str = ""
    """'37%'."""
    description: str = ""
    encrypted: bool | None = None
    tags: tuple[tuple[str, str], ...] = ()
    owner_label: str = ""
    copy_of: str = ""
    """The snapshot that it was copied from."""
    copied_from: str = ""
    """The region of that one."""

    @property
    def home(self) -> str:
        """The region of the volume that it was taken of."""
        return self.copied_from or self.region

    @property
    def stands(self) -> str:
        """State and how far it is: 'pending 37%'; AWS may say 100% while it still says pending, so that is left out."""
        under_way = self.state is SnapshotState.PENDING and self.progress not in ("", "100%")
        return f"{self.state.value} {self.progress}" if under_way else self.state.value


@dataclass(frozen=True, slots=True)
class Storage:
    """All volumes and snapshots of all regions."""

    volumes: tuple[Volume, ...] = ()
    snapshots: tuple[VolumeSnapshot, ...] = ()


@dataclass(frozen=True, slots=True)
class NewVolume:
    """What a person asks for when a volume is created, or restored from a snapshot."""

    provider: str
    zone: str
    name: str
    shape: VolumeShape
    project: str = ""
    encrypted: bool = True
    snapshot_id: str = ""
    """What it is filled from; empty: nothing."""

    @property
    def region(self) -> str:
        """The zone without its letter; a data centre has none."""
        return region_of(self.zone)


@dataclass(frozen=True, slots=True)
class VolumeChange:
    """One change of volumes or snapshots, as a person asks for it."""

    operation: Operation
    references: tuple[str, ...] = ()
    """Keys of the volumes or snapshots; empty for a new volume."""
    new: NewVolume | None = None
    shape: VolumeShape | None = None
    """What a volume shall become."""
    instance: str = ""
    """Key of the machine that a volume is attached to."""
    device: str = ""
    """Empty: the first that is free."""
    region: str = ""
    """Where a snapshot is copied to."""
    name: str = ""
    """Of the snapshot that is made; empty: the name of what it is made of."""


def newest_completed(snapshots: tuple[VolumeSnapshot, ...]) -> VolumeSnapshot | None:
    """Return the newest snapshot that is whole."""
    whole = [one for one in snapshots if one.state is SnapshotState.COMPLETED and one.started_at is not None]
    return max(whole, key=lambda one: (one.started_at is not None and one.started_at.timestamp(), one.id), default=None)


def month(fact: Fact[Decimal]) -> Decimal | None:
    """Return dollars per month, None where they are not known."""
    return fact.value if isinstance(fact, Known) else None
