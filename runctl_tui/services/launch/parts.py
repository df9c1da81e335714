"""What the launch pipeline works with, what it has made so far, and the words about both."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.plan import Step
from runctl_tui.services.errors import HostError, TrainctlError

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.launch import LaunchRequest
    from runctl_tui.domain.run import TrainingJob, TrainingSession
    from runctl_tui.domain.safety import Policy
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.launch.supplies import Supplies
    from runctl_tui.services.ports import Checkpoints, Fleet, ProviderRegistry
    from runctl_tui.services.runs.register import RunRegister


@dataclass(slots=True)
class Made:
    """What a launch has made so far."""

    instance: Instance | None = None
    created: bool = False
    """Whether the machine is new."""
    session: TrainingSession | None = None
    started: bool = False
    """Whether the host's agent has taken the run over."""
    gone: bool = False
    """Whether the machine was terminated again."""
    run_id: str = ""
    """Of the run that it is about to begin, which the new machine is tagged with; empty: there is none."""

    @property
    def machine(self) -> Instance:
        """The machine, once there is one."""
        assert self.instance is not None
        return self.instance

    @property
    def key(self) -> str:
        """What actions know the machine by."""
        return self.machine.key


@dataclass(frozen=True, slots=True)
class HereSettings:
    """What the configuration wants of runs on this machine itself."""

    device: str = ""
    """TRAINCTL_DEVICE; empty: the agent's own choice."""
    checkpoint_dir: str = ""
    """Checkpoint folder of jobs that name none; empty: as everywhere."""
    usual_dir: str = "checkpoints"
    """What a job that names no checkpoint folder holds."""

    def apply(self, job: TrainingJob) -> TrainingJob:
        """Return the job as it runs on this machine."""
        named = dict(job.environment)
        if self.device and "TRAINCTL_DEVICE" not in named:
            job = replace(job, environment=(*job.environment, ("TRAINCTL_DEVICE", self.device)))
        if self.checkpoint_dir and job.checkpoint_dir == self.usual_dir:
            job = replace(job, checkpoint_dir=self.checkpoint_dir)
        return job


@dataclass(frozen=True, slots=True)
class PipelineParts:
    """What the pipeline works with."""

    registry: ProviderRegistry
    fleet: Fleet
    hosts: HostBook
    runs: RunRegister
    supplies: Supplies
    clock: Clock
    rng: random.Random
    owner: str
    terminate: Callable[[str], Awaitable[None]]
    """Terminates a machine that this launch made, through the one way to act."""
    relay: Callable[[], None]
    """Sees to it that the relay works, where hosts need presigned URLs."""
    checkpoints: Checkpoints
    policy: Callable[[], Policy]
    """What may be paid."""
    here: HereSettings = HereSettings()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


LAST: Final = (
    Step("ended", "Run ended"),
    Step("kept", "Checkpoints verified in S3"),
    Step("terminated", "Machine terminated"),
)
"""The steps of a launch that ends what it began."""


def steps(request: LaunchRequest) -> tuple[Step, ...]:
    """Return the steps that a launch will go through."""
    titles: list[tuple[str, str]] = []
    if request.options is not None:
        titles += [("create", f"Create {request.options.type} in {request.options.region}"), ("running", "Running")]
    if request.job is not None:
        titles += [("ssh", "SSH up"), ("code", "Code synced")]
        titles += [("data", "Data in place")] if request.job.data_source or request.job.resume_from else []
        titles += [("deps", "Dependencies installed"), ("training", "Training started"), ("detached", "Detached")]
    return (*(Step(name, title) for name, title in titles), *(LAST if request.terminate_after else ()))


def left_behind(error: TrainctlError, made: Made) -> TrainctlError:
    """Return the error of a launch that left a machine, with words that say so."""
    stays = f"{made.machine.id} is there and costs money"
    why = f"{error.why}; {stays}" if error.why else stays
    kind = type(error) if type(error).__init__ is TrainctlError.__init__ else HostError
    return kind(error.what, why, error.todo or "use it, or terminate it", code=error.code, request_id=error.request_id)


def result_of(request: LaunchRequest, made: Made) -> str:
    """Return in words what a launch did."""
    if made.session is None:
        return f"{made.machine.id} is running"
    if not request.terminate_after:
        return f"{made.session.id} trains on {made.machine.id}"
    fate = f"{made.machine.id} is terminated" if made.created else f"{made.machine.id} stays"
    return f"{made.session.id} ended, its checkpoints are in S3, {fate}"
