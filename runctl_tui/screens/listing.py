"""What screens with one main table share: filter, sort, marks, title, ages, notices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.text import safe
from runctl_tui.screens.changing import ChangingScreen
from runctl_tui.screens.frame import missing_notices
from runctl_tui.widgets.filter_line import FilterLine
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.title_line import TitleFacts

if TYPE_CHECKING:
    from runctl_tui.domain.sheet import Sheet
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.widgets.columns import Column

RowT = TypeVar("RowT")
AGES_EVERY: Final = 5
"""Seconds between two looks at the ages in the cells."""


class ListScreen(ChangingScreen, Generic[RowT]):
    """One table that fills the body; subclasses say what its rows are."""

    EMPTY: ClassVar[str] = "nothing here yet"
    ORDER: ClassVar[tuple[str, bool] | None] = None
    """The column and direction that rows are ordered by at first."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear filter", show=False, id="list.clear"),
        Binding("slash", "open_filter", "filter", key_display="/", id="table.filter", priority=True),
        Binding("ctrl+s", "export", "export", show=False, id="screen.export"),
    ]
    AUTO_FOCUS = "#list"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._ticks = 0
        self._touched = False
        self._complete = True
        self._seen: Snapshot[tuple[RowT, ...]] | None = None

    def columns(self) -> Sequence[Column[RowT]]:
        """Return the table's columns."""
        raise NotImplementedError

    def row_key(self, row: RowT) -> str:
        """Return what a row is known by."""
        raise NotImplementedError

    def sinks(self, row: RowT) -> bool:
        """Tell whether a row stands below all others, however they are ordered."""
        return False

    @property
    def table(self) -> ResourceTable[str, RowT]:
        """The table."""
        return self.query_one("#list", ResourceTable)

    def compose_body(self) -> ComposeResult:
        """Fill the body with the table."""
        yield ResourceTable(self.columns(), self.row_key, sinks=self.sinks, id="list")

    def compose_prompts(self) -> ComposeResult:
        """Add the filter's line."""
        yield FilterLine(id="list-filter")
        yield from super().compose_prompts()

    def on_mount(self) -> None:
        """Put the rows in their first order."""
        super().on_mount()
        if self.ORDER is not None:
            self.table.sort_by(*self.ORDER)

    def on_key(self) -> None:
        """Leave the cursor at the top while rows still arrive, until the first key."""
        self._touched = True

    def show_rows(self, snapshot: Snapshot[tuple[RowT, ...]]) -> None:
        """Show rows; what is missing is said under them, and old rows stay."""
        self._complete = snapshot.complete
        self._seen = snapshot
        self.table.set_placeholder(Notice.empty(safe(self.EMPTY)))
        self.table.set_rows(self.chosen_rows(snapshot.value))
        if not self._touched:
            self.table.action_go("first")
        self.table.set_notices(missing_notices(snapshot, self.services.clock.now()))
        self.show_title()

    def chosen_rows(self, rows: tuple[RowT, ...]) -> tuple[RowT, ...]:
        """Return the rows that this screen is about now; all of them unless a subclass narrows it."""
        return rows

    def title_facts(self) -> TitleFacts:
        """Say how many rows, in which order, how many marked and which filter."""
        model, (column, descending) = self.table.model, self.table.sort
        titles = {each.id: each.title for each in model.columns}
        known = self._taken_at() is not None
        return TitleFacts(
            safe(self.NAME),
            shown=len(model) if known else None,
            total=model.total if known else None,
            complete=self._complete,
            order=safe(titles[column]) if column else None,
            descending=descending,
            marked=len(model.marks),
            hidden_marks=model.hidden_marks,
            filter=model.filter_text,
            note=safe(self.waiting_for() or self.note()),
        )

    def note(self) -> str:
        """Return further words for the title line."""
        return ""

    def targets(self) -> tuple[RowT, ...]:
        """Return the marked rows, else the one under the cursor: what an action at this key press is about."""
        keys = self.table.marks or ((self.table.cursor_key,) if self.table.cursor_key is not None else ())
        rows = (self.table.model.row(key) for key in keys if key is not None)
        return tuple(row for row in rows if row is not None)

    def tick(self) -> None:
        """Let the ages in the cells grow too."""
        super().tick()
        self._ticks += 1
        if self._ticks % AGES_EVERY == 0:
            self.table.recompute()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Filter the list only from the list; other panes search by the same key."""
        if action == "open_filter" and (self.focused is None or self.focused.id != "list"):
            return False
        return super().check_action(action, parameters)

    def action_open_filter(self) -> None:
        """Let a filter be typed."""
        self.query_one("#list-filter", FilterLine).open(self.table.model.filter_text)

    @on(FilterLine.Changed)
    def apply_filter(self, event: FilterLine.Changed) -> None:
        """Filter while typing; the table has the keys again once the line has closed."""
        self.table.set_filter(event.text)
        if event.done:
            self.table.focus()
        self.show_title()

    @on(ResourceTable.MarksChanged, "#list")
    @on(ResourceTable.SortChanged, "#list")
    def tell_title(self) -> None:
        """Bring the title line up to date."""
        self.show_title()

    def action_export(self) -> None:
        """Write the view as it is shown now into the folder for logs, in the format that is chosen, and say where."""
        text = self.view_as_text()
        if text is not None:
            self.work(self._export, *text, group="export")
        else:
            self.work(self._export_sheet, self.view_as_sheet(), group="export")

    def view_as_text(self) -> tuple[str, str] | None:
        """Return name and text of what has the keys, where that is no table."""
        return None

    def view_as_sheet(self) -> Sheet:
        """Return the table that has the keys as it is shown."""
        from runctl_tui.screens.exporting import sheet_as_shown

        return sheet_as_shown(self.MODE, self.table, self._seen, self.services.clock.now())

    async def _export_sheet(self, sheet: Sheet) -> None:
        from runctl_tui.domain.sheet import SheetFormat, written
        from runctl_tui.screens.exporting import format_items

        items = format_items(sheet.name)
        choice = await self.app.push_screen_wait(modals.Pick(self.services.clock, safe("Export as"), items))
        if choice is not None:
            await self._export(f"{sheet.name}.{choice}", written(sheet, SheetFormat(choice)))

    async def _export(self, name: str, text: str) -> None:
        self.tell(f"exported to {await self.services.exports.write(name, text)}")

    def action_clear(self) -> None:
        """Give up waiting for a plan, else clear the filter, else the marks."""
        if self.waiting_for() and not self.shared.starting:
            for group in ("change", "describe", "command"):
                self.workers.cancel_group(self, group)
            self.busy("")
        elif self.table.model.filter_text:
            self.table.set_filter("")
        elif self.table.marks:
            self.table.action_clear_marks()
        self.show_title()
