"""Training runs: what was asked for, where it is, how it is doing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from runctl_tui.domain.secret import KNOWN
from runctl_tui.domain.states import TrainingStatus as TrainingStatus


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What a person wants trained."""

    script: str
    """Path of the script below the project root, or a command with the launcher 'command'."""
    args: tuple[str, ...] = ()
    project_root: str = ""
    """Folder on this machine whose code is sent."""
    project: str = ""
    name: str = ""
    launcher: str = "python"
    """python, torchrun, accelerate or command."""
    gpus: str = ""
    """CUDA_VISIBLE_DEVICES; empty: all."""
    includes: tuple[str, ...] = ()
    """Patterns sent although git ignores them."""
    data_source: str = ""
    """A location copied to the host before training; empty: none."""
    checkpoint_dir: str = "checkpoints"
    output_dest: str = ""
    """s3://bucket/prefix that checkpoints are uploaded below; empty: they stay on the host."""
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names and values that go to the host by standard input only."""
    resume_from: str = ""
    """A checkpoint's location; passed with `resume_flag`."""
    resume_flag: str = "--resume"
    parent: str = ""
    """The run that this one resumes."""

    def __post_init__(self) -> None:
        for _, value in self.secrets:
            KNOWN.add(value)
        for name, value in self.environment:
            KNOWN.add_variable(name, value)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """What the log said last; None where it said nothing."""

    step: int | None = None
    total_steps: int | None = None
    epoch: float | None = None
    loss: float | None = None
    step_seconds: float | None = None
    tokens_per_second: float | None = None
    at: datetime | None = None

    @property
    def eta_seconds(self) -> float | None:
        """Seconds to the last step at the present rate."""
        if self.step is None or self.total_steps is None or not self.step_seconds:
            return None
        return max(self.total_steps - self.step, 0) * self.step_seconds


@dataclass(frozen=True, slots=True)
class UploadSummary:
    """How far the checkpoints of a run are on their way to S3."""

    done: int = 0
    pending: int = 0
    failed: int = 0
    waiting: str = ""
    """Why nothing moves: 'no credentials on the host and no relay'."""
    complete: bool = False
    """Whether the run has ended and everything that it left is in S3, checked."""


@dataclass(frozen=True, slots=True)
class TrainingSession:
    """One training run, as the product's run register knows it."""

    id: str
    """'r-' and a sortable random part."""
    name: str
    project: str
    provider: str
    instance_id: str
    region: str
    status: TrainingStatus
    script: str
    args: tuple[str, ...]
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    reason: str = ""
    """Why it failed, in words."""
    host_dir: str = ""
    """The project's folder on the host."""
    checkpoint_dir: str = "checkpoints"
    output_dest: str = ""
    progress: RunProgress = RunProgress()
    uploads: UploadSummary = UploadSummary()
    checkpoints: int = 0
    newest_checkpoint: str = ""
    heard_at: datetime | None = None
    """When the host last told us about it."""
    parent: str = ""
    owner: str = ""
    job: TrainingJob | None = None
    """What was asked for, without secrets; None for runs found on a host that this machine did not start."""

    @property
    def checkpoint_count(self) -> int | None:
        """How many checkpoints its host has; None for an ended run whose host was never heard of it."""
        return None if self.heard_at is None and self.status.ended and not self.checkpoints else self.checkpoints

    @property
    def machine_key(self) -> str:
        """What its machine is known by: 'aws/i-0abc'."""
        return f"{self.provider}/{self.instance_id}"

    def job_again(self, here: str) -> TrainingJob:
        """Return what to ask for to train the same again; `here` is where its code is looked for if nobody knows."""
        return self.job or TrainingJob(
            script=self.script,
            args=self.args,
            project_root=here,
            project=self.project,
            name=self.name,
            checkpoint_dir=self.checkpoint_dir,
            output_dest=self.output_dest,
        )


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One GPU at one moment."""

    index: int
    name: str
    utilization: float | None
    """Percent."""
    memory_used_mib: float | None
    memory_total_mib: float | None
    temperature_c: float | None = None
    power_w: float | None = None


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """What a host's processors, memory, disks and GPUs are doing at one moment."""

    timestamp: datetime
    cpu_percent: float | None = None
    memory_used_mib: float | None = None
    memory_total_mib: float | None = None
    disk_used_gib: float | None = None
    disk_total_gib: float | None = None
    network_in_bytes: float | None = None
    """Per second."""
    network_out_bytes: float | None = None
    load: float | None = None
    gpus: tuple[GpuReading, ...] = ()
    cpus: int | None = None
    """How many processors `cpu_percent` is of."""
    gpus_silent: str = ""
    """Why a driver that is there told nothing of its GPUs; empty: it did, or there is none."""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A piece of a run's log."""

    offset: int
    """Byte offset of its first byte."""
    data: bytes
    restarted: bool = False
    """The file was replaced or truncated: what was read before is void."""


@dataclass(frozen=True, slots=True)
class RunUpdate:
    """One thing heard while following a run; any part may be absent."""

    chunk: LogChunk | None = None
    session: TrainingSession | None = None
    usage: ResourceUsage | None = None
    link: str = ""
    """'' while the link is up, else words: 'link lost, next try in 4 s'."""


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One line of a log that said something measurable."""

    step: int | None
    epoch: float | None
    time: str | None
    metrics: tuple[tuple[str, float], ...]
    """Canonical names: loss, lr, grad_norm, tokens_per_second, step_time_s; non-finite values stay floats."""
    total_steps: int | None = None

    def metric(self, name: str) -> float | None:
        """Return the metric's value, or None where the line did not have it."""
        return dict(self.metrics).get(name)
