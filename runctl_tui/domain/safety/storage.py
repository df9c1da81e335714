"""Rules about volumes and snapshots: what is in use, what exists once, what cannot fit."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.instance import TAG_OWNER, Disk
from runctl_tui.domain.money import dollars
from runctl_tui.domain.plan import Level, Operation, Reason
from runctl_tui.domain.resource import Ownership, ResourceState
from runctl_tui.domain.safety.facts import DOUBTFUL, SafetyFacts
from runctl_tui.domain.safety.reasons import ago, block, known_or_none, offering, warn
from runctl_tui.domain.states import ON_SNAPSHOTS, ON_VOLUMES, STORAGE
from runctl_tui.domain.volume import SnapshotState, Volume, VolumeShape, VolumeState
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS, settled, wrong_with

_CHANGEABLE: Final = (VolumeState.AVAILABLE, VolumeState.IN_USE)
_PASSING: Final = (VolumeState.CREATING, VolumeState.ATTACHING, VolumeState.DETACHING, VolumeState.UNKNOWN)
_STANDING: Final = {
    VolumeState.IN_USE: "it is in use",
    VolumeState.ERROR: "its provider reports an error of it",
    VolumeState.UNKNOWN: "its state is not known",
}
COOL_DOWN: Final = timedelta(hours=6)
"""AWS: between two changes of a volume's shape (API reference of ModifyVolume)."""
YOUNG: Final = timedelta(hours=24)
"""The age up to which a snapshot counts as an undo although nobody tells when the volume was in use."""
_CAN_HOLD: Final = (ResourceState.RUNNING, ResourceState.STOPPED)


def not_read(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A volume or snapshot that could not be read is no ground to act on."""
    fact = facts.storage.volume if operation in ON_VOLUMES else facts.storage.snapshot
    if operation not in ON_VOLUMES | ON_SNAPSHOTS:
        return None
    if isinstance(fact, Known):
        return None if fact.value is not None else block("gone", "it is gone", Level.NEVER)
    return block("state_unknown", f"it could not be read: {fact.reason}", Level.NEVER)


def attached(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D25 and D38: a volume that is attached, or on its way, is not deleted; detaching is a plan of its own."""
    volume = known_or_none(facts.storage.volume)
    if operation is not Operation.VOLUME_DELETE or volume is None:
        return None
    if volume.state in (VolumeState.AVAILABLE, VolumeState.ERROR) and not volume.attachments:
        return None
    held = volume.attachment
    if held and facts.storage.no_attach:
        names = ", ".join(each.host for each in volume.attachments)
        mount = "mounts" if len(volume.attachments) == 1 else "mount"
        reason = block("netvol_used", f"{names} {mount} it", Level.NEVER, offer=f"terminate {names} first: it stays")
        hosts = [f"{volume.provider}/{each.instance_id}" for each in volume.attachments]
        return offering(reason, Operation.TERMINATE, *hosts)
    text = f"it is attached to {held.host} as {held.device}" if held else _standing(volume)
    if volume.state is not VolumeState.IN_USE:
        return block("attached", text, Level.NEVER, offer="wait until it is available")
    return offering(
        block("attached", text, Level.NEVER, offer="detach it first"), Operation.VOLUME_DETACH, facts.target.key
    )


def no_undo(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D26: what is on a volume without a completed snapshot exists once."""
    if operation is not Operation.VOLUME_DELETE:
        return None
    snapshots, kept = known_or_none(facts.storage.snapshots) or (), facts.storage.kept()
    if isinstance(kept, Unknown):
        return block("no_undo", f"whether it has a snapshot could not be told: {kept.reason}")
    if kept.value is not None:
        return None
    if facts.storage.no_snapshots:
        return block("no_undo", f"what is on it exists once: {facts.storage.no_snapshots}")
    if any(one.state is SnapshotState.PENDING for one in snapshots):
        return block("no_undo", "its snapshot is not complete yet", offer="wait until the snapshot is complete")
    none = "none of its snapshots is whole" if snapshots else "it has no snapshot"
    reason = block("no_undo", f"{none}: what is on it exists once", offer="snapshot it first")
    return offering(reason, Operation.VOLUME_SNAPSHOT, facts.target.key)


def undo_exists(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D27: a snapshot brings back what it holds, and nothing that was written later."""
    newest = known_or_none(facts.storage.kept())
    if operation is not Operation.VOLUME_DELETE or newest is None:
        return None
    old = f"{ago(newest.as_of, facts.at)} old" if newest.as_of else "of a time that is not told"
    text = f"its newest snapshot is {old}"
    if newest.copy_of:
        text = f"only a copy of a snapshot is left, in {newest.region}, {old}"
    used, as_of = known_or_none(facts.storage.used_at), newest.as_of
    if used is None and as_of is not None and facts.at - as_of < YOUNG:
        return warn("undo_exists", f"{text}: what was written since is lost", Level.NAME)
    if used is not None and as_of is not None and as_of >= used:
        return warn("undo_exists", f"{text}, and it has been on no machine since", Level.NAME)
    when = "when it was in use last is not told" if used is None else f"it was in use {ago(used, facts.at)} ago"
    reason = block("undo_old", f"{text}, and {when}: what was written since exists once", offer="snapshot it first")
    return offering(reason, Operation.VOLUME_SNAPSHOT, facts.target.key)


def referenced(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D28: an image or a launch template rests on the snapshot."""
    if operation is not Operation.SNAPSHOT_DELETE:
        return None
    match facts.storage.images:
        case Unknown(reason):
            text = f"whether an image or a launch template rests on it could not be told: {reason}"
            return block("referenced", text)
        case Known(users) if users:
            rest = "rests" if len(users) == 1 else "rest"
            text = f"{', '.join(users)} {rest} on it"
            return block("referenced", text, Level.NEVER, offer="deregister the image, or change the launch template")
    return None


def last_copy(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D28: the only snapshot of a volume that lives, or of one that is gone."""
    if operation is not Operation.SNAPSHOT_DELETE:
        return None
    volume, kept = facts.storage.volume, facts.storage.kept(but=facts.target.id)
    if isinstance(kept, Unknown):
        return _maybe_last(kept)
    if kept.value is not None:
        return None
    if isinstance(volume, Unknown):
        return _maybe_last(volume)
    if volume.value is None:
        return warn("last_copy", "its volume is gone: this is the only copy of what was on it", Level.NAME)
    reason_ = block("last_snapshot", "it is the only snapshot of a volume that exists", offer="make a newer one first")
    return offering(reason_, Operation.VOLUME_SNAPSHOT, volume.value.key)


def cannot_change(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A volume on its way from one state to another takes no changes; nor does one that is held already."""
    volume = known_or_none(facts.storage.volume)
    if volume is None or operation not in ON_VOLUMES - {Operation.VOLUME_DELETE}:
        return None
    if operation is Operation.VOLUME_ATTACH and volume.attachment is not None:
        held = volume.attachment
        reason = block("attached", f"it is on {held.host} as {held.device}", Level.NEVER, offer="detach it first")
        return offering(reason, Operation.VOLUME_DETACH, facts.target.key)
    if volume.state in _CHANGEABLE:
        return None
    offer = "wait until that has passed" if volume.state in _PASSING else ""
    return block("volume_state", _standing(volume), Level.NEVER, offer=offer)


def cannot_hold(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A volume goes only on a machine of its own zone that runs or is stopped."""
    if operation is not Operation.VOLUME_ATTACH:
        return None
    host, volume = facts.storage.host, known_or_none(facts.storage.volume)
    if isinstance(host, Unknown):
        return block("host_unknown", f"the machine could not be read: {host.reason}", Level.NEVER)
    machine = host.value
    if volume is not None and machine.zone != volume.zone:
        text = f"it is in {volume.zone}, and {machine.name or machine.id} is in {machine.zone}"
        offer = "" if facts.storage.no_snapshots else f"snapshot it, and restore that in {machine.zone}"
        return block("other_zone", text, Level.NEVER, offer=offer)
    if machine.state not in _CAN_HOLD:
        return block("host_state", f"{machine.name or machine.id} is {machine.state.value}", Level.NEVER)
    if facts.storage.device in [disk.device for disk in machine.disks]:
        return block("device_taken", f"{facts.storage.device} is taken on {machine.name or machine.id}", Level.NEVER)
    return None


def host_of_others(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D05 and D06 for the machine that gets a disk: it is changed too."""
    host = known_or_none(facts.storage.host)
    if operation is not Operation.VOLUME_ATTACH or host is None:
        return None
    if host.ownership is Ownership.OURS:
        return None
    if host.ownership is Ownership.OTHER:
        owner = dict(host.tags).get(TAG_OWNER)
        return warn("other_owner", f"{host.name or host.id} belongs to {owner}", Level.NAME)
    text = f"{host.name or host.id} was not made by this tool"
    reason = block("foreign", text, Level.NEVER, offer="claim the machine first, if it is yours")
    return offering(reason, Operation.CLAIM, host.key)


def root_disk(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """The disk that a machine runs from stays where it is; of a stopped one it may go, with care."""
    host, volume = known_or_none(facts.storage.host), known_or_none(facts.storage.volume)
    if operation is not Operation.VOLUME_DETACH or host is None or volume is None or not _is_root(host.disks, volume):
        return None
    name = host.name or host.id
    if host.state is not ResourceState.STOPPED:
        return block("root_disk", f"{name} runs from it", Level.NEVER, offer=f"stop {name} first")
    return warn("root_disk", f"{name} cannot start without it", Level.NAME)


def maybe_mounted(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """Detaching a mounted volume tears files apart that are being written."""
    if operation is not Operation.VOLUME_DETACH or not isinstance(facts.storage.volume, Known):
        return None
    match facts.storage.host:
        case Unknown(reason):
            return warn("maybe_mounted", f"whether its machine runs could not be told: {reason}", Level.NAME)
        case Known(machine) if machine.state is not ResourceState.STOPPED:
            name = machine.name or machine.id
            text = f"{name} is {machine.state.value} and may have it mounted: unmount it there first"
            return warn("maybe_mounted", text, Level.NAME)
    return None


def used_by_training(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A run on the machine may be reading or writing the volume."""
    if operation is not Operation.VOLUME_DETACH or not isinstance(facts.storage.volume, Known):
        return None
    if isinstance(facts.sessions, Unknown):
        return warn("training_unknown", f"whether training runs could not be told: {facts.sessions.reason}", Level.NAME)
    live = [one for one in facts.sessions.value if one.status.live]
    if not live:
        return None
    certain = [one for one in live if one.status not in DOUBTFUL]
    if certain:
        more = f" and {len(live) - 1} more" if len(live) > 1 else ""
        text = f"training is running on its machine: {certain[0].name or certain[0].id}{more}"
        reason = block("training_running", text, offer="stop the run")
    else:
        text = f"whether training runs could not be told: run {live[0].id} is {live[0].status.value}"
        reason = block("training_unknown", text, offer="make the host reachable, or stop the run")
    return offering(reason, Operation.RUN_STOP, *(one.id for one in live))


def wrong_shape(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What the provider refuses about size, IOPS and throughput."""
    shape, volume = facts.storage.shape, known_or_none(facts.storage.volume)
    if operation not in (Operation.VOLUME_CREATE, Operation.VOLUME_MODIFY) or shape is None:
        return None
    if wrong := wrong_with(shape):
        return block("volume_limits", "; ".join(wrong), Level.NEVER)
    if operation is Operation.VOLUME_MODIFY and volume is not None and shape.size_gib < volume.shape.size_gib:
        text = f"a volume never shrinks: it has {volume.shape.size_gib:,} GiB"
        return block("volume_shrinks", text, Level.NEVER, offer="make a smaller one, and copy what is on it")
    if operation is Operation.VOLUME_MODIFY and volume is not None and _changes_tier(shape, volume):
        return block("volume_type", f"it stays {volume.shape.type}: only its size can be changed", Level.NEVER)
    return None


def changed_lately(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """AWS takes another change of a volume's shape only some hours after the last."""
    changed = known_or_none(facts.storage.modified_at)
    if operation is not Operation.VOLUME_MODIFY or changed is None or facts.at - changed >= COOL_DOWN:
        return None
    text = f"it was changed {ago(changed, facts.at)} ago: AWS may refuse another change within 6 hours"
    return warn("changed_lately", text)


def snapshot_not_whole(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A snapshot is copied or restored once it is complete."""
    snapshot = known_or_none(facts.storage.snapshot)
    reads = operation in (Operation.SNAPSHOT_COPY, Operation.VOLUME_CREATE)
    if not reads or snapshot is None or snapshot.state is SnapshotState.COMPLETED:
        return None
    return block("snapshot_state", f"the snapshot is {snapshot.state.value}", Level.NEVER, offer="wait for it")


def copy_leads_nowhere(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A copy beside its first costs like one and saves nothing."""
    if operation is not Operation.SNAPSHOT_COPY or facts.storage.to_region != facts.target.region:
        return None
    return block("same_region", f"it is in {facts.target.region} already", Level.NEVER, offer="name another region")


def restore_fits(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A volume of a snapshot is at least as large, and in the snapshot's region."""
    snapshot, shape = known_or_none(facts.storage.snapshot), facts.storage.shape
    if operation is not Operation.VOLUME_CREATE or snapshot is None or shape is None:
        return None
    if shape.size_gib < snapshot.size_gib:
        return block("volume_limits", f"the snapshot needs {snapshot.size_gib:,} GiB", Level.NEVER)
    if not facts.storage.zone.startswith(snapshot.region):
        text = f"the snapshot is in {snapshot.region}, not in {facts.storage.zone}"
        return block("other_region", text, Level.NEVER, offer="copy it there first")
    return None


def snapshot_costs(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A snapshot costs what is written on the volume, which nobody knows before."""
    if operation not in (Operation.VOLUME_SNAPSHOT, Operation.SNAPSHOT_COPY):
        return None
    month = known_or_none(facts.storage.month)
    most = "an unknown amount" if month is None else f"at most {dollars(month)}"
    return warn("costs_money", f"the new snapshot costs {most} per month from now on")


def done(operation: Operation, facts: SafetyFacts) -> str:
    """D46: return in words that the end state is reached, or nothing."""
    volume = known_or_none(facts.storage.volume) if operation in STORAGE else None
    if volume is None:
        return ""
    if operation is Operation.VOLUME_DETACH and volume.state is VolumeState.AVAILABLE:
        return "it is attached to nothing already"
    if operation is Operation.VOLUME_DELETE and volume.state in (VolumeState.DELETING, VolumeState.DELETED):
        return f"it is {volume.state.value} already"
    host, held = known_or_none(facts.storage.host), volume.attachment
    if operation is Operation.VOLUME_ATTACH and held is not None and host is not None and held.instance_id == host.id:
        return f"it is on {held.host} already"
    shape = facts.storage.shape
    if operation is Operation.VOLUME_MODIFY and shape is not None and settled(shape) == settled(volume.shape):
        return f"it has {settled(shape).words} already"
    return ""


def _maybe_last(lost: Unknown) -> Reason:
    return block("last_snapshot", f"whether it is the only snapshot could not be told: {lost.reason}")


def _standing(volume: Volume) -> str:
    return _STANDING.get(volume.state, f"it is {volume.state.value}")


def _changes_tier(shape: VolumeShape, volume: Volume) -> bool:
    return shape.type != volume.shape.type and bool({shape.type, volume.shape.type} & NETWORK_LIMITS.keys())


def _is_root(disks: tuple[Disk, ...], volume: Volume) -> bool:
    return any(disk.root and disk.volume_id == volume.id for disk in disks)
