"""A dialog that picks one of many by typing a few of its letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from runctl_tui.domain.text import EMPTY, SafeText, safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.table_filter import fuzzy_score
from runctl_tui.widgets.text import Piece, clip, content, lines, row_of, width_of

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock

FRAME: Final = 4
"""Cells of a line that neither label nor detail have."""
LEAST: Final = 8
"""Cells below which a shortened detail says nothing."""


@dataclass(frozen=True, slots=True)
class PickItem:
    """One thing to pick."""

    id: str
    label: SafeText
    detail: SafeText = EMPTY
    disabled_because: SafeText = EMPTY
    """Why it cannot be picked; it is then shown grey with the reason."""


class PickList(Widget):
    """The items that match, best first, the current one marked."""

    ALLOW_SELECT = False

    items: reactive[tuple[PickItem, ...]] = reactive(())
    current: reactive[int] = reactive(0)

    def render(self) -> Content:
        """Draw the items around the current one."""
        width, height = self.size
        if not self.items:
            return content(safe("  ○ nothing matches"), "$muted")
        top = max(0, min(self.current - height // 2, len(self.items) - height))
        shown = self.items[top : top + height]
        return lines([self._drawn(item, top + number == self.current, width) for number, item in enumerate(shown)])

    def _drawn(self, item: PickItem, here: bool, width: int) -> Content:
        grey = bool(item.disabled_because)
        plain = "$cursor-row-text" if here else "$muted"
        style = plain if grey else "$strong bold" if here else "$foreground"
        detail, room = item.disabled_because or item.detail, width - width_of(item.label) - FRAME
        pieces = [
            Piece(safe("▌" if here else " "), "$focus", 100),
            Piece(item.label, style, 90),
            Piece(clip(detail, room) if room >= LEAST else detail, plain, 50, right=True),
        ]
        line = row_of(pieces, max(1, width - 1), 1)
        return line.stylize_before("on $cursor-row") if here else line


class Pick(Dialog[str]):
    """Answers with the id of the item picked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "step(1)", "next", show=False, id="pick.next"),
        Binding("up,ctrl+p", "step(-1)", "previous", show=False, id="pick.previous"),
        Binding("pagedown", "step(10)", "page down", show=False, id="pick.page_down"),
        Binding("pageup", "step(-10)", "page up", show=False, id="pick.page_up"),
    ]
    KEYS = "↑ ↓ choose  enter takes it  esc close"
    AUTO_FOCUS = "FormInput"
    BURST_SECONDS = 0

    def __init__(self, clock: Clock, title: SafeText, items: Sequence[PickItem], placeholder: SafeText = EMPTY) -> None:
        super().__init__(clock, title)
        self._items = tuple(items)
        self._placeholder = placeholder or safe("type to narrow the list")

    def compose_body(self) -> ComposeResult:
        """Lay out field and list."""
        yield FormInput(placeholder=self._placeholder)
        yield PickList()

    def compose_buttons(self) -> Iterable[DialogButton]:
        """The list needs no buttons; escape closes."""
        return ()

    def on_mount(self) -> None:
        """Show everything, or what matches where somebody was quicker."""
        self.query_one(PickList).styles.height = max(1, min(len(self._items), 14))
        self._narrow(self.query_one(Input).value)

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        """Show what matches, the closest first."""
        event.stop()
        self._narrow(event.value)

    def _narrow(self, typed: str) -> None:
        needle = typed.strip().casefold()
        scored = [
            (score, number, item)
            for number, item in enumerate(self._items)
            if (score := fuzzy_score(needle, f"{item.label} {item.detail}".casefold())) is not None
        ]
        found = self.query_one(PickList)
        found.items = tuple(item for _, _, item in sorted(scored, key=lambda one: one[:2]))
        found.current = 0 if needle else self._first()

    @on(Input.Submitted)
    def pick(self, event: Input.Submitted) -> None:
        """Answer with the current item, if it can be picked."""
        event.stop()
        found = self.query_one(PickList)
        if found.items and not found.items[found.current].disabled_because:
            self.dismiss(found.items[found.current].id)

    def _first(self) -> int:
        """Return the first item that can be picked; one that was typed for is never stepped over."""
        return next((number for number, item in enumerate(self._items) if not item.disabled_because), 0)

    def action_step(self, step: int) -> None:
        """Move through the list."""
        found = self.query_one(PickList)
        found.current = max(0, min(len(found.items) - 1, found.current + step))
