"""The page of one machine: what it is, what it costs, what it has been through, what belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from runctl_tui import modals
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.states import Capability
from runctl_tui.domain.text import safe
from runctl_tui.paths import style_sheets
from runctl_tui.screens import instance_past as past
from runctl_tui.screens.columns.words import state_cell
from runctl_tui.screens.frame import missing_notices
from runctl_tui.screens.instance_facts import disk_fact, machine_facts, price_facts, protection_fact
from runctl_tui.screens.machine_keys import MachineKeys
from runctl_tui.screens.run_facts import usage_facts
from runctl_tui.widgets.facts import Fact, FactList
from runctl_tui.widgets.text import content
from runctl_tui.widgets.title_line import TitleFacts

if TYPE_CHECKING:
    from runctl_tui.domain.checkpoint import Checkpoint
    from runctl_tui.domain.history import History
    from runctl_tui.domain.instance import ApiProtection
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.ports import Feed

LOOK_EVERY: Final = 5
"""Seconds between two looks into ledger and journal, and at the ages."""
ASK_EVERY: Final = 60
"""Seconds between two questions to the provider about its locks."""
_NOT_ASKED: Final = Unknown("asking…")
_LEFT: Final = (("machine", "Machine"), ("money", "Costs"), ("disks", "Volumes and disks"), ("host", "Host"))
_RIGHT: Final = (
    ("timeline", "States and prices, UTC"),
    ("runs", "Runs"),
    ("checkpoints", "Checkpoints"),
    ("deeds", "What was done to it, UTC"),
    ("tags", "Tags"),
)


class Page(VerticalScroll):
    """Scrolls the sections by the keys that tables move by."""

    BINDING_GROUP_TITLE = "this page"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "down", show=False, id="page.down"),
        Binding("k,up", "scroll_up", "up", show=False, id="page.up"),
        Binding("g,home", "scroll_home", "top", show=False, id="page.top"),
        Binding("G,end", "scroll_end", "bottom", show=False, id="page.bottom"),
        Binding("ctrl+f,pagedown", "page_down", "page down", show=False, id="page.page_down"),
        Binding("ctrl+b,pageup", "page_up", "page up", show=False, id="page.page_up"),
    ]


class InstanceScreen(MachineKeys):
    """Everything about one machine, live; what belongs to it is one key away."""

    CSS_PATH: ClassVar = style_sheets("controls", "instance")
    MODE = "instance"
    TAB = "instances"
    NAME = "Instance"
    ABOUT_REFERENCE = True
    HELP = (
        "One machine: facts, costs and disks, then what the ledger saw of it, its runs and checkpoints, and what this "
        "program did to it. v, m, p and $ open its volumes, runs, checkpoints and costs; q comes back here."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "screen.actions",
        "instance.next",
        "instance.back",
        "instances.volumes",
        "instances.monitor",
        "instances.checkpoints",
        "instances.costs",
        "instances.logs",
        "instances.shell",
        "instances.terminate",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.back", "back", id="instance.back"),
        Binding("tab", "next_section", "section", id="instance.next"),
        Binding("ctrl+s", "export", "export", show=False, id="screen.export"),
    ]
    AUTO_FOCUS = "#page"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._key = ""
        self._row: FleetRow | None = None
        self._listed = True
        self._history: History | None = None
        self._protection: Known[ApiProtection] | Unknown = _NOT_ASKED
        self._ticks = 0

    @property
    def machine(self) -> FleetRow | None:
        """The machine that the page is about."""
        return self._row

    def compose_body(self) -> ComposeResult:
        """Lay out two columns of sections, which stand under each other when narrow."""
        with Page(id="page"):
            for column, names in (("page-left", _LEFT), ("page-right", _RIGHT)):
                with Vertical(id=column):
                    for name, heading in names:
                        yield Static(content(safe(heading), "$heading bold"), classes="page-heading")
                        yield FactList(id=f"page-{name}")

    def feeds(self) -> Iterable[tuple[Feed[Any], Callable[[Snapshot[Any]], None]]]:
        """Watch the fleet for the machine, and the checkpoints of its runs."""
        return (
            (self.services.fleet.feed, self.show_fleet),
            (self.services.checkpoints.feed(), self.show_checkpoints),
        )

    def show_reference(self, reference: str) -> None:
        """Show the machine with this key, id or name."""
        if self._row is None or reference not in (self._key, self._row.instance.id, self._row.instance.name):
            self._key, self._row, self._history, self._protection = reference, None, None, _NOT_ASKED
            self.query_one(Page).scroll_home(animate=False)
        self._find()

    def show_fleet(self, snapshot: Snapshot[tuple[FleetRow, ...]]) -> None:
        """Show the machine as it is now; one that is no longer listed stays as it was seen last."""
        self._find()

    def show_checkpoints(self, snapshot: Snapshot[tuple[Checkpoint, ...]]) -> None:
        """Show the checkpoints of its runs."""
        self._show()

    def title_facts(self) -> TitleFacts:
        """Say which machine this is and how it stands."""
        if self._row is None:
            words = f"there is no machine {self._key}" if self.services.fleet.feed.latest else "asking…"
            return TitleFacts(safe(self.NAME), note=safe(self.waiting_for() or words))
        machine = self._row.instance
        words = f"{state_cell(machine.state).text}   {machine.type}   {machine.zone or machine.region}"
        if not self._listed:
            words = f"▲ no longer listed, shown as last seen   {words}"
        return TitleFacts(safe(machine.name or machine.id), note=safe(self.waiting_for() or words))

    def action_next_section(self) -> None:
        """Bring the next heading that is not in view whole to the top, or begin again."""
        page = self.query_one(Page)
        places = sorted(heading.virtual_region.y + column.virtual_region.y for column in page.children
                        for heading in column.query_children(Static))  # fmt: skip
        below = [place for place in places if place > page.scroll_offset.y + 1]
        at_end = page.scroll_offset.y >= page.max_scroll_y
        page.scroll_to(y=0 if at_end or not below else below[0], animate=False)

    def action_export(self) -> None:
        """Write the page as it is shown now into the folder for logs."""
        if self._row is not None:
            name = self._row.instance.name or self._row.instance.id
            self.work(self.export_text, f"{name}.txt", page_text(self.title_facts(), self._sections()), group="export")

    def tick(self) -> None:
        """Look again now and then, and let the ages grow."""
        super().tick()
        self._ticks += 1
        if self._ticks % LOOK_EVERY == 0 and self._row is not None:
            self._look()
        if self._ticks % ASK_EVERY == 0 and self._row is not None:
            self._ask_about_locks(self._row)

    def _find(self) -> None:
        latest = self.services.fleet.feed.latest
        if latest is None or not self._key:
            return
        rows = [row for row in latest.value if self._key in (row.key, row.instance.id, row.instance.name)]
        self._listed = bool(rows)
        if rows:
            self._row, self._key = rows[0], rows[0].key
        if self._row is not None:
            self._look()
            if self._protection is _NOT_ASKED:
                self._ask_about_locks(self._row)
        self._show()

    def _ask_about_locks(self, row: FleetRow) -> None:
        self.work(self._hear_locks, row, group="locks")

    async def _hear_locks(self, row: FleetRow) -> None:
        await self.shared.ready.wait()
        told = await self.services.fleet.protections(row.key)
        if row.key == self._key:
            self._protection = told
            self._show()

    def _look(self) -> None:
        self.work(self._hear_history, self._row, group="history")

    async def _hear_history(self, row: FleetRow) -> None:
        await self.shared.ready.wait()
        history = await self.services.histories.of(row)
        if history.key == self._key:
            self._history = history
            self._show()

    def _show(self) -> None:
        self.show_title()
        for name, facts in self._sections().items() if self._row is not None else ():
            self.query_one(f"#page-{name}", FactList).facts = facts

    def _sections(self) -> dict[str, tuple[Fact, ...]]:
        row, now = self._row, self.services.clock.now()
        if row is None:
            return {}
        history, account = self._history, self._history.account if self._history else None
        costs = dict(account.value.by_run) if isinstance(account, Known) else {}
        none = (modals.fact("", "none", "$muted"),)
        fleet, heard = self.services.fleet.feed.latest, self.services.checkpoints.feed().latest
        late = missing_notices(fleet, now) if fleet else ()
        warnings = tuple(modals.fact("▲", notice.text, "$warn") for notice in late if not self._listed)
        return {
            "machine": (*warnings, *machine_facts(row, now), protection_fact(row.instance, self._protection, now)),
            "money": (*price_facts(row, now), *past.money_facts(account, {run.id: run.name for run in row.runs})),
            "disks": tuple(disk_fact(disk, now) for disk in row.instance.disks) or (self._no_disks(row),),
            "host": (*usage_facts(row.usage), *past.usage_facts(history)),
            "timeline": past.timeline_facts(account),
            "runs": past.run_facts(row.runs, costs, now),
            "checkpoints": past.checkpoint_facts(heard, row.runs, now),
            "deeds": past.deed_facts(history, now),
            "tags": tuple(modals.fact(key, value) for key, value in row.instance.tags) or none,
        }

    def _no_disks(self, row: FleetRow) -> Fact:
        return modals.fact("", self._why_not(row.instance.provider, Capability.VOLUMES) or "none known", "$muted")


def page_text(title: TitleFacts, sections: Mapping[str, tuple[Fact, ...]]) -> str:
    """Return the whole page as lines of text."""
    lines = [f"{title.title}   {title.note}"]
    for name, heading in (*_LEFT, *_RIGHT):
        lines += ["", heading, *(f"  {one.label:16}  {one.value}  {one.seen}".rstrip() for one in sections[name])]
    return "\n".join(lines) + "\n"
