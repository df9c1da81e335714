"""How a run's record changes with what is heard about it; pure functions, used by the register."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingSession, TrainingStatus
from runctl_tui.services.training.agent_words import moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.run import RunProgress
    from runctl_tui.services.training.agent_values import RunStatus

UNKNOWN_AFTER: Final = timedelta(minutes=2)
"""Age from which a run should be known to its machine; younger ones may be on their way there."""
GONE: Final = (ResourceState.TERMINATED, ResourceState.TERMINATING)
_DOWN: Final = (*GONE, ResourceState.STOPPED, ResourceState.STOPPING)


def heard(session: TrainingSession, status: RunStatus, progress: RunProgress, now: datetime) -> TrainingSession:
    """Return the run as its host tells it now."""
    return replace(
        session,
        status=status.status,
        started_at=status.started_at or session.started_at,
        ended_at=status.ended_at,
        exit_code=status.exit_code,
        reason=status.reason,
        progress=progress,
        uploads=status.uploads,
        checkpoints=status.checkpoints,
        newest_checkpoint=status.newest.name if status.newest else session.newest_checkpoint,
        output_dest=session.output_dest or _place(status.request),
        heard_at=now,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at this time."""

    machines: Mapping[str, Instance]
    """All that are listed, by 'provider/id'."""
    scope: AbstractSet[str]
    """The places that were listed, 'aws/us-east-1' or 'local'."""
    blind: AbstractSet[str]
    """The places among them that could not be listed."""
    answered: AbstractSet[str]
    """'provider/id' of the machines that told about their runs."""
    failed: AbstractSet[str]
    """'provider/id' of the machines that were asked and told nothing."""
    at: datetime


def silent(session: TrainingSession, seen: Seen) -> TrainingSession:
    """Return a live run about which nothing was heard this time."""
    key = session.machine_key
    machine = seen.machines.get(key)
    young = session.started_at is None or seen.at - session.started_at <= UNKNOWN_AFTER
    if young and session.heard_at is None and key not in seen.failed and (machine is None or not _down(machine)):
        return session  # the list of machines may be older than its machine, which nobody has asked yet
    if machine is None:
        places = {session.provider, f"{session.provider}/{session.region}"}
        if places & seen.blind or not places & seen.scope or "" in seen.blind:
            return replace(session, status=TrainingStatus.UNREACHABLE)
        return _lost(session, "its machine is gone")
    if machine.state in GONE:
        return _lost(session, "its machine was terminated")
    if _down(machine):
        return _lost(session, f"its machine is {machine.state.value}")
    if key not in seen.answered:
        return replace(session, status=TrainingStatus.UNREACHABLE)
    if not young:
        return _lost(session, "its machine knows nothing of it")
    return session


def _down(machine: Instance) -> bool:
    return machine.state in _DOWN


def _lost(session: TrainingSession, reason: str) -> TrainingSession:
    return replace(session, status=TrainingStatus.LOST, reason=reason)


def adopted(machine: Instance, status: RunStatus) -> TrainingSession:
    """Return the record of a run that was found on a host and not started from here."""
    session = requested(status.run_id, status.request)
    return replace(
        session,
        provider=machine.provider,
        instance_id=machine.id,
        region=machine.region,
        project=session.project or machine.project,
        status=status.status,
        started_at=status.created_at,
    )


def requested(run_id: str, request: Mapping[str, Any]) -> TrainingSession:
    """Return what the agent's `run.json` tells about a run; its state is unknown."""
    meta, s3 = request.get("meta") or {}, request.get("s3") or {}
    return TrainingSession(
        id=run_id,
        name=str(meta.get("name") or request.get("script") or run_id),
        project=str(meta.get("project") or ""),
        provider="aws",
        instance_id=str(meta.get("instance_id") or ""),
        region=str(s3.get("region") or ""),
        status=TrainingStatus.UNKNOWN,
        script=str(request.get("script", "")),
        args=tuple(str(word) for word in request.get("args", [])),
        host_dir=str(request.get("project_dir", "")),
        checkpoint_dir=str(request.get("checkpoint_dir") or "checkpoints"),
        output_dest=_place(request),
        parent=str(request.get("parent") or ""),
        owner=str(meta.get("owner") or ""),
    )


def _place(request: Mapping[str, Any]) -> str:
    """Return where the agent sends a run's files; empty: nowhere."""
    s3 = request.get("s3") or {}
    return f"s3://{s3['bucket']}/{s3.get('prefix', '')}".rstrip("/") if s3.get("bucket") else ""


def archived(
    run_id: str, request: Mapping[str, Any], state: Mapping[str, Any], status: TrainingStatus
) -> TrainingSession:
    """Return an ended run by what its uploader left in S3."""
    return replace(
        requested(run_id, request),
        status=status,
        started_at=moment(state.get("running_at") or state.get("created_at")),
        ended_at=moment(state.get("ended_at")),
        exit_code=state.get("exit_code"),
        reason=str(state.get("reason") or ""),
    )
