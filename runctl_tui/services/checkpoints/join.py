"""Joins what a host says about checkpoints with what lies in S3; pure functions, used by the book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState, resumable

if TYPE_CHECKING:
    from datetime import datetime

    from runctl_tui.services.training.agent_values import CheckpointEntry

_UPLOAD: Final = {
    "pending": CopyState.UPLOADING,
    "uploading": CopyState.UPLOADING,
    "waiting": CopyState.ABSENT,
    "failed": CopyState.ABSENT,
    "gone": CopyState.ABSENT,
}
_HOST: Final = {"ok": CopyState.PRESENT, "writing": CopyState.WRITING, "damaged": CopyState.UNKNOWN}
ABSENT: Final = CheckpointCopy(CopyState.ABSENT)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One object of a run's checkpoints in S3."""

    path: str
    """Relative to the checkpoint folder, as the host names it."""
    size: int
    modified_at: datetime
    sha256: str = ""
    """The checksum recorded with the object; empty where it has none."""

    @property
    def name(self) -> str:
        """The checkpoint's name: the first part of the path."""
        return self.path.partition("/")[0]


def stored_copy(
    address: str, files: Sequence[StoredFile], entry: CheckpointEntry | None, *, complete: bool = False
) -> CheckpointCopy:
    """Return the copy in S3 that these objects make, judged by what the host recorded about the upload.

    Verified means: the uploader checked size and checksum of every file as it is now, and the objects still have those
    sizes and checksums. Without the host's word each object must carry a checksum, and the host must have said in the
    end that everything arrived (`complete`), unless the checkpoint is a single file.
    """
    if not files:
        return CheckpointCopy(_UPLOAD.get(entry.upload.state, CopyState.ABSENT)) if entry and entry.upload else ABSENT
    state = _judged(files, entry) if entry is not None else _unheard(files, complete)
    return CheckpointCopy(
        state=state,
        location=address,
        size_bytes=sum(file.size for file in files),
        modified_at=max(file.modified_at for file in files),
        sha256=files[0].sha256 if len(files) == 1 else "",
    )


def _judged(files: Sequence[StoredFile], entry: CheckpointEntry) -> CopyState:
    if {file.path: file.size for file in files} != {file.path: file.size for file in entry.files}:
        return CopyState.UPLOADING
    upload = entry.upload
    if upload is None or upload.state != "done" or not all(file.sha256 for file in files):
        return CopyState.PRESENT
    differs = len(files) == 1 and upload.sha256 is not None and upload.sha256 != files[0].sha256
    return CopyState.PRESENT if differs else CopyState.VERIFIED


def _unheard(files: Sequence[StoredFile], complete: bool) -> CopyState:
    whole = complete or (len(files) == 1 and "/" not in files[0].path)
    return CopyState.VERIFIED if whole and all(file.sha256 for file in files) else CopyState.PRESENT


def host_copy(entry: CheckpointEntry | None) -> CheckpointCopy:
    """Return the copy on the host."""
    if entry is None:
        return ABSENT
    return CheckpointCopy(_HOST.get(entry.state, CopyState.UNKNOWN), entry.path, entry.size, entry.mtime)


def by_name(files: Iterable[StoredFile]) -> Mapping[str, list[StoredFile]]:
    """Return the objects of each checkpoint."""
    names: dict[str, list[StoredFile]] = {}
    for file in files:
        names.setdefault(file.name, []).append(file)
    return names


@dataclass(frozen=True, slots=True)
class Sides:
    """What both sides have of one run."""

    entries: Mapping[str, CheckpointEntry]
    copies: Mapping[str, CheckpointCopy]
    described: Mapping[str, tuple[int | None, str, int]]
    """Step, format and number of files of those that only S3 has."""
    elsewhere: CopyState = CopyState.ABSENT
    """The host's copy of what the host did not name: absent, or unknown where it did not answer."""

    def step(self, name: str) -> int | None:
        """Return a checkpoint's step, None where its name does not say."""
        entry = self.entries.get(name)
        return entry.step if entry else self.described.get(name, (None, "", 0))[0]

    @property
    def names(self) -> set[str]:
        """All checkpoints."""
        return {*self.entries, *self.copies}


def joined(run_id: str, sides: Sides, losses: Mapping[int, float | None]) -> list[Checkpoint]:
    """Return the run's checkpoints, newest first."""
    found = [_checkpoint(run_id, name, sides, losses) for name in sides.names]
    return sorted(found, key=lambda item: (-1 if item.step is None else item.step, item.name), reverse=True)


def _checkpoint(run_id: str, name: str, sides: Sides, losses: Mapping[int, float | None]) -> Checkpoint:
    entry, copy, step = sides.entries.get(name), sides.copies.get(name, ABSENT), sides.step(name)
    _, kind, files = sides.described.get(name, (None, "unknown", 1))
    return Checkpoint(
        run_id=run_id,
        name=name,
        step=step,
        format=entry.format if entry else kind,
        size_bytes=entry.size if entry else copy.size_bytes,
        created_at=entry.mtime if entry else copy.modified_at,
        loss=losses.get(step) if step is not None else None,
        host=host_copy(entry) if entry else CheckpointCopy(sides.elsewhere),
        s3=copy,
        files=len(entry.files) if entry else files,
        resumable=_resumable(entry, kind),
        damaged=entry is not None and entry.state == "damaged",
    )


def _resumable(entry: CheckpointEntry | None, kind: str) -> bool | None:
    """Judge by the host's word; a folder that only S3 has is not judged, because its files are not told here."""
    if entry is None:
        return None if kind == "hf-folder" else resumable(kind, ())
    return False if entry.state == "damaged" else resumable(entry.format, (file.path for file in entry.files))
