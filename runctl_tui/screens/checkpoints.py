"""The Checkpoints screen: host and S3 copies side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy
from runctl_tui.domain.instance import HERE
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.modals.words import age, loss, number, size
from runctl_tui.screens.columns.checkpoints import checkpoint_columns, resume_words, state
from runctl_tui.screens.listing import ListScreen
from runctl_tui.screens.prefill import resume_from, resume_here
from runctl_tui.screens.ways import looks_like_folder
from runctl_tui.services.ports import Feed
from runctl_tui.widgets.columns import Column
from runctl_tui.widgets.table import ResourceTable

FOLDERS: Final = "checkpoint.folders"


class CheckpointsScreen(ListScreen[Checkpoint]):
    """All checkpoints, newest first; `:checkpoints RUN` shows those of a run, `:checkpoints PATH` of a folder here."""

    MODE = "checkpoints"
    NAME = "Checkpoints"
    ABOUT_REFERENCE = True
    EMPTY = "no checkpoints yet; they appear while a run writes them, and f shows those in a folder of this machine"
    ABOUT_ROWS = ListScreen.ABOUT_ROWS | {"details", "run_log"}
    ORDER = ("age", False)
    HELP = (
        "Each line is one checkpoint with its copy on the host and its copy in S3; only a verified copy is safe. Those "
        "in folders of this machine stand beside them; f shows one more folder. RESUME: weights alone start anew."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "table.open",
        "screen.actions",
        "checkpoints.folder",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "details", "describe", show=False, id="checkpoints.describe"),
        Binding("l", "run_log", "log of its run", show=False, id="checkpoints.log"),
        Binding("f", "add_folder", "folder", id="checkpoints.folder"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._about = ""
        self._chosen: Checkpoint | None = None

    def columns(self) -> Sequence[Column[Checkpoint]]:
        """Return the columns of the checkpoints."""
        return checkpoint_columns(self.services.clock.now, self.run_names)

    def row_key(self, row: Checkpoint) -> str:
        """Return run and path."""
        return f"{row.run_id or row.folder}/{row.name}"

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch the checkpoints of one run, or of all."""
        run_id = "" if looks_like_folder(self._about) else self._about
        return ((self.services.checkpoints.feed(run_id), self.show_rows),)

    def show_reference(self, reference: str) -> None:
        """Show the checkpoints of one run, of one folder on this machine, or all."""
        if looks_like_folder(reference):
            self.work(self._look_into, reference, group="folder")
            return
        latest = self.services.runs.feed.latest
        runs = latest.value if latest else ()
        found = [run.id for run in runs if reference in (run.id, run.name)]
        self._narrow_about(found[0] if found else reference)

    def chosen_rows(self, rows: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
        """Keep those of the run or the folder that is looked at."""
        return tuple(row for row in rows if not self._about or self._about in (row.run_id, row.folder))

    def belongs(self, row: Checkpoint, machine: str) -> bool:
        """Tell whether a checkpoint is of a run that is or was on a machine."""
        if row.folder:
            return machine == HERE
        latest = self.services.runs.feed.latest
        return any(
            run.id == row.run_id and f"{run.provider}/{run.instance_id}" == machine
            for run in (latest.value if latest else ())
        )

    def note(self) -> str:
        """Say whose checkpoints these are."""
        return f"of {self.run_names().get(self._about, self._about)}, escape shows all" if self._about else ""

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the checkpoint at hand allows."""
        self._chosen = self.table.cursor_row
        none = EMPTY if self._chosen else safe("no checkpoint here")
        no_resume = none or (safe("it is damaged") if self._chosen and self._chosen.damaged else EMPTY)
        no_run = none or (safe("it belongs to no run") if self._chosen and self._chosen.folder else EMPTY)
        name = safe(self._chosen.name) if self._chosen else EMPTY
        locked = safe(self.locked)
        there = safe("it is verified in S3") if self._chosen and self._chosen.safe_in_s3 else no_run
        return (
            modals.PickItem("resume", safe("Resume from this…"), name, locked or no_resume),
            modals.PickItem("upload", safe("Upload to S3, with its run's others…"), name, locked or there),
            modals.PickItem("copy", safe("Copy location"), name, none),
            modals.PickItem("monitor", safe("Its run in the monitor"), name, no_run),
            modals.PickItem(
                "folder", safe("Show a folder…"), safe("checkpoints on this machine that belong to no run")
            ),
        )

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the checkpoint at hand when the menu opened."""
        row = self._chosen
        if choice == "folder":
            self.action_add_folder()
        if row is None:
            return
        if choice == "upload":
            self.change(Operation.RUN_UPLOAD, [row.run_id])
        elif choice == "resume":
            self.work(self._resume, row, group="change")
        elif choice == "copy":
            self.copy(self.copy_text(row))
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

    def copy_text(self, row: Checkpoint) -> str:
        """Copy where the safest copy of the checkpoint lies."""
        return row.s3.location or row.host.location or row.name

    def action_add_folder(self) -> None:
        """Ask for a folder on this machine, and show the checkpoints in it from now on."""
        self.work(self._add_folder, group="menu")

    def action_run_log(self) -> None:
        """Go to the run in the monitor."""
        row = self.table.cursor_row
        if row is not None and row.run_id:
            self.go("monitor", row.run_id)

    def action_clear(self) -> None:
        """Show all runs again, else clear filter and marks."""
        if self._about and not self.table.model.filter_text:
            self.show_reference("")
        super().action_clear()

    async def _resume(self, row: Checkpoint) -> None:
        if row.folder:
            await self.open_launch(resume_here(self.services.launcher.defaults(), row))
            return
        session = await self.services.runs.find(row.run_id)
        await self.open_launch(resume_from(session, row, self.services.launcher.defaults()))

    def _narrow_about(self, wanted: str) -> None:
        if wanted != self._about:
            self._about = wanted
            if self.is_current:
                self.action_refresh_now()

    async def _look_into(self, folder: str) -> None:
        self._narrow_about(await self.services.checkpoints.look_into(folder))

    async def _add_folder(self) -> None:
        words = safe("A folder on this machine; checkpoints in it are shown beside those of runs.")
        ask = modals.Entry(self.services.clock, safe("Show a folder"), words, "~/", _wrong_folder)
        chosen = await self.app.push_screen_wait(ask)
        if chosen is not None:
            folder = await self.services.checkpoints.look_into(chosen)
            self._remember_folder(folder)
            self._narrow_about(folder)

    def _remember_folder(self, folder: str) -> None:
        """Write the folder into the configuration, so that it is shown the next time too."""
        before = self.services.settings.value(FOLDERS)
        known = [str(one) for one in before] if isinstance(before, (tuple, list)) else []
        if folder not in known:
            self.tell(f"written to {self.services.settings.set(FOLDERS, ', '.join([*known, folder]))}")

    def _sections(self, row: Checkpoint) -> tuple[modals.Section, ...]:
        now = self.services.clock.now()
        about = (
            modals.fact("folder", row.folder)
            if row.folder
            else modals.fact("run", f"{self.run_names().get(row.run_id, '')}  {row.run_id}"),
            modals.fact("step", number(row.step)),
            modals.fact("loss", f"{loss(row.loss)} at that step"),
            modals.fact("format", f"{row.format}, {row.files} file{'s' if row.files != 1 else ''}"),
            modals.fact("size", size(row.size_bytes)),
            modals.fact("written", f"{age(row.created_at, now)} ago"),
            modals.fact("state", state(row).text),
            modals.fact("resume", resume_words(row)),
        )
        return (
            modals.Section(safe("Checkpoint"), about),
            modals.Section(safe("On the host"), _copy_facts(row.host)),
            modals.Section(safe("In S3"), _copy_facts(row.s3)),
        )


def _wrong_folder(text: str) -> str:
    return "" if looks_like_folder(text) else "a path: /…, ~/… or ./…"


def _copy_facts(copy: CheckpointCopy) -> tuple[Any, ...]:
    return (
        modals.fact("state", copy.state.value),
        modals.fact("where", copy.location or "-"),
        modals.fact("size", size(copy.size_bytes)),
        modals.fact("sha256", copy.sha256 or "not known"),
    )
