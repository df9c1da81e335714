"""Input that is no UTF-8 and a terminal that goes away, in a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
from textual.app import App
from textual.widgets import Static
from runctl_tui.widgets.driver import driver_class

class Deaf(App):
    BINDINGS = [("a", "hear", "hear"), ("q", "quit", "quit")]
    def __init__(self): super().__init__(driver_class=driver_class())
    def compose(self): yield Static("READY", id="s")
    def action_hear(self): self.query_one("#s").update("HEARD")

app = Deaf()
app.run()
sys.exit(app.return_code or 0)
"""


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""
        self.open = True

    def send(self, data: bytes) -> None:
        os.write(self.master, data)

    def wait_for(self, word: bytes, seconds: float = 30) -> bool:
        deadline = time.monotonic() + seconds
        while word not in self.seen and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.master, 65536)
                except OSError:
                    break
        return word in self.seen

    def hang_up(self) -> None:
        os.close(self.master)
        self.open = False


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    started = Terminal()
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.wait()
    if started.open:
        os.close(started.master)


@pytest.mark.parametrize("junk", [b"\xff\xfe", b"\xc3", b"\xe2(", b"\xf0\x9f"])
def test_bytes_that_are_no_text_do_not_deafen(terminal: Terminal, junk: bytes) -> None:
    assert terminal.wait_for(b"READY")
    terminal.send(junk)
    terminal.send(b"a")
    terminal.send(b"a")
    assert terminal.wait_for(b"HEARD")


def test_a_lost_terminal_ends_the_program(terminal: Terminal) -> None:
    assert terminal.wait_for(b"READY")
    terminal.hang_up()
    assert terminal.process.wait(timeout=30) == 129


def test_a_hang_up_signal_ends_the_program_in_order(terminal: Terminal) -> None:
    assert terminal.wait_for(b"READY")
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.wait_for(b"\x1b[?1049l"), "the terminal is left as it was"
    assert terminal.process.wait(timeout=30) == 129
