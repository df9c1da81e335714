"""Views of a table that have a name: filter, order and columns, saved and recalled; used by the list screens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.events import DescendantFocus

from runctl_tui import modals
from runctl_tui.domain.text import safe
from runctl_tui.screens.changing import ChangingScreen
from runctl_tui.screens.kept import SavedView, Stance, wrong_name
from runctl_tui.services.errors import ValidationError
from runctl_tui.widgets.columns import no_column
from runctl_tui.widgets.table import ResourceTable

_SAVE: Final = "+save"
_COLUMNS: Final = "+columns"
_FORGET: Final = "+forget"


class ViewingScreen(ChangingScreen):
    """Adds saved views to a screen with a table."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("V", "views", "views", show=False, id="list.views"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._at_hand: ResourceTable[str, Any] | None = None

    @property
    def table(self) -> ResourceTable[str, Any]:
        """The table whose view is saved."""
        return self.query_one("#list", ResourceTable)

    @property
    def at_hand(self) -> ResourceTable[str, Any]:
        """The table that the keys are about: the one that has the focus, else the one that had it last."""
        return self.focused if isinstance(self.focused, ResourceTable) else self._at_hand or self.table

    @on(DescendantFocus)
    def take_at_hand(self, event: DescendantFocus) -> None:
        """Remember the table that has the keys, because prompts and the command line take the focus from it."""
        if isinstance(event.widget, ResourceTable) and event.widget is not self._at_hand:
            self._at_hand = event.widget
            self.show_title()

    def show_view(self, name: str) -> None:
        """Look at the table as a saved view says."""
        view = self.shared.kept.views().get(name)
        if view is None or view.mode != self.MODE:
            return
        self.look_as(view)

    def look_as(self, view: SavedView) -> None:
        """Take up filter, order and columns."""
        self.table.set_filter(view.filter)
        known = {column.id for column in self.table.model.columns}
        if view.sort in known:
            self.table.sort_by(view.sort, view.descending)
        self.table.hide_columns(view.hidden)
        self.show_title()

    def view_now(self) -> SavedView:
        """Return how the table is looked at."""
        model = self.table.model
        hidden = tuple(sorted(model.hidden))
        order = next((str(one.title) for one in model.columns if one.id == model.sort_column), "")
        return SavedView(self.MODE, model.filter_text, model.sort_column or "", order, model.descending, hidden)

    def stance(self) -> Stance:
        """Return view and cursor."""
        return Stance(self.view_now(), self.table.cursor_key)

    def show_filter(self, text: str) -> None:
        """Show only rows that match."""
        self.table.set_filter(text)
        self.show_title()

    def save_view(self, name: str) -> None:
        """Save how the table is looked at now."""
        self.shared.kept.save_view(name, self.view_now())
        self.tell(f"view {name} is saved; :view {name} recalls it")

    def column_names(self) -> tuple[str, ...]:
        """Return the ids of the table's columns."""
        return tuple(column.id for column in self.at_hand.model.columns)

    def show_columns(self, ids: Iterable[str]) -> None:
        """Show only these columns; none at all means every one."""
        wanted = {one.casefold(): one for one in ids}
        columns = self.at_hand.model.columns
        for folded, word in wanted.items():
            if not any(folded in one.names for one in columns):
                raise ValidationError(":columns", *no_column(word, columns))
        self.at_hand.hide_columns([one.id for one in columns if wanted and not one.names & wanted.keys()])
        self.show_title()

    def action_views(self) -> None:
        """Choose a saved view, save this one, or choose columns; views are of the main table alone."""
        self.work(self._choose_view if self.at_hand is self.table else self._choose_columns, group="menu")

    async def _choose_view(self) -> None:
        views = self.shared.kept.views()
        items = [modals.PickItem(name, safe(name), safe(words(view))) for name, view in views.items()]
        items += [
            modals.PickItem(_SAVE, safe("Save this view…"), safe("filter, order and columns")),
            modals.PickItem(_COLUMNS, safe("Columns…"), safe("put columns away, or show them again")),
        ]
        items += [modals.PickItem(_FORGET, safe("Forget a view…"))] if views else []
        choice = await self.pick("Views", items)
        if choice == _SAVE:
            await self._ask_name()
        elif choice == _COLUMNS:
            await self._choose_columns()
        elif choice == _FORGET:
            name = await self.pick("Forget", [modals.PickItem(name, safe(name)) for name in views])
            if name is not None:
                self.shared.kept.save_view(name, None)
                self.tell(f"view {name} is forgotten")
        elif choice is not None:
            self.go(views[choice].mode, view=choice)

    async def _ask_name(self) -> None:
        ask = modals.Entry(self.services.clock, safe("Save this view"), safe("Its name:"), "", wrong_name)
        name = await self.app.push_screen_wait(ask)
        if name is not None:
            self.save_view(name)

    async def _choose_columns(self) -> None:
        """Turn columns on and off, one after the other, until escape."""
        table = self.at_hand
        while True:
            hidden = table.model.hidden
            items = [
                modals.PickItem(one.id, safe(f"{' ' if one.id in hidden else '✓'} {one.title or one.id}"))
                for one in table.model.columns
            ]
            choice = await self.pick("Columns", items)
            if choice is None:
                return
            table.hide_columns(hidden ^ {choice})


def words(view: SavedView) -> str:
    """Say in short what a view shows."""
    from runctl_tui.domain.safety.reasons import count  # no first frame needs it

    order = f"by {view.order} {'▼' if view.descending else '▲'}" if view.order else ""
    away = f"{count(len(view.hidden), 'column')} away" if view.hidden else ""
    where = view.where or view.mode
    return "   ".join(part for part in (where, f"/ {view.filter}" if view.filter else "", order, away) if part)
