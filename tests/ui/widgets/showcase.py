"""Every widget in one frame with invented figures: what the snapshots show and what a person can try by hand.

`python -m tests.ui.widgets.showcase [THEME]` starts it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Select

from runctl_tui import theme
from runctl_tui.domain.text import safe
from runctl_tui.modals.base import Dialog, DialogButton
from runctl_tui.modals.help import Help
from runctl_tui.modals.pick import Pick, PickItem
from runctl_tui.modals.text_view import TextView
from runctl_tui.widgets.chart import LineChart
from runctl_tui.widgets.columns import Cell, Column
from runctl_tui.widgets.command_line import CommandLine
from runctl_tui.widgets.cost_bar import CostBar, CostFacts
from runctl_tui.widgets.facts import Fact, FactList
from runctl_tui.widgets.filter_line import FilterLine
from runctl_tui.widgets.form import CheckLine, Choice, Form, FormField, RadioLine
from runctl_tui.widgets.header import HeaderBar, HeaderFacts
from runctl_tui.widgets.key_hints import KeyHints, live_keys
from runctl_tui.widgets.log_view import LogView
from runctl_tui.widgets.notice import Notice
from runctl_tui.widgets.prompt import FormInput
from runctl_tui.widgets.screen_tabs import ScreenTab, ScreenTabs
from runctl_tui.widgets.series import Series
from runctl_tui.widgets.status_line import StatusLine, StatusNote
from runctl_tui.widgets.steps import Step, StepList
from runctl_tui.widgets.table import ResourceTable
from runctl_tui.widgets.title_line import TitleFacts, TitleLine
from tests.ui.widgets.harness import WidgetApp

NAMES = "Instances:Inst Volumes:Vol S3:S3 Checkpoints:Ckpt Monitor:Mon Costs:Cost Tasks:Task Cleanup:Clean Settings:Set"
FLEET = """\
llama-7b     |running |p4d.24xlarge |8 A100|us-east-1d|18h| 22.57|412.77|train 61 %  eta 11h  ▂▄▆▇
llama-eval   |running |g5.xlarge    |1 A10G|us-west-2a| 2h|  1.01|  2.06|▲ idle 38m, $0.64
sdxl-lora    |running |RTX 4090 pod |1 4090|EU-RO-1   | 5h|  0.69|  3.45|train  9 %  eta 51m  ▇▅▃▂
bench-spot   |starting|g6e.xlarge s |1 L40S|us-east-1b|20s| 0.74*|  0.00|waiting for SSH
old-notebook |stopped |g4dn.xlarge  |1 T4  |us-east-1a|31d|  0.00| 18.40|disk keeps costing $8/mo
db-primary   |running |m6i.4xlarge  |-     |us-east-1c|92d|  0.77|     ?|foreign
hot-spot     |failed  |g5.2xlarge   |1 A10G|us-west-2b| 1m|  0.00|  0.02|✗ no capacity: try us-west-2c
this machine |running |local        |-     |local     | 6h|  free|     -|2 runs"""
SIGNS = {"running": "●", "starting": "◐", "stopped": "○", "failed": "✗"}
Row = tuple[str, ...]


class FixedClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


class RunningClock(FixedClock):
    """A clock for trying the dialogs by hand."""

    def monotonic(self) -> float:
        import time

        return time.monotonic()


def fleet_columns() -> list[Column[Row]]:
    def text(index: int, style: str = "") -> Callable[[Row], Cell]:
        return lambda row: Cell(safe(row[index]), style)

    def state(row: Row) -> Cell:
        return Cell(safe(f"{SIGNS[row[1]]} {row[1]}"), f"$state-{row[1]}")

    def note(row: Row) -> Cell:
        sign = row[8][:1]
        return Cell(safe(row[8]), {"▲": "$warn", "✗": "$danger"}.get(sign, "$muted" if row[8] == "foreign" else ""))

    return [
        Column("name", "NAME", text(0), 15, "left", 100, 16, sort_key=lambda row: row[0]),
        Column("state", "STATE", state, 10, "left", 90, 11, sort_key=lambda row: row[1]),
        Column("type", "TYPE", text(2), 12, "left", 70, 13, sort_key=lambda row: row[2]),
        Column("gpu", "GPU", text(3), 6, "left", 30, 8, sort_key=lambda row: row[3]),
        Column("region", "REGION", text(4), 10, "left", 20, 11, sort_key=lambda row: row[4]),
        Column("age", "AGE", text(5), 4, "right", 40, sort_key=lambda row: row[5]),
        Column("price", "$/h", text(6, "$cost"), 6, "right", 80, sort_key=_number, descending=True),
        Column("cost", "SO FAR", text(7, "$cost"), 7, "right", 60, sort_key=lambda row: row[7]),
        Column("run", "RUN", note, 12, "left", 50, 34, flexible=True),
    ]


def _number(row: Row) -> float | None:
    digits = row[6].rstrip("*")
    return float(digits) if digits.replace(".", "").isdigit() else None


def fleet() -> list[Row]:
    return [tuple(cell.strip() for cell in line.split("|")) for line in FLEET.splitlines()]


def tabs() -> tuple[ScreenTab, ...]:
    pairs = [pair.split(":") for pair in NAMES.split()]
    return tuple(ScreenTab(str(n), safe(name), safe(short), name) for n, (name, short) in enumerate(pairs, 1))


class FrameScreen(Screen[None]):
    """The frame of every screen around one body."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "noop", "actions", id="demo.actions"),
        Binding("ctrl+d", "noop", "terminate", id="demo.terminate"),
        Binding("l", "noop", "logs", id="demo.logs"),
        Binding("s", "noop", "shell", id="demo.shell"),
        Binding("colon", "command", "go to", key_display=":", id="demo.command"),
        Binding("question_mark", "help", "help", key_display="?", id="demo.help"),
        Binding("1", "noop", "Instances", show=False, id="demo.one"),
    ]
    ORDER = ("table.open", "demo.actions", "demo.terminate", "table.mark", "demo.logs", "demo.shell", "table.filter")

    def __init__(self, body: str = "table") -> None:
        super().__init__()
        self._body = body

    def compose(self) -> ComposeResult:
        header, screens, title, bar = HeaderBar(), ScreenTabs(), TitleLine(), CostBar()
        header.set_reactive(HeaderBar.facts, header_facts())
        screens.set_reactive(ScreenTabs.tabs, tabs())
        screens.set_reactive(ScreenTabs.current, "Monitor" if self._body == "monitor" else "Instances")
        title.set_reactive(TitleLine.facts, title_facts(self._body))
        bar.set_reactive(CostBar.facts, cost_facts())
        yield header
        yield screens
        yield title
        yield from {"table": self.table, "monitor": self.monitor, "form": self.form, "steps": self.steps}[self._body]()
        yield FilterLine()
        yield CommandLine(
            lambda text: [c for c in ("instances", "volumes", "sandbox cut", "quit") if c.startswith(text)]
        )
        yield StatusLine()
        yield KeyHints(self.ORDER, keep=("demo.help",))
        yield bar

    def table(self) -> ComposeResult:
        table: ResourceTable[str, Row] = ResourceTable(fleet_columns(), lambda row: row[0])
        table.set_rows(fleet())
        table.set_notices([Notice.partial(safe("us-west-2: throttled; rows from 45 s ago, next try in 12 s"))])
        table.sort_by("price")
        table.model.marks["llama-eval"] = None
        yield table

    def monitor(self) -> ComposeResult:
        chart, log = LineChart(), LogView()
        loss = [(float(n), 2 + 2 * math.exp(-n / 900) + 0.1 * math.sin(n)) for n in range(4110)]
        chart.set_reactive(LineChart.series, (Series(safe("loss"), loss), Series(safe("eval"), loss[::500])))
        chart.set_reactive(LineChart.x_label, safe("step"))
        levels = ["INFO step", "WARNING slow data loader at step", "ERROR nan in gradient at step", "DEBUG step"]
        log.append(
            [safe(f"12:04:{n % 60:02} {levels[n % 7 % 4]} {4100 + n} | loss: 2.18 | 41,022 tok/s") for n in range(90)]
        )
        yield chart
        yield log

    def form(self) -> ComposeResult:
        yield demo_form()

    def steps(self) -> ComposeResult:
        listing, facts = StepList(), FactList()
        listing.set_reactive(StepList.steps, demo_steps())
        facts.set_reactive(FactList.facts, demo_facts())
        with Vertical():
            yield listing
            yield facts

    def action_noop(self) -> None:
        self.query_one(StatusLine).say(StatusNote(safe("a verb would act here"), level="done"))

    def action_command(self) -> None:
        self.query_one(CommandLine).open()

    def action_help(self) -> None:
        self.app.push_screen(Help(RunningClock(), safe("Instances"), live_keys(self), HELP))

    def on_resource_table_filter_requested(self) -> None:
        self.query_one(FilterLine).open(self.query_one(ResourceTable).model.filter_text)

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        table = self.query_one(ResourceTable)
        table.set_filter(event.text)
        if event.done:
            table.focus()


HELP = """\
Every instance that costs money, of all providers and regions, with what it is doing.
Nothing here acts without a plan."""


def header_facts() -> HeaderFacts:
    regions = (safe("us-east-1"), safe("us-west-2"))
    return HeaderFacts(True, safe("research"), regions, safe("alice"), 47, 3, "armed", 581)


def title_facts(body: str) -> TitleFacts:
    if body != "table":
        return TitleFacts(safe(body.capitalize()), note=safe("3 live · 1 ended · 1 alert"))
    return TitleFacts(safe("Instances"), 14, 52, False, safe("$/h"), True, 2, 1, "state:running")


def cost_facts() -> CostFacts:
    return CostFacts(
        burn=Decimal("25.01"),
        today=Decimal("88.20"),
        month=Decimal("1204.55"),
        month_name=safe("Nov"),
        forecast=Decimal(1890),
        budget=Decimal(2500),
        excluded=(safe("us-west-2"), safe("S3 requests")),
    )


def demo_steps() -> tuple[Step, ...]:
    return (
        Step(safe("create instance"), "done", detail=safe("i-0abc12de34f567890"), took=safe("2 s")),
        Step(safe("SSH up"), "done", took=safe("31 s")),
        Step(safe("sync code"), "running", 0.613, safe("87 of 142 files"), safe("1.2 MB/s"), safe("4 s")),
        Step(
            safe("install dependencies"),
            "failed",
            reason=safe("pip: no matching distribution for torch==9.9; fix requirements.txt, then retry"),
        ),
        Step(safe("start training"), "waiting"),
        Step(safe("detach"), "skipped"),
    )


def demo_facts() -> tuple[Fact, ...]:
    return (
        Fact(safe("RUNNING"), safe("train.py, run r-81, step 4,110 of 9,000, GPU 97 %"), seen=safe("seen 4 s ago")),
        Fact(
            safe("CKPT"), safe("newest step_4000, 42 min old, NOT in S3; newest in S3 step_3500 (3 h older)"), "$warn"
        ),
        Fact(safe("DIES"), safe('root 200 GB · "scratch" 1 TB (no snapshot) · 8 instance-store disks'), "$danger"),
        Fact(safe("UNDO"), safe("none")),
    )


def demo_form() -> Form:
    providers = [
        Choice("local", safe("this machine")),
        Choice("aws", safe("AWS")),
        Choice("runpod", safe("RunPod"), safe("no key")),
    ]
    return Form(
        FormField(safe("Provider"), RadioLine(providers, "aws")),
        FormField(safe("Type"), FormInput("g5.xlarge"), hint=safe("1 A10G 24 GB · 4 vCPU · 16 GB   1.01/h, 24.24/day")),
        FormField(
            safe("Disk"), Select([("100 GB gp3", 100), ("200 GB gp3", 200)], value=100, allow_blank=False, compact=True)
        ),
        FormField(
            safe("Name"), FormInput(""), check=lambda value: None if value else safe("a name is needed"), id="name"
        ),
        FormField(safe("Lease"), CheckLine(safe("stop after 8 h, or when idle 30 min"), True)),
    )


class DemoDialog(Dialog[str]):
    """A destroying question as the cleanup dialogs ask it."""

    SEVERITY = "destroy"

    def compose_body(self) -> ComposeResult:
        facts = FactList()
        facts.set_reactive(FactList.facts, demo_facts())
        yield facts

    def compose_buttons(self) -> list[DialogButton]:
        return [
            *super().compose_buttons(),
            DialogButton(safe("Stop instead: disks stay"), "stop"),
            DialogButton(safe("Terminate"), "terminate", disabled=True),
        ]


class ShowcaseApp(WidgetApp):
    """The frame with one body, and a dialog over it if asked."""

    def __init__(self, body: str = "table", theme_name: str = theme.DARK, dialog: str = "") -> None:
        super().__init__(list, theme_name)
        self._body = body
        self._dialog = dialog

    def on_mount(self) -> None:
        super().on_mount()
        self.push_screen(FrameScreen(self._body), wait_for_dismiss=False)
        if self._dialog:
            self.call_after_refresh(self._open_dialog)

    def _open_dialog(self) -> None:
        clock = FixedClock()
        items = [PickItem(row[0], safe(row[0]), safe(row[2])) for row in fleet()]
        text = [safe(f'  "key-{n}": "value {n}",') for n in range(60)]
        dialogs: dict[str, Callable[[], Dialog[str] | Dialog[None]]] = {
            "destroy": lambda: DemoDialog(clock, safe("TERMINATE")),
            "pick": lambda: Pick(clock, safe("Instance type"), items),
            "text": lambda: TextView(clock, safe("llama-7b, raw"), text),
            "help": lambda: Help(clock, safe("Instances"), live_keys(self.screen), HELP),
        }
        self.push_screen(dialogs[self._dialog]())


if __name__ == "__main__":
    ShowcaseApp(*sys.argv[1:]).run()
