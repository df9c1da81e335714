"""The columns of the Cleanup screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runctl_tui.domain.candidates import Candidate
from runctl_tui.domain.plan import JobView, StepState
from runctl_tui.modals.words import UNKNOWN, figure
from runctl_tui.screens.columns.words import cell
from runctl_tui.widgets.columns import Cell, Column

_WARNS: Final = frozenset({"due", "forgotten"})


@dataclass(frozen=True, slots=True)
class CleanupRow:
    """One candidate with what came of it in this session."""

    candidate: Candidate
    result: str = ""
    """Empty: nothing was tried."""
    style: str = ""


def cleanup_columns() -> tuple[Column[CleanupRow], ...]:
    """Return the columns."""
    return (
        Column("name", "NAME", _name, 14, wide=20, priority=100, stays=True, sort_key=lambda row: row.candidate.name),
        Column("thing", "WHAT", lambda row: cell(row.candidate.thing, "$muted"), 8, priority=60, sort_key=_thing),
        Column("why", "WHY", _why, 10, priority=95, sort_key=lambda row: row.candidate.why),
        Column(
            "evidence", "EVIDENCE", lambda row: cell(row.candidate.evidence), 26, wide=34, priority=80, flexible=True
        ),
        Column("month", "$/MO", _month, 8, "right", 90, sort_key=_usd, descending=True),
        Column("would", "WOULD", lambda row: cell(row.candidate.operation.verb, "$strong"), 9, priority=85),
        Column("result", "RESULT", lambda row: cell(row.result, row.style), 14, wide=24, priority=92),
        Column("place", "REGION", lambda row: cell(row.candidate.place, "$muted"), 10, priority=30),
    )


def result_of(job: JobView, resource_id: str) -> tuple[str, str]:
    """Return what a job has done about one thing, in words and their style; nothing where it is not about it."""
    steps = [step for step in job.steps if step.id.partition(":")[2] == resource_id]
    if not steps:
        return "", ""
    broken = next((step for step in steps if step.state is StepState.FAILED), None)
    if broken is not None:
        return f"✗ {broken.detail}", "$danger"
    if all(step.state in (StepState.DONE, StepState.SKIPPED) for step in steps):
        left_out = job.ok is not None and all(step.state is StepState.SKIPPED for step in steps)
        return ("· not begun", "$muted") if left_out else ("✓ done", "$ok")
    if all(step.state is StepState.WAITING for step in steps):
        return "· waits", "$muted"
    return "◐ working", "$state-starting"


def _name(row: CleanupRow) -> Cell:
    return cell(row.candidate.name, "$strong")


def _thing(row: CleanupRow) -> str:
    return row.candidate.thing


def _why(row: CleanupRow) -> Cell:
    return cell(row.candidate.why, "$warn" if row.candidate.why in _WARNS else "")


def _usd(row: CleanupRow) -> object:
    return row.candidate.usd_per_month


def _month(row: CleanupRow) -> Cell:
    usd = row.candidate.usd_per_month
    return cell(UNKNOWN, "$warn") if usd is None else cell(figure(usd, 8), "$cost")
