"""Every kind of widget filled with text that wants to harm: the program that the pseudo-terminal test drives.

`python -m tests.ui.widgets.hostile` starts it; any key shows the next frame, whose number is in the first line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from runctl_tui.domain.log_colours import coloured_line
from runctl_tui.domain.text import SafeText, safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.modals.pick import Pick, PickItem
from runctl_tui.modals.text_view import TextView
from runctl_tui.widgets.chart import LineChart
from runctl_tui.widgets.columns import Cell, Column
from runctl_tui.widgets.command_line import CommandLine
from runctl_tui.widgets.cost_bar import CostBar, CostFacts
from runctl_tui.widgets.day_bars import DayBars
from runctl_tui.widgets.facts import Fact, FactList
from runctl_tui.widgets.filter_line import FilterLine
from runctl_tui.widgets.form import CheckLine, Choice, Form, FormField, RadioLine
from runctl_tui.widgets.header import HeaderBar, HeaderFacts
from runctl_tui.widgets.key_hints import KeyHints
from runctl_tui.widgets.log_view import LogView
from runctl_tui.widgets.meters import Meter, Meters
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.piece_line import PieceLine
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.screen_tabs import ScreenTab, ScreenTabs
from runctl_tui.widgets.series import Series
from runctl_tui.widgets.status_line import StatusLine, StatusNote
from runctl_tui.widgets.steps import Step, StepList
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.text import Piece
from runctl_tui.widgets.title_line import TitleFacts, TitleLine
from tests.ui.widgets.harness import WidgetApp
from tests.ui.widgets.showcase import FixedClock

PAYLOADS: Final = (
    "plain",
    "[@click=app.boom]click[/]",
    "[/]",
    "[bold red]x[/bold][/",
    "\\[/]\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;owned\x07",
    "\x1b]8;;http://evil\x1b\\x\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[H",
    "\x1b[6n",
    "\x1b[?1049l",
    "\x1b[5mblink",
    "\x1bP$qm\x1b\\",
    "\x1bc",
    "\x9b2J\x9d0;x\x9c\x85",
    "\u202etxt.exe\u2066\u200f",
    "z\u200bw\u200d\ufeff\u2060\u00ad",
    "n\nl\r\u2028p\u2029\x0b\x0c",
    "z" + "\u0301" * 40,
    "\x00\x07\x08\x7f\ud800\ue000",
)
"""What names, tags, keys and log lines may hold; the first is harmless and gives the measure."""
KINDS: Final = {
    "base": [
        "cell",
        "head",
        "note",
        "tabs",
        "facts",
        "seen",
        "steps",
        "label",
        "option",
        "check",
        "input",
        "status",
        "title",
        "cost",
        "log",
    ],
    "lines": ["curve", "axis", "empty", "days", "meter", "piece", "keys", "hint", "typed"],
    "dialog": ["dtitle", "dbody", "dbutton"],
    "pick": ["ptitle", "pitem"],
    "text": ["ttitle", "tline"],
}
"""The places of each frame, by the word with which their text begins."""
FRAMES: Final = tuple((kind, payload) for payload in PAYLOADS for kind in KINDS)


class BaseFrame(Screen[None]):
    """The widgets that stand on screens."""

    def __init__(self, payload: str) -> None:
        super().__init__()
        self._payload = payload

    def compose(self) -> ComposeResult:
        """Fill every widget with the payload."""
        said = {kind: safe(kind + self._payload) for kind in KINDS["base"]}
        header, tabs, title, bar = HeaderBar(), ScreenTabs(), TitleLine(), CostBar()
        header.set_reactive(HeaderBar.facts, HeaderFacts(False, said["head"], (), safe(""), 47, 0, "armed", 0))
        tabs.set_reactive(ScreenTabs.tabs, (ScreenTab("1", said["tabs"], said["tabs"], "a"),))
        title.set_reactive(TitleLine.facts, TitleFacts(said["title"]))
        bar.set_reactive(CostBar.facts, CostFacts(excluded=(said["cost"],)))
        yield from (header, tabs, title, *self._tall(said))
        yield StatusLine()
        yield bar

    def _tall(self, text: dict[str, SafeText]) -> Iterator[Widget]:
        table: ResourceTable[str, str] = ResourceTable(
            [Column("name", "NAME", lambda row: Cell(safe(row)), 60, "left", 100, 60)], lambda row: row
        )
        table.set_rows([text["cell"]])
        table.set_notices([Notice.partial(text["note"])])
        facts, log, steps = FactList(), LogView(), StepList()
        facts.set_reactive(FactList.facts, (Fact(text["facts"], safe("x"), seen=text["seen"]),))
        steps.set_reactive(StepList.steps, (Step(text["steps"], "done"),))
        log.append([coloured_line("log" + self._payload)])
        form = Form(
            FormField(text["label"], RadioLine([Choice("a", text["option"])], "a")),
            FormField(safe("check"), CheckLine(text["check"], True)),
            FormField(safe("input"), FormInput("input" + self._payload)),
        )
        tall: tuple[tuple[Widget, int], ...] = ((table, 4), (facts, 2), (steps, 2), (form, 8), (log, 5))
        for widget, rows in tall:
            widget.styles.height = rows
            yield widget

    def on_mount(self) -> None:
        """Say it in the status line too."""
        self.query_one(StatusLine).say(StatusNote(safe("status" + self._payload), level="done"))


class LinesFrame(Screen[None]):
    """The widgets that draw figures, and the lines that are typed into."""

    def __init__(self, payload: str) -> None:
        super().__init__()
        self._payload = payload

    def compose(self) -> ComposeResult:
        """Fill every widget with the payload."""
        said = {kind: safe(kind + self._payload) for kind in KINDS["lines"]}
        chart, nothing, days, meters = LineChart(), LineChart(), DayBars(), Meters()
        chart.set_reactive(LineChart.series, tuple(Series(said["curve"], ((0, 1), (1, each))) for each in (2, 3)))
        chart.set_reactive(LineChart.x_label, said["axis"])
        nothing.set_reactive(LineChart.empty, said["empty"])
        days.set_reactive(DayBars.heading, said["days"])
        meters.set_reactive(Meters.meters, (Meter(safe("gpu"), said["meter"]),))
        for widget, rows in ((chart, 12), (nothing, 2), (days, 3), (meters, 1)):
            widget.styles.height = rows
            yield widget
        pieces, keys = PieceLine(), KeyHints()
        pieces.set_reactive(PieceLine.line, (Piece(said["piece"]),))
        keys.set_reactive(KeyHints.note, said["keys"])
        yield from (pieces, keys, CommandLine(lead=lambda _: said["hint"]), FilterLine())

    def on_mount(self) -> None:
        """Have the lines typed into."""
        self.query_one(FilterLine).open("typed" + self._payload)
        self.query_one(CommandLine).open(self._payload)


class HostileDialog(Dialog[str]):
    """A dialog whose words come from elsewhere."""

    def __init__(self, payload: str) -> None:
        super().__init__(FixedClock(), safe("dtitle" + payload))
        self._payload = payload

    def compose_body(self) -> ComposeResult:
        """Say the payload."""
        facts = FactList()
        facts.set_reactive(FactList.facts, (Fact(safe("WHAT"), safe("dbody" + self._payload)),))
        yield facts

    def compose_buttons(self) -> list[DialogButton]:
        """Offer the payload."""
        return [DialogButton(safe("dbutton" + self._payload), "x")]


class HostileApp(WidgetApp):
    """Shows one frame after the other."""

    def __init__(self) -> None:
        super().__init__(list)
        self._number = -1

    def on_mount(self) -> None:
        """Begin."""
        super().on_mount()
        self._next()

    async def on_event(self, event: events.Event) -> None:
        """Go on at the full stop, wherever the focus is."""
        if isinstance(event, events.Key) and event.key == "full_stop":
            self._next()
        else:
            await super().on_event(event)

    def action_boom(self) -> None:
        """Be what a payload wants to call."""
        self.exit(return_code=66)

    def _next(self) -> None:
        self._number += 1
        if self._number == len(FRAMES):
            self.exit(return_code=0)
            return
        kind, payload = FRAMES[self._number]
        screens: dict[str, Callable[[], Screen[None] | Dialog[str] | Dialog[None]]] = {
            "base": lambda: BaseFrame(payload),
            "lines": lambda: LinesFrame(payload),
            "dialog": lambda: HostileDialog(payload),
            "pick": lambda: Pick(FixedClock(), safe("ptitle" + payload), [PickItem("a", safe("pitem" + payload))]),
            "text": lambda: TextView(FixedClock(), safe("ttitle" + payload), [safe("tline" + payload)]),
        }
        if len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(screens[kind](), wait_for_dismiss=False)


if __name__ == "__main__":
    import sys

    app = HostileApp()
    app.run()
    sys.exit(app.return_code or 0)
