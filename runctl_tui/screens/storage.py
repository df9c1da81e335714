"""What the Volumes and Snapshots screens share: one feed, two lists, `tab` between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.text import SafeText, safe, safe_lines
from runctl_tui.domain.volume import Storage, Volume, VolumeSnapshot
from runctl_tui.screens.labelling import plan_in_known_accounts
from runctl_tui.screens.listing import ListScreen
from runctl_tui.services.errors import ValidationError
from runctl_tui.widgets.table import ResourceTable

if TYPE_CHECKING:
    from runctl_tui.domain.plan import Plan
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.domain.volume import VolumeChange
    from runctl_tui.modals.volume_form import VolumeDraft, VolumeQuestion
    from runctl_tui.services.ports import Feed

KeptT = TypeVar("KeptT", Volume, VolumeSnapshot)


class StorageScreen(ListScreen[KeptT]):
    """One list of storage; subclasses say which."""

    TAB = "volumes"
    OTHER: ClassVar[str] = ""
    """The mode of the other list."""
    ABOUT_ROWS = ListScreen.ABOUT_ROWS | {"delete", "describe", "raw"}
    HINTS: ClassVar[tuple[str, ...]] = (
        "table.open",
        "screen.actions",
        "storage.delete",
        "storage.other",
        "table.mark",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "delete", "delete", id="storage.delete"),
        Binding("d", "describe", "describe", show=False, id="storage.describe"),
        Binding("y", "raw", "raw JSON", show=False, id="storage.raw"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._chosen: tuple[KeptT, ...] = ()
        self._wanted = ""

    def part(self, storage: Storage) -> tuple[KeptT, ...]:
        """Return the rows of this list."""
        raise NotImplementedError

    def sections(self, row: KeptT) -> tuple[modals.Section, ...]:
        """Return everything known about a row."""
        raise NotImplementedError

    def fields(self, row: KeptT) -> tuple[tuple[str, str], ...]:
        """Return what can be copied from a row."""
        raise NotImplementedError

    def row_key(self, row: KeptT) -> str:
        """Return provider and id."""
        return row.key

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch all storage."""
        return ((self.services.volumes.feed, self.show_storage),)

    def show_storage(self, snapshot: Snapshot[Storage]) -> None:
        """Show this list's part of all storage."""
        self.show_rows(replace(snapshot, value=self.part(snapshot.value)))  # type: ignore[arg-type]  # the value's type changes
        if self._wanted:
            self.show_reference(self._wanted)

    def show_reference(self, reference: str) -> None:
        """Put the cursor on one row, as soon as it is there."""
        self._touched, self._wanted = True, reference
        if self.point_at(lambda row: reference in (row.key, row.id, row.name)):
            self._wanted = ""

    @property
    def storage(self) -> Storage:
        """All storage as heard last."""
        latest = self.services.volumes.feed.latest
        return latest.value if latest else Storage()

    @on(ResourceTable.Chosen, "#list")
    def open_details(self) -> None:
        """Show everything about the row."""
        row = self.table.cursor_row
        if row is not None:
            title = safe(row.name or row.id)
            self.app.push_screen(modals.Describe(self.services.clock, title, self.sections(row)))

    def action_other(self) -> None:
        """Go to the other list."""
        self.go(self.OTHER)

    def action_describe(self) -> None:
        """Show the facts as text that can be searched and copied."""
        row = self.table.cursor_row
        if row is None:
            return
        lines = [line for section in self.sections(row) for line in _lines(section)]
        self.app.push_screen(modals.TextView(self.services.clock, safe(row.name or row.id), lines))

    def action_raw(self) -> None:
        """Show the provider's own words."""
        row = self.table.cursor_row
        if row is not None:
            self.work(self._raw, row, group="describe")

    def copy_text(self, row: KeptT) -> str:
        """Copy the id."""
        return row.id

    async def change_as_asked(self, question: VolumeQuestion, change: Callable[[VolumeDraft], VolumeChange]) -> None:
        """Let the form be filled in, with the price in sight, until what it asks for can be planned."""
        from runctl_tui.screens.volume_asking import month

        price = partial(month, self.services)
        while draft := await self.app.push_screen_wait(modals.VolumeDialog(self.services.clock, question, price)):
            try:
                plan = await self._plan(change(draft))
            except ValidationError as error:
                self.busy("")
                question = replace(question, refused=draft, trouble=safe(str(error)))
                continue
            await self.ask_and_commit(plan)
            return

    async def hear_machines(self) -> None:
        """Have the machines at hand, whose zones and names the questions offer."""
        if self.services.fleet.feed.latest is None:
            self.busy("looking at the machines…")
            async for _ in self.services.fleet.feed.watch():
                break
            self.busy("")

    async def change_storage(self, change: VolumeChange) -> None:
        """Plan a change that needs more than keys, and ask."""
        await self.ask_and_commit(await self._plan(change))

    async def _plan(self, change: VolumeChange) -> Plan:
        self.busy(f"looking at what {change.operation.verb} would do…")
        plan = await plan_in_known_accounts(self.app, self.services, lambda: self.services.actions.plan_volume(change))
        self.busy("")
        return plan

    async def _raw(self, row: KeptT) -> None:
        import json

        self.busy(f"asking {row.provider} about {row.id}…")
        found = await self.services.volumes.describe(row.key)
        self.busy("")
        text = json.dumps(found, indent=2, default=str, ensure_ascii=False)
        await self.app.push_screen(modals.TextView(self.services.clock, safe(row.id), safe_lines(text)))


def _lines(section: modals.Section) -> list[SafeText]:
    return [section.heading, *(safe(f"  {each.label:12}  {each.value}") for each in section.facts), safe("")]
