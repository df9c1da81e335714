"""The Tasks screen: what is being done step by step, what asks for an answer, what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from runctl_tui import modals
from runctl_tui.domain.plan import JobView, Operation
from runctl_tui.domain.resource import GONE
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.modals.launch_steps import steps_of
from runctl_tui.paths import style_sheets
from runctl_tui.screens.columns.tasks import task_columns
from runctl_tui.screens.listing import ListScreen
from runctl_tui.services.ports import Feed
from runctl_tui.widgets.columns import Column
from runctl_tui.widgets.steps import StepList
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.text import content


class TasksScreen(ListScreen[JobView]):
    """Jobs over the steps of the one under the cursor."""

    CSS_PATH: ClassVar = style_sheets("controls", "tasks")
    MODE = "tasks"
    NAME = "Tasks"
    KEEPS_CURSOR = False  # what was interrupted last stands first
    EMPTY = "nothing is being done, and nothing was done yet; on 1 Instances, x Launch… begins something"
    ABOUT_ROWS = ListScreen.ABOUT_ROWS | {"monitor"}
    HELP = "Everything that changes something runs here as a task. Enter answers its question or follows its steps."
    HINTS: ClassVar[tuple[str, ...]] = (
        "table.open",
        "screen.actions",
        "tasks.monitor",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "monitor", "its run", id="tasks.monitor"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._chosen: tuple[JobView, ...] = ()

    def columns(self) -> Sequence[Column[JobView]]:
        """Return the columns of the tasks."""
        return task_columns(self.services.clock.now)

    def row_key(self, row: JobView) -> str:
        """Return the job's id."""
        return row.id

    def compose_body(self) -> ComposeResult:
        """Put the steps under the table."""
        yield from super().compose_body()
        detail = Vertical(Static("", id="task-words", markup=False), StepList(), id="task-detail")
        detail.display = False
        yield detail

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch the jobs."""
        return ((self.services.jobs.feed, self.show_jobs),)

    def show_jobs(self, snapshot: Snapshot[tuple[JobView, ...]]) -> None:
        """Show the jobs and the steps of the one under the cursor."""
        self.show_rows(snapshot)
        self._show_steps()

    async def _stop(self, job: JobView) -> None:
        self.services.jobs.cancel(job.id)
        self.tell(f"{job.title}: asked to stop")

    def show_reference(self, reference: str) -> None:
        """Put the cursor on a job."""
        self._touched = True
        self.table.move_to(reference)

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the job at hand allows."""
        self._chosen = self.targets()[:1]
        job = self._chosen[0] if self._chosen else None
        ended = safe("it has ended") if job and job.ended_at else safe("no task here") if job is None else EMPTY
        no_run = EMPTY if job and job.run_id else safe("it has no run")
        quiet = EMPTY if job and job.question else safe("it asks nothing")
        machine = job.instance_id if job else ""
        waiting = job is not None and job.can_be_taken_up
        not_waiting = EMPTY if waiting else safe("it waits for no run")
        no_machine = EMPTY if self._machine_key(machine) else safe("it has no machine that is there")
        return (
            modals.PickItem("answer", safe("Answer its question…"), disabled_because=quiet),
            modals.PickItem("cancel", safe("Stop it after the present step and undo"), disabled_because=ended),
            modals.PickItem("monitor", safe("Open its run in the monitor"), disabled_because=no_run),
            modals.PickItem("machine", safe("Go to its machine"), safe(machine), no_machine),
            modals.PickItem("terminate", safe("Terminate its machine…"), safe(machine), no_machine),
            modals.PickItem("take_up", safe("Go on: wait for its run, then terminate"), safe(machine), not_waiting),
        )

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen."""
        if not self._chosen:
            return
        job = self._chosen[0]
        if choice == "answer":
            self.open_job(job)
        elif choice == "cancel":
            self.work(self._stop, job, group="stop")
        elif choice == "monitor":
            self.go("monitor", job.run_id)
        elif choice == "machine":
            self.go("instances", job.instance_id)
        elif choice == "terminate":
            self.change(Operation.TERMINATE, (self._machine_key(job.instance_id),))
        elif choice == "take_up":
            self.work(self._take_up, job, group="take up")

    @on(ResourceTable.Chosen, "#list")
    def follow(self) -> None:
        """Follow the job, and answer it."""
        job = self.table.cursor_row
        if job is not None:
            self.open_job(job)

    @on(ResourceTable.Highlighted, "#list")
    def show_other_steps(self) -> None:
        """Show the steps of another job."""
        self._show_steps()

    def action_monitor(self) -> None:
        """Go to the job's run."""
        job = self.table.cursor_row
        if job is not None and job.run_id:
            self.go("monitor", job.run_id)

    async def _take_up(self, job: JobView) -> None:
        taken_up = await self.services.actions.take_up(job.id)
        self.shared.own_jobs.add(taken_up)
        self.show_soon(taken_up)
        self.tell(f"taken up: {job.title}")

    def _machine_key(self, instance_id: str) -> str:
        """Return the key of a machine that exists, else nothing."""
        latest = self.services.fleet.feed.latest
        rows = latest.value if latest and instance_id else ()
        return next((row.key for row in rows if row.instance.id == instance_id and row.instance.state not in GONE), "")

    def _show_steps(self) -> None:
        job = self.table.cursor_row
        self.query_one("#task-detail").display = job is not None
        if job is None:
            return
        words, style = job.title, "$strong bold"
        if job.question:
            words, style = f"? {job.question}   enter answers", "$warn bold"
        elif job.ended_at is not None:
            words, style = f"{'✓' if job.ok else '✗'} {job.result or job.title}", "$ok" if job.ok else "$danger"
        self.query_one("#task-words", Static).update(content(safe(words), style))
        self.query_one(StepList).steps = steps_of(job)
