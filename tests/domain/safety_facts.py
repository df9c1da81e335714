"""A machine that may be terminated, from which each test takes one thing away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.facts import Known
from runctl_tui.domain.host import HostProcess, ProcessLook
from runctl_tui.domain.instance import ApiProtection, Disk
from runctl_tui.domain.objects import ObjectChangeFacts, Versioning
from runctl_tui.domain.plan import Operation, Reason, Target
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.run_uploads import Destination
from runctl_tui.domain.safety import CleanupSafety, Policy, SafetyFacts
from runctl_tui.domain.safety.storage_facts import StorageFacts
from runctl_tui.domain.uploads import UnfinishedUpload, UploadedParts
from runctl_tui.domain.volume import Attachment, SnapshotState, Volume, VolumeShape, VolumeSnapshot, VolumeState
from tests.fakes import OWNER, START, a_price, an_instance

ROOT = Disk("vol-root", "/dev/xvda", 30, "gp3", delete_on_termination=True, root=True)


def known(value: Any, age: float = 0) -> Known[Any]:
    return Known(value, START - timedelta(seconds=age), "test")


def a_checkpoint(state: CopyState = CopyState.VERIFIED, step: int = 100, **changes: Any) -> Checkpoint:
    base = Checkpoint(
        run_id="r-000001",
        name=f"step_{step}",
        step=step,
        format="json",
        size_bytes=10,
        created_at=START - timedelta(hours=1) + timedelta(seconds=step),
        loss=1.0,
        host=CheckpointCopy(CopyState.PRESENT),
        s3=CheckpointCopy(state),
    )
    return replace(base, **changes)


PROCESS = HostProcess(
    pid=4711,
    start=5711,
    user="ubuntu",
    command="python bench.py --api-key •••",
    name="python",
    cpu_percent=41.6,
    cpu_seconds=90.0,
    memory_bytes=3_100_000_000,
    seconds=7200.0,
    state="S",
    threads=4,
    parent=1,
    own=True,
)
HARD = replace(PROCESS, command="/opt/venv/bin/python3 train.py", run_id="", cpu_percent=99.7, gpus=(0, 1))
"""A training that somebody began by hand."""
LOOK = ProcessLook(4711, "llama", PROCESS)
"""A process that may be ended."""

POLICY = Policy(who=OWNER, ordinary_accounts=frozenset({"111122223333"}))
SHAPE = VolumeShape("gp3", 100, 3000, 125)
FREE = Volume(
    "vol-1", "aws", "us-east-1", "us-east-1a", "data", VolumeState.AVAILABLE, SHAPE, known(Decimal(8)), known(None)
)
HELD = replace(FREE, state=VolumeState.IN_USE, attachments=(Attachment("i-0abc", "/dev/sdf", instance_name="llama"),))
SAVED = VolumeSnapshot(
    "snap-1", "aws", "us-east-1", "data", SnapshotState.COMPLETED, "vol-1", 100, known(Decimal(5)),
    START - timedelta(days=2),
)  # fmt: skip
HOST = replace(an_instance(), zone="us-east-1a", state=ResourceState.RUNNING, disks=())
STORED = StorageFacts(
    volume=known(FREE),
    snapshot=known(SAVED),
    snapshots=known((SAVED, replace(SAVED, id="snap-2"))),
    copies=known(()),
    used_at=known(START - timedelta(days=3)),
    images=known(()),
    host=known(HOST),
    shape=SHAPE,
    zone="us-east-1a",
    to_region="us-west-2",
    device="/dev/sdf",
    month=known(Decimal(8)),
)
"""A volume with snapshots that may be attached or deleted."""

LEFT = UnfinishedUpload(
    "my-data", "shards/train-0048.tar", "up-1", "us-east-1", START - timedelta(days=12),
    "arn:aws:iam::111122223333:user/alice",
    parts=known(UploadedParts(3, 48_000_000, START - timedelta(days=12))),
    usd_per_month=known(Decimal("0.0011")),
    ours=True,
    by="you",
    writers=known(()),
    bucket_tags=known(()),
)  # fmt: skip
"""An upload of ours that was left behind."""

GOES = Destination(
    "s3://my-runs/team", "s3://my-runs/team/r-000001/", "us-east-1", usd_per_month=known(Decimal("0.02"))
)
"""Where the checkpoints of a run would go."""

SAFE = SafetyFacts(
    at=START,
    target=Target("instance", "i-0abc", "llama", "aws", "us-east-1"),
    policy=POLICY,
    account=known("111122223333"),
    planned_account="111122223333",
    journal_ok=True,
    open_rows=(),
    state=known(ResourceState.RUNNING),
    tags=known((("runctl:owner", OWNER),)),
    ownership=known(Ownership.OURS),
    created_at=known(START - timedelta(hours=2)),
    protection=known(ApiProtection(False, False)),
    disks=known((ROOT,)),
    market=known(Market.ON_DEMAND),
    parent=known(""),
    type="m5.large",
    sessions=known(()),
    work=known(()),
    checkpoints=known(()),
    objects=known(ObjectChangeFacts(3, Versioning("Enabled"))),
    process=known(LOOK),
    upload=known(LEFT),
    destination=known(GOES),
    price=known(a_price()),
    out_of_capacity_at=known(None),
    storage=STORED,
)


def facts(**changes: Any) -> SafetyFacts:
    return replace(SAFE, **changes)


def reasons(operation: Operation, given: SafetyFacts) -> dict[str, Reason]:
    return {reason.code: reason for reason in CleanupSafety().judge(operation, given).reasons}
