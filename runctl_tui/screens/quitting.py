"""What quitting interrupts, in words: before the application ends, when it has, and when it begins again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runctl_tui.domain.plan import JobView


def question(working: Sequence[JobView]) -> str:
    """Return what to ask before tasks are interrupted."""
    tasks = "; ".join(f"{job.title}{_place(job)}{_left(job)}" for job in working)
    return f"Quitting interrupts what is at work here, and nothing goes on with it by itself: {tasks}"


def farewell(job: JobView) -> str:
    """Return what is said of an interrupted task, what stays of it first."""
    todo = "x in 7 Tasks goes on with it" if job.waits_for_run else "see 7 Tasks"
    return f"interrupted{_left(job)}: {todo} ({job.title}{_place(job)})"


def _place(job: JobView) -> str:
    """Return at which step a task is, or was."""
    step = next((one for one in job.steps if one.state in ("running", "failed")), None)
    return f" at '{step.title}'" if step is not None else ""


def _left(job: JobView) -> str:
    return f", {job.instance_id} stays and may cost" if job.instance_id else ""
