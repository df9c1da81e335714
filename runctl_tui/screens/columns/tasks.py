"""The columns of the Tasks screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from runctl_tui.domain.durations import in_a_word
from runctl_tui.domain.plan import JobView, StepState
from runctl_tui.modals.words import age
from runctl_tui.screens.columns.words import cell
from runctl_tui.widgets.columns import Cell, Column


def task_columns(now: Callable[[], datetime]) -> tuple[Column[JobView], ...]:
    """Return the columns."""

    def took(job: JobView) -> Cell:
        return cell(in_a_word(((job.ended_at or now()) - job.started_at).total_seconds()))

    return (
        Column("state", "STATE", state, 11, priority=100, stays=True, sort_key=lambda job: state(job).text),
        Column(
            "title", "TASK", lambda job: cell(job.title, "$strong"), 20, wide=44, priority=95, flexible=True, stays=True
        ),
        Column("step", "STEP", _step, 18, priority=80, flexible=True, restless=True),
        Column(
            "age",
            "STARTED",
            lambda job: cell(age(job.started_at, now())),
            7,
            "right",
            60,
            sort_key=_newest_first,
            restless=True,
        ),
        Column("took", "TOOK", took, 5, "right", 50, restless=True),
        Column("who", "BY", lambda job: cell(job.who or "-", "$muted"), 8, wide=12, priority=40),
    )


def state(job: JobView) -> Cell:
    """Return a job's state as symbol and word."""
    if job.question:
        return cell("? asks you", "$warn")
    if job.ended_at is None and job.ok is None:
        return cell("◐ working", "$state-starting")
    return cell("✓ done", "$ok") if job.ok else cell("✗ failed", "$state-failed")


def _newest_first(job: JobView) -> float:
    return -job.started_at.timestamp()


def _step(job: JobView) -> Cell:
    if job.question:
        return cell(job.question, "$warn")
    if job.result and job.ended_at is not None:
        return cell(job.result, "" if job.ok else "$danger")
    running = [step for step in job.steps if step.state is StepState.RUNNING]
    done = sum(step.state in (StepState.DONE, StepState.SKIPPED) for step in job.steps)
    return cell(f"{done}/{len(job.steps)}  {running[0].title if running else ''}")
