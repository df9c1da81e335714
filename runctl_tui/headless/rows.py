"""Flat rows of machines, runs and checkpoints: the shapes that scripts read."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.instance import TAG_OWNER, Gpu
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
        "checkpoints": run.checkpoints,
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
