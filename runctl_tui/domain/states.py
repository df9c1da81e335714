"""Words for what a run, a copy and a change are at, and for what providers can do: cheap to import, without values."""

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
    RUN_UPLOAD = "run-upload"
    """Bring what a run has written to S3."""
    VOLUME_CREATE = "volume-create"
    VOLUME_ATTACH = "volume-attach"
    VOLUME_DETACH = "volume-detach"
    VOLUME_MODIFY = "volume-modify"
    VOLUME_SNAPSHOT = "volume-snapshot"
    VOLUME_DELETE = "volume-delete"
    SNAPSHOT_COPY = "snapshot-copy"
    SNAPSHOT_DELETE = "snapshot-delete"
    S3_DELETE = "delete-objects"
    S3_COPY = "copy-objects"
    S3_MOVE = "move-objects"
    CLAIM = "claim"
    """Take over what has no owner."""
    PROTECT = "protect"
    UNPROTECT = "unprotect"
    SCHEDULE = "schedule"
    """Mark for a deletion that somebody confirms later."""
    UNSCHEDULE = "unschedule"
    PROCESS_END = "process-end"
    """Ask one process of a host to end: TERM."""
    PROCESS_KILL = "process-kill"
    """End one process of a host without asking it: KILL."""
    UPLOAD_ABORT = "upload-abort"
    """Give up an unfinished upload, and with it the parts that have arrived."""
    CLEAN_UP = "clean-up"
    """Several of the others, each on things of its own, confirmed as one."""

    @property
    def verb(self) -> str:
        """What a person says for it."""
        if self is Operation.CLEAN_UP:
            return "clean up"
        if self in IN_S3:
            return self.value.partition("-")[0]
        return self.value.rpartition("-")[2] if self in _BY_LAST_WORD else self.value


ON_VOLUMES = frozenset(
    {
        Operation.VOLUME_ATTACH,
        Operation.VOLUME_DETACH,
        Operation.VOLUME_MODIFY,
        Operation.VOLUME_SNAPSHOT,
        Operation.VOLUME_DELETE,
    }
)
"""What is done to a volume that exists."""
ON_SNAPSHOTS = frozenset({Operation.SNAPSHOT_COPY, Operation.SNAPSHOT_DELETE})
STORAGE = ON_VOLUMES | ON_SNAPSHOTS | {Operation.VOLUME_CREATE}
COPYING = frozenset({Operation.S3_COPY, Operation.S3_MOVE})
"""What puts objects or files elsewhere."""
IN_S3 = COPYING | {Operation.S3_DELETE}
"""What is done to objects."""
MARKING = frozenset({Operation.CLAIM, Operation.PROTECT, Operation.UNPROTECT, Operation.SCHEDULE, Operation.UNSCHEDULE})
"""What only changes what is marked on a resource."""
ON_PROCESSES = frozenset({Operation.PROCESS_END, Operation.PROCESS_KILL})
"""What is done to processes of a host."""
ON_UPLOADS = frozenset({Operation.UPLOAD_ABORT})
"""What is done to unfinished uploads."""
_BY_LAST_WORD = STORAGE | ON_PROCESSES | ON_UPLOADS | {Operation.RUN_UPLOAD}
DESTROYING = frozenset(
    {
        Operation.TERMINATE,
        Operation.VOLUME_DELETE,
        Operation.SNAPSHOT_DELETE,
        Operation.S3_DELETE,
        Operation.UPLOAD_ABORT,
        Operation.CLEAN_UP,
    }
)
"""What no service of the provider can undo."""


class Capability(StrEnum):
    """A thing that some providers can do and others cannot."""

    CREATE = "create"
    START = "start"
    STOP = "stop"
    TERMINATE = "terminate"
    SPOT = "spot"
    VOLUMES = "volumes"
    ATTACH = "attach"
    """Putting a volume on a machine that exists, and taking it off."""
    SNAPSHOTS = "snapshots"
    SHELL = "shell"
    TRAIN = "train"
    DRY_RUN = "dry-run"
    TAGS = "tags"
    """Tags on what exists; the reason against says how a thing is claimed without them."""
    LOGS = "logs"
    """What a machine itself prints, without anybody logging in to it."""
