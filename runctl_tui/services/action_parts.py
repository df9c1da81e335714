"""What `ActionService` works with: facts, calls, locks, jobs, and who carries out what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runctl_tui.domain.safety import CleanupSafety

if TYPE_CHECKING:
    from runctl_tui.domain.launch import LaunchRequest
    from runctl_tui.domain.plan import JobView
    from runctl_tui.services.action_calls import Caller
    from runctl_tui.services.action_facts import FactGatherer
    from runctl_tui.services.jobs import JobBoard, JobHandle
    from runctl_tui.services.locks import LockSet
    from runctl_tui.services.mark_actions import MarkActions
    from runctl_tui.services.process_actions import ProcessActions
    from runctl_tui.services.run_uploads import RunUploads
    from runctl_tui.services.storage.desk import StorageDesk
    from runctl_tui.services.upload_actions import UploadActions
    from runctl_tui.services.volume_actions import VolumeActions


class Executor(Protocol):
    """Launches and stops runs; written beside the training pipeline."""

    async def launch(self, request: LaunchRequest, job: JobHandle) -> str:
        """Launch in visible steps and return the result in words; `job.id` is the create token."""

    async def take_up(self, view: JobView, job: JobHandle) -> str:
        """Wait for the end of an interrupted launch's run, terminate its machine, and return the result in words."""

    async def stop_run(self, run_id: str, job: JobHandle) -> str:
        """Stop one run in a visible step and return how it ended."""


@dataclass(frozen=True, slots=True)
class ActionParts:
    """What the service works with."""

    facts: FactGatherer
    caller: Caller
    locks: LockSet
    jobs: JobBoard
    executor: Executor
    volumes: VolumeActions | None = None
    """None: nothing here has volumes."""
    storage: StorageDesk | None = None
    """Plans and carries out changes in S3, where there is any."""
    marks: MarkActions | None = None
    """Claims, protects and schedules, where there are tags."""
    processes: ProcessActions | None = None
    """Looks at processes of hosts and ends them, where there are hosts."""
    uploads: UploadActions | None = None
    """Looks at unfinished uploads and aborts them, where there is an object store."""
    run_uploads: RunUploads | None = None
    """Has hosts bring to S3 what their runs have written, where there are both."""
    safety: CleanupSafety = field(default_factory=CleanupSafety)
