"""The Audit screen: who wanted to change what, on which verdict, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from textual import on

from runctl_tui import modals
from runctl_tui.domain.audit import AuditEntry
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.text import EMPTY, SafeText, safe, safe_line
from runctl_tui.screens.columns.audit import audit_columns
from runctl_tui.screens.listing import ListScreen
from runctl_tui.services.ports import Feed
from runctl_tui.widgets.columns import Column
from runctl_tui.widgets.table import ResourceTable


class AuditScreen(ListScreen[AuditEntry]):
    """The audit log's entries, newest first."""

    MODE = "audit"
    NAME = "Audit"
    EMPTY = "nothing was changed through this folder yet, and nothing refused"
    ORDER = ("at", False)
    HELP = "Every attempt to change something, refused and cancelled ones too. Enter tells all of it."
    HINTS: ClassVar[tuple[str, ...]] = ("table.open", "screen.actions", "table.filter", "screen.command", "screen.help")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._chosen: tuple[AuditEntry, ...] = ()

    def columns(self) -> Sequence[Column[AuditEntry]]:
        """Return the columns of the entries."""
        return audit_columns()

    def row_key(self, row: AuditEntry) -> str:
        """Return what an entry is known by: its moment and its words."""
        return f"{row.at.isoformat()} {row.event} {row.plan_hash} {row.job}"

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch the log."""
        return ((self.services.audit.feed, self.show_rows),)

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what belongs to the entry at hand."""
        self._chosen = self.targets()[:1]
        entry = self._chosen[0] if self._chosen else None
        no_task = EMPTY if entry and entry.job else safe("it became no task")
        no_machine = EMPTY if entry and self._machine_of(entry) else safe("it was about no machine that is there")
        return (
            modals.PickItem("task", safe("Go to its task"), disabled_because=no_task),
            modals.PickItem("machine", safe("Go to its machine"), disabled_because=no_machine),
        )

    def obey_menu(self, choice: str) -> None:
        """Go where was chosen."""
        for entry in self._chosen:
            self.go("tasks", entry.job) if choice == "task" else self.go("instances", self._machine_of(entry))

    def _machine_of(self, entry: AuditEntry) -> str:
        latest = self.services.fleet.feed.latest
        there = {row.key for row in latest.value} if latest else set()
        return next((key for key in entry.targets if key in there), "")

    @on(ResourceTable.Chosen, "#list")
    def tell_all(self) -> None:
        """Show everything that an entry says."""
        row = self.table.cursor_row
        if row is not None:
            self.app.push_screen(modals.TextView(self.services.clock, safe(row.effect), entry_lines(row)))


def entry_lines(entry: AuditEntry) -> list[SafeText]:
    """Return an entry as labelled lines."""
    told = {name: value for name, value in asdict(entry).items() if value not in ("", ())}
    rows = [(name.replace("_", " "), one) for name, value in told.items() for one in _each(value)]
    return [safe_line(f"{label:10}  {value}") for label, value in rows]


def _each(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)
