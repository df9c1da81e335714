"""The Instances screen: one fleet of all providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.instance import Market
from runctl_tui.domain.offer import Capability
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.states import Operation
from runctl_tui.domain.text import safe, safe_lines
from runctl_tui.screens.columns.instances import instance_columns
from runctl_tui.screens.listing import ListScreen
from runctl_tui.screens.starting import SANDBOX, alone, start_facts
from runctl_tui.services.errors import TrainctlError, ValidationError
from runctl_tui.widgets.facts import FactList
from runctl_tui.widgets.table import ResourceTable

if TYPE_CHECKING:
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.ports import Feed
    from runctl_tui.widgets.columns import Column

_FIRST_STEPS = ("train_here", "copy_sandbox", "doctor")
_PLANS = {"start": Operation.START, "stop": Operation.STOP, "terminate": Operation.TERMINATE}


class InstancesScreen(ListScreen[FleetRow]):
    """All machines with state, price, money so far and what they do."""

    MODE = "instances"
    NAME = "Instances"
    EMPTY = "no machines; x opens the actions, Launch… makes one"
    ORDER = ("price", True)
    HELP = (
        "One line per machine of every provider. $/h is what it costs now, SO FAR what the ledger has counted; "
        "? is unknown, * an estimate, s a spot machine. Nothing here changes anything: changes live in x and ctrl+d."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "instances.train_here",
        "instances.sandbox",
        "instances.doctor",
        "table.open",
        "screen.actions",
        "instances.terminate",
        "table.mark",
        "instances.logs",
        "instances.shell",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "terminate", "terminate", id="instances.terminate"),
        Binding("l", "logs", "logs", id="instances.logs"),
        Binding("s", "shell", "shell", id="instances.shell"),
        Binding("d", "describe", "describe", show=False, id="instances.describe"),
        Binding("y", "raw", "raw JSON", show=False, id="instances.raw"),
        Binding("c", "copy_id", "copy id", show=False, id="instances.copy"),
        Binding("C", "copy_field", "copy a field", show=False, id="instances.copy_field"),
        Binding("t", "train_here", "train here", id="instances.train_here"),
        Binding("S", "copy_sandbox", "sandbox", id="instances.sandbox"),
        Binding("D", "doctor", "doctor", id="instances.doctor"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._chosen: tuple[FleetRow, ...] = ()
        self._starting: FactList | None = None

    def columns(self) -> Sequence[Column[FleetRow]]:
        """Return the fleet's columns."""
        return instance_columns(self.services.clock.now)

    def row_key(self, row: FleetRow) -> str:
        """Return provider and id."""
        return row.key

    def sinks(self, row: FleetRow) -> bool:
        """Put machines that are gone below the others."""
        return row.instance.state is ResourceState.TERMINATED

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch the fleet."""
        return ((self.services.fleet.feed, self.show_fleet),)

    def show_fleet(self, snapshot: Snapshot[tuple[FleetRow, ...]]) -> None:
        """Show the machines; while there is only this one, also what can be done and how to connect a cloud."""
        self.show_rows(snapshot)
        wanted = not self.services.session.cached().sandbox and alone(snapshot)
        if wanted != (self._starting is not None):
            self._offer_start(wanted)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the first steps only while they are shown."""
        if action in _FIRST_STEPS and self._starting is None:
            return False
        return super().check_action(action, parameters)

    def show_reference(self, reference: str) -> None:
        """Put the cursor on a machine, or open the launch form."""
        self._touched = True
        for key in self.table.model.view:
            row = self.table.model.row(key)
            if row is not None and reference in (row.key, row.instance.id, row.instance.name):
                self.table.move_to(key)

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the machines at hand allow."""
        from runctl_tui.screens.instance_verbs import instance_menu

        self._chosen = self.targets()
        facts = self.shared.facts or self.services.session.cached()
        return instance_menu(self._chosen, self._why_not, facts.read_only and not facts.armed_for)

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the machines at hand when the menu opened."""
        rows = self._chosen
        if choice in _PLANS:
            self.change(_PLANS[choice], [row.key for row in rows])
        elif choice == "launch":
            self.action_launch()
        elif choice == "train":
            from runctl_tui.screens.prefill import train_on

            self.launch(train_on(self.services.launcher.defaults(), rows[0]))
        elif choice == "shell":
            self.shell(rows[0].key, rows[0].instance.name)
        elif choice == "monitor":
            self._open_monitor(rows[0])

    @on(ResourceTable.Chosen, "#list")
    def open_details(self) -> None:
        """Show everything about the machine."""
        row = self.table.cursor_row
        if row is not None:
            title = safe(f"{row.instance.name or row.instance.id}")
            self.app.push_screen(modals.Describe(self.services.clock, title, self._sections(row)))

    def action_describe(self) -> None:
        """Show the facts as text that can be searched and copied."""
        row = self.table.cursor_row
        if row is None:
            return
        lines = []
        for section in self._sections(row):
            lines += [section.heading, *(safe(f"  {each.label:12}  {each.value}") for each in section.facts), safe("")]
        self.app.push_screen(modals.TextView(self.services.clock, safe(row.instance.name or row.instance.id), lines))

    def action_raw(self) -> None:
        """Show the provider's own words."""
        row = self.table.cursor_row
        if row is not None:
            self.work(self._raw, row, group="describe")

    def action_logs(self) -> None:
        """Go to the machine's newest run in the monitor; without one, follow what the machine itself prints."""
        row = self.table.cursor_row
        if row is not None:
            self._open_monitor(row)

    def action_shell(self) -> None:
        """Open a shell on the machine."""
        row = self.table.cursor_row
        if row is not None:
            self.shell(row.key, row.instance.name)

    def action_copy_id(self) -> None:
        """Copy the machine's id."""
        row = self.table.cursor_row
        if row is not None:
            self.copy(row.instance.id)

    def action_copy_field(self) -> None:
        """Choose a field to copy."""
        row = self.table.cursor_row
        if row is not None:
            self.work(self._copy_field, row, group="menu")

    def action_terminate(self) -> None:
        """Open the terminate plan for the machines at hand."""
        self.change(Operation.TERMINATE, [row.key for row in self.targets()])

    def action_train_here(self) -> None:
        """Open the launch form for a run on this machine."""
        from runctl_tui.screens.prefill import train_on

        for key in self.table.model.view:
            row = self.table.model.row(key)
            if row is not None and row.instance.market is Market.LOCAL:
                self.launch(train_on(self.services.launcher.defaults(), row))
                return

    def action_copy_sandbox(self) -> None:
        """Copy the command that opens the sandbox."""
        self.copy(SANDBOX)

    def action_doctor(self) -> None:
        """Show everything that the doctor finds."""
        self.work(self._doctor, [], group="command")

    def _offer_start(self, wanted: bool) -> None:
        """Put the first steps under the table, or take them away."""
        if self._starting is not None:
            self._starting.remove()
        self._starting = FactList(id="start") if wanted else None
        self.query_one("#body").set_class(wanted, "-start")
        if self._starting is not None:
            self._starting.facts = start_facts(None, self.has_class("-wide"))
            self.query_one("#body").mount(self._starting)
            self.work(self._examine, self._starting, group="start")
        self.refresh_bindings()

    async def _examine(self, panel: FactList) -> None:
        panel.facts = start_facts(await self.services.doctor.examine(), self.has_class("-wide"))

    def _open_monitor(self, row: FleetRow) -> None:
        if row.runs:
            self.go("monitor", row.runs[0].id)
        elif not self._why_not(row.instance.provider, Capability.LOGS):
            title = safe(f"LOG of {row.instance.name or row.instance.id}")
            self.app.push_screen(modals.FollowView(self.services.clock, title, self._printed(row.key)))
        else:
            name = row.instance.name or row.instance.id
            self.show_problem(ValidationError(f"{name} has no runs", todo="x, Train here…").to_problem())

    async def _printed(self, key: str) -> AsyncIterator[str]:
        """Yield what a machine prints, and at the end why there is no more of it."""
        try:
            async for line in self.services.fleet.logs(key):
                yield line
        except TrainctlError as error:
            yield "; ".join(part for part in (f"✗ {error}", error.todo) if part)

    def _sections(self, row: FleetRow) -> tuple[modals.Section, ...]:
        from runctl_tui.screens.instance_facts import sections

        return sections(row, self.services.clock.now())

    def _why_not(self, provider: str, capability: Capability) -> str:
        try:
            return self.services.registry.get(provider).capabilities.why_not(capability)
        except TrainctlError as error:
            return error.what

    async def _raw(self, row: FleetRow) -> None:
        import json

        self.busy(f"asking {row.instance.provider} about {row.instance.id}…")
        found = await self.services.fleet.describe(row.key)
        self.busy("")
        text = json.dumps(found, indent=2, default=str, ensure_ascii=False)
        await self.app.push_screen(modals.TextView(self.services.clock, safe(row.instance.id), safe_lines(text)))

    async def _copy_field(self, row: FleetRow) -> None:
        from runctl_tui.screens.instance_facts import fields

        pairs = fields(row)
        items = [modals.PickItem(name, safe(name), safe(value)) for name, value in pairs]
        choice = await self.app.push_screen_wait(modals.Pick(self.services.clock, safe("Copy"), items))
        if choice is not None:
            self.copy(dict(pairs)[choice])
