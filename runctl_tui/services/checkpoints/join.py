"""Joins what a host says about checkpoints with what lies in S3; pure functions, used by the book."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState

if TYPE_CHECKING:
    from datetime import datetime

    from runctl_tui.domain.metrics import MetricSeries
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

    key: str
    name: str
    """The checkpoint's name: the first part below the run's checkpoint prefix."""
    size: int
    modified_at: datetime
    etag: str
    sha256: str = ""
    """The checksum recorded with the object; empty where it has none, or was not asked."""


def stored_copy(address: str, files: Sequence[StoredFile], entry: CheckpointEntry | None) -> CheckpointCopy:
    """Return the copy in S3 that these objects make, judged by what the host recorded about the upload.

    Verified means: the uploader checked size and checksum of every file as it is now, and the objects still have those
    sizes; without the host, that every object carries the checksum with which S3 accepted it.
    """
    if not files:
        return CheckpointCopy(_UPLOAD.get(entry.upload.state, CopyState.ABSENT)) if entry and entry.upload else ABSENT
    sizes = sorted(file.size for file in files)
    if entry is not None:
        same = sizes == sorted(file.size for file in entry.files)
        done = entry.upload is not None and entry.upload.state == "done"
        state = CopyState.VERIFIED if same and done else CopyState.PRESENT if same else CopyState.UPLOADING
    else:
        state = CopyState.VERIFIED if all(file.sha256 for file in files) else CopyState.PRESENT
    return CheckpointCopy(
        state=state,
        location=address,
        size_bytes=sum(sizes),
        modified_at=max(file.modified_at for file in files),
        sha256=files[0].sha256 if len(files) == 1 else "",
    )


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


def joined(
    run_id: str,
    entries: Mapping[str, CheckpointEntry],
    copies: Mapping[str, CheckpointCopy],
    series: MetricSeries,
    describe: Mapping[str, tuple[int | None, str]],
) -> list[Checkpoint]:
    """Return the run's checkpoints, newest first; `describe` gives step and format of those only S3 has."""
    found = []
    for name in {*entries, *copies}:
        entry, copy = entries.get(name), copies.get(name, ABSENT)
        step, kind = (entry.step, entry.format) if entry else describe.get(name, (None, "unknown"))
        found.append(
            Checkpoint(
                run_id=run_id,
                name=name,
                step=step,
                format=kind,
                size_bytes=entry.size if entry else copy.size_bytes,
                created_at=entry.mtime if entry else copy.modified_at,
                loss=series.value_at("loss", step) if step is not None else None,
                host=host_copy(entry),
                s3=copy,
                files=len(entry.files) if entry else 1,
            )
        )
    return sorted(found, key=lambda item: (item.step or -1, item.name), reverse=True)
