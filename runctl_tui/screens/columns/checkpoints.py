"""The columns of the Checkpoints screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from runctl_tui.domain.checkpoint import Checkpoint, CopyState
from runctl_tui.modals.words import age, loss, number, size
from runctl_tui.screens.columns.words import cell, copy_cell
from runctl_tui.widgets.columns import Cell, Column

_USUAL: Final = ("checkpoints", "checkpoint", "ckpt", "ckpts", "output", "outputs")
"""Names of folders that say nothing."""


def checkpoint_columns(
    now: Callable[[], datetime], run_names: Callable[[], Mapping[str, str]]
) -> tuple[Column[Checkpoint], ...]:
    """Return the columns; `run_names` gives a run's name by its id."""

    def run(row: Checkpoint) -> Cell:
        return cell(run_names().get(row.run_id) or row.run_id or short_folder(row.folder), "$strong")

    return (
        Column(
            "run", "RUN", run, 10, wide=13, priority=95, flexible=True, sort_key=lambda row: run(row).text,
            fact=lambda row: row.run_id or row.folder,
        ),
        Column("step", "STEP", _step, 9, "right", 100, sort_key=lambda row: row.step, descending=True),
        Column("loss", "LOSS", lambda row: cell(loss(row.loss)), 6, "right", 60, sort_key=lambda row: row.loss),
        Column(
            "age", "AGE", lambda row: cell(age(row.created_at, now())), 5, "right", 70, sort_key=_newest_first,
            restless=True,
        ),
        Column(
            "size", "SIZE", lambda row: cell(size(row.size_bytes)), 8, "right", 88,
            sort_key=lambda row: row.size_bytes, descending=True,
        ),
        Column("format", "FORMAT", _format, 12, wide=18, priority=30, sort_key=lambda row: row.format),
        Column(
            "host", "HOST", lambda row: copy_cell(row.host.state), 10, priority=90, wide=11,
            sort_key=lambda row: row.host.state.value,
        ),
        Column("s3", "S3", _s3, 11, priority=92, sort_key=lambda row: row.s3.state.value),
        Column("resume", "RESUME", _resume, 7, priority=35, sort_key=lambda row: _resume(row).text),
        Column("state", "STATE", state, 16, priority=98, flexible=True, sort_key=lambda row: state(row).text),
    )  # fmt: skip


def _newest_first(row: Checkpoint) -> float | None:
    return None if row.created_at is None else -row.created_at.timestamp()


def _step(row: Checkpoint) -> Cell:
    return cell(row.name if row.step is None else number(row.step))


def _format(row: Checkpoint) -> Cell:
    kind = row.format.removesuffix("-folder")
    return cell(f"{kind}, {row.files} files" if row.files > 1 else kind)


def short_folder(folder: str) -> str:
    """Return the part of a path that it is known by, with a slash behind it."""
    parts = [part for part in folder.split("/") if part]
    named = [part for part in parts if part not in _USUAL]
    return f"{(named or parts or [''])[-1]}/"


def resume_words(row: Checkpoint) -> str:
    """Return whether training can go on from a checkpoint."""
    if row.damaged:
        return "no"
    return {True: "yes", False: "weights", None: "?"}[row.resumable]


def _resume(row: Checkpoint) -> Cell:
    return cell(resume_words(row), "" if row.resumable else "$muted")


def _s3(row: Checkpoint) -> Cell:
    if row.folder:
        return copy_cell(row.s3.state)
    return cell("▲ absent", "$warn") if row.s3.state is CopyState.ABSENT else copy_cell(row.s3.state)


def state(row: Checkpoint) -> Cell:
    """Return in words whether a checkpoint would survive its host."""
    if row.damaged:
        return cell("✗ damaged", "$danger")
    if row.safe_in_s3:
        return cell("safe in S3", "$ok")
    if row.host.state is CopyState.WRITING:
        return cell("being written", "$state-starting")
    if row.s3.state is CopyState.UPLOADING:
        return cell("on its way to S3", "$state-starting")
    if row.s3.state is CopyState.PRESENT:
        return cell("unverified in S3", "$warn")
    if row.host.state is CopyState.PRESENT:
        return cell("only here" if row.folder else "only on the host", "$warn")
    return cell("not known", "$state-unknown")
