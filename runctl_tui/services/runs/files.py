"""What this machine remembers about runs: one JSON file each in the state folder, without secrets."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import threading
import uuid
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from runctl_tui.domain.problem import Problem
from runctl_tui.domain.run import RunProgress, TrainingJob, TrainingSession, TrainingStatus, UploadSummary
from runctl_tui.services.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LOG: Final = logging.getLogger(__name__)
VERSION: Final = 1
WRITE_SECONDS: Final = 10.0
"""Age at which figures that move all the time are written again."""
_TIMES: Final = ("started_at", "ended_at", "heard_at")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Record:
    """One run as it lies on the disk, and as it is known since."""

    mark: tuple[int, int, int]
    """What tells one version of the file from another."""
    written: TrainingSession
    latest: TrainingSession


class RunFiles:
    """Reads and writes the runs of one state folder; a damaged file is set aside and said, never lost.

    A file is read again only when it has changed, and written only when something worth it has.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: tuple[Problem, ...] = ()
        self._records: dict[str, _Record] = {}
        self._newer: set[str] = set()
        self._guard = threading.RLock()

    def load(self) -> dict[str, TrainingSession]:
        """Return every run that can be read, by id."""
        with self._guard:
            problems: list[Problem] = []
            paths = sorted(self.folder.glob("r-*.json")) if self.folder.is_dir() else []
            found = {path.stem: record for path in paths if (record := self._record(path, problems)) is not None}
            self._records = found
            aside = self.folder.glob("r-*.damaged") if self.folder.is_dir() else ()
            problems += [_damaged(path) for path in sorted(aside) if path.stem not in found]
            self.problems = tuple(problems)
            return {run_id: record.latest for run_id, record in found.items()}

    def keep(self, sessions: Iterable[TrainingSession]) -> None:
        """Take note of how runs stand; what a restart may forget is not written at once."""
        with self._guard:
            for session in sessions:
                before = self._records.get(session.id)
                if session.status is TrainingStatus.UNREACHABLE and before is not None:
                    continue  # how a link is at this moment is nobody's memory
                if before is None or worth_writing(before.written, session):
                    self.save(session)
                else:
                    self._records[session.id] = replace(before, latest=without_secrets(session))

    def save(self, session: TrainingSession) -> None:
        """Write one run so that a reader sees the old or the new text; StateError where the disk refuses."""
        path = self.folder / f"{session.id}.json"
        temporary = path.with_suffix(f".{uuid.uuid4().hex}.tmp")
        with self._guard:
            if session.id in self._newer:
                return
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write(temporary, json.dumps(to_json(session), indent=1))
                mark = _mark(temporary)
                temporary.replace(path)
            except OSError as error:
                with contextlib.suppress(OSError):
                    temporary.unlink()
                what = f"The run {session.id} could not be written down"
                raise StateError(what, str(error), "free some space") from error
            bare = without_secrets(session)
            self._records[session.id] = _Record(mark, bare, bare)

    @property
    def known(self) -> tuple[TrainingSession, ...]:
        """Every run as it was known last; reads no file."""
        return tuple(record.latest for record in list(self._records.values()))

    @property
    def forgotten(self) -> frozenset[str]:
        """The runs that a person wants to see no more, wherever they are found."""
        return frozenset(path.stem for path in self.folder.glob("r-*.forgotten"))

    def delete(self, run_id: str) -> None:
        """Delete what is remembered of a run, and remember to take no more note of it."""
        with self._guard:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.folder / f"{run_id}.forgotten").touch(mode=0o600)
            self._records.pop(run_id, None)
            for suffix in (".json", ".damaged"):
                (self.folder / f"{run_id}{suffix}").unlink(missing_ok=True)

    def log_path(self, run_id: str) -> Path:
        """Return where the mirrored log of a run lies."""
        return self.folder / "logs" / f"{run_id}.log"

    def _record(self, path: Path, problems: list[Problem]) -> _Record | None:
        known = self._records.get(path.stem)
        try:
            mark = _mark(path)
            if known is not None and known.mark == mark:
                return known
            session = from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except NewerRecord as error:
            self._newer.add(path.stem)
            problems.append(Problem("state.run", f"{path.stem} cannot be read", str(error), "use that version"))
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._set_aside(path, error)
            return None
        return _Record(mark, session, session)

    @staticmethod
    def _set_aside(path: Path, error: Exception) -> None:
        _LOG.warning("%s cannot be read: %s", path, error)
        try:
            path.replace(path.with_suffix(".damaged"))
        except OSError:
            _LOG.warning("%s could not be set aside", path)


class NewerRecord(ValueError):
    """A record that a later version of this program wrote."""


def worth_writing(before: TrainingSession, now: TrainingSession) -> bool:
    """Tell whether a run changed so that a restart should know; figures that move all the time wait ten seconds."""
    if _settled(before) != _settled(now):
        return True
    if before == now or now.heard_at is None:
        return False
    if now.status.ended:
        return before.progress != now.progress or before.uploads != now.uploads or _unheard_end(before)
    return before.heard_at is None or (now.heard_at - before.heard_at).total_seconds() >= WRITE_SECONDS


def _settled(session: TrainingSession) -> TrainingSession:
    return replace(session, heard_at=None, progress=RunProgress(), uploads=UploadSummary())


def _unheard_end(session: TrainingSession) -> bool:
    return session.heard_at is None or (session.ended_at is not None and session.heard_at < session.ended_at)


def _damaged(path: Path) -> Problem:
    """Return what to say of a record that was set aside; its machine is named where the remains tell it."""
    try:
        named = re.search(r'"instance_id": *"([^"\\]+)"', path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        named = None
    what = f"What was known about {path.stem} cannot be read"
    return Problem(
        "state.run", what, "its file is damaged", f"look at {path}, then delete it", scope=named[1] if named else ""
    )


def _mark(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def without_secrets(session: TrainingSession) -> TrainingSession:
    """Return a run with the names of its secrets alone."""
    if session.job is None:
        return session
    return replace(session, job=replace(session.job, secrets=tuple((name, "") for name, _ in session.job.secrets)))


def to_json(session: TrainingSession) -> dict[str, Any]:
    """Return a run as JSON-ready values; secrets are left out."""
    value = asdict(without_secrets(session))
    for name in _TIMES:
        value[name] = value[name].isoformat() if value[name] else None
    progress_at = value["progress"]["at"]
    value["progress"]["at"] = progress_at.isoformat() if progress_at else None
    return {"version": VERSION, **value}


def from_json(value: dict[str, Any]) -> TrainingSession:
    """Return the run that `to_json` wrote; ValueError, KeyError and TypeError for anything else."""
    if not isinstance(value, dict):
        raise TypeError("it is no JSON object")
    if value.get("version", 0) > VERSION:
        raise NewerRecord("it was written by a newer version")
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
