"""What screens with one main table share: filter, sort, marks, title, ages, notices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.text import EMPTY, safe, safe_lines
from runctl_tui.screens.frame import missing_notices, problem_lines, said_instead, told_below, unknown_notice
from runctl_tui.screens.viewing import ViewingScreen
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


class ListScreen(ViewingScreen, Generic[RowT]):
    """One table that fills the body; subclasses say what its rows are."""

    EMPTY: ClassVar[str] = "nothing here yet"
    ORDER: ClassVar[tuple[str, bool] | None] = None
    """The column and direction that rows are ordered by at first."""
    ROWS: ClassVar[str] = ""
    """What the rows are, where the screen's name does not say it."""
    KEEPS_CURSOR: ClassVar[bool] = True
    """Whether the next session begins at the row where this one ended."""
    ABOUT_ROWS: ClassVar[frozenset[str]] = frozenset({"describe_row", "raw_row", "copy_row", "copy_cell"})
    """Actions that need a row; their hints are grey while there is none."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear filter", show=False, id="list.clear"),
        Binding("slash", "open_filter", "filter", key_display="/", id="table.filter", priority=True),
        Binding("d", "describe_row", "describe", show=False, id="list.describe"),
        Binding("y", "raw_row", "raw JSON", show=False, id="list.raw"),
        Binding("c", "copy_row", "copy", show=False, id="list.copy"),
        Binding("C", "copy_cell", "copy a field", show=False, id="list.copy_field"),
        Binding("ctrl+s", "export", "export", show=False, id="screen.export"),
    ]
    AUTO_FOCUS = "#list"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._ticks = 0
        self._touched = False
        self._complete = True
        self._machine = ""
        self._left_at: str | None = None
        self._heard: Snapshot[tuple[RowT, ...]] | None = None
        self._has_any = False

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
        table = ResourceTable(self.columns(), self.row_key, sinks=self.sinks, id="list")
        table.set_placeholder(Notice.loading(safe(self.ROWS or self.NAME.lower())))
        yield table

    def compose_prompts(self) -> ComposeResult:
        """Add the filter's line."""
        yield FilterLine(id="list-filter")
        yield from super().compose_prompts()

    def on_mount(self) -> None:
        """Put the rows in their first order."""
        super().on_mount()
        if self.ORDER is not None:
            self.table.sort_by(*self.ORDER)
        self.stand_as_left()

    def stand_as_left(self) -> None:
        """Take up the view and the cursor that were left here; not once somebody moves about."""
        left = self.shared.stances.get(self.MODE)
        if left is None or self._touched:
            return
        self.look_as(left.view)
        self._left_at = left.cursor if self.KEEPS_CURSOR else None
        if self._heard is not None:
            self.show_rows(self._heard)

    def on_key(self) -> None:
        """Leave the cursor at the top while rows still arrive, until the first key."""
        self._touched, self._left_at = True, None

    def show_rows(self, snapshot: Snapshot[tuple[RowT, ...]]) -> None:
        """Show rows; what is missing is said under them, and old rows stay."""
        self._heard, self._complete = snapshot, snapshot.complete
        unknown = unknown_notice(snapshot.missing)
        self.table.set_placeholder(unknown or Notice.empty(safe(self._nothing())))
        rows = self.chosen_rows(snapshot.value)
        self.table.set_rows([row for row in rows if self.belongs(row, self._machine)] if self._machine else rows)
        if self._left_at is not None and self.table.move_to(self._left_at):
            self._left_at, self._touched = None, True
        if not self._touched:
            self.table.action_go("first")
        said = said_instead(snapshot.missing) if unknown and not snapshot.value else ()
        rest = replace(snapshot, missing=tuple(one for one in snapshot.missing if one not in said))
        self.table.set_notices(missing_notices(rest, self.services.clock.now()))
        self.show_title()

    def show_soon(self, key: str) -> None:
        """Put the cursor on a row that has just been made, as soon as it is there; not once a key is pressed."""
        self._touched = True
        if not self.table.move_to(key):
            self._left_at = key

    def chosen_rows(self, rows: tuple[RowT, ...]) -> tuple[RowT, ...]:
        """Return the rows that this screen is about now; all of them unless a subclass narrows it."""
        return rows

    def belongs(self, row: RowT, machine: str) -> bool:
        """Tell whether a row belongs to the machine with this key."""
        return True

    def narrow_to(self, machine: str) -> None:
        """Show only what belongs to one machine, or everything again."""
        if machine != self._machine:
            self._machine, self._touched = machine, False
            if self._heard is not None:
                self.show_rows(self._heard)

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
            note=safe(self.waiting_for() or self._narrowed() or self.note()),
        )

    def show_title(self) -> None:
        """Bring title and tab line up to date, and the hints when the first row comes or the last one goes."""
        super().show_title()
        if self._composed and self._has_any != bool(len(self.table.model)):
            self._has_any = not self._has_any
            self.refresh_bindings()

    def _narrowed(self) -> str:
        """Say whose belongings alone are shown."""
        return f"of {self._machine_name()}, escape shows all" if self._machine else ""

    def _nothing(self) -> str:
        return f"nothing here belongs to {self._machine_name()}; escape shows all" if self._machine else self.EMPTY

    def _machine_name(self) -> str:
        latest = self.services.fleet.feed.latest
        names = {row.key: row.instance.name for row in latest.value} if latest else {}
        return names.get(self._machine) or self._machine.rpartition("/")[2]

    def note(self) -> str:
        """Return further words for the title line."""
        return ""

    def point_at(self, named: Callable[[RowT], bool]) -> bool:
        """Put the cursor on the row that somebody named; a filter that hides it is cleared."""
        key = self.table.model.find(named)
        if key is not None and not self.table.move_to(key):
            self.table.set_filter("")
            self.show_title()
        return key is not None and self.table.move_to(key)

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
        """Filter a table only from a table; other panes search by the same key."""
        if action == "open_filter" and not isinstance(self.focused, ResourceTable):
            return False
        if action in self.ABOUT_ROWS and not self._has_any:
            return None
        return super().check_action(action, parameters)

    def action_read_problem(self) -> None:
        """Read the newest problem in full, else why rows are missing."""
        missing = told_below(self._heard.missing) if self._heard is not None else ()
        if self.shared.notes or not missing:
            super().action_read_problem()
            return
        lines = [line for one in missing for line in (*problem_lines(one, self.services.log_path), EMPTY)]
        self.app.push_screen(modals.TextView(self.services.clock, safe("What is missing, and why"), lines))

    def action_open_filter(self) -> None:
        """Let a filter be typed."""
        line = self.query_one("#list-filter", FilterLine)
        line.open(self.at_hand.model.filter_text, self.shared.kept.filters(self.MODE))

    @on(FilterLine.Changed)
    def apply_filter(self, event: FilterLine.Changed) -> None:
        """Filter while typing; the table has the keys again once the line has closed."""
        table = self.at_hand
        table.set_filter(event.text)
        if event.done:
            table.focus()
            if event.text:
                self.shared.kept.add_filter(self.MODE, event.text)
        self.show_title()

    @on(ResourceTable.MarksChanged)
    @on(ResourceTable.SortChanged)
    def tell_title(self) -> None:
        """Bring the title line up to date."""
        self.show_title()

    def copy_text(self, row: RowT) -> str:
        """Return what `c` copies of a row."""
        return self.row_key(row)

    def fields(self, row: RowT) -> tuple[tuple[str, str], ...]:
        """Return what can be copied from a row: its cells, whole."""
        return cells_of(self.table, row)

    def action_describe_row(self) -> None:
        """Show the whole row under the cursor."""
        row = self.table.cursor_row
        if row is not None:
            facts = tuple(modals.fact(name, text) for name, text in self.fields(row))
            section = modals.Section(safe(self.NAME), facts)
            self.app.push_screen(modals.Describe(self.services.clock, safe(self.row_key(row)), (section,)))

    def action_raw_row(self) -> None:
        """Show the row under the cursor as this program holds it."""
        from runctl_tui.screens.raw import raw_json

        table = self.at_hand
        if table.cursor_row is not None:
            lines = safe_lines(raw_json(table.cursor_row))
            self.app.push_screen(modals.TextView(self.services.clock, safe(str(table.cursor_key)), lines))

    def action_copy_row(self) -> None:
        """Copy what the row under the cursor is known by."""
        table, row = self.at_hand, self.at_hand.cursor_row
        if row is not None:
            self.copy(self.copy_text(row) if table is self.table else str(table.cursor_key))

    def action_copy_cell(self) -> None:
        """Choose a field of the row under the cursor to copy."""
        table, row = self.at_hand, self.at_hand.cursor_row
        if row is not None:
            fields = self.fields(row) if table is self.table else cells_of(table, row)
            self.work(self.copy_one_of, fields, group="menu")

    def action_export(self) -> None:
        """Write the view as it is shown now into the folder for logs, in the format that is chosen, and say where."""
        text = self.view_as_text()
        if text is not None:
            self.work(self.export_text, *text, group="export")
        else:
            self.work(self._export_sheet, self.view_as_sheet(), group="export")

    def view_as_text(self) -> tuple[str, str] | None:
        """Return name and text of what has the keys, where that is no table."""
        return None

    def view_as_sheet(self) -> Sheet:
        """Return the table that has the keys as it is shown."""
        from runctl_tui.screens.exporting import sheet_as_shown

        return sheet_as_shown(self.MODE, self.table, self._heard, self.services.clock.now())

    async def _export_sheet(self, sheet: Sheet) -> None:
        from runctl_tui.domain.sheet import SheetFormat, written
        from runctl_tui.screens.exporting import format_items

        items = format_items(sheet.name)
        choice = await self.app.push_screen_wait(modals.Pick(self.services.clock, safe("Export as"), items))
        if choice is not None:
            await self.export_text(f"{sheet.name}.{choice}", written(sheet, SheetFormat(choice)))

    def action_clear(self) -> None:
        """Give up waiting for a plan, else clear the filter, else the marks."""
        if self.waiting_for() and not self.shared.starting:
            for group in ("change", "describe", "command"):
                self.workers.cancel_group(self, group)
            self.busy("")
        elif self.at_hand.model.filter_text:
            self.at_hand.set_filter("")
        elif self.at_hand.marks:
            self.at_hand.action_clear_marks()
        elif self._machine:
            self.narrow_to("")
        self.show_title()


def cells_of(table: ResourceTable[str, Any], row: object) -> tuple[tuple[str, str], ...]:
    """Return title and whole text of each cell that says anything in a row."""
    pairs = ((column.title or column.id, str(column.cell(row).text)) for column in table.model.columns)
    return tuple((name, text) for name, text in pairs if text)
