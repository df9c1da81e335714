"""Circumstances of volumes and snapshots."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import Disk
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingStatus
from runctl_tui.domain.volume import Attachment, SnapshotState, VolumeShape, VolumeState
from tests.domain.circumstances.machines import run
from tests.domain.circumstances.telling import Circumstance
from tests.domain.safety_facts import FREE, HELD, HOST, SAVED, SHAPE, known
from tests.fakes import START

LOST: Final = Unknown("throttled")
POD: Final = Attachment("pod-1", "/workspace")
COPY: Final = replace(
    SAVED, id="snap-8", region="us-west-2", started_at=START, copy_of="snap-1", copied_from="us-east-1",
    first_taken_at=SAVED.started_at,
)  # fmt: skip
TIMELESS: Final = replace(COPY, first_taken_at=None)
COPY_TOO: Final = replace(COPY, id="snap-9", region="eu-west-1")
OTHER: Final = replace(SAVED, id="snap-2")
NETWORK: Final = replace(FREE, provider="runpod", region="EU-RO-1", zone="EU-RO-1", shape=VolumeShape("network", 100))
ROOT_OF_HOST: Final = Disk("vol-1", "/dev/xvda", 100, "gp3", True, root=True)


def stored(**changes: Any) -> Circumstance:
    return {"storage": changes}


def volume(**changes: Any) -> Circumstance:
    return stored(volume=known(replace(FREE, **changes)))


def host(**changes: Any) -> Circumstance:
    return stored(host=known(replace(HOST, **changes)))


def held_by(*attachments: Attachment, **changes: Any) -> Circumstance:
    return volume(state=VolumeState.IN_USE, attachments=attachments, **changes)


def snapshots(*found: Any) -> Circumstance:
    return stored(snapshots=known(found))


VOLUMES: Final[dict[str, Circumstance]] = {
    **{f"the volume is {one.value}": volume(state=one) for one in VolumeState},
    "the volume cannot be read": stored(volume=LOST),
    "the volume is gone": stored(volume=known(None)),
    "the volume is gone, and this is its only snapshot": stored(volume=known(None), snapshots=known((SAVED,))),
    "the volume is on a machine": stored(volume=known(HELD)),
    "the volume is on a machine without a name": held_by(Attachment("i-0abc", "/dev/sdf")),
    "the volume is on its way to a machine": volume(state=VolumeState.ATTACHING, attachments=HELD.attachments),
    "the volume is on the very machine": held_by(Attachment(HOST.id, "/dev/sdf", instance_name="box-1")),
    "the volume is mounted by a pod": stored(
        volume=known(replace(NETWORK, state=VolumeState.IN_USE, attachments=(POD,))),
        no_attach="a pod mounts it for good",
    ),
    "the volume is mounted by two pods": stored(
        volume=known(replace(NETWORK, state=VolumeState.IN_USE, attachments=(POD, replace(POD, instance_id="pod-2")))),
        no_attach="a pod mounts it for good", no_snapshots="RunPod has no snapshots", snapshots=known(()),
    ),
    "the volume is RunPod's": stored(
        volume=known(NETWORK), shape=NETWORK.shape, no_attach="a pod mounts it for good",
        no_snapshots="RunPod has no snapshots", snapshots=known(()),
    ),
    "RunPod's volume shall grow": stored(volume=known(NETWORK), shape=VolumeShape("network", 200)),
    "RunPod's volume shall be of another tier": stored(volume=known(NETWORK), shape=VolumeShape("network-fast", 100)),
    "the volume shall become a network volume": stored(shape=VolumeShape("network", 100)),
    "the machine cannot be read": stored(host=LOST),
    "the machine of the volume is stopped": host(state=ResourceState.STOPPED),
    "the machine of the volume is starting": host(state=ResourceState.STARTING),
    "the machine of the volume is starting and has no name": host(state=ResourceState.STARTING, name=""),
    "the machine of the volume is in another zone": host(zone="us-east-1b"),
    "the machine of the volume is in another zone and has no name": host(zone="us-east-1b", name=""),
    "the device is taken": host(disks=(replace(ROOT_OF_HOST, device="/dev/sdf"),)),
    "the device is taken on a machine without a name": host(name="", disks=(replace(ROOT_OF_HOST, device="/dev/sdf"),)),
    "the machine runs from the volume": host(disks=(ROOT_OF_HOST,)),
    "the machine without a name runs from the volume": host(name="", disks=(ROOT_OF_HOST,)),
    "the machine is stopped and starts from the volume": host(state=ResourceState.STOPPED, disks=(ROOT_OF_HOST,)),
    "the machine runs from another volume": host(disks=(replace(ROOT_OF_HOST, volume_id="vol-2"),)),
    "the machine has the volume as a data disk": host(disks=(replace(ROOT_OF_HOST, root=False),)),
    "a run may use the volume": {"sessions": known((run(1), run(2)))},
    "a run without a name may use the volume": {"sessions": known((replace(run(), name=""),))},
    "a run that may use the volume cannot be reached": {
        "sessions": known((run(1, TrainingStatus.UNREACHABLE), run(2, TrainingStatus.UNKNOWN)))
    },
    "a run uses the volume, and another cannot be reached": {
        "sessions": known((run(1, TrainingStatus.UNREACHABLE), run(2)))
    },
    "the runs on the machine of the volume have ended": {"sessions": known((run(1, TrainingStatus.FAILED),))},
    "training may use a volume that cannot be read": {**stored(volume=LOST), "sessions": LOST},
}  # fmt: skip
SNAPSHOTS: Final[dict[str, Circumstance]] = {
    "there is no snapshot": snapshots(),
    "there is one snapshot": snapshots(SAVED),
    "there are three snapshots, and one is not complete": snapshots(
        SAVED, OTHER, replace(SAVED, id="snap-3", state=SnapshotState.PENDING)
    ),
    "the only snapshot is not complete": snapshots(replace(SAVED, state=SnapshotState.PENDING)),
    "the only snapshot is broken": snapshots(replace(SAVED, state=SnapshotState.ERROR)),
    "the other snapshot is older": snapshots(SAVED, replace(OTHER, started_at=START - timedelta(days=9))),
    "the snapshots cannot be listed": stored(snapshots=LOST),
    "neither volume nor snapshots can be read": stored(volume=Unknown("denied"), snapshots=LOST),
    "a copy is in another region": stored(copies=known((COPY,))),
    "only a copy is left": stored(snapshots=known(()), copies=known((COPY,))),
    "only a copy is left, and nobody tells of when": stored(snapshots=known(()), copies=known((TIMELESS,))),
    "only a copy beside the volume is left": stored(
        snapshots=known(()), copies=known((replace(COPY, region="us-east-1"),))
    ),
    "the copy is to be where its first is": stored(to_region="us-east-1"),
    "only this one and copies are left": stored(snapshots=known((SAVED,)), copies=known((COPY, COPY_TOO))),
    "only this one and a copy that is not complete": stored(
        snapshots=known((SAVED,)), copies=known((replace(COPY, state=SnapshotState.PENDING),))
    ),
    "only this one, and the other regions cannot be asked": stored(snapshots=known((SAVED,)), copies=LOST),
    "another one, and the other regions cannot be asked": stored(copies=LOST),
    "the snapshots cannot be listed, and there is a copy": stored(snapshots=LOST, copies=known((COPY,))),
    "the snapshot is a copy": stored(snapshot=known(replace(SAVED, copy_of="snap-0", copied_from="eu-west-1"))),
    "the snapshot is a copy of a volume that is gone": stored(
        volume=known(None),
        snapshots=known(()),
        snapshot=known(replace(SAVED, copy_of="snap-0", copied_from="eu-west-1")),
    ),
    "what a snapshot costs is not known": snapshots(SAVED, replace(OTHER, usd_per_month=Unknown("no price"))),
    "an image rests on the snapshot": stored(images=known(("ami-1",))),
    "two images rest on the snapshot": stored(images=known(("ami-1", "ami-2"))),
    "whether an image rests on the snapshot cannot be told": stored(images=LOST),
    "the snapshot cannot be read": stored(snapshot=LOST),
    "the snapshot is not complete": stored(snapshot=known(replace(SAVED, state=SnapshotState.PENDING))),
    "when the snapshot was begun is not known": stored(snapshot=known(replace(SAVED, started_at=None))),
    "the snapshot is in another region": stored(snapshot=known(replace(SAVED, region="us-west-2"))),
    "the snapshot is larger than the new volume": stored(snapshot=known(replace(SAVED, size_gib=1500))),
}
SHAPES: Final[dict[str, Circumstance]] = {
    "the new shape is the old one": stored(shape=SHAPE),
    "the new shape is the old one, by its type alone": stored(shape=VolumeShape("gp3", 100)),
    "no shape is said": stored(shape=None),
    "the new shape is smaller": stored(shape=replace(SHAPE, size_gib=50)),
    "the new shape is faster": stored(shape=VolumeShape("gp3", 100, 6000, 500)),
    "the new shape is of another type": stored(shape=VolumeShape("gp2", 100)),
    "the new shape is too small for the type": stored(shape=VolumeShape("st1", 124)),
    "the new shape is wrong twice": stored(shape=VolumeShape("gp2", 20_000, 3000)),
    "the machine that gets it is nobody's": stored(host=known(replace(HOST, tags=()))),
    "the machine that gets it was made by runctl": stored(host=known(replace(HOST, tags=(("CreatedBy", "runctl"),)))),
    "the machine that gets it is bob's": stored(host=known(replace(HOST, tags=(("runctl:owner", "bob"),)))),
    "the volume was on no machine that is known": stored(used_at=known(None)),
    "when the volume was in use cannot be told": stored(used_at=LOST),
    "the volume was in use until its snapshot began": stored(used_at=known(START - timedelta(days=2))),
    "the volume was in use after its snapshot": stored(used_at=known(START - timedelta(days=2) + timedelta(seconds=1))),
    "its snapshot is young, and it was on no machine that is known": stored(
        used_at=known(None), snapshots=known((replace(SAVED, started_at=START - timedelta(hours=24, seconds=-1)),))
    ),
    "its snapshot is a day old, and it was on no machine that is known": stored(
        used_at=known(None), snapshots=known((replace(SAVED, started_at=START - timedelta(hours=24)),))
    ),
    "its snapshot is young, and older than its last use": stored(
        used_at=known(START), snapshots=known((replace(SAVED, started_at=START - timedelta(hours=1)),))
    ),
    "the volume was never changed": stored(modified_at=known(None)),
    "the volume was changed a moment ago": stored(modified_at=known(START)),
    "the volume was changed nearly six hours ago": stored(modified_at=known(START - timedelta(hours=5, minutes=59))),
    "the volume was changed six hours ago": stored(modified_at=known(START - timedelta(hours=6))),
    "when the volume was changed cannot be told": stored(modified_at=LOST),
    "what the volume will cost is not known": stored(month=Unknown("no price")),
    "what the volume costs is not known": volume(usd_per_month=Unknown("no price")),
    "the volume costs less than it will": volume(usd_per_month=known(Decimal("4.25"))),
}
