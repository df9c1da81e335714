"""The Settings screen: every configuration key with its effective value and where that comes from; enter changes it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from runctl_tui import modals
from runctl_tui.domain.setting_spec import Kind
from runctl_tui.domain.settings import AT_ONCE, SPECS
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.messages import SettingWritten
from runctl_tui.paths import style_sheets
from runctl_tui.screens.columns.settings import is_default, origin_word, setting_columns
from runctl_tui.screens.listing import ListScreen
from runctl_tui.services.ports import Setting
from runctl_tui.widgets.columns import Column
from runctl_tui.widgets.facts import Fact, FactList
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.table import ResourceTable


class SettingsScreen(ListScreen[Setting]):
    """All keys in the order of the schema."""

    CSS_PATH: ClassVar = style_sheets("settings")
    MODE = "settings"
    NAME = "Settings"
    HELP = (
        "Every key of the configuration. FROM says which source decides: flag, environment, project, user, default. "
        "Enter changes a key in the file that is in force; comments in it stay. Secrets are never shown."
    )
    HINTS: ClassVar[tuple[str, ...]] = (
        "table.open",
        "screen.actions",
        "settings.only_set",
        "settings.describe",
        "table.filter",
        "screen.command",
        "screen.help",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "describe", "describe", id="settings.describe"),
        Binding("o", "only_set", "only what is set", id="settings.only_set"),
        Binding("c", "copy_value", "copy value", show=False, id="settings.copy"),
    ]

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._only_set = False
        self._chosen: Setting | None = None

    def columns(self) -> Sequence[Column[Setting]]:
        """Return the columns of the keys."""
        return setting_columns()

    def row_key(self, row: Setting) -> str:
        """Return the key."""
        return row.key

    def compose_body(self) -> ComposeResult:
        """Put what the key means under the table."""
        yield from super().compose_body()
        yield FactList(id="setting-help")

    def on_screen_resume(self) -> None:
        """Read the files again: somebody may have edited them."""
        super().on_screen_resume()
        self._load()

    def show_reference(self, reference: str) -> None:
        """Put the cursor on a key."""
        self._touched = True
        if not self.point_at(lambda row: row.key == reference) and self._only_set:
            self.action_only_set()
            self.point_at(lambda row: row.key == reference)

    def chosen_rows(self, rows: tuple[Setting, ...]) -> tuple[Setting, ...]:
        """Return all keys, or those that somebody has set."""
        return tuple(row for row in rows if not is_default(row)) if self._only_set else rows

    def note(self) -> str:
        """Say when only what is set is shown."""
        return "only what is set" if self._only_set else ""

    def menu(self) -> Sequence[modals.PickItem]:
        """Offer what the key at hand allows."""
        self._chosen = row = self.table.cursor_row
        none = EMPTY if row else safe("no key here")
        key = safe(row.key if row else "")
        default = row is not None and is_default(row)
        elsewhere = row is not None and origin_word(row.origin) in ("flag", "environment")
        unset = safe("it is the default already") if default else safe("no file sets it") if elsewhere else none
        secret = safe("it is secret") if row and SPECS[row.key].kind is Kind.SECRET else none
        return (
            modals.PickItem("edit", safe("Change…"), key, none),
            modals.PickItem("unset", safe("Remove it from the file…"), key, unset),
            modals.PickItem("copy", safe("Copy its value"), key, secret),
        )

    def obey_menu(self, choice: str) -> None:
        """Begin what was chosen, about the key at hand when the menu opened."""
        row = self._chosen
        if row is None:
            return
        if choice == "edit":
            self.work(self._edit, row, group="edit")
        elif choice == "unset":
            self.work(self._unset, row, group="edit")
        elif choice == "copy":
            self.copy(row.value)

    @on(ResourceTable.Chosen, "#list")
    def change_key(self) -> None:
        """Change the key under the cursor."""
        if self.table.cursor_row is not None:
            self.work(self._edit, self.table.cursor_row, group="edit")

    @on(ResourceTable.Highlighted, "#list")
    def explain(self) -> None:
        """Say what the key under the cursor means."""
        row = self.table.cursor_row
        self.query_one(FactList).facts = (Fact(EMPTY, safe(row.help), "$muted"),) if row else ()

    def action_only_set(self) -> None:
        """Show only what somebody has set, or everything again."""
        self._only_set = not self._only_set
        self._load()

    def action_copy_value(self) -> None:
        """Copy the value, unless it is secret."""
        row = self.table.cursor_row
        if row is not None and SPECS[row.key].kind is not Kind.SECRET:
            self.copy(row.value)

    def action_describe(self) -> None:
        """Show all about the key."""
        row = self.table.cursor_row
        if row is None:
            return
        spec, fact = SPECS[row.key], modals.fact
        limits = ", ".join(spec.limits.choices) or spec.kind.value
        counts = "at once" if row.key in AT_ONCE else "from the next start on"
        facts = (
            fact("what", row.help),
            fact("value", row.value or "unset"),
            fact("from", row.origin),
            fact("may be", limits),
            fact("variable", f"RUNCTL_TUI_{row.key.replace('.', '_').upper()}"),
            fact("counts", counts),
        )
        sections = (modals.Section(safe(spec.section or "general"), facts),)
        self.app.push_screen(modals.Describe(self.services.clock, safe(row.key), sections))

    def action_refresh_now(self) -> None:
        """Read the files again."""
        super().action_refresh_now()
        self._load()

    def _load(self) -> None:
        problems = self.services.settings.validate()
        snapshot = Snapshot(self.services.settings.all(), self.services.clock.now())
        self._taken_at = lambda: snapshot
        self._touched = True
        self.show_rows(snapshot)
        notices = [Notice.error(safe(f"{each.what}{f': {each.why}' if each.why else ''}")) for each in problems]
        self.table.set_notices(notices)

    async def _edit(self, row: Setting) -> None:
        attempt = partial(self.services.settings.draft, row.key)
        spec = SPECS[row.key]
        dialog = modals.EditSetting(self.services.clock, spec, row.value, row.origin, attempt)
        text = await self.app.push_screen_wait(dialog)
        if text is not None:
            self._write(row.key, text)

    async def _unset(self, row: Setting) -> None:
        draft = self.services.settings.draft(row.key, None)
        then = "what a weaker source says, or the default, counts then"
        words = safe(f"{row.key} = {draft.old} leaves {draft.file}; {then}.", 1000)
        if await self.app.push_screen_wait(
            modals.Ask(self.services.clock, safe("REMOVE"), words, safe("Remove it from the file"))
        ):
            self._write(row.key, None)

    def _write(self, key: str, text: str | None) -> None:
        file = self.services.settings.set(key, text)
        self._load()
        counts = "" if key in AT_ONCE else "; it counts from the next start on"
        self.tell(f"{key} {'removed from' if text is None else 'written to'} {file}{counts}")
        self.post_message(SettingWritten(key))
