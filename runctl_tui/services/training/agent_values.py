"""What the agent is asked and what it answers, as frozen values; `agent_client` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runctl_tui.domain.run import GpuReading, ResourceUsage, TrainingStatus, UploadSummary
from runctl_tui.services.training.agent_words import moment, status_of_phase

Json = dict[str, Any]
_MIB = 1024**2
_GIB = 1024**3
_NO_DRIVER = "no nvidia-smi here"
"""What the agent says where no GPU can be at work because no driver is there."""


@dataclass(frozen=True, slots=True)
class S3Place:
    """Where a run's files go."""

    bucket: str
    prefix: str = ""
    region: str = ""

    def to_json(self) -> Json:
        """Return what the agent reads."""
        return {"bucket": self.bucket, "prefix": self.prefix, "region": self.region}


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A run as the agent is asked to start it."""

    run_id: str
    project_dir: str
    """On the host; '~' is its home folder."""
    script: str
    args: tuple[str, ...] = ()
    launcher: str = "python"
    gpus: str | None = None
    """CUDA_VISIBLE_DEVICES; None leaves it alone."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    deps: str = "auto"
    """auto or none."""
    checkpoint_dir: str = "checkpoints"
    checkpoint_globs: tuple[str, ...] = ()
    """Names that count as checkpoints; none: all."""
    s3: S3Place | None = None
    resume_from: str = ""
    resume_flag: str = "--resume"
    parent: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)
    allow_concurrent: bool = False

    def to_json(self) -> Json:
        """Return the request's JSON, secrets included: it only ever goes to standard input."""
        place = self.s3
        return {
            "run_id": self.run_id,
            "project_dir": self.project_dir,
            "script": self.script,
            "args": list(self.args),
            "launcher": self.launcher,
            "gpus": self.gpus,
            "env": dict(self.env),
            "secrets": dict(self.secrets),
            "deps": self.deps,
            "checkpoint_dir": self.checkpoint_dir,
            "checkpoint_globs": list(self.checkpoint_globs),
            "s3": place.to_json() if place else None,
            "resume_from": self.resume_from or None,
            "resume_flag": self.resume_flag,
            "parent": self.parent or None,
            "meta": dict(self.meta),
            "allow_concurrent": self.allow_concurrent,
        }


@dataclass(frozen=True, slots=True)
class Started:
    """A run whose supervisor has taken over."""

    run_id: str
    run_dir: str
    supervisor: int
    """Process number on the host."""


@dataclass(frozen=True, slots=True)
class NewestCheckpoint:
    """The checkpoint with the highest step, else the youngest."""

    name: str
    step: int | None
    size: int
    mtime: datetime


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What the agent knows about a run."""

    run_id: str
    phase: str
    """starting, installing, running, stopping, exited or failed: the last that was written."""
    reason: str
    alive: bool
    supervised: bool
    """False while alive: the supervisor died and the command works on."""
    lost: bool
    pid: int | None
    exit_code: int | None
    heartbeat_age: float | None
    """Seconds."""
    log_size: int
    log_inode: int
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    stopped_by: str
    """'' for nobody, else person, spot or host."""
    checkpoints: int
    newest: NewestCheckpoint | None
    uploads: UploadSummary
    upload_state: str
    uploader_alive: bool
    bytes_left: int
    """Of checkpoints that are not in S3 yet, those that the uploader knows."""
    upload_error: str
    """Why one of them could not be sent; empty: none has failed."""
    request: Json = field(default_factory=dict, repr=False)
    """run.json, where `sweep` was asked."""

    @property
    def status(self) -> TrainingStatus:
        """Where the run is in its life, in the product's words."""
        return TrainingStatus.LOST if self.lost else status_of_phase(self.phase, self.stopped_by)


@dataclass(frozen=True, slots=True)
class UploadInfo:
    """How far one checkpoint is in S3."""

    state: str
    """pending, uploading, waiting, failed, gone or done; done means verified, every file as it is now."""
    key: str
    etag: str | None
    sha256: str | None
    verified_at: datetime | None
    error: str | None
    files_done: int
    files: int


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """One file of a checkpoint."""

    path: str
    """Relative to the checkpoint folder."""
    size: int
    mtime_ns: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class CheckpointEntry:
    """One file or folder in a checkpoint folder."""

    name: str
    path: str
    """Absolute, on the host."""
    step: int | None
    epoch: int | None
    format: str
    size: int
    mtime: datetime
    state: str
    """ok, writing or damaged."""
    files: tuple[CheckpointFile, ...]
    upload: UploadInfo | None


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A file that waits for a presigned URL."""

    path: str
    """Relative to the run: checkpoints/…, log, run.json."""
    key: str
    size: int
    sha256: str | None
    state: str


@dataclass(frozen=True, slots=True)
class PresignedUrl:
    """URLs with which the agent sends and checks one file."""

    path: str
    put_url: str = field(repr=False)
    head_url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What was signed and must be sent with the PUT."""


@dataclass(frozen=True, slots=True)
class HostVitals:
    """A host at one moment."""

    usage: ResourceUsage
    hostname: str
    boot_id: str
    uptime: float | None
    """Seconds."""
    cpus: int | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """A piece of a log that was read once."""

    offset: int
    data: bytes
    size: int
    """The whole log's, when it was read."""
    inode: int
    truncated: bool
    """The log is another file, or shorter, than the one that was asked for."""


@dataclass(frozen=True, slots=True)
class LogFrame:
    """A piece of a log that is followed; offsets join without gap or repeat."""

    offset: int
    data: bytes
    inode: int
    restarted: bool = False
    """The log is another file now: what came before is void."""


@dataclass(frozen=True, slots=True)
class StatusFrame:
    """State and vitals, every two seconds while a run is followed."""

    status: RunStatus
    vitals: HostVitals


@dataclass(frozen=True, slots=True)
class LinkFrame:
    """The link broke: when it is tried again; '' when it is back."""

    text: str


def run_status(row: Json) -> RunStatus:
    """Return a status from the agent's JSON."""
    newest, uploads, checkpoints = row["checkpoints"]["newest"], row["uploads"], row["checkpoints"]["count"]
    return RunStatus(
        run_id=row["run_id"],
        phase=row["phase"],
        reason=row["reason"],
        alive=row["alive"],
        supervised=row["supervised"],
        lost=row["lost"],
        pid=row["pid"],
        exit_code=row["exit_code"],
        heartbeat_age=row["heartbeat_age"],
        log_size=row["log_size"],
        log_inode=row["log_inode"],
        created_at=moment(row["created_at"]),
        started_at=moment(row["started_at"]),
        ended_at=moment(row["ended_at"]),
        stopped_by=(row["stop"] or {}).get("by", ""),
        checkpoints=checkpoints,
        newest=_newest(newest) if newest else None,
        uploads=upload_summary(uploads),
        upload_state=uploads["state"],
        uploader_alive=uploads["uploader_alive"],
        bytes_left=uploads["bytes_left"],
        upload_error=uploads["error"],
        request=row.get("request", {}),
    )


def _newest(row: Json) -> NewestCheckpoint:
    return NewestCheckpoint(row["name"], row["step"], row["size"], datetime.fromtimestamp(row["mtime"], UTC))


def upload_summary(row: Json) -> UploadSummary:
    """Return the counts of a run's uploads from the agent's JSON."""
    waiting = row["state"] if row["waiting_for_urls"] else ""
    complete = row["state"] == "done"
    return UploadSummary(row["done"], row["pending"], row["failed"], waiting, complete)


def checkpoint_entry(row: Json) -> CheckpointEntry:
    """Return a checkpoint from the agent's JSON."""
    upload = row["upload"]
    files = (CheckpointFile(file["path"], file["size"], file["mtime_ns"], file.get("sha256")) for file in row["files"])
    return CheckpointEntry(
        name=row["name"],
        path=row["path"],
        step=row["step"],
        epoch=row["epoch"],
        format=row["format"],
        size=row["size"],
        mtime=datetime.fromtimestamp(row["mtime"], UTC),
        state=row["state"],
        files=tuple(files),
        upload=UploadInfo(**{**upload, "verified_at": moment(upload["verified_at"])}) if upload else None,
    )


def host_vitals(row: Json) -> HostVitals:
    """Return vitals from the agent's JSON."""
    memory, disk = row["memory"], row["disk_checkpoints"] or row["disk_home"] or {}
    usage = ResourceUsage(
        timestamp=datetime.fromisoformat(row["time"]),
        cpu_percent=row["cpu_percent"],
        memory_used_mib=_divided(memory["used"], _MIB),
        memory_total_mib=_divided(memory["total"], _MIB),
        disk_used_gib=_divided(disk.get("used"), _GIB),
        disk_total_gib=_divided(disk.get("total"), _GIB),
        network_in_bytes=row["net_received_per_s"],
        network_out_bytes=row["net_sent_per_s"],
        load=row["load"][0] if row["load"] else None,
        gpus=tuple(_gpu(gpu) for gpu in row["gpus"]),
        cpus=row["cpus"],
        gpus_silent="" if row["gpus"] or row["gpu_problem"] == _NO_DRIVER else row["gpu_problem"],
    )
    return HostVitals(usage, row["hostname"], row["boot_id"], row["uptime"], row["cpus"])


def _divided(value: float | None, unit: int) -> float | None:
    return None if value is None else value / unit


def _gpu(row: Json) -> GpuReading:
    return GpuReading(
        index=row["index"],
        name=row["name"],
        utilization=row["util_percent"],
        memory_used_mib=row["memory_used_mib"],
        memory_total_mib=row["memory_total_mib"],
        temperature_c=row["temperature_c"],
        power_w=row["power_w"],
    )
