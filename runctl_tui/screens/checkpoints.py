"""The Checkpoints screen: host and S3 copies side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.modals.words import age, loss, number, size
from runctl_tui.screens.columns.checkpoints import checkpoint_columns, state
from runctl_tui.screens.listing import ListScreen
from runctl_tui.screens.prefill import resume_from
from runctl_tui.services.ports import Feed
from runctl_tui.widgets.columns import Column
from runctl_tui.widgets.table import ResourceTable


class CheckpointsScreen(ListScreen[Checkpoint]):
    """All checkpoints, newest first; `:checkpoints RUN` shows those of one run."""

    MODE = "checkpoints"
    NAME = "Checkpoints"
    ABOUT_REFERENCE = True
    EMPTY = "no checkpoints yet; they appear while a run writes them"
    ORDER = ("age", False)
    HELP = "Each line is one checkpoint with its copy on the host and its copy in S3. Only a verified copy is safe."
    HINTS: ClassVar[tuple[str, ...]] = ("table.open", "screen.actions", "table.filter", "screen.command", "screen.help")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy_location", "copy location", show=False, id="checkpoints.copy"),
        Binding("d", "details", "describe", show=False, id="checkpoints.describe"),
        Binding("l", "run_log", "log of its run", show=False, id="checkpoints.log"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._run_id = ""
        self._chosen: Checkpoint | None = None

    def columns(self) -> Sequence[Column[Checkpoint]]:
        """Return the columns of the checkpoints."""
        return checkpoint_columns(self.services.clock.now, self._names)

    def row_key(self, row: Checkpoint) -> str:
        """Return run and path."""
        return f"{row.run_id}/{row.name}"

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch the checkpoints of one run, or of all."""
        return ((self.services.checkpoints.feed(self._run_id), self.show_rows),)

    def show_reference(self, reference: str) -> None:
        """Show the checkpoints of one run, or of all."""
        latest = self.services.runs.feed.latest
        runs = latest.value if latest else ()
        found = [run.id for run in runs if reference in (run.id, run.name)]
        wanted = found[0] if found else reference
        if wanted == self._run_id:
            return
        self._run_id = wanted
        if self.is_current:
            self.action_refresh_now()

    def chosen_rows(self, rows: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        """Keep those of the run that is looked at."""
        return tuple(row for row in rows if not self._run_id or row.run_id == self._run_id)

    def belongs(self, row: Checkpoint, machine: str) -> bool:
        """Tell whether a checkpoint is of a run that is or was on a machine."""
        latest = self.services.runs.feed.latest
        return any(
            run.id == row.run_id and f"{run.provider}/{run.instance_id}" == machine
            for run in (latest.value if latest else ())
        )

    def note(self) -> str:
        """Say whose checkpoints these are."""
        return f"of {self._names().get(self._run_id, self._run_id)}, escape shows all" if self._run_id else ""

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the checkpoint at hand allows."""
        self._chosen = self.table.cursor_row
        none = EMPTY if self._chosen else safe("no checkpoint here")
        name = safe(self._chosen.name) if self._chosen else EMPTY
        return (
            modals.PickItem("resume", safe("Resume from this…"), name, none),
            modals.PickItem("copy", safe("Copy location"), name, none),
            modals.PickItem("monitor", safe("Its run in the monitor"), name, none),
        )

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the checkpoint at hand when the menu opened."""
        row = self._chosen
        if row is None:
            return
        if choice == "resume":
            self.work(self._resume, row, group="change")
        elif choice == "copy":
            self._copy(row)
        elif choice == "monitor":
            self.go("monitor", row.run_id)

    @on(ResourceTable.Chosen, "#list")
    def open_checkpoint(self) -> None:
        """Show everything about the checkpoint."""
        self.action_details()

    def action_details(self) -> None:
        """Show everything about the checkpoint under the cursor."""
        row = self.table.cursor_row
        if row is not None:
            self.app.push_screen(modals.Describe(self.services.clock, safe(row.name), self._sections(row)))

    def action_copy_location(self) -> None:
        """Copy where the safest copy of the checkpoint lies."""
        row = self.table.cursor_row
        if row is not None:
            self._copy(row)

    def action_run_log(self) -> None:
        """Go to the run in the monitor."""
        row = self.table.cursor_row
        if row is not None:
            self.go("monitor", row.run_id)

    def action_clear(self) -> None:
        """Show all runs again, else clear filter and marks."""
        if self._run_id and not self.table.model.filter_text:
            self.show_reference("")
        super().action_clear()

    async def _resume(self, row: Checkpoint) -> None:
        session = await self.services.runs.find(row.run_id)
        await self.open_launch(resume_from(session, row))

    def _copy(self, row: Checkpoint) -> None:
        where = row.s3.location or row.host.location or row.name
        self.copy(where)

    def _names(self) -> Mapping[str, str]:
        latest = self.services.runs.feed.latest
        return {run.id: run.name for run in latest.value} if latest else {}

    def _sections(self, row: Checkpoint) -> tuple[modals.Section, ...]:
        now = self.services.clock.now()
        about = (
            modals.fact("run", f"{self._names().get(row.run_id, '')}  {row.run_id}"),
            modals.fact("step", number(row.step)),
            modals.fact("loss", f"{loss(row.loss)} at that step"),
            modals.fact("format", f"{row.format}, {row.files} file{'s' if row.files != 1 else ''}"),
            modals.fact("size", size(row.size_bytes)),
            modals.fact("written", f"{age(row.created_at, now)} ago"),
            modals.fact("state", state(row).text),
        )
        return (
            modals.Section(safe("Checkpoint"), about),
            modals.Section(safe("On the host"), _copy_facts(row.host)),
            modals.Section(safe("In S3"), _copy_facts(row.s3)),
        )


def _copy_facts(copy: CheckpointCopy) -> tuple[Any, ...]:
    return (
        modals.fact("state", copy.state.value),
        modals.fact("where", copy.location or "-"),
        modals.fact("size", size(copy.size_bytes)),
        modals.fact("sha256", copy.sha256 or "not known"),
    )
