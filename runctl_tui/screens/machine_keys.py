"""What may be done with machines, from their list and from the page of one, and the ways to what belongs to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.marks import INSTANCE
from runctl_tui.domain.states import Capability, Operation
from runctl_tui.domain.text import safe, safe_lines
from runctl_tui.screens.changing import ChangingScreen
from runctl_tui.screens.frame import MARK
from runctl_tui.services.errors import TrainctlError, ValidationError

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow

_PLANS = {"start": Operation.START, "stop": Operation.STOP, "terminate": Operation.TERMINATE}


ABOUT_A_MACHINE: Final = frozenset(
    {"terminate", "logs", "shell", "host", "tunnel", "related", "describe", "raw", "copy_id", "copy_field"}
)
"""Actions that need a machine at hand."""


class MachineKeys(ChangingScreen):
    """Adds the keys of machines to a screen that has some at hand."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "terminate", "terminate", id="instances.terminate"),
        Binding("l", "logs", "logs", id="instances.logs"),
        Binding("s", "shell", "shell", id="instances.shell"),
        Binding("h", "host", "host", id="instances.host"),
        Binding("T", "tunnel", "tunnel", id="instances.tunnel"),
        Binding("v", "related('volumes')", "volumes", id="instances.volumes"),
        Binding("m", "related('monitor')", "runs", id="instances.monitor"),
        Binding("p", "related('checkpoints')", "checkpoints", id="instances.checkpoints"),
        Binding("dollar_sign", "related('costs')", "costs", key_display="$", id="instances.costs"),
        Binding("d", "describe", "describe", show=False, id="instances.describe"),
        Binding("y", "raw", "raw JSON", show=False, id="instances.raw"),
        Binding("c", "copy_id", "copy id", show=False, id="instances.copy"),
        Binding("C", "copy_field", "copy a field", show=False, id="instances.copy_field"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._chosen: tuple[FleetRow, ...] = ()
        self._mine: tuple[str, ...] = ()

    @property
    def machine(self) -> FleetRow | None:
        """The machine at hand."""
        raise NotImplementedError

    def machines(self) -> tuple[FleetRow, ...]:
        """Return the machines that a change is about."""
        return () if self.machine is None else (self.machine,)

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the machines at hand allow."""
        from runctl_tui.domain.fleet import mine_at_work
        from runctl_tui.screens.instance_verbs import instance_menu

        self._chosen = self.machines()
        latest = self.services.fleet.feed.latest
        self._mine = tuple(row.key for row in mine_at_work(latest.value if latest else ()))
        return instance_menu(self._chosen, self._why_not, self.locked, len(self._mine))

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the machines at hand when the menu opened."""
        rows = self._chosen
        if choice in _PLANS:
            self.change(_PLANS[choice], [row.key for row in rows])
        elif choice == MARK:
            self.mark(INSTANCE, [row.instance for row in rows])
        elif choice == "stop_all":
            self.change_all(Operation.STOP, self._mine)
        elif choice == "launch":
            self.action_launch()
        elif choice == "train":
            from runctl_tui.screens.prefill import train_on

            self.launch(train_on(self.services.launcher.defaults(), rows[0]))
        elif choice == "tunnel":
            self.tunnel(rows[0].key, rows[0].instance.name)
        elif choice == "host":
            self.go("hosts", rows[0].key)
        elif choice == "shell":
            self.shell(rows[0].key, rows[0].instance.name)
        elif choice == "monitor":
            self._open_monitor(rows[0])

    def action_describe(self) -> None:
        """Show the facts as text that can be searched and copied."""
        row = self.machine
        if row is None:
            return
        from runctl_tui.screens.instance_facts import sections

        lines = []
        for section in sections(row, self.services.clock.now()):
            lines += [section.heading, *(safe(f"  {each.label:12}  {each.value}") for each in section.facts), safe("")]
        self.app.push_screen(modals.TextView(self.services.clock, safe(row.instance.name or row.instance.id), lines))

    def action_raw(self) -> None:
        """Show the provider's own words."""
        if self.machine is not None:
            self.work(self._raw, self.machine, group="describe")

    def action_logs(self) -> None:
        """Go to the machine's newest run in the monitor; without one, follow what the machine itself prints."""
        if self.machine is not None:
            self._open_monitor(self.machine)

    def action_related(self, mode: str) -> None:
        """Go to another screen and see there what belongs to this machine alone."""
        if self.machine is not None:
            self.go(mode, machine=self.machine.key)

    def action_shell(self) -> None:
        """Open a shell on the machine."""
        if self.machine is not None:
            self.shell(self.machine.key, self.machine.instance.name)

    def action_host(self) -> None:
        """Show what the machine is doing."""
        if self.machine is not None:
            self.go("hosts", self.machine.key)

    def action_tunnel(self) -> None:
        """Ask for the ports of a tunnel to the machine."""
        if self.machine is not None:
            self.tunnel(self.machine.key, self.machine.instance.name or self.machine.instance.id)

    def action_copy_id(self) -> None:
        """Copy the machine's id."""
        if self.machine is not None:
            self.copy(self.machine.instance.id)

    def action_copy_field(self) -> None:
        """Choose a field to copy."""
        from runctl_tui.screens.instance_facts import fields

        if self.machine is not None:
            self.work(self.copy_one_of, fields(self.machine), group="menu")

    def action_terminate(self) -> None:
        """Open the terminate plan for the machines at hand."""
        self.change(Operation.TERMINATE, [row.key for row in self.machines()])

    def _open_monitor(self, row: FleetRow) -> None:
        if row.runs:
            self.go("monitor", row.runs[0].id)
        elif not self._why_not(row.instance.provider, Capability.LOGS):
            title = safe(f"LOG of {row.instance.name or row.instance.id}")
            self.app.push_screen(modals.FollowView(self.services.clock, title, self._printed(row.key)))
        else:
            name = row.instance.name or row.instance.id
            self.show_problem(ValidationError(f"{name} has no runs", todo="x, Train here…").to_problem(), passing=True)

    async def _printed(self, key: str) -> AsyncIterator[str]:
        """Yield what a machine prints, and at the end why there is no more of it."""
        try:
            async for line in self.services.fleet.logs(key):
                yield line
        except TrainctlError as error:
            yield "; ".join(part for part in (f"✗ {error}", error.todo) if part)

    async def _raw(self, row: FleetRow) -> None:
        import json

        self.busy(f"asking {row.instance.provider} about {row.instance.id}…")
        found = await self.services.fleet.describe(row.key)
        self.busy("")
        text = json.dumps(found, indent=2, default=str, ensure_ascii=False)
        await self.app.push_screen(modals.TextView(self.services.clock, safe(row.instance.id), safe_lines(text)))
