"""Flat rows of machines, runs and checkpoints: the shapes that scripts read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.instance import TAG_OWNER, TAG_SSH, Disk, Gpu
from runctl_tui.domain.resource import BILLED_STATES
from runctl_tui.domain.run import TrainingSession
from runctl_tui.headless.output import Row


def instance_row(row: FleetRow, now: datetime) -> Row:
    """Return one machine."""
    machine = row.instance
    begun = machine.launched_at or machine.created_at
    return {
        "id": machine.id,
        "provider": machine.provider,
        "region": machine.region,
        "state": machine.state,
        "type": machine.type,
        "name": machine.name,
        "usd_per_hour": _price_now(row),
        "zone": machine.zone,
        "market": machine.market,
        "gpu": gpu_words(machine.gpu),
        "age_seconds": _seconds(begun, now),
        "so_far_usd": row.so_far,
        "project": machine.project,
        "owner": machine.tag(TAG_OWNER) or "",
        "ownership": machine.ownership,
        "run": row.runs[0].id if row.runs else "",
        "tags": dict(machine.tags),
    }


def _price_now(row: FleetRow) -> Decimal | None:
    """Return what a machine costs as it is: nothing where it is not billed, None where nobody knows."""
    if row.instance.state not in BILLED_STATES:
        return Decimal(0)
    return row.price.value.usd_per_hour if isinstance(row.price, Known) else None


def instance_facts(row: FleetRow, now: datetime) -> Row:
    """Return everything that is known about one machine as flat facts: 'disk.vol-1.size_gib', 'tag.team'."""
    machine, flat = row.instance, instance_row(row, now)
    del flat["tags"]
    return {
        **flat,
        "vcpus": machine.vcpus,
        "memory_gib": machine.memory_gib,
        "public_ip": machine.public_ip,
        "ssh": machine.tag(TAG_SSH),
        "private_ip": machine.private_ip,
        "image": machine.image,
        "key_name": machine.key_name,
        "profile": machine.profile,
        "managed_by": machine.parent,
        "state_reason": machine.state_reason,
        "launched_at": machine.launched_at,
        "created_at": machine.created_at,
        "note": row.note,
        **_price_facts(row),
        "disks_usd_per_month": row.disks_per_month,
        **{
            f"disk.{disk.volume_id or disk.device}.{key}": value for disk in machine.disks for key, value in _disk(disk)
        },
        **{f"run.{run.id}.{key}": value for run in row.runs for key, value in _run(run)},
        **{f"usage.{key}": value for key, value in _usage(row)},
        **{f"tag.{key}": value for key, value in machine.tags},
    }


def _price_facts(row: FleetRow) -> Row:
    if not isinstance(row.price, Known):
        return {"price_usd_per_hour": None, "price_unknown_because": row.price.reason}
    price = row.price.value
    return {
        "price_usd_per_hour": price.usd_per_hour,
        "price_kind": price.kind,
        "price_source": price.source,
        "price_as_of": price.as_of,
        "price_is_estimate": price.estimate,
    }


def _disk(disk: Disk) -> Iterator[tuple[str, object]]:
    for key in ("device", "name", "size_gib", "type", "root", "delete_on_termination", "last_snapshot_at"):
        yield key, getattr(disk, key)
    yield "usd_per_month", disk.usd_per_month or None


def _run(run: TrainingSession) -> Iterator[tuple[str, object]]:
    yield from (("name", run.name), ("status", run.status), ("step", run.progress.step))
    yield from (("checkpoints", run.checkpoint_count), ("newest_checkpoint", run.newest_checkpoint))


def _usage(row: FleetRow) -> Iterator[tuple[str, object]]:
    if row.usage is not None:
        for key in ("timestamp", "cpu_percent", "memory_used_mib", "memory_total_mib", "disk_used_gib", "load"):
            yield key, getattr(row.usage, key)
        for gpu in row.usage.gpus:
            yield f"gpu_{gpu.index}_percent", gpu.utilization


def run_row(run: TrainingSession, now: datetime) -> Row:
    """Return one run."""
    return {
        "id": run.id,
        "name": run.name,
        "project": run.project,
        "status": run.status,
        "provider": run.provider,
        "instance_id": run.instance_id,
        "region": run.region,
        "step": run.progress.step,
        "total_steps": run.progress.total_steps,
        "loss": run.progress.loss,
        "eta_seconds": run.progress.eta_seconds,
        "started_at": run.started_at,
        "age_seconds": _seconds(run.started_at, run.ended_at or now),
        "exit_code": run.exit_code,
        "checkpoints": run.checkpoint_count,
        "newest_checkpoint": run.newest_checkpoint,
        "uploads_pending": run.uploads.pending,
        "output_dest": run.output_dest,
        "script": run.script,
        "parent": run.parent,
        "owner": run.owner,
        "reason": run.reason,
    }


def checkpoint_row(checkpoint: Checkpoint, now: datetime) -> Row:
    """Return one checkpoint with its copies."""
    return {
        "run_id": checkpoint.run_id,
        "name": checkpoint.name,
        "step": checkpoint.step,
        "loss": checkpoint.loss,
        "format": checkpoint.format,
        "size_bytes": checkpoint.size_bytes,
        "created_at": checkpoint.created_at,
        "age_seconds": _seconds(checkpoint.created_at, now),
        "host": checkpoint.host.state,
        "s3": checkpoint.s3.state,
        "host_location": checkpoint.host.location,
        "s3_location": checkpoint.s3.location,
        "safe_in_s3": checkpoint.safe_in_s3,
        "files": checkpoint.files,
        "resumable": checkpoint.resumable,
        "folder": checkpoint.folder,
    }


def gpu_words(gpu: Gpu | None) -> str:
    """Return '4x A10G', or nothing for a machine without."""
    return "" if gpu is None else f"{gpu.count}x {gpu.name}"


def _seconds(begun: datetime | None, until: datetime) -> int | None:
    return None if begun is None else max(int((until - begun).total_seconds()), 0)
