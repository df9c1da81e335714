"""Random bytes, type-ahead and pastes in a real pseudo-terminal: none confirms a change, none deafens."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.terminal import Terminal

ROOT = Path(__file__).resolve().parents[3]
BURSTS: Final = 10_000
TOGETHER: Final = 100
"""Bursts of one write: one key that comes alone, long after the question, is a person's and may confirm."""
PROGRAM = """
import sys
from time import monotonic
from datetime import UTC, datetime
from textual.binding import Binding
from textual.widgets import Static
from runctl_tui.domain.text import safe
from runctl_tui.modals.base import Dialog
from runctl_tui.widgets.driver import driver_class
from tests.ui.widgets.harness import WidgetApp
from tests.ui.widgets.showcase import RunningClock

class Ask(Dialog[bool]):
    CONFIRM_BY_Y = True
    def __init__(self): super().__init__(RunningClock(), safe("DESTROY"))
    def confirmed(self): self.app.changed += 1; self.dismiss(True)

class Changing(WidgetApp):
    BINDINGS = [Binding("d", "ask", priority=True), Binding("f12", "tell", priority=True),
                Binding("ctrl+q", "none", priority=True), Binding("ctrl+c", "none", priority=True)]
    changed = told = 0
    def __init__(self):
        super().__init__(lambda: [Static("READY", id="s")])
        self.driver_class = driver_class()
    def action_none(self): pass
    def action_suspend_process(self): pass
    def action_ask(self):
        if len(self.screen_stack) == 1: self.push_screen(Ask())
    def action_tell(self):
        self.told += 1
        words = f"told {self.told} changed {self.changed} stack {len(self.screen_stack)}"
        while len(self.screen_stack) > 1: self.pop_screen()
        self.query_one("#s").update(words)

Changing().run()
"""
PASTES: Final = {
    "bracketed": b"\x1b[200~dy\ry\r\x1b[201~",
    "raw": b"dy\ry\r",
    "raw and long": b"d" + b"y\r" * 2000,
    "bracketed, reopened": b"\x1b[200~x\x1b[201~dyyyy\r\x1b[201~",
    "type-ahead": b"dddyyy\r\r",
}


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Terminal([sys.executable, "-c", PROGRAM], environment, (80, 24), cwd=str(ROOT)) as started:
        started.wait("READY")
        yield started


def told(terminal: Terminal, number: int) -> str:
    """Press the key that tells, and return what changed since the start."""
    terminal.send(b"\x1b[24~")
    return terminal.wait(f"told {number} ", seconds=60).partition(f"told {number} ")[2].splitlines()[0]


@pytest.mark.parametrize("name", PASTES)
def test_what_is_pasted_or_typed_ahead_confirms_nothing(terminal: Terminal, name: str) -> None:
    terminal.send(PASTES[name])
    terminal.drain(0.5)
    assert told(terminal, list(PASTES).index(name) + 1).startswith("changed 0 ")


def test_random_bytes_neither_deafen_nor_change_anything(terminal: Terminal) -> None:
    luck = random.Random(4)
    for _ in range(BURSTS // TOGETHER):
        terminal.send(b"".join(luck.randbytes(luck.randint(1, 6)) for _ in range(TOGETHER)))
        terminal.drain(0)
    terminal.send(b"\x1b[201~\x1b\\\x07")
    terminal.drain(0.5)
    assert told(terminal, len(PASTES) + 1).startswith("changed 0 ")


def test_a_person_who_reads_and_presses_y_is_heard(terminal: Terminal) -> None:
    terminal.send(b"d")
    terminal.wait("DESTROY")
    terminal.drain(0.6)
    terminal.send(b"y")
    terminal.drain(0.5)
    assert told(terminal, len(PASTES) + 2).startswith("changed 1 ")


def test_a_paste_that_never_ends_deafens_for_a_moment_only_and_its_rest_is_no_keys(terminal: Terminal) -> None:
    terminal.send(b"\x1b[200~never ended")
    terminal.drain(1.5)
    terminal.send(b"d")
    terminal.wait("DESTROY")
    terminal.drain(0.6)
    terminal.send(b"y\ry\r")
    terminal.drain(1.5)
    assert told(terminal, len(PASTES) + 3).startswith("changed 1 ")
    terminal.send(b"rest\x1b[201~")
    terminal.drain(0.3)
    assert told(terminal, len(PASTES) + 4).startswith("changed 1 ")
