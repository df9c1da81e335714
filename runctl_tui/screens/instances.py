"""The Instances screen: one fleet of all providers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.screens.base import BaseScreen
from runctl_tui.screens.columns.instances import instance_columns
from runctl_tui.screens.frame import missing_notices
from runctl_tui.services.ports import Feed
from runctl_tui.widgets.table import ResourceTable


class InstancesScreen(BaseScreen):
    """All machines with state, price, money so far and what they do."""

    MODE = "instances"
    NAME = "Instances"
    HINTS: ClassVar[tuple[str, ...]] = ("table.open",)

    def compose_body(self) -> ComposeResult:
        yield ResourceTable[str, FleetRow](instance_columns(self.services.clock.now), lambda row: row.key, id="fleet")

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        return ((self.services.fleet.feed, self.show_fleet),)

    def show_fleet(self, snapshot: Snapshot[tuple[FleetRow, ...]]) -> None:
        """Show the machines; what is missing is said under them."""
        table = self.query_one(ResourceTable)
        table.set_rows(snapshot.value)
        table.set_notices(missing_notices(snapshot, self.services.clock.now()))
        self.show_title()
