"""How a run's record changes with what is heard about it; pure functions, used by the register."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingSession, TrainingStatus

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.metrics import MetricSeries
    from runctl_tui.services.training.agent_values import RunStatus

_GONE = (ResourceState.TERMINATED, ResourceState.TERMINATING)
_DOWN = (*_GONE, ResourceState.STOPPED, ResourceState.STOPPING)


def heard(session: TrainingSession, status: RunStatus, series: MetricSeries, now: datetime) -> TrainingSession:
    """Return the run as its host tells it now."""
    return replace(
        session,
        status=status.status,
        started_at=status.started_at or session.started_at,
        ended_at=status.ended_at,
        exit_code=status.exit_code,
        reason=status.reason,
        progress=series.progress,
        uploads=status.uploads,
        checkpoints=status.checkpoints,
        newest_checkpoint=status.newest.name if status.newest else session.newest_checkpoint,
        heard_at=now,
    )


def silent(
    session: TrainingSession, machine: Instance | None, mute: AbstractSet[str], blind: AbstractSet[str]
) -> TrainingSession:
    """Return a live run about which nothing may have been heard this time.

    `machine` is its host as listed now, None when it is not listed; `mute` are the machines that did not answer,
    `blind` the scopes that could not be listed.
    """
    if machine is None:
        if any(session.region in scope for scope in blind):
            return replace(session, status=TrainingStatus.UNREACHABLE)
        return replace(session, status=TrainingStatus.LOST, reason="its machine is gone")
    if machine.state in _GONE:
        return replace(session, status=TrainingStatus.LOST, reason="its machine was terminated")
    if machine.state in _DOWN:
        return replace(session, status=TrainingStatus.LOST, reason=f"its machine is {machine.state.value}")
    return replace(session, status=TrainingStatus.UNREACHABLE) if machine.id in mute else session


def adopted(machine: Instance, status: RunStatus) -> TrainingSession:
    """Return the record of a run that was found on a host and not started from here."""
    request = status.request
    meta = request.get("meta") or {}
    s3 = request.get("s3") or {}
    dest = f"s3://{s3['bucket']}/{s3.get('prefix', '')}".rstrip("/") if s3.get("bucket") else ""
    return TrainingSession(
        id=status.run_id,
        name=str(meta.get("name") or request.get("script") or status.run_id),
        project=str(meta.get("project") or machine.project),
        provider=machine.provider,
        instance_id=machine.id,
        region=machine.region,
        status=status.status,
        script=str(request.get("script", "")),
        args=tuple(str(word) for word in request.get("args", [])),
        started_at=status.created_at,
        host_dir=str(request.get("project_dir", "")),
        checkpoint_dir=str(request.get("checkpoint_dir") or "checkpoints"),
        output_dest=dest,
        parent=str(request.get("parent") or ""),
        owner=str(meta.get("owner") or ""),
    )
