"""The decision table, D01 to D47: the facts that decide a row, and the reason that must then be among the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import ApiProtection, Disk
from runctl_tui.domain.objects import ObjectChangeFacts, Versioning
from runctl_tui.domain.plan import Level, Operation, Severity, Target
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.run import TrainingStatus, UploadSummary
from runctl_tui.domain.safety import Policy
from runctl_tui.domain.uploads import UploadedParts
from runctl_tui.domain.volume import Attachment, SnapshotState, VolumeState
from tests.domain.safety_facts import FREE, HARD, HELD, LEFT, POLICY, ROOT, SAVED, STORED, a_checkpoint, known
from tests.fakes import START, a_price, a_run, an_instance

T, S, R, L = Operation.TERMINATE, Operation.STOP, Operation.START, Operation.LAUNCH
DELETE, COPY, MOVE = Operation.S3_DELETE, Operation.S3_COPY, Operation.S3_MOVE
ABORT = Operation.UPLOAD_ABORT
VOLUME, SNAPSHOT = Operation.VOLUME_DELETE, Operation.SNAPSHOT_DELETE
BLOCK, WARN, ALLOW = Severity.BLOCK, Severity.WARN, Severity.ALLOW
LX, L3, L2, L1, L0 = Level.NEVER, Level.REASON, Level.NAME, Level.YES, Level.ENTER
LOST = Unknown("throttled")
OWNED = ("runctl:owner", "alice")
ACCOUNT: Final = "111122223333"
RUNNING = {"state": known(ResourceState.RUNNING)}
BOUGHT = known(Market.ON_DEMAND)
OFF = {"state": known(ResourceState.STOPPED)}
MINE = {"account": known(ACCOUNT), "planned_account": ACCOUNT}
SCRATCH = Disk("vol-scratch", "/dev/sdf", 1000, "gp3", delete_on_termination=True, name="scratch")
CONTAINER = Disk("p/container", "/", 30, "container", True, True, "container disk", lost_on_stop=True, bound=True)
WORKSPACE = Disk("p/volume", "/workspace", 50, "volume", True, name="volume disk", bound=True)
NETWORK = Disk("v", "/workspace", 200, "network", False, name="network volume", usd_per_month="14.00", apart=True)
KEEPS = Versioning("Enabled")
SAVED_TARGET = Target("snapshot", SAVED.id, SAVED.name, "aws", "us-east-1")
NET = replace(FREE, provider="runpod", state=VolumeState.IN_USE, attachments=(Attachment("pod-1", "/workspace"),))


def policy(**changes: Any) -> dict[str, Policy]:
    return {"policy": replace(POLICY, **changes)}


def tags(**values: str) -> dict[str, Any]:
    return {"tags": known((OWNED, *((f"runctl:{name.replace('_', '-')}", value) for name, value in values.items())))}


def root_tags(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"disks": known((replace(ROOT, tags=pairs),))}


def run(status: TrainingStatus = TrainingStatus.RUNNING, **changes: Any) -> dict[str, Any]:
    return {**RUNNING, "sessions": known((a_run(an_instance(), status, **changes),))}


def objects(count: int = 1, versioning: Versioning | None = KEEPS, **changes: Any) -> dict[str, Any]:
    return {"objects": known(ObjectChangeFacts(count, versioning, **changes))}


def upload(**changes: Any) -> dict[str, Any]:
    return {"upload": known(replace(LEFT, **changes))}


def stored(**changes: Any) -> dict[str, Any]:
    return {"storage": replace(STORED, **changes)}


@dataclass(frozen=True)
class Row:
    """One line of the table; what the changes leave open is any."""

    row: str
    operation: Operation
    changes: dict[str, Any]
    code: str
    severity: Severity
    level: Level


TABLE: Final = (
    Row("D01", T, {**RUNNING, **policy(read_only="--read-only")}, "ro_mode", BLOCK, LX),
    Row("D01", R, {**OFF, **policy(read_only="--read-only")}, "ro_mode", BLOCK, LX),
    Row("D02", T, {**RUNNING, "account": known(ACCOUNT), "planned_account": "999"}, "identity_changed", BLOCK, LX),
    Row("D02", T, {**RUNNING, "account": LOST, "planned_account": ACCOUNT}, "identity_changed", BLOCK, LX),
    Row("D03", T, {**RUNNING, "account": LOST}, "account_unlisted", BLOCK, LX),
    Row("D03", T, {**RUNNING, "account": known("")}, "account_unlisted", BLOCK, LX),
    Row("D03", T, {**RUNNING, **MINE, **policy(ordinary_accounts=frozenset())}, "account_unlisted", BLOCK, LX),
    Row("D04", T, {**RUNNING, **MINE, **policy(production_accounts=frozenset({ACCOUNT}))}, "prod_account", BLOCK, L3),
    Row("D04", DELETE, {**MINE, **policy(production_accounts=frozenset({ACCOUNT}))}, "prod_account", BLOCK, L3),
    Row("D05", T, {**RUNNING, "ownership": known(Ownership.FOREIGN)}, "foreign", BLOCK, LX),
    Row("D05", S, {**RUNNING, "ownership": known(Ownership.RUNCTL)}, "foreign", BLOCK, LX),
    Row("D05", S, {**RUNNING, "ownership": LOST}, "owner_unknown", BLOCK, LX),
    Row("D06", T, {**RUNNING, "ownership": known(Ownership.OTHER)}, "other_owner", BLOCK, L3),
    Row("D06", DELETE, {**objects(), "ownership": known(Ownership.OTHER)}, "other_owner", BLOCK, L3),
    Row("D06", COPY, {**objects(), "ownership": known(Ownership.OTHER)}, "other_owner", WARN, L1),
    Row("D06", S, {**RUNNING, "ownership": known(Ownership.OTHER)}, "other_owner", WARN, L2),
    Row("D07", T, {**RUNNING, **tags(protected="yes")}, "tag_protected", BLOCK, LX),
    Row("D07", T, {**RUNNING, **tags(important="")}, "tag_protected", BLOCK, LX),
    Row("D07", DELETE, tags(persistent="True"), "tag_protected", BLOCK, LX),
    Row("D07", T, {**RUNNING, "unprotected_at": START - timedelta(seconds=59)}, "cooling_down", BLOCK, LX),
    Row("D08", T, {**RUNNING, **tags(protect_until="2026-11-10")}, "protect_until", BLOCK, LX),
    Row("D08", T, {**RUNNING, **tags(protect_until="next week")}, "protect_until", BLOCK, LX),
    Row("D08", T, {**RUNNING, **tags(protect_until="2026-11-10T14:00:00+01:00")}, "protect_until", BLOCK, LX),
    Row("D09", T, {**RUNNING, "tags": LOST}, "tags_unknown", BLOCK, L3),
    Row("D06", T, {**RUNNING, **root_tags(("runctl:owner", "bob"))}, "other_owner", BLOCK, L3),
    Row("D07", T, {**RUNNING, **root_tags(("runctl:protected", "yes"))}, "tag_protected", BLOCK, LX),
    Row("D08", T, {**RUNNING, **root_tags(("runctl:protect-until", "soon"))}, "protect_until", BLOCK, LX),
    Row("D09", T, {**RUNNING, "disks": known((replace(ROOT, tags=None),))}, "tags_unknown", BLOCK, L3),
    Row("D10", T, {**RUNNING, "protection": known(ApiProtection(True, False))}, "api_protected", BLOCK, LX),
    Row("D10", T, {**RUNNING, "protection": known(ApiProtection(False, True))}, "api_protected", BLOCK, LX),
    Row("D10", T, {**RUNNING, "protection": LOST}, "protection_unknown", BLOCK, LX),
    Row("D11", S, {**RUNNING, "protection": known(ApiProtection(False, True))}, "api_stop_protected", BLOCK, LX),
    Row("D12", T, run(), "training_running", BLOCK, L3),
    Row("D12", S, run(TrainingStatus.PREPARING), "training_running", BLOCK, L3),
    Row("D12", T, {**RUNNING, "work": known((HARD,))}, "other_work", BLOCK, L3),
    Row("D12", S, {**RUNNING, "work": known((HARD,))}, "other_work", WARN, L2),
    Row("D13", T, {**RUNNING, "work": LOST}, "training_unknown", BLOCK, L3),
    Row("D13", T, {**RUNNING, "work": known((), age=31)}, "training_unknown", BLOCK, L3),
    Row("D14", S, {**RUNNING, "work": LOST}, "training_unknown", WARN, L2),
    Row("D13", T, {**RUNNING, "sessions": LOST}, "training_unknown", BLOCK, L3),
    Row("D13", T, run(TrainingStatus.UNREACHABLE), "training_unknown", BLOCK, L3),
    Row("D13", T, {**RUNNING, "sessions": known((), age=31)}, "training_unknown", BLOCK, L3),
    Row("D14", S, {**RUNNING, "sessions": LOST}, "training_unknown", WARN, L2),
    Row("D15", T, {**RUNNING, "checkpoints": known((a_checkpoint(CopyState.ABSENT),))}, "ckpt_only_copy", BLOCK, L3),
    Row("D15", T, {**RUNNING, "checkpoints": known((a_checkpoint(CopyState.PRESENT),))}, "ckpt_only_copy", BLOCK, L3),
    Row("D16", T, {**RUNNING, "checkpoints": LOST}, "ckpt_unknown", BLOCK, L3),
    Row("D16", T, {**RUNNING, "checkpoints": known((), age=121)}, "ckpt_unknown", BLOCK, L3),
    Row("D17", T, run(TrainingStatus.COMPLETED, uploads=UploadSummary(pending=2)), "busy", BLOCK, LX),
    Row(
        "D17", T, run(TrainingStatus.COMPLETED, uploads=UploadSummary(pending=2, waiting="no relay")),
        "uploads_incomplete", WARN, L2,
    ),
    Row("D18", T, {**RUNNING, "created_at": known(START - timedelta(seconds=299))}, "too_new", WARN, L2),
    Row("D19", T, {**RUNNING, "created_at": LOST}, "age_unknown", BLOCK, L3),
    Row("D19", T, {**RUNNING, "created_at": known(START + timedelta(seconds=61))}, "age_unknown", BLOCK, L3),
    Row("D20", T, {**RUNNING, "disks": known((ROOT, SCRATCH))}, "data_volume_dies", BLOCK, L3),
    Row("D20", T, {**RUNNING, "disks": LOST}, "disks_unknown", BLOCK, L3),
    Row("D21", T, {**RUNNING, "disks": known((ROOT,))}, "root_dies", WARN, L2),
    Row("D22", S, {**RUNNING, "disks": known((ROOT,)), "protection": known(ApiProtection(False, False, False, 2))},
        "instance_store_lost", WARN, L2),
    Row("D23", S, {**RUNNING, "market": known(Market.SPOT)}, "cannot_stop", BLOCK, LX),
    Row("D23", S, {"state": known(ResourceState.STOPPING), "market": BOUGHT}, "cannot_stop", BLOCK, LX),
    Row("D24", T, {**RUNNING, "parent": known("autoscaling: web")}, "managed_parent", BLOCK, L3),
    Row("D24", S, {**RUNNING, "parent": LOST}, "managed_parent", BLOCK, L3),
    Row("D25", VOLUME, stored(volume=known(HELD)), "attached", BLOCK, LX),
    Row("D25", VOLUME, stored(volume=known(replace(HELD, state=VolumeState.ATTACHING))), "attached", BLOCK, LX),
    Row("D26", VOLUME, stored(snapshots=known(())), "no_undo", BLOCK, L3),
    Row("D26", VOLUME, stored(snapshots=known((replace(SAVED, state=SnapshotState.PENDING),))), "no_undo", BLOCK, L3),
    Row("D26", VOLUME, stored(snapshots=LOST), "no_undo", BLOCK, L3),
    Row("D27", VOLUME, stored(), "undo_exists", WARN, L2),
    Row("D27", VOLUME, stored(used_at=known(START - timedelta(hours=9))), "undo_old", BLOCK, L3),
    Row("D28", SNAPSHOT, stored(images=known(("ami-1",))), "referenced", BLOCK, LX),
    Row("D28", SNAPSHOT, {"target": SAVED_TARGET, **stored(snapshots=known((SAVED,)))}, "last_snapshot", BLOCK, L3),
    Row("D29", DELETE, objects(10), "delete_marker", WARN, L1),
    Row("D29", DELETE, objects(11), "delete_marker", WARN, L2),
    Row("D30", DELETE, objects(1, Versioning("Off")), "permanent_delete", BLOCK, L3),
    Row("D30", DELETE, objects(1, Versioning("Suspended")), "permanent_delete", BLOCK, L3),
    Row("D30", DELETE, objects(1, None), "permanent_delete", BLOCK, L3),
    Row("D31", DELETE, objects(newest=("s3://b/ckpt/4000",)), "newest_ckpt", BLOCK, L3),
    Row("D17", DELETE, objects(written=("r-1",)), "busy", BLOCK, LX),
    Row("D17", MOVE, objects(written=("r-1",)), "busy", BLOCK, LX),
    Row("D31", COPY, objects(replaced=("s3://b/4",), newest_replaced=("s3://b/4",)), "newest_ckpt", BLOCK, L3),
    Row("D31", COPY, objects(replaced=("s3://b/3", "s3://b/4"), newest_replaced=("s3://b/4",)), "onto_ckpt", WARN, L1),
    Row("D31", COPY, objects(newest=("s3://b/ckpt/4000",)), "newest_ckpt", BLOCK, L3),
    Row("D31", MOVE, objects(newest=("s3://b/ckpt/4000",)), "newest_ckpt", BLOCK, L3),
    Row("D31", MOVE, objects(leaving=("s3://b/ckpt/3000",)), "off_ckpt", WARN, L1),
    Row("D32", DELETE, {"objects": LOST}, "objects_unknown", BLOCK, LX),
    Row("D34", DELETE, objects(1, Versioning("Enabled", "Object Lock is on")), "locked", BLOCK, LX),
    Row("D35", ABORT, upload(ours=False, by="bob"), "foreign_upload", BLOCK, L3),
    Row("D35", ABORT, upload(ours=False, by="", initiator=""), "foreign_upload", BLOCK, L3),
    Row("D35", ABORT, upload(parts=known(UploadedParts(1, 9, START - timedelta(hours=23)))), "upload_young", BLOCK, L3),
    Row("D35", ABORT, upload(started_at=START - timedelta(hours=23)), "upload_young", BLOCK, L3),
    Row("D35", ABORT, upload(parts=LOST), "upload_unclear", BLOCK, L3),
    Row("D35", ABORT, upload(started_at=None), "upload_unclear", BLOCK, L3),
    Row("D35", ABORT, upload(writers=known(("run r-1",))), "busy", BLOCK, LX),
    Row("D35", ABORT, upload(writers=LOST), "writers_unknown", BLOCK, L3),
    Row("D35", ABORT, {"upload": LOST}, "upload_unknown", BLOCK, LX),
    Row("D35", ABORT, {"upload": known(LEFT, age=31)}, "upload_unknown", BLOCK, LX),
    Row("D36", T, {**RUNNING, "disks": known((CONTAINER, WORKSPACE))}, "workspace_dies", BLOCK, L3),
    Row("D37", T, {**RUNNING, "disks": known((CONTAINER, NETWORK))}, "netvol_stays", WARN, L2),
    Row("D38", VOLUME, stored(volume=known(NET), no_attach="it has no switch"), "netvol_used", BLOCK, LX),
    Row("D38", VOLUME, stored(volume=LOST), "state_unknown", BLOCK, LX),
    Row("D39", S, {**RUNNING, "disks": known((CONTAINER,))}, "container_disk_lost", WARN, L2),
    Row("D40", L, {"price": LOST, **policy()}, "price_unknown", WARN, L1),
    Row("D40", R, {**OFF, "price": LOST, **policy()}, "price_unknown", WARN, L1),
    Row("D40", L, {"price": LOST, **policy(cap_per_hour=Decimal(10))}, "price_unknown", BLOCK, L3),
    Row("D40", L, {"price": LOST, **policy(hard_cap_per_hour=Decimal(10))}, "price_unknown", BLOCK, LX),
    Row("D40", L, {"price": known(a_price("32.77")), **policy(cap_per_hour=Decimal(10))}, "cost_cap", BLOCK, L3),
    Row("D40", L, {"price": known(a_price("32.77")), **policy(hard_cap_per_hour=Decimal(30))}, "cost_cap", BLOCK, LX),
    Row("D43", T, {"state": known(ResourceState.RUNNING, age=11)}, "state_unknown", BLOCK, LX),
    Row("D44", T, {**RUNNING, "open_rows": ("terminate sent",)}, "reconcile_first", BLOCK, LX),
    Row("D44", R, {**OFF, "open_rows": None}, "reconcile_first", BLOCK, LX),
    Row("D45", T, {**RUNNING, "journal_ok": False}, "no_journal", BLOCK, LX),
    Row("D46", T, {"state": known(ResourceState.TERMINATED)}, "already_done", ALLOW, L0),
    Row("D46", S, OFF, "already_done", ALLOW, L0),
    Row("D46", R, RUNNING, "already_done", ALLOW, L0),
    Row("D47", S, {**RUNNING, "type": "g5.xlarge"}, "may_not_restart", WARN, L2),
    Row("D47", S, {**RUNNING, "type": "p4d.24xlarge"}, "may_not_restart", WARN, L2),
    Row("D47", S, {**RUNNING, "out_of_capacity_at": known(START - timedelta(hours=23))}, "may_not_restart", WARN, L2),
)  # fmt: skip

ELSEWHERE: Final = {
    "D33": "tests/services/aws/test_storage.py: an object that changed since the plan is not deleted",
    "D41": "test_a_batch_with_one_refused_member_is_refused",
    "D42": "test_a_batch_is_bounded",
}
