"""Launch requests that are filled in from what is on the screen: train here, resume there; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runctl_tui.domain.checkpoint import Checkpoint, CopyState
from runctl_tui.domain.instance import HERE
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.run import TrainingJob, TrainingSession

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow


def train_on(defaults: LaunchRequest, row: FleetRow) -> LaunchRequest:
    """Return the defaults with an existing machine in the place of a new one."""
    return replace(defaults, options=None, instance_key=row.key, terminate_after=False)


def resume_from(session: TrainingSession, checkpoint: Checkpoint | None, defaults: LaunchRequest) -> LaunchRequest:
    """Return a request that goes on with a run from a checkpoint, on its own machine unless changed."""
    here = defaults.job.project_root if defaults.job else ""
    where = _location(checkpoint) if checkpoint else session.newest_checkpoint
    return LaunchRequest(
        instance_key=f"{session.provider}/{session.instance_id}",
        job=replace(session.job_again(here), resume_from=where, parent=session.id),
    )


def resume_here(defaults: LaunchRequest, checkpoint: Checkpoint) -> LaunchRequest:
    """Return a request that trains on this machine from a checkpoint that belongs to no run."""
    job = replace(defaults.job or TrainingJob(script=""), resume_from=checkpoint.host.location)
    return replace(defaults, options=None, instance_key=HERE, job=job, terminate_after=False)


def _location(checkpoint: Checkpoint) -> str:
    """Prefer the copy that any machine can reach."""
    in_s3 = checkpoint.s3.state in (CopyState.VERIFIED, CopyState.PRESENT)
    return checkpoint.s3.location if in_s3 or not checkpoint.host.location else checkpoint.host.location
