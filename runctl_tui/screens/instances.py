"""The Instances screen: one fleet of all providers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.screens.columns.instances import instance_columns
from runctl_tui.screens.listing import ListScreen
from runctl_tui.screens.machine_keys import ABOUT_A_MACHINE, MachineKeys
from runctl_tui.screens.starting import MORE, SANDBOX, alone, start_facts
from runctl_tui.widgets.table import ResourceTable

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.ports import Feed
    from runctl_tui.widgets.columns import Column
    from runctl_tui.widgets.facts import FactList

_FIRST_STEPS = ("train_here", "copy_sandbox", "doctor")


class InstancesScreen(MachineKeys, ListScreen["FleetRow"]):
    """All machines with state, price, money so far and what they do."""

    MODE = "instances"
    NAME = "Instances"
    EMPTY = "no machines; x opens the actions, Launch… makes one"
    ORDER = ("price", True)
    ABOUT_ROWS = ABOUT_A_MACHINE
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
        "instances.host",
        "instances.tunnel",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "train_here", "train here", id="instances.train_here"),
        Binding("S", "copy_sandbox", "sandbox", id="instances.sandbox"),
        Binding("D", "doctor", "doctor", id="instances.doctor"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._starting: FactList | None = None

    @property
    def machine(self) -> FleetRow | None:
        """The machine under the cursor."""
        return self.table.cursor_row

    def machines(self) -> tuple[FleetRow, ...]:
        """Return the marked machines, else the one under the cursor."""
        return self.targets()

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
        """Put the cursor on a machine."""
        self._touched = True
        self.point_at(lambda row: reference in (row.key, row.instance.id, row.instance.name))

    @on(ResourceTable.Chosen, "#list")
    def open_details(self) -> None:
        """Open the page of the machine."""
        if self.machine is not None:
            self.go("instance", self.machine.key)

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
        from runctl_tui.widgets.facts import FactList  # no first frame shows it

        if self._starting is not None:
            self._starting.remove()
        self._starting = FactList(id="start") if wanted else None
        self.query_one("#body").set_class(wanted, "-start")
        if self._starting is not None:
            self._starting.more = MORE
            self._starting.facts = start_facts(None, self.has_class("-wide"))
            self.query_one("#body").mount(self._starting)
            self.work(self._examine, self._starting, group="start")
        self.refresh_bindings()

    async def _examine(self, panel: FactList) -> None:
        panel.facts = start_facts(await self.services.doctor.examine(), self.has_class("-wide"))
