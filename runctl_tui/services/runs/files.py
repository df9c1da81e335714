"""What this machine remembers about runs: one JSON file each in the state folder, without secrets."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.run import RunProgress, TrainingJob, TrainingSession, TrainingStatus, UploadSummary
from runctl_tui.services.errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

VERSION: Final = 1
_TIMES: Final = ("started_at", "ended_at", "heard_at")
T = TypeVar("T")


class RunFiles:
    """Reads and writes the runs of one state folder; a damaged file is set aside and said, never lost."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: tuple[Problem, ...] = ()

    def load(self) -> dict[str, TrainingSession]:
        """Return every run that can be read, by id."""
        runs, problems = {}, []
        for path in sorted(self.folder.glob("r-*.json")) if self.folder.is_dir() else []:
            try:
                session = from_json(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, KeyError, TypeError) as error:
                problems.append(self._set_aside(path, error))
                continue
            runs[session.id] = session
        self.problems = tuple(problems)
        return runs

    def save(self, session: TrainingSession) -> None:
        """Write one run so that a reader sees the old or the new text; StateError where the disk refuses."""
        path = self.folder / f"{session.id}.json"
        temporary = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(to_json(session), file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            raise StateError(
                f"The run {session.id} could not be written down", str(error), "free some space"
            ) from error

    def log_path(self, run_id: str) -> Path:
        """Return where the mirrored log of a run lies."""
        return self.folder / "logs" / f"{run_id}.log"

    def _set_aside(self, path: Path, error: Exception) -> Problem:
        aside = path.with_suffix(".damaged")
        try:
            path.replace(aside)
        except OSError:
            aside = path
        return Problem(
            "state.run", f"What was known about {path.stem} cannot be read", str(error), f"it lies in {aside}"
        )


def to_json(session: TrainingSession) -> dict[str, Any]:
    """Return a run as JSON-ready values; secrets are left out."""
    job = session.job
    value = asdict(replace(session, job=None if job is None else replace(job, secrets=())))
    for name in _TIMES:
        value[name] = value[name].isoformat() if value[name] else None
    progress_at = value["progress"]["at"]
    value["progress"]["at"] = progress_at.isoformat() if progress_at else None
    if job is not None:
        value["job"]["secrets"] = [[name, ""] for name, _ in job.secrets]
    return {"version": VERSION, **value}


def from_json(value: dict[str, Any]) -> TrainingSession:
    """Return the run that `to_json` wrote; ValueError, KeyError and TypeError for anything else."""
    if value.pop("version", 0) > VERSION:
        raise ValueError("it was written by a newer version")
    value = dict(value)
    value["status"] = TrainingStatus(value["status"])
    value["args"] = tuple(value["args"])
    for name in _TIMES:
        value[name] = _time(value[name])
    value["progress"] = _known(RunProgress, {**value["progress"], "at": _time(value["progress"]["at"])})
    value["uploads"] = _known(UploadSummary, value["uploads"])
    value["job"] = _job(value["job"]) if value["job"] else None
    return _known(TrainingSession, value)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _job(value: dict[str, Any]) -> TrainingJob:
    tuples = {name: tuple(value[name]) for name in ("args", "includes")}
    pairs = {name: tuple((key, item) for key, item in value[name]) for name in ("environment", "secrets")}
    return _known(TrainingJob, {**value, **tuples, **pairs})


def _known(kind: type[T], value: dict[str, Any]) -> T:
    names = {field.name for field in fields(cast("Any", kind))}
    return kind(**{name: item for name, item in value.items() if name in names})
