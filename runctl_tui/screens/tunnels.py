"""The Tunnels screen: ports of machines that are reachable on this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.domain.tunnel import Tunnel, TunnelState, gateway_command
from runctl_tui.screens.columns.tunnels import tunnel_columns
from runctl_tui.screens.listing import ListScreen
from runctl_tui.widgets.piece_line import PieceLine
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.text import Piece

if TYPE_CHECKING:
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.ports import Feed
    from runctl_tui.widgets.columns import Column


class TunnelsScreen(ListScreen[Tunnel]):
    """All tunnels of this program, and those that are kept."""

    MODE = "tunnels"
    TAB = "instances"
    NAME = "Tunnels"
    EMPTY = "no tunnels; on 1 Instances, T opens one to a machine"
    ABOUT_ROWS = ListScreen.ABOUT_ROWS | {"copy_url", "copy_ssh", "close_tunnel", "another", "host"}
    HELP = (
        "A tunnel makes a port of a machine reachable at a URL of this machine, over the SSH connection that is there "
        "anyway, and for this machine only. It ends with this program unless it is kept; a kept one goes on in a "
        "process of its own and is listed here again. A lost link is made again by itself, on the same URL."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "tunnels.copy",
        "tunnels.copy_ssh",
        "tunnels.close",
        "tunnels.another",
        "tunnels.host",
        "screen.actions",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy_url", "copy URL", id="tunnels.copy"),
        Binding("C", "copy_ssh", "copy ssh line", id="tunnels.copy_ssh"),
        Binding("ctrl+d", "close_tunnel", "close", id="tunnels.close"),
        Binding("T", "another", "another", id="tunnels.another"),
        Binding("h", "host", "host", show=False, id="tunnels.host"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._chosen: tuple[Tunnel, ...] = ()
        self._wanted = ""

    def columns(self) -> Sequence[Column[Tunnel]]:
        """Return the columns of tunnels."""
        return tunnel_columns(self.services.clock.now)

    def row_key(self, row: Tunnel) -> str:
        """Return the tunnel's id."""
        return row.id

    def compose_body(self) -> ComposeResult:
        """Put under the table what is wrong with the tunnel at hand, and the way to it from one's own machine."""
        yield from super().compose_body()
        yield PieceLine(id="tunnel-note")
        yield PieceLine(id="gateway")

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch the tunnels."""
        return ((self.services.tunnels.feed, self.show_tunnels),)

    def show_tunnels(self, snapshot: Snapshot[tuple[Tunnel, ...]]) -> None:
        """Show them, and how the one under the cursor is reached from elsewhere."""
        self.show_rows(snapshot)
        if self._wanted and self.table.move_to(self._wanted):
            self._wanted = ""
        self._show_more()

    def show_reference(self, reference: str) -> None:
        """Put the cursor on a tunnel, as soon as it is there."""
        self._touched, self._wanted = True, reference
        if self.table.move_to(reference):
            self._wanted = ""
        self._show_more()

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the tunnels at hand allow."""
        self._chosen = rows = self.targets()
        nothing = EMPTY if rows else safe("no tunnel here")
        about = safe(_named(rows))
        one = nothing or (EMPTY if len(rows) == 1 else safe("one tunnel at a time"))
        far = one or (EMPTY if self.services.tunnels.gateway else safe("this machine is your own"))
        return (
            modals.PickItem("copy", safe("Copy URL"), safe(rows[0].url if rows else ""), one),
            modals.PickItem("ssh", safe("Copy the ssh line for your own machine"), about, far),
            modals.PickItem("another", safe("Another tunnel to its machine…"), about, one),
            modals.PickItem("close", safe("Close…"), about, nothing),
        )

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the tunnels at hand when the menu opened."""
        if choice == "close":
            self.work(self._close, self._chosen, group="change")
        elif choice == "copy":
            self.copy(self._chosen[0].url)
        elif choice == "ssh":
            self.copy(gateway_command(self._chosen[0], self.services.tunnels.gateway))
        elif choice == "another":
            self.tunnel(self._chosen[0].machine, self._chosen[0].name)

    @on(ResourceTable.Highlighted, "#list")
    def show_other_way(self) -> None:
        """Say the same of another tunnel."""
        self._show_more()

    @on(ResourceTable.Chosen, "#list")
    def open_details(self) -> None:
        """Show everything about the tunnel."""
        row = self.table.cursor_row
        if row is not None:
            title = safe(f"Tunnel to {row.name}")
            self.app.push_screen(modals.Describe(self.services.clock, title, self._sections(row)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the ssh line only where it is needed."""
        if action == "copy_ssh" and not (self.shared.ready.is_set() and self.services.tunnels.gateway):
            return False
        return super().check_action(action, parameters)

    def action_copy_url(self) -> None:
        """Copy the URL."""
        if self.table.cursor_row is not None:
            self.copy(self.table.cursor_row.url)

    def action_copy_ssh(self) -> None:
        """Copy what to type on one's own machine."""
        if self.table.cursor_row is not None:
            self.copy(gateway_command(self.table.cursor_row, self.services.tunnels.gateway))

    def action_close_tunnel(self) -> None:
        """Ask, then end the tunnels at hand."""
        rows = self.targets()
        if rows:
            self.work(self._close, rows, group="change")

    def action_another(self) -> None:
        """Open another tunnel to the same machine."""
        row = self.table.cursor_row
        if row is not None:
            self.tunnel(row.machine, row.name)

    def action_host(self) -> None:
        """Show what the machine is doing."""
        if self.table.cursor_row is not None:
            self.go("hosts", self.table.cursor_row.machine)

    def _show_more(self) -> None:
        line, row = self.query_one("#gateway", PieceLine), self.table.cursor_row
        note = self.query_one("#tunnel-note", PieceLine)
        note.display = bool(row is not None and row.note)
        note.line = (Piece(safe(f"▲ {row.note}"), "$warn", 90),) if row is not None else ()
        gateway = self.services.tunnels.gateway
        line.display = bool(gateway and row is not None)
        if gateway and row is not None:
            words = safe(gateway_command(row, gateway))
            line.line = (Piece(safe("on your own machine:"), "$muted", 10), Piece(words, "$strong", 90))

    def _sections(self, row: Tunnel) -> tuple[modals.Section, ...]:
        from runctl_tui.modals.words import seen, size

        fact, gateway = modals.fact, self.services.tunnels.gateway
        facts = (
            fact("url", row.url),
            fact("leads to", f"port {row.remote_port} of {row.name}{f', {row.service}' if row.service else ''}"),
            fact("machine", row.machine), fact("state", row.state.value), fact("note", row.note or "none"),
            fact("opened", seen(row.since, self.services.clock.now())),
            fact("ends", "when it is closed" if row.kept else "with this program"),
            fact("used", f"{row.connections} connections now, {row.served} so far"),
            fact("bytes", f"{size(row.received)} in, {size(row.sent)} out"), fact("id", row.id),
        )  # fmt: skip
        far = (fact("type there", gateway_command(row, gateway)),) if gateway else (fact("", "this is it"),)
        return (modals.Section(safe("Tunnel"), facts), modals.Section(safe("Your own machine"), far))

    async def _close(self, rows: tuple[Tunnel, ...]) -> None:
        used = sum(row.connections for row in rows)
        words = safe(f"{_named(rows)}: {used} connections are open now" if used else f"{_named(rows)} is not in use")
        ended = all(row.state is TunnelState.ENDED for row in rows)
        if not ended:
            ask = modals.Ask(self.services.clock, safe("Close"), words, safe("Close the tunnel"))
            if not await self.app.push_screen_wait(ask):
                return
        for row in rows:
            await self.services.tunnels.close(row.id)
        self.table.action_clear_marks()
        self.tell(f"closed {_named(rows)}")


def _named(rows: Sequence[Tunnel]) -> str:
    if len(rows) == 1:
        return f"port {rows[0].remote_port} of {rows[0].name}"
    return f"{len(rows)} tunnels" if rows else ""
