"""The Host screen: what one machine is doing now, and its processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.host import HostProcess, HostReading, process_reference
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.states import Capability, Operation
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.paths import style_sheets
from runctl_tui.screens import host_facts
from runctl_tui.screens.columns.processes import process_columns
from runctl_tui.screens.frame import HOST_OFF, missing_notices, problem_note
from runctl_tui.screens.listing import ListScreen
from runctl_tui.screens.process_verbs import PLANS, ending_menu
from runctl_tui.services.errors import ResourceNotFound
from runctl_tui.widgets.meters import Meters
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.table import ResourceTable

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.ports import Feed
    from runctl_tui.widgets.columns import Column
    from runctl_tui.widgets.title_line import TitleFacts

FEW_DISKS, MORE_DISKS = 3, 6
TALL: Final = 30
"""Lines from which a terminal has room for more file systems."""


class HostScreen(ListScreen[HostProcess]):
    """What uses the processors, the memory, the disks, the network and the GPUs of one machine."""

    CSS_PATH: ClassVar = style_sheets("hosts")
    MODE = "hosts"
    TAB = "instances"
    NAME = "Host"
    EMPTY = "no processes are told"
    ORDER = ("cpu", True)
    ABOUT_ROWS = ListScreen.ABOUT_ROWS | {"end", "describe", "run", "copy"}
    HELP = (
        "One machine, measured every two seconds while this screen is in front and never otherwise. CPU % is of one "
        "core; GPU MEM is what a process holds on all GPUs, ? where the driver does not say. Processes of other users "
        "are grey. < and > go to the machine before and after. ctrl+d asks the process at hand, or those marked, to "
        "end (TERM); x has KILL too. Both show a plan first."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "table.open",
        "screen.actions",
        "host.end",
        "host.details",
        "host.before",
        "host.after",
        "host.shell",
        "host.run",
        "host.tunnel",
        "table.sort_next",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "end", "end", id="host.end"),
        Binding("i", "details", "host details", id="host.details"),
        Binding("d", "describe", "describe", show=False, id="host.describe"),
        Binding("less_than_sign", "other(-1)", "machine before", key_display="<", id="host.before"),
        Binding("greater_than_sign", "other(1)", "machine after", show=False, key_display=">", id="host.after"),
        Binding("s", "shell", "shell", id="host.shell"),
        Binding("l", "run", "its run", id="host.run"),
        Binding("T", "open_tunnel", "tunnel", id="host.tunnel"),
        Binding("c", "copy", "copy number", show=False, id="host.copy"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._key = ""
        self._wanted = ""
        self._reading: HostReading | None = None
        self._chosen: HostProcess | None = None
        self._ending: tuple[str, ...] = ()

    def columns(self) -> Sequence[Column[HostProcess]]:
        """Return the columns of processes."""
        return process_columns(self.run_names)

    def row_key(self, row: HostProcess) -> str:
        """Return number and start."""
        return row.key

    def compose_body(self) -> ComposeResult:
        """Put the bars over the table."""
        yield Meters()
        yield from super().compose_body()

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch the machine, and the fleet for its neighbours and names."""
        fleet = (self.services.fleet.feed, self.show_fleet)
        return ((self.services.hosts.feed(self._key), self.show_host), fleet) if self._key else (fleet,)

    def show_reference(self, reference: str) -> None:
        """Show another machine: by key, id or name."""
        self._wanted = reference
        latest = self.services.fleet.feed.latest
        if latest is not None:
            self.show_fleet(latest)

    def show_fleet(self, snapshot: Snapshot[tuple[FleetRow, ...]]) -> None:
        """Find the machine that is wanted."""
        if not self._wanted:
            return
        for row in snapshot.value:
            if self._wanted in (row.key, row.instance.id, row.instance.name):
                self._wanted = ""
                self._turn_to(row.key)
                return
        if snapshot.complete:
            error = ResourceNotFound(
                f"there is no machine {self._wanted}", "", "1 Instances lists those that there are"
            )
            self._wanted = ""
            self.show_problem(error.to_problem(), passing=True)

    def show_host(self, snapshot: Snapshot[HostReading]) -> None:
        """Show the figures; the last ones stay when nothing new comes, with their age."""
        reading = snapshot.value
        if reading.key != self._key:
            return
        self._reading = reading
        most = MORE_DISKS if self.size.height >= TALL else FEW_DISKS
        self.query_one(Meters).meters = host_facts.meters(reading, most)
        self.query_one(Meters).display = reading.usage is not None
        self.show_rows(replace(snapshot, value=reading.processes))  # type: ignore[arg-type]  # the value's type changes
        if reading.usage is None and snapshot.missing:
            self.table.set_placeholder(Notice.error(problem_note(snapshot.missing[0]).text))
            self.table.set_notices(())
        else:
            self.table.set_notices(missing_notices(_all_said(snapshot), self.services.clock.now()))

    def title_facts(self) -> TitleFacts:
        """Say which machine, how many processes and for how long it is up."""
        facts = super().title_facts()
        reading = self._reading
        name = self._machine_name()
        if reading is None or reading.usage is None:
            waiting = self.waiting_for() or ("looking at the machine…" if name and reading is None else "")
            return replace(facts, title=safe(f"Host {name}"), shown=None, total=None, order=None, note=safe(waiting))
        words = self.waiting_for() or host_facts.title_words(reading)
        return replace(facts, title=safe(f"Host {name}"), total=reading.total, note=safe(words))

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the process and the machine allow."""
        self._chosen = row = self.table.cursor_row
        about = safe(row.command if row else "")
        no_row = EMPTY if row else safe("no process here")
        rows = self.targets()
        self._ending = self._references(rows)
        no_run = no_row or (EMPTY if row and row.run_id else safe("it belongs to no known run"))
        return (
            modals.PickItem("process", safe("Describe the process"), about, no_row),
            modals.PickItem("run", safe("Open its run in the monitor"), about, no_run),
            *ending_menu(rows, self.locked, self._why_not(self._key.partition("/")[0], Capability.SHELL)),
            modals.PickItem("shell", safe("Shell"), safe(self._machine_name()), safe(self.locked)),
            modals.PickItem("tunnel", safe("Tunnel to a port…"), safe(self._machine_name())),
            modals.PickItem("machine", safe("Go to the machine"), safe(self._machine_name())),
        )

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the process at hand when the menu opened."""
        if choice in PLANS:
            self.change(PLANS[choice], self._ending)
        elif choice == "shell":
            self.action_shell()
        elif choice == "tunnel":
            self.action_open_tunnel()
        elif choice == "machine":
            self.go("instances", self._key)
        elif self._chosen is not None and choice == "run":
            self.go("monitor", self._chosen.run_id)
        elif self._chosen is not None:
            self._describe_process(self._chosen)

    @on(ResourceTable.Chosen, "#list")
    def action_describe(self) -> None:
        """Show everything about the process."""
        if self.table.cursor_row is not None:
            self._describe_process(self.table.cursor_row)

    def action_end(self) -> None:
        """Open the plan that ends the processes at hand."""
        self.change(Operation.PROCESS_END, self._references(self.targets()))

    def action_details(self) -> None:
        """Show everything about the host."""
        if self._reading is not None and self._reading.usage is not None:
            sections = host_facts.host_sections(self._reading)
            self.app.push_screen(modals.Describe(self.services.clock, safe(self._machine_name()), sections))

    def action_other(self, step: int) -> None:
        """Go to the running machine before or after this one."""
        latest = self.services.fleet.feed.latest
        keys = [row.key for row in latest.value if row.instance.state is ResourceState.RUNNING] if latest else []
        if keys:
            place = keys.index(self._key) + step if self._key in keys else 0
            self._turn_to(keys[place % len(keys)])

    def action_shell(self) -> None:
        """Open a shell on the machine."""
        if self._key:
            self.shell(self._key, self._machine_name())

    def action_open_tunnel(self) -> None:
        """Ask for the ports of a tunnel to the machine."""
        if self._key:
            self.tunnel(self._key, self._machine_name())

    def action_run(self) -> None:
        """Go to the run that the process belongs to."""
        row = self.table.cursor_row
        if row is not None and row.run_id:
            self.go("monitor", row.run_id)

    def action_copy(self) -> None:
        """Copy the process's number."""
        if self.table.cursor_row is not None:
            self.copy(str(self.table.cursor_row.pid))

    def _turn_to(self, key: str) -> None:
        """Show a machine; what is known of another goes at once."""
        if key == self._key:
            return
        self._key, self._reading, self._touched = key, None, False
        self.query_one(Meters).display = False
        self.table.set_rows(())
        self.table.set_notices(())
        self.table.set_placeholder(Notice.loading(safe(self._machine_name())))
        self._restart_feeds()
        self.show_title()

    def _references(self, rows: Sequence[HostProcess]) -> tuple[str, ...]:
        return tuple(process_reference(self._key, row.pid, row.start) for row in rows)

    def _describe_process(self, row: HostProcess) -> None:
        sections = host_facts.process_sections(row, self.run_names().get(row.run_id, ""))
        self.app.push_screen(modals.Describe(self.services.clock, safe(f"{row.name} {row.pid}"), sections))

    def _machine_name(self) -> str:
        latest = self.services.fleet.feed.latest
        for row in latest.value if latest else ():
            if row.key == self._key:
                return row.instance.name or row.instance.id
        return self._key or self._wanted


def _all_said(snapshot: Snapshot[HostReading]) -> Snapshot[HostReading]:
    """Return a snapshot of which also a stopped machine is said, since no row says it here."""
    missing = tuple(replace(one, code="") if one.code == HOST_OFF else one for one in snapshot.missing)
    return replace(snapshot, missing=missing)
