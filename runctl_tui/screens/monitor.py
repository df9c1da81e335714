"""The Monitor screen: runs on the left, one of them large: loss curve, facts, host, log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from runctl_tui import modals
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.log_colours import coloured_line
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.paths import style_sheets
from runctl_tui.screens.columns.runs import run_columns
from runctl_tui.screens.following import Following
from runctl_tui.screens.listing import ListScreen
from runctl_tui.screens.log_pane import LogPane
from runctl_tui.screens.prefill import resume_from
from runctl_tui.screens.run_facts import RunFacts, run_facts, usage_facts
from runctl_tui.screens.run_verbs import PLANS, run_menu
from runctl_tui.services.ports import Feed
from runctl_tui.widgets.chart import LineChart
from runctl_tui.widgets.columns import Column
from runctl_tui.widgets.facts import FactList
from runctl_tui.widgets.series import Series
from runctl_tui.widgets.table import ResourceTable

FLUSH_SECONDS: Final = 0.25
"""At most four repaints a second, however fast a run talks."""
SETTLE_SECONDS: Final = 0.15
"""The cursor must rest on a run for this long before it is followed."""
PANES: Final = ("list", "chart", "log")


class ChartPane(LineChart, can_focus=True):
    """The loss curve; takes the focus so that it can be maximised."""


class MonitorScreen(ListScreen[TrainingSession]):
    """All runs, and one of them followed live."""

    CSS_PATH: ClassVar = style_sheets("controls", "monitor")
    MODE = "monitor"
    NAME = "Monitor"
    EMPTY = "no runs yet; x, Launch… starts one"
    ROWS = "runs"
    ABOUT_ROWS = ListScreen.ABOUT_ROWS | {"shell", "host", "tunnel"}
    HELP = (
        "Runs on the left, newest first; the one under the cursor is followed. Tab moves between runs, curve and log, "
        "m makes the pane with the focus large. A lost link is said in words and mends itself; no line is lost."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "screen.actions",
        "monitor.next_pane",
        "monitor.maximise",
        "monitor.log",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "pane", id="monitor.next_pane"),
        Binding("m", "maximise", "maximise", id="monitor.maximise"),
        Binding("l", "log", "log", id="monitor.log"),
        Binding("s", "shell", "shell", show=False, id="monitor.shell"),
        Binding("h", "host", "host", show=False, id="monitor.host"),
        Binding("T", "tunnel", "tunnel", show=False, id="monitor.tunnel"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._following: Following | None = None
        self._wanted = ""
        self._chosen: TrainingSession | None = None
        self._machines: dict[str, FleetRow] = {}
        self._spent: dict[str, Decimal | None] = {}
        self._flush_timer: Timer | None = None
        self._settle_timer: Timer | None = None

    def columns(self) -> Sequence[Column[TrainingSession]]:
        """Return the columns of the runs."""
        return run_columns()

    def row_key(self, row: TrainingSession) -> str:
        """Return the run's id."""
        return row.id

    def compose_body(self) -> ComposeResult:
        """Lay out runs and facts on the left, curve and host on the right, log below."""
        with Horizontal(id="monitor-top"):
            with Vertical(id="monitor-left"):
                yield from super().compose_body()
                yield FactList(id="run-facts")
            with Vertical(id="monitor-right"):
                chart = ChartPane(id="chart")
                chart.empty = safe("the loss curve of a run stands here")
                chart.x_label = safe("step")
                yield chart
                yield FactList(id="host-facts")
        yield LogPane(id="log-pane")

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch runs and, for prices, machines."""
        return ((self.services.runs.feed, self.show_runs), (self.services.fleet.feed, self.show_machines))

    def on_screen_resume(self) -> None:
        """Go on with the run that was followed."""
        super().on_screen_resume()
        if self._following is not None:
            self._follow(self._following)

    def on_screen_suspend(self) -> None:
        """Follow nothing that nobody sees."""
        super().on_screen_suspend()
        if self.seen:
            return
        self.workers.cancel_group(self, "follow")

    def show_runs(self, snapshot: Snapshot[tuple[TrainingSession, ...]]) -> None:
        """Show the runs; go to the one that was asked for."""
        self.show_rows(snapshot)
        self._go_to_wanted()
        self._show_facts()

    def show_machines(self, snapshot: Snapshot[tuple[FleetRow, ...]]) -> None:
        """Remember what machines cost."""
        self._machines = {row.key: row for row in snapshot.value}
        self._show_facts()
        if self._following is not None:
            self.work(self._ask_spent, group="spent")

    def belongs(self, row: TrainingSession, machine: str) -> bool:
        """Tell whether a run is or was on a machine."""
        return row.machine_key == machine

    def show_reference(self, reference: str) -> None:
        """Put the cursor on a run as soon as it is known."""
        self._touched = True
        self._wanted = reference
        self._go_to_wanted()

    def note(self) -> str:
        """Say which run is followed, and whether its link is lost."""
        following = self._following
        if following is None or following.session is None:
            return ""
        if following.link:
            return f"▲ {following.link}"
        session, fleet = following.session, self.services.fleet.feed.latest
        names = {row.key: row.instance.name for row in fleet.value} if fleet else {}
        machine = names.get(session.machine_key) or session.instance_id
        return f"{session.name or session.id} on {machine}"

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the run at hand allows."""
        self._chosen = self.table.cursor_row
        return run_menu(self._chosen, self.locked)

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the run at hand when the menu opened."""
        run = self._chosen
        if choice == "launch":
            self.action_launch()
        elif run is None:
            return
        elif choice in PLANS:
            self.change(PLANS[choice], [run.id])
        elif choice == "resume":
            self.work(self._resume, run, group="change")
        elif choice == "shell":
            self.shell(run.machine_key, run.instance_id)
        elif choice == "host":
            self.go("hosts", run.machine_key)
        elif choice == "tunnel":
            self.tunnel(run.machine_key, run.name or run.id)
        elif choice == "checkpoints":
            self.go("checkpoints", run.id)
        elif choice == "forget":
            self.work(self._forget, run, group="change")

    @on(ResourceTable.Highlighted, "#list")
    def settle_on_run(self) -> None:
        """Follow the run under the cursor once it rests there."""
        if self._settle_timer is not None:
            self._settle_timer.stop()
        at_once = self._following is None
        self._settle_timer = self.set_timer(0.001 if at_once else SETTLE_SECONDS, self._follow_cursor)

    @on(ResourceTable.Chosen, "#list")
    def go_to_log(self) -> None:
        """Give the keys to the log."""
        self.query_one(LogPane).log_view.focus()

    def view_as_text(self) -> tuple[str, str] | None:
        """Return the log where it has the keys; else it is the list of runs."""
        view = self.query_one(LogPane).log_view
        if self.focused is not view or self._following is None:
            return None
        return f"{self._following.run_id}.log", "".join(f"{line}\n" for line in view.buffer.lines)

    def action_maximise(self) -> None:
        """Make the pane with the focus large, or all as they were."""
        focused = next((pane for pane in PANES if self.focused is not None and self.focused.id == pane), "log")
        self._enlarge("" if self._large else focused)

    def action_clear(self) -> None:
        """Make all panes as they were, else clear filter and marks."""
        if self._large:
            self._enlarge("")
        elif self.focused is not None and self.focused.id != "list":
            self.table.focus()
        else:
            super().action_clear()

    def action_log(self) -> None:
        """Show the log alone."""
        self.query_one(LogPane).log_view.focus()
        self._enlarge("log")

    def action_host(self) -> None:
        """Show what the run's machine is doing."""
        run = self.table.cursor_row
        if run is not None:
            self.go("hosts", run.machine_key)

    def action_tunnel(self) -> None:
        """Ask for the ports of a tunnel to the run's machine."""
        run = self.table.cursor_row
        if run is not None:
            self.tunnel(run.machine_key, run.name or run.id)

    def action_shell(self) -> None:
        """Open a shell on the run's machine."""
        run = self.table.cursor_row
        if run is not None:
            self.shell(run.machine_key, run.instance_id)

    def tick(self) -> None:
        """Let the ages among the facts grow."""
        super().tick()
        self._show_facts()

    @property
    def _large(self) -> str:
        """The pane that has the screen to itself, or nothing."""
        body = self.query_one("#body")
        return next((pane for pane in PANES if body.has_class(f"-only-{pane}")), "")

    def _enlarge(self, wanted: str) -> None:
        for pane in PANES:
            self.query_one("#body").set_class(pane == wanted, f"-only-{pane}")

    def _go_to_wanted(self) -> None:
        if self._wanted and self.point_at(lambda run: self._wanted in (run.id, run.name)):
            self._wanted = ""

    def _follow_cursor(self) -> None:
        run = self.table.cursor_row
        if run is None or (self._following is not None and self._following.run_id == run.id):
            return
        self.query_one(LogPane).log_view.clear()
        self.query_one(ChartPane).series = ()
        self._follow(Following(run.id, session=run))

    def _follow(self, following: Following) -> None:
        self._following = following
        self.query_one(ChartPane).empty = safe("no loss in the log yet")
        self._show_facts()
        self.work(self._hear, following, group="follow")
        self.work(self._ask_spent, group="spent")

    async def _hear(self, following: Following) -> None:
        await self.shared.ready.wait()
        async for update in self.services.runs.follow(following.run_id, following.offset):
            await self._take(following, update)

    async def _take(self, following: Following, update: Any) -> None:
        for _ in following.take(update):
            await self.breathe()
        if self._flush_timer is None and self._following is following:
            self._flush_timer = self.set_timer(FLUSH_SECONDS, self._flush)

    async def _ask_spent(self) -> None:
        await self.shared.ready.wait()
        if self._following is not None:
            run_id = self._following.run_id
            self._spent[run_id] = await self.services.costs.run_cost(run_id)
        self._show_facts()

    def _flush(self) -> None:
        """Show what came since the last time."""
        self._flush_timer = None
        following = self._following
        if following is None:
            return
        lines, restarted = following.lines()
        view = self.query_one(LogPane).log_view
        if restarted:
            view.clear()
        view.append([coloured_line(line) for line in lines])
        view.set_note(safe(f"▲ {following.link}") if following.link else EMPTY)
        points = following.series.points("loss")
        if lines or restarted:
            self.query_one(ChartPane).series = (Series(safe("loss"), points),) if points else ()
        self._show_facts()
        self.show_title()

    def _show_facts(self) -> None:
        following = self._following
        if following is None:
            return
        session = self.table.model.row(following.run_id) or following.session
        if session is None:
            return
        machine = self._machines.get(session.machine_key)
        spent = self._spent.get(session.id)
        facts = RunFacts(session, following.progress, machine, spent, self.services.clock.now())
        brief = self.has_class("-narrow")
        self.query_one("#run-facts", FactList).facts = run_facts(facts, brief)
        self.query_one("#host-facts", FactList).facts = usage_facts(following.usage, brief)

    async def _forget(self, run: TrainingSession) -> None:
        name = run.name or run.id
        words = safe(f"{name} ({run.id}) leaves the list; its log here is deleted, its checkpoints stay.")
        if await self.app.push_screen_wait(
            modals.Ask(self.services.clock, safe("FORGET"), words, safe("Forget the run"))
        ):
            await self.services.runs.forget(run.id)
            self.services.runs.feed.refresh()
            self.tell(f"{name}: forgotten")

    async def _resume(self, run: TrainingSession) -> None:
        found = await self.services.checkpoints.now(run.id)
        own = [each for each in found.value if each.run_id == run.id]
        newest = max(own, key=lambda each: (each.created_at is not None, each.created_at), default=None)
        await self.open_launch(resume_from(run, newest, self.services.launcher.defaults()))
