"""What quitting interrupts, in words; used by the application before it ends and when it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runctl_tui.domain.plan import JobView


def question(working: Sequence[JobView]) -> str:
    """Return what to ask before tasks are interrupted."""
    several = "these tasks" if len(working) > 1 else "this task"
    lines = [f"  {job.title}{_place(job)}{_left(job)}" for job in working]
    return "\n".join([f"Quitting interrupts {several}; nothing goes on with it by itself:", "", *lines])


def farewell(job: JobView) -> str:
    """Return what is said of an interrupted task when the program has ended."""
    return f"{job.title} was interrupted{_place(job)}{_left(job)}: see 7 Tasks"


def _place(job: JobView) -> str:
    """Return at which step a task is."""
    step = next((one for one in job.steps if one.state in ("running", "failed")), None)
    return f" at '{step.title}'" if step is not None else ""


def _left(job: JobView) -> str:
    return f"; {job.instance_id} stays as it is, and costs while it runs" if job.instance_id else ""
