"""Volumes and snapshots of the fixed world."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.volume import (
    Attachment,
    SnapshotState,
    Storage,
    Volume,
    VolumeShape,
    VolumeSnapshot,
    VolumeState,
)
from tests.ui.fake_data import US_EAST, US_WEST, ago

OURS = (("Name", "x"), ("runctl:owner", "alice"), ("runctl:project", "llama"))


def month(usd: str) -> Fact[Decimal]:
    return Known(Decimal(usd), ago(minutes=3), "AWS Pricing API")


def saved(at: datetime | None) -> Fact[datetime | None]:
    return Known(at, ago(seconds=4), "EC2 DescribeSnapshots")


def volume(key: str, name: str, gib: int, usd: str, **more: object) -> Volume:
    known: dict[str, object] = {
        "provider": "aws",
        "region": US_EAST,
        "zone": "us-east-1d",
        "state": VolumeState.AVAILABLE,
        "shape": VolumeShape("gp3", gib, 3000, 125),
        "usd_per_month": month(usd),
        "last_snapshot": saved(None),
        "encrypted": True,
        "created_at": ago(days=41),
        "tags": tuple((key_, name if key_ == "Name" else value) for key_, value in OURS),
        "owner_label": "alice",
    }
    return Volume(id=key, name=name, **(known | more))  # type: ignore[arg-type] # fields by name


def network_volumes() -> tuple[Volume, ...]:
    """Return RunPod's network volumes: one that two pods mount, one that nothing uses, one whose tier has no price."""
    at = {"provider": "runpod", "region": "EU-RO-1", "zone": "EU-RO-1", "encrypted": None}
    pods = (
        Attachment("pod1", "/workspace", "mounted", False, None, "vision-lora"),
        Attachment("pod2", "/workspace", "attached", False, None, "vision-eval"),
    )
    fast, priceless = VolumeShape("network-fast", 60), Unknown("no price of the high-performance tier")
    return (
        volume("nv1", "vision-datasets", 200, "14.00", shape=VolumeShape("network", 200), attachments=pods,
               state=VolumeState.IN_USE, created_at=ago(days=21), **at),
        volume("nv2", "old-weights", 1500, "95.00", shape=VolumeShape("network", 1500), **at),
        volume("nv3", "elsewhere", 60, "0", shape=fast, usd_per_month=priceless, created_at=None, tags=(), **at),
    )  # fmt: skip


def storage() -> Storage:
    """Return volumes in use, forgotten, foreign and of unknown price, and two snapshots."""
    on_llama = Attachment("i-0abc12de34f567890", "/dev/sdg", "attached", False, ago(hours=18), "llama-7b")
    root = Attachment("i-0dde00000000000d1", "/dev/sda1", "attached", True, ago(days=92), "db-primary")
    fast = VolumeShape("gp3", 2000, 16_000, 1_000)
    in_use, west = VolumeState.IN_USE, {"region": US_WEST, "zone": "us-west-2b"}
    priceless, unread = Unknown("no price for st1 in us-west-2"), Unknown("throttled")
    return Storage(
        (
            volume(
                "vol-0data", "data", 2000, "260", state=in_use, shape=fast, attachments=(on_llama,),
                last_snapshot=saved(ago(days=9)),
            ),
            volume("vol-0scratch", "scratch-2025", 250, "20.00"),
            volume("vol-0sdxl", "sdxl-datasets", 800, "64.00", last_snapshot=saved(ago(days=5)), **west),
            volume(
                "vol-0db", "db-primary", 200, "16.00", state=in_use, attachments=(root,),
                tags=(("Name", "db-primary"),),
            ),
            volume(
                "vol-0new", "fresh", 500, "0", state=VolumeState.CREATING, shape=VolumeShape("st1", 500),
                usd_per_month=priceless, last_snapshot=unread, created_at=ago(seconds=9), **west,
            ),
        ),
        (
            snapshot("snap-0data", "data", "vol-0data", 2000, "100.00", started_at=ago(days=9)),
            snapshot("snap-0sdxl", "sdxl-datasets", "vol-0sdxl", 800, "40.00", region=US_WEST, started_at=ago(days=5)),
            snapshot(
                "snap-0new", "data", "vol-0data", 2000, "100.00", state=SnapshotState.PENDING, progress="37%",
                started_at=ago(minutes=4),
            ),
            snapshot("snap-0old", "old-home", "vol-0gone", 100, "5.00", started_at=ago(days=200)),
        ),
    )  # fmt: skip


def snapshot(key: str, name: str, of: str, gib: int, usd: str, **more: object) -> VolumeSnapshot:
    known: dict[str, object] = {
        "provider": "aws",
        "region": US_EAST,
        "state": SnapshotState.COMPLETED,
        "progress": "100%",
        "usd_per_month": month(usd),
        "description": f"{name} by runctl-tui",
        "tags": OURS,
        "owner_label": "alice",
    }
    return VolumeSnapshot(id=key, name=name, volume_id=of, size_gib=gib, **(known | more))  # type: ignore[arg-type] # fields by name
