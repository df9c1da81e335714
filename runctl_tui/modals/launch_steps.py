"""A job at work, step by step; it may ask a question, and it goes on when the dialog is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from runctl_tui.domain import plan as domain
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.modals.base import CANCEL, Dialog, DialogButton
from runctl_tui.modals.words import duration
from runctl_tui.widgets.steps import Step, StepList
from runctl_tui.widgets.text import content

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock

YES: Final = "yes"
NO: Final = "no"
UNDO: Final = "undo"
GOES_ON: Final = "Close, it goes on"


@dataclass(frozen=True, slots=True)
class JobHandle:
    """What the dialog may do with one job."""

    watch: Callable[[], AsyncIterator[domain.JobView]]
    answer: Callable[[bool], None]
    cancel: Callable[[], None]


def steps_of(job: domain.JobView) -> tuple[Step, ...]:
    """Return a job's steps as they are drawn."""
    return tuple(
        Step(
            title=safe(step.title),
            state=step.state.value,
            fraction=step.done if step.state is domain.StepState.RUNNING else None,
            detail=EMPTY if step.state is domain.StepState.FAILED else safe(step.detail),
            reason=safe(step.detail) if step.state is domain.StepState.FAILED else EMPTY,
            took=EMPTY if step.seconds is None else safe(duration(step.seconds)),
        )
        for step in job.steps
    )


class LaunchSteps(Dialog[str]):
    """Follows a job; answers with the id of its run when the person wants to watch that."""

    CONFIRM_BY_Y = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "refuse", "no", id="steps.no"),
        Binding("m", "monitor", "monitor", id="steps.monitor"),
    ]

    def __init__(self, clock: Clock, title: str, handle: JobHandle) -> None:
        super().__init__(clock, safe(title))
        self._handle = handle
        self.job: domain.JobView | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out steps, question and result."""
        with VerticalScroll(can_focus=False):
            yield StepList()
        yield Static("", id="job-question", markup=False)
        yield Static("", id="job-words", markup=False)

    def compose_buttons(self) -> Iterable[DialogButton]:
        """Offer to close, to answer and to stop; what does not apply is hidden."""
        yield DialogButton(safe(GOES_ON), CANCEL)
        yield DialogButton(safe("y  yes"), YES)
        yield DialogButton(safe("n  no"), NO)
        yield DialogButton(safe("m  monitor"), "monitor")
        yield DialogButton(safe("Stop and undo"), UNDO)

    def on_mount(self) -> None:
        """Begin to follow."""
        self._show_buttons()
        self._follow()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say when the job can no longer be followed; it may still be at work."""
        if event.state is WorkerState.ERROR:
            self._say(f"the job can no longer be followed: {event.worker.error}; look at 7 Tasks", "$danger")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what the job allows now."""
        if action in ("confirm", "refuse"):
            return bool(self.job and self.job.question)
        if action == "monitor":
            return bool(self.job and self.job.run_id)
        return super().check_action(action, parameters)

    def confirmed(self) -> None:
        """Answer the question with yes."""
        self.pressed(YES)

    def action_refuse(self) -> None:
        """Answer the question with no."""
        self.pressed(NO)

    def action_monitor(self) -> None:
        """Go and watch the run."""
        self.pressed("monitor")

    def pressed(self, button_id: str) -> None:
        """Answer, stop, or go to the run."""
        job = self.job
        if button_id in (YES, NO) and job is not None and job.question:
            self._handle.answer(button_id == YES)
        elif button_id == UNDO:
            self._handle.cancel()
            self._say("asked to stop after the present step and to undo what was made", "$warn")
        elif button_id == "monitor" and job is not None and job.run_id:
            self.dismiss(job.run_id)

    @work(group="job", exclusive=True, exit_on_error=False)
    async def _follow(self) -> None:
        async for job in self._handle.watch():
            self._show(job)

    def _show(self, job: domain.JobView) -> None:
        asked_before = bool(self.job and self.job.question)
        self.job = job
        self.query_one(StepList).steps = steps_of(job)
        question = self.query_one("#job-question", Static)
        question.update(content(safe(f"? {job.question}"), "$warn bold") if job.question else "")
        if job.ended_at is not None:
            self._say(("✓ " if job.ok else "✗ ") + (job.result or "ended"), "$ok" if job.ok else "$danger")
        self._show_buttons()
        if job.ok and job.run_id:
            self.query_one("#monitor").focus()
        if bool(job.question) is not asked_before:
            self.query_one(f"#{CANCEL}").focus()
        self.refresh_bindings()

    def _show_buttons(self) -> None:
        job = self.job
        asks, ended = bool(job and job.question), bool(job and job.ended_at)
        for button, shown in ((YES, asks), (NO, asks), ("monitor", bool(job and job.run_id)), (UNDO, not ended)):
            self.query_one(f"#{button}").display = shown
        self.query_one(f"#{CANCEL}", DialogButton).rename(safe("Close" if ended else GOES_ON))

    def _say(self, words: str, style: str) -> None:
        self.query_one("#job-words", Static).update(content(safe(words), style))
