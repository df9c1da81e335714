"""Flat rows of volumes and snapshots: the shapes that scripts read."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

from runctl_tui.domain.cost import TrackedResource
from runctl_tui.domain.facts import Known
from runctl_tui.domain.instance import TAG_OWNER
from runctl_tui.domain.money import HOURS_PER_MONTH, cents
from runctl_tui.domain.volume import Volume, VolumeSnapshot, month
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS, settled
from runctl_tui.headless.output import Row

KEPT: Final = "kept"
"""The state of a volume in the ledger."""


def volume_row(volume: Volume, now: datetime) -> Row:
    """Return one volume."""
    shape, held = settled(volume.shape), volume.attachment
    return {
        "id": volume.id,
        "provider": volume.provider,
        "region": volume.region,
        "zone": volume.zone,
        "name": volume.name,
        "state": volume.state,
        "type": shape.type,
        "size_gib": shape.size_gib,
        "iops": shape.iops,
        "throughput_mibs": shape.throughput,
        "encrypted": volume.encrypted,
        "attached_to": ", ".join(each.host for each in volume.attachments),
        "instance_id": held.instance_id if held else "",
        "device": held.device if held else "",
        "delete_on_termination": held.delete_on_termination if held else None,
        "last_snapshot_at": volume.last_snapshot.value if isinstance(volume.last_snapshot, Known) else None,
        "last_snapshot_known": isinstance(volume.last_snapshot, Known),
        "usd_per_month": month(volume.usd_per_month),
        "created_at": volume.created_at,
        "age_seconds": _seconds(volume.created_at, now),
        "project": volume.project,
        "owner": dict(volume.tags).get(TAG_OWNER, ""),
        "ownership": volume.ownership,
        "snapshot_id": volume.snapshot_id,
        "tags": dict(volume.tags),
    }


def tracked_volume_row(volume: TrackedResource) -> Row:
    """Return one volume of the ledger in the shape of a machine's row."""
    tags, rate = dict(volume.tags), volume.usd_per_hour
    return {
        "id": volume.id,
        "provider": volume.provider,
        "region": volume.region,
        "state": KEPT,
        "type": f"{volume.type} volume",
        "name": volume.name,
        "usd_per_hour": Decimal(0),
        "so_far_usd": volume.accumulated if volume.accumulated or not volume.unpriced_seconds else None,
        "project": volume.project,
        "owner": tags.get(TAG_OWNER, ""),
        "tags": tags,
        "kind": volume.kind,
        "disks_usd_per_month": None if rate is None else cents(rate * HOURS_PER_MONTH),
        "note": "costs while it exists, mounted or not" if volume.type in NETWORK_LIMITS else "attached to nothing",
    }


def snapshot_row(snapshot: VolumeSnapshot, now: datetime) -> Row:
    """Return one snapshot."""
    return {
        "id": snapshot.id,
        "provider": snapshot.provider,
        "region": snapshot.region,
        "name": snapshot.name,
        "state": snapshot.state,
        "progress": snapshot.progress,
        "volume_id": snapshot.volume_id,
        "copy_of": snapshot.copy_of,
        "size_gib": snapshot.size_gib,
        "encrypted": snapshot.encrypted,
        "started_at": snapshot.started_at,
        "age_seconds": _seconds(snapshot.started_at, now),
        "usd_per_month_at_most": month(snapshot.usd_per_month),
        "description": snapshot.description,
        "owner": dict(snapshot.tags).get(TAG_OWNER, ""),
        "ownership": snapshot.ownership,
        "tags": dict(snapshot.tags),
    }


def month_words(amount: object) -> str:
    """Return dollars per month with cents, '?' where they are not known."""
    return f"{cents(amount):,}" if isinstance(amount, Decimal) else "?"


def _seconds(begun: datetime | None, until: datetime) -> int | None:
    return None if begun is None else max(int((until - begun).total_seconds()), 0)
