"""The Costs screen: what is spent, on what, on which day, and what could be saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from runctl_tui import modals
from runctl_tui.domain.cost import DIMENSIONS, MACHINE, RUN, TAG, CostReport, CostSummary
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.insights import Insight, InsightKind, insights
from runctl_tui.domain.ledger import month_of
from runctl_tui.domain.resource import OUR_TAGS
from runctl_tui.domain.sheet import Sheet
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.text import safe
from runctl_tui.domain.volume import Storage
from runctl_tui.paths import style_sheets
from runctl_tui.screens import cost_verbs, cost_words
from runctl_tui.screens.columns.costs import ShareRow, insight_columns, no_budgets, share_columns, share_rows
from runctl_tui.screens.cost_verbs import BY_PROJECT, MONTHLY
from runctl_tui.screens.listing import ListScreen
from runctl_tui.services.ports import Feed
from runctl_tui.widgets.columns import Column
from runctl_tui.widgets.day_bars import DayBars
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.piece_line import PieceLine
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.title_line import TitleFacts

REPORT_EVERY: Final = 5.0
"""Seconds between two looks through the ledger while money runs."""


class CostsScreen(ListScreen[Insight]):
    """Figures, days and shares over what is worth a look."""

    CSS_PATH: ClassVar = style_sheets("controls", "costs")
    MODE = "costs"
    NAME = "Costs"
    EMPTY = "nothing is idle, forgotten or kept for nothing"
    ROWS = "findings"
    HELP = (
        "Above: what was spent by day and by project, run, type and so on; b and B change that, < and > the month. "
        "Below: what is worth a look; enter opens the plan that ends it, which asks before anything happens. "
        "A ? is an unknown price and in no sum; d says where each figure comes from and how old it is."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "table.open",
        "cost.by",
        "cost.divide",
        "cost.earlier",
        "cost.describe",
        "screen.actions",
        "cost.next_pane",
        "table.filter",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "next_dimension", "by next", id="cost.by"),
        Binding("B", "divide", "by…", id="cost.divide"),
        Binding("less_than_sign", "month(-1)", "earlier", key_display="<", id="cost.earlier"),
        Binding("greater_than_sign", "month(1)", "later", show=False, key_display=">", id="cost.later"),
        Binding("d", "describe", "sources", id="cost.describe"),
        Binding("tab", "app.focus_next", "other table", id="cost.next_pane"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._by = DIMENSIONS[0]
        self._months_back = 0
        self._report: CostReport | None = None
        self._summary: CostSummary | None = None
        self._fleet: Snapshot[tuple[FleetRow, ...]] | None = None
        self._storage: Snapshot[Storage] | None = None
        self._asked_at = float("-inf")
        self._ours: dict[str, Decimal] = {}
        """Dollars of this month by provider, to be seen beside the providers' own bills."""
        self._chosen: Insight | None = None
        self._share: ShareRow | None = None
        self._empty_columns: frozenset[str] = frozenset()

    def columns(self) -> Sequence[Column[Insight]]:
        """Return the columns of what is worth a look."""
        return insight_columns()

    def row_key(self, row: Insight) -> str:
        """Return kind and machine."""
        return row.id

    @property
    def shares(self) -> ResourceTable[str, ShareRow]:
        """The table of what money was spent on."""
        return self.query_one("#shares", ResourceTable)

    def compose_body(self) -> ComposeResult:
        """Lay out figures, bars beside shares, and what is worth a look under them."""
        yield PieceLine(id="cost-figures")
        yield PieceLine(id="cost-sources")
        yield PieceLine(id="cost-left-out")
        with Horizontal(id="cost-top"):
            yield DayBars(id="cost-days")
            yield ResourceTable(share_columns(), lambda row: row.share.name, id="shares")
        yield from super().compose_body()

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch the money and, for what is kept for nothing, machines and volumes."""
        services = self.services
        return (
            (services.costs.feed, self.show_summary),
            (services.fleet.feed, self.show_fleet),
            (services.volumes.feed, self.show_storage),
        )

    def show_summary(self, snapshot: Snapshot[CostSummary]) -> None:
        """Show the figures, and look through the ledger again now and then."""
        self._summary = snapshot.value
        self._show()
        if self.services.clock.monotonic() - self._asked_at >= REPORT_EVERY:
            self._ask()

    def show_fleet(self, snapshot: Snapshot[tuple[FleetRow, ...]]) -> None:
        """Judge the machines."""
        self._fleet = snapshot
        self._show()

    def show_storage(self, snapshot: Snapshot[Storage]) -> None:
        """Judge the volumes."""
        self._storage = snapshot
        self._show()

    def copy_text(self, row: Insight) -> str:
        """Return the id of what a remark is about; its words where it is about everything."""
        return row.reference.partition("/")[2] or row.text

    def belongs(self, row: Insight, machine: str) -> bool:
        """Tell whether a remark is about a machine."""
        return row.reference == machine

    def narrow_to(self, machine: str) -> None:
        """Show one machine's remarks, and its line among the machines."""
        super().narrow_to(machine)
        if machine:
            self._divide(MACHINE)
            self.show_title()

    def show_reference(self, reference: str) -> None:
        """Divide by what somebody wants to see."""
        self._divide(reference)

    def title_facts(self) -> TitleFacts:
        """Say month, division, sum and filter."""
        words = f"{self._narrowed()}   " if self._narrowed() else ""
        words += f"{self._since():%B %Y}   by {self._by}"
        if self._report is not None:
            words += f"   {cost_words.total(self._report, self._summary)}"
        waiting = self.waiting_for()
        return TitleFacts(
            safe(self.NAME),
            marked=len(self.at_hand.model.marks),
            hidden_marks=self.at_hand.model.hidden_marks,
            filter=cost_words.filters(self.shares.model.filter_text, self.table.model.filter_text),
            note=safe(f"{words}   {waiting}" if waiting else words),
        )

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what fits the remark at hand, or the share where that table has the keys."""
        if self.at_hand is self.shares:
            self._share = row = self.shares.cursor_row
            return cost_verbs.about_share(row, self._place_of(row))
        self._chosen = self.table.cursor_row
        return cost_verbs.about_finding(self._chosen)

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the row at hand when the menu opened."""
        if choice == "divide":
            self.action_divide()
        elif choice in (MONTHLY, BY_PROJECT):
            self.go("settings", choice)
        elif choice == "share":
            self._follow(self._share)
        elif self._chosen is not None and choice == "machine":
            self._go_to(self._chosen)
        elif self._chosen is not None:
            self._act_on(self._chosen)

    @on(ResourceTable.Chosen, "#list")
    def act(self) -> None:
        """Open the plan that fits the remark under the cursor, or go to what it is about."""
        if self.table.cursor_row is not None:
            self._act_on(self.table.cursor_row)

    @on(ResourceTable.Chosen, "#shares")
    def follow_share(self) -> None:
        """Go to the run, else to the machines."""
        self._follow(self.shares.cursor_row)

    def action_next_dimension(self) -> None:
        """Divide by the next of the usual dimensions."""
        place = DIMENSIONS.index(self._by) if self._by in DIMENSIONS else -1
        self._divide(DIMENSIONS[(place + 1) % len(DIMENSIONS)])

    def action_divide(self) -> None:
        """Choose what to divide by, people's own tags too; ours are dimensions already, or say nothing of money."""
        known = self._report.tags if self._report else ()
        tags = [f"{TAG}{key}" for key in known if not key.startswith(OUR_TAGS)]
        items = [modals.PickItem(word, safe(word)) for word in (*DIMENSIONS, *tags)]
        self.app.push_screen(modals.Pick(self.services.clock, safe("Divide by"), items), self._take_division)

    def action_month(self, step: int) -> None:
        """Look at the month before or after."""
        wanted = max(0, self._months_back - step)
        if wanted != self._months_back:
            self._months_back = wanted
            self._ask()

    def action_describe(self) -> None:
        """Say where each figure comes from, how old it is, what is left out, and the finding at hand in full."""
        if self._summary is not None and self._report is not None:
            rows = self._fleet.value if self._fleet else ()
            sections = cost_words.in_full(self._summary, self._report, rows, self.services.clock.now())
            sections = (*sections, *cost_words.bills(self._summary, self._ours, self.services.clock.now()))
            if self.at_hand is self.table and self.table.cursor_row is not None:
                sections = (cost_words.finding(self.table.cursor_row), *sections)
            self.app.push_screen(modals.Describe(self.services.clock, safe("Costs"), sections))

    def view_as_sheet(self) -> Sheet:
        """Return the table that has the keys; what money was spent on with the days that it is about."""
        if self.at_hand is not self.shares or self._report is None:
            return super().view_as_sheet()
        from runctl_tui.screens.exporting import sheet_as_shown

        report, name = self._report, f"costs-by-{self._by.replace(':', '-')}"
        sheet = sheet_as_shown(name, self.shares, None, self.services.clock.now())
        days = f"{report.since:%Y-%m-%d} to {report.until - timedelta(microseconds=1):%Y-%m-%d} (UTC)"
        return replace(sheet, scope=(days,), missing=self._summary.excluded if self._summary else ())

    def tick(self) -> None:
        """Let the ages of the sources grow."""
        super().tick()
        self._show_sources()

    def _follow(self, row: ShareRow | None) -> None:
        if row is not None:
            self.go(self._place_of(row), row.share.name)

    def _place_of(self, row: ShareRow | None) -> str:
        return "monitor" if self._by == RUN and row is not None and row.share.name else "instances"

    def _act_on(self, one: Insight) -> None:
        if one.operation is not None:
            self.change(one.operation, [one.reference])
        elif one.kind is InsightKind.BUDGET:
            self.go("settings", MONTHLY)
        elif one.kind is InsightKind.PROJECT_BUDGET:
            self.go("settings", BY_PROJECT)
        else:
            self._go_to(one)

    def _go_to(self, one: Insight) -> None:
        self.go("volumes" if one.about_volume else "instances", one.reference)

    def _take_division(self, choice: str | None) -> None:
        if choice is not None:
            self._divide(choice)

    def _divide(self, dimension: str) -> None:
        if dimension in DIMENSIONS or dimension.startswith(TAG):
            self._by = dimension
            self._ask()

    def _since(self) -> datetime:
        since = month_of(self.services.clock.now())[0]
        for _ in range(self._months_back):
            since = month_of(since - timedelta(days=1))[0]
        return since

    def _ask(self) -> None:
        self._asked_at = self.services.clock.monotonic()
        since = self._since()
        self.work(self._look, self._by, since, month_of(since)[1], group="report")

    async def _look(self, dimension: str, since: datetime, until: datetime) -> None:
        await self.shared.ready.wait()
        costs = self.services.costs
        self._report = await costs.report(dimension, since, until)
        if self._summary is not None and self._summary.billed:
            self._ours = {share.name: share.usd for share in (await costs.report("provider")).shares}
        self._show_report(self._report)

    def _show_report(self, report: CostReport) -> None:
        days = self.query_one(DayBars)
        days.bars, days.heading = cost_words.day_bars(report), safe(f"$ PER DAY, {report.since:%B}".upper())
        days.empty = nothing = safe(cost_words.nothing(report, self._summary))
        self.shares.set_placeholder(Notice.empty(nothing))
        empty, away = frozenset(no_budgets(report)), self.shares.model.hidden - self._empty_columns
        self.shares.hide_columns(away | empty)
        self._empty_columns = empty
        self.shares.set_class(not empty, "-budgets")
        self.shares.set_rows(share_rows(report, self.run_names()))
        if self._machine and report.by == MACHINE:
            self.shares.move_to(self._machine_name())
        self._show_sources()
        self.show_title()

    def _show_sources(self) -> None:
        if self._report is None or self._summary is None:
            return
        rows = self._fleet.value if self._fleet else ()
        now = self.services.clock.now()
        self.query_one("#cost-sources", PieceLine).line = (
            *cost_words.sources(self._report, rows, self._summary, now),
            *cost_words.billed(self._summary, self._ours, now),
        )
        self.query_one("#cost-left-out", PieceLine).line = cost_words.left_out(self._report, self._summary)

    def _show(self) -> None:
        if self._summary is not None:
            self.query_one("#cost-figures", PieceLine).line = cost_words.figures(self._summary)
        if self._fleet is not None:
            fleet, storage = self._fleet, self._storage
            volumes = storage.value.volumes if storage else ()
            found = insights(fleet.value, self._summary, self.services.clock.now(), volumes)
            missing = tuple(dict.fromkeys((*fleet.missing, *(storage.missing if storage else ()))))
            self.show_rows(Snapshot(found, fleet.taken_at, fleet.scope, missing))
        self._show_sources()
