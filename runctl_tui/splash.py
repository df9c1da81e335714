"""The first frame, written before Textual is imported, so that something shows at once; called by `__main__`.

It draws only what the real frame will draw in the same places: name, badge, tabs and the cost bar's line.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

_TABS: Final = (
    ("1", "Instances", "Inst"),
    ("2", "Volumes", "Vol"),
    ("3", "S3", "S3"),
    ("4", "Checkpoints", "Ckpt"),
    ("5", "Monitor", "Mon"),
    ("6", "Costs", "Cost"),
    ("7", "Tasks", "Task"),
    ("9", "Settings", "Set"),
)
"""Digit, name and short name, as the real tab line has them."""
_SANDBOX: Final = frozenset({"--sandbox", "--fresh"})
_ELSEWHERE: Final = frozenset({"-h", "--help", "--version", "--json", "--"})
"""Words that ask for something else than the screen."""
_WITH_VALUE: Final = frozenset({"--state-dir", "--config", "--profile", "--region"})
_LEAVE: Final = b"\x1b[?25h\x1b[?1049l"
_BOLD: Final = "\x1b[1m"
_REVERSE: Final = "\x1b[7m"
_RESET: Final = "\x1b[0m"


class Splash:
    """The frame on the terminal of `fd` (where Textual draws), until Textual draws its own."""

    def __init__(self, fd: int = 2) -> None:
        self._fd = fd
        self._shown = False

    def show(self, words: Sequence[str]) -> None:
        """Draw the frame where these words of the command line ask for the screen and there is one."""
        if not (asks_for_screen(words) and wanted(self._fd)):
            return
        columns, rows = os.get_terminal_size(self._fd)
        self._shown = _write(self._fd, frame(columns or 80, rows or 24, not _SANDBOX.isdisjoint(words)).encode())

    def leave(self) -> None:
        """Give the screen back, so that an error message stays readable."""
        if self._shown:
            self.hand_over()
            _write(self._fd, _LEAVE)

    def hand_over(self) -> None:
        """Leave the screen to Textual, which gives it back itself."""
        self._shown = False


def asks_for_screen(words: Sequence[str]) -> bool:
    """Tell from the words alone whether they hold no noun; a guess, which the parser may prove wrong."""
    value_follows = False
    for word in words:
        if word in _ELSEWHERE:
            return False
        if not (value_follows or word.startswith("-") or word[-1:].isdigit()):
            return False
        value_follows = word in _WITH_VALUE
    return True


def wanted(fd: int) -> bool:
    """Tell whether input and output are a terminal that understands cursor movement."""
    return os.isatty(fd) and os.isatty(0) and os.isatty(1) and os.environ.get("TERM", "dumb") not in ("dumb", "")


def frame(columns: int, rows: int, sandbox: bool) -> str:
    """Return the frame as escape sequences: alternate screen, cursor hidden, three lines of text."""
    badge = f"  {_REVERSE} SANDBOX {_RESET}" if sandbox else ""
    lines = {1: f" {_BOLD}runctl{_RESET}{badge}", 2: _tabs(columns), rows: " ○ starting"}
    placed = "".join(f"\x1b[{row};1H{text}" for row, text in lines.items() if 0 < row <= rows)
    return f"\x1b[?1049h\x1b[?25l\x1b[2J{placed}"


def _write(fd: int, data: bytes) -> bool:
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        return False
    return True


def _tabs(columns: int) -> str:
    for which in (1, 2):
        line = " " + "   ".join(f"{tab[0]} {tab[which]}" for tab in _TABS)
        if len(line) <= columns:
            return line
    return line[:columns]
