"""A small app around one or more widgets, with the product's themes and style sheets; used by widget tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar, TypeVar

from textual.app import App, ComposeResult
from textual.message import Message
from textual.widget import Widget

from runctl_tui import theme
from runctl_tui.domain.text import safe
from runctl_tui.paths import style_sheets
from runctl_tui.widgets.columns import Cell, Column
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.text import aligned_svg

MessageT = TypeVar("MessageT", bound=Message)


class WidgetApp(App[None]):
    """Shows what `build` returns and can remember every message."""

    CSS_PATH: ClassVar[list[str | PurePath]] = style_sheets("base", "frame", "controls", "monitor", "tasks")
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, build: Callable[[], Sequence[Widget]], theme_name: str = theme.DARK) -> None:
        self._wanted_theme = theme_name
        self._build = build
        self.seen: list[Message] = []
        super().__init__()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.variable_defaults()

    def compose(self) -> ComposeResult:
        yield from self._build()

    def on_mount(self) -> None:
        for each in theme.themes():
            self.register_theme(each)
        self.theme = self._wanted_theme

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        return aligned_svg(super().export_screenshot(title=title, simplify=simplify))

    def screen_text(self) -> list[str]:
        """Return what the person sees, line by line."""
        return ["".join(segment.text for segment in strip) for strip in self.screen._compositor.render_strips()]

    def kinds(self, kind: type[MessageT]) -> list[MessageT]:
        """Return the messages of one type seen so far; start the test with `message_hook=app.seen.append`."""
        once = {id(message): message for message in self.seen}
        return [message for message in once.values() if isinstance(message, kind)]


@dataclass(frozen=True, slots=True)
class Box:
    """An instance as the tests need it."""

    key: str
    name: str
    state: str = "running"
    price: float | None = 1.0
    note: str = ""


STATES = {"running": ("●", "$state-running"), "starting": ("◐", "$state-starting"), "stopped": ("○", "$state-stopped")}


def box_columns() -> list[Column[Box]]:
    """Return columns with every trait: flexible, right-aligned, dropped early, with an unknown value."""

    def state(box: Box) -> Cell:
        symbol, style = STATES[box.state]
        return Cell(safe(f"{symbol} {box.state}"), style)

    def price(box: Box) -> Cell:
        return Cell(safe("?" if box.price is None else f"{box.price:.2f}"), "$cost")

    return [
        Column(
            "name", "NAME", lambda box: Cell(safe(box.name)), 12, priority=9, wide=20, sort_key=lambda box: box.name
        ),
        Column("state", "STATE", state, 10, priority=8, sort_key=lambda box: box.state),
        Column("id", "ID", lambda box: Cell(safe(box.key), "$muted"), 10, priority=1),
        Column("price", "$/h", price, 7, "right", 7, sort_key=lambda box: box.price, descending=True),
        Column("note", "NOTE", lambda box: Cell(safe(box.note)), 8, priority=2, flexible=True),
    ]


def box_table(boxes: Sequence[Box] = ()) -> ResourceTable[str, Box]:
    """Return a table of boxes."""
    table = ResourceTable(box_columns(), lambda box: box.key, id="table")
    if boxes:
        table.set_rows(boxes)
    return table


def boxes(count: int) -> list[Box]:
    """Return `count` different boxes."""
    states = list(STATES)
    return [Box(f"i-{n:05}", f"box-{n}", states[n % 3], n / 4, "note" if n % 5 else "") for n in range(count)]
