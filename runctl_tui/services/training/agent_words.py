"""The agent's words for states and times, as ours; apart from its answers, because the first rows need no answers."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from runctl_tui.domain.states import TrainingStatus

_PHASES: Final = {
    "starting": TrainingStatus.PREPARING,
    "installing": TrainingStatus.PREPARING,
    "running": TrainingStatus.RUNNING,
    "stopping": TrainingStatus.STOPPING,
    "failed": TrainingStatus.FAILED,
    "exited": TrainingStatus.COMPLETED,
}


def status_of_phase(phase: str, stopped_by: str) -> TrainingStatus:
    """Return where a run is in its life by the agent's word for it and by who stopped it, '' for nobody."""
    if phase in ("exited", "failed") and stopped_by:
        return TrainingStatus.CANCELLED if stopped_by in ("person", "host") else TrainingStatus.FAILED
    return _PHASES.get(phase, TrainingStatus.UNKNOWN)


def moment(text: str | None) -> datetime | None:
    """Return an ISO 8601 time of the agent, None for none."""
    return datetime.fromisoformat(text) if text else None
