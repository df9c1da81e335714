"""The words for what a run, a copy and a change are at, apart from the values that carry them: cheap to import."""

from __future__ import annotations

from enum import StrEnum


class TrainingStatus(StrEnum):
    """Where a run is in its life."""

    PREPARING = "preparing"
    """Code is on its way or dependencies are being installed."""
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Stopped by a person, or in order by a host that shut down."""
    LOST = "lost"
    """Nobody runs it and no exit code was written: the host rebooted or died."""
    UNREACHABLE = "unreachable"
    """The host does not answer; the last known facts are shown with their age."""
    UNKNOWN = "unknown"

    @property
    def live(self) -> bool:
        """Whether the run may still be working; unknown counts as working."""
        return self in _LIVE

    @property
    def ended(self) -> bool:
        """Whether the run has certainly ended."""
        return self in _ENDED


_ENDED = frozenset({TrainingStatus.COMPLETED, TrainingStatus.FAILED, TrainingStatus.CANCELLED, TrainingStatus.LOST})
_LIVE = frozenset(TrainingStatus) - _ENDED


class CopyState(StrEnum):
    """How a copy of a checkpoint stands."""

    ABSENT = "absent"
    WRITING = "writing"
    UPLOADING = "uploading"
    PRESENT = "present"
    """There, by name and size."""
    VERIFIED = "verified"
    """There, and its checksum matches the one computed where it was made."""
    UNKNOWN = "unknown"


class Operation(StrEnum):
    """A changing verb."""

    LAUNCH = "launch"
    START = "start"
    STOP = "stop"
    TERMINATE = "terminate"
    RUN_START = "run-start"
    RUN_STOP = "run-stop"
    RUN_RESUME = "run-resume"
    S3_DELETE = "delete-objects"
    S3_COPY = "copy-objects"
