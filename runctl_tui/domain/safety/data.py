"""Rules about work and data: running training, checkpoints, disks, uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import Disk
from runctl_tui.domain.money import dollars
from runctl_tui.domain.plan import Level, Operation, Reason
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.safety.facts import SafetyFacts, live_sessions, newest_checkpoints, other_work
from runctl_tui.domain.safety.reasons import block, count, known_or_none, offering, process_brief, warn

MOST_WORK: Final = 3
"""Processes that are named."""
SNAPSHOT_AGE: Final = timedelta(hours=24)
_ENDING: Final = frozenset({Operation.STOP, Operation.TERMINATE})


def training_running(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D12: a machine that trains is neither stopped nor terminated."""
    live = known_or_none(live_sessions(facts))
    if operation not in _ENDING or not live:
        return None
    first = live[0]
    more = f" and {len(live) - 1} more" if len(live) > 1 else ""
    reason = block(
        "training_running", f"training is running: {first.name or first.id}{more}", offer="stop the run first"
    )
    return offering(reason, Operation.RUN_STOP, *(one.id for one in live))


def training_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D13 and D14: whether it trains must be known before it dies; before a stop it is asked."""
    live = live_sessions(facts)
    if operation not in _ENDING or not isinstance(live, Unknown):
        return None
    text = f"whether training runs could not be told: {live.reason}"
    if operation is Operation.TERMINATE:
        return block("training_unknown", text, offer="make the host reachable, or stop the machine first")
    return warn("training_unknown", text, Level.NAME)


def other_work_running(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D12 for what nobody told us of: a training that was started by hand works as hard, and is as lost."""
    work = known_or_none(other_work(facts))
    if operation not in _ENDING or not work:
        return None
    text = f"something works on it that is no run of ours: {'; '.join(map(process_brief, work[:MOST_WORK]))}"
    more = f" and {len(work) - MOST_WORK} more" if len(work) > MOST_WORK else ""
    if operation is Operation.TERMINATE:
        return block("other_work", text + more, offer="look at it: the machine's processes (h)")
    return warn("other_work", text + more, Level.NAME)


def other_work_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D13 and D14 for the same: what works on it must be known before it dies."""
    work = other_work(facts)
    if operation not in _ENDING or facts.local or not isinstance(work, Unknown):
        return None
    if isinstance(live_sessions(facts), Unknown):
        return None
    text = f"what else works on it could not be told: {work.reason}"
    if operation is Operation.TERMINATE:
        return block("training_unknown", text, offer="make the host reachable, or stop the machine first")
    return warn("training_unknown", text, Level.NAME)


def checkpoint_only_copy(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D15: the newest checkpoint of every run is verified in S3 before its disk dies."""
    if operation is not Operation.TERMINATE or facts.local:
        return None
    only = [one for one in newest_checkpoints(known_or_none(facts.checkpoints) or ()) if not one.safe_in_s3]
    if not only:
        return None
    text = f"the newest checkpoint {only[0].name} of {only[0].run_id} is not verified in S3"
    if known_or_none(facts.state) is ResourceState.STOPPED:
        reason = block("ckpt_only_copy", text, offer="start it, so that the checkpoint can be uploaded")
        return offering(reason, Operation.START, facts.target.key)
    reason = block("ckpt_only_copy", text, offer="upload it first, or let its upload finish")
    return offering(reason, Operation.RUN_UPLOAD, *dict.fromkeys(one.run_id for one in only))


def checkpoint_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D16: an inventory that could not be read may hold the only copy."""
    if operation is not Operation.TERMINATE or facts.local or not isinstance(facts.checkpoints, Unknown):
        return None
    text = f"its checkpoints could not be listed: {facts.checkpoints.reason}"
    reason = block("ckpt_unknown", text, offer="start it, or make the host reachable, so that they can be listed")
    stopped = known_or_none(facts.state) is ResourceState.STOPPED
    return offering(reason, Operation.START, facts.target.key) if stopped else reason


def busy(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D17: uploads from it come first; those that cannot move are named."""
    if operation is not Operation.TERMINATE:
        return None
    sessions = known_or_none(facts.sessions) or ()
    moving = sum(one.uploads.pending for one in sessions if not one.uploads.waiting)
    if moving:
        return block(
            "busy", f"{count(moving, 'upload')} of checkpoints not finished", Level.NEVER, offer="wait for them"
        )
    behind = [one for one in sessions if one.uploads.pending + one.uploads.failed]
    if not behind:
        return None
    left = sum(one.uploads.pending + one.uploads.failed for one in behind)
    reason = warn("uploads_incomplete", f"{count(left, 'older checkpoint')} not in S3", Level.NAME)
    return offering(
        replace(reason, offer="upload them first"), Operation.RUN_UPLOAD, *dict.fromkeys(one.id for one in behind)
    )


def data_volume_dies(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D20 and D36: a data disk without a recent snapshot does not die with its machine unless somebody says why."""
    if operation is not Operation.TERMINATE:
        return None
    dying = [disk for disk in known_or_none(facts.disks) or () if not disk.root and not _kept(disk, facts.at)]
    if not dying:
        return None
    keepable = [disk for disk in dying if not disk.bound]
    if not keepable:
        are, them = ("is", "it") if len(dying) == 1 else ("are", "them")
        return block("workspace_dies", f"its {_names(dying)} {are} deleted with it, and nothing can keep {them}")
    noun = "disk" if len(keepable) == 1 else "disks"
    goes = "would" if all(disk.delete_on_termination for disk in keepable) else "may"
    text = f"the data {noun} {_names(keepable)} {goes} be deleted, without a snapshot of the last day"
    reason = block("data_volume_dies", text, offer="snapshot what dies, and detach what shall stay")
    keys = [f"{facts.target.provider}/{disk.volume_id}" for disk in keepable if disk.volume_id]
    return offering(reason, Operation.VOLUME_SNAPSHOT, *keys) if keys else reason


def disks_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D20 with an unknown: which disks die must be known."""
    if operation is not Operation.TERMINATE or facts.local or not isinstance(facts.disks, Unknown):
        return None
    return block("disks_unknown", f"its disks could not be listed: {facts.disks.reason}")


def root_dies(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D21: the root disk usually dies as well."""
    roots = [disk for disk in known_or_none(facts.disks) or () if disk.root and disk.delete_on_termination is not False]
    if operation is not Operation.TERMINATE or not roots:
        return None
    certain = all(disk.delete_on_termination for disk in roots)
    text = "its root disk is deleted with it" if certain else "its root disk may be deleted with it: that is not told"
    return warn("root_dies", text, Level.NAME)


def instance_store_lost(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D22 and D39: instance-store and container disks are empty after a stop."""
    lock = known_or_none(facts.protection)
    lost = [disk for disk in known_or_none(facts.disks) or () if disk.lost_on_stop]
    if operation is Operation.STOP and lost:
        return warn("container_disk_lost", f"what is on its {_names(lost)} is lost", Level.NAME)
    if operation is not Operation.STOP or lock is None or not lock.instance_store_disks:
        return None
    text = f"what is on its {count(lock.instance_store_disks, 'instance-store disk')} is lost"
    return warn("instance_store_lost", text, Level.NAME)


def stopped_disk_costs_more(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A stop makes some disks dearer."""
    disks = [disk for disk in known_or_none(facts.disks) or () if disk.usd_per_month and disk.usd_per_month_stopped]
    dearer = [disk for disk in disks if Decimal(disk.usd_per_month_stopped) > Decimal(disk.usd_per_month)]
    if operation is not Operation.STOP or not dearer:
        return None
    before = sum((Decimal(disk.usd_per_month) for disk in dearer), Decimal(0))
    after = sum((Decimal(disk.usd_per_month_stopped) for disk in dearer), Decimal(0))
    cost = "costs" if len(dearer) == 1 else "cost"
    text = f"its {_names(dearer)} {cost} {dollars(after)} per month while it is stopped, instead of {dollars(before)}"
    return warn("stopped_disk_costs_more", text)


def volume_stays_and_costs(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D37: what is paid by itself outlives a termination, and is paid on."""
    staying = [disk for disk in known_or_none(facts.disks) or () if disk.apart]
    if operation is not Operation.TERMINATE or not staying:
        return None
    prices = [disk.usd_per_month for disk in staying]
    month = dollars(sum(map(Decimal, prices), Decimal(0))) if all(prices) else "an unknown price"
    stay = "stays and goes" if len(staying) == 1 else "stay and go"
    text = f"its {_names(staying)} {stay} on costing {month} per month, mounted or not"
    return warn("netvol_stays", text, Level.NAME)


def run_state_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A run whose state could not be read is stopped only by somebody who means it."""
    if operation is not Operation.RUN_STOP:
        return None
    live = live_sessions(facts)
    if not isinstance(live, Unknown):
        return None
    return warn("training_unknown", f"whether it runs could not be told: {live.reason}")


def work_lost(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """Stopping a run loses what it did since its last checkpoint."""
    if operation is not Operation.RUN_STOP:
        return None
    match facts.checkpoints:
        case Unknown(reason):
            return warn("work_lost", f"what it would lose could not be told: {reason}")
    if not facts.checkpoints.value:
        return warn("work_lost", "it has written no checkpoint yet: all its work is lost")
    return warn("work_lost", "the work since its last checkpoint is lost")


def _names(disks: Sequence[Disk]) -> str:
    return ", ".join(disk.name or disk.volume_id for disk in disks)


def _kept(disk: Disk, now: datetime) -> bool:
    if disk.delete_on_termination is False:
        return True
    return disk.last_snapshot_at is not None and now - disk.last_snapshot_at < SNAPSHOT_AGE
