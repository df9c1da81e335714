"""The end of a launch that was asked for it: the run ends, its checkpoints reach S3, its machine is terminated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runctl_tui.domain.run import TrainingSession, TrainingStatus
from runctl_tui.services.errors import HostError, TrainctlError
from runctl_tui.services.launch.parts import Made, PipelineParts, left_behind

if TYPE_CHECKING:
    from runctl_tui.domain.plan import JobView
    from runctl_tui.services.jobs import JobHandle, StepHandle

STALL_SECONDS: Final = 900.0
"""How long uploads may stand still before a launch gives up waiting and leaves the machine as it is."""


class Ending:
    """Waits for what a launch was asked to wait for; the pipeline uses it, and whoever takes a launch up again."""

    def __init__(self, parts: PipelineParts) -> None:
        self._parts = parts

    async def take_up(self, view: JobView, job: JobHandle) -> str:
        """Go on where an interrupted launch waited for its run."""
        machine = (await self._parts.fleet.find(view.instance_id)).instance
        session = await self._parts.runs.find(view.run_id)
        made = Made(machine, created=True, session=session, started=True)
        try:
            await self.finish(job, made)
        except TrainctlError as error:
            if made.gone:
                raise
            raise left_behind(error, made) from error
        return f"{session.id} ended, its checkpoints are in S3, {machine.id} is terminated"

    async def finish(self, job: JobHandle, made: Made) -> None:
        """Wait for the run's end and its checkpoints, then terminate a machine that the launch made."""
        assert made.session is not None
        run_id = made.session.id
        async with job.step("ended") as step:
            session = await self._until_ended(run_id, step, job)
        async with job.step("kept") as step:
            await self._until_kept(run_id, step, job)
        async with job.step("terminated") as step:
            if made.created:
                await self._parts.terminate(made.key)
                made.gone = True
                step.progress(detail=made.machine.id)
            else:
                step.progress(detail="the machine was there before and stays")
        if session.status is not TrainingStatus.COMPLETED:
            raise HostError(
                f"The run {run_id} {session.status.value}", session.reason, "its log and checkpoints are kept"
            )

    async def _until_ended(self, run_id: str, step: StepHandle, job: JobHandle) -> TrainingSession:
        while True:
            job.check()
            session = await self._parts.runs.find(run_id)
            if session.status.ended:
                step.progress(detail=session.reason or session.status.value)
                return session
            progress = session.progress
            step.progress(detail=f"step {progress.step}" if progress.step is not None else session.status.value)
            if progress.step is not None and progress.total_steps:
                step.progress(progress.step / progress.total_steps)
            await self._parts.sleep(2.0)

    async def _until_kept(self, run_id: str, step: StepHandle, job: JobHandle) -> None:
        """Return when every checkpoint is verified in S3; HostError when nothing moves any more."""
        clock, said = self._parts.clock, ""
        deadline = clock.monotonic() + STALL_SECONDS
        while True:
            job.check()
            uploads = (await self._parts.runs.find(run_id)).uploads
            snapshot = await self._parts.checkpoints.now(run_id)
            safe = sum(one.safe_in_s3 for one in snapshot.value)
            if snapshot.complete and safe == len(snapshot.value):
                step.progress(1.0, f"{safe} checkpoints")
                return
            words = f"{safe} of {len(snapshot.value)} checkpoints; {uploads.waiting or f'{uploads.done} files'}"
            if words != said:
                said, deadline = words, clock.monotonic() + STALL_SECONDS
            if uploads.failed or clock.monotonic() > deadline:
                what = f"Not every checkpoint of {run_id} is in S3: {words}"
                raise HostError(what, "the machine is not terminated", "see checkpoints list, then terminate it")
            step.progress(safe / len(snapshot.value) if snapshot.value else None, words)
            await self._parts.sleep(1.0)
