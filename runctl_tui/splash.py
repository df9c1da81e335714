"""The first frame, written before Textual is imported, so that something shows at once; called by `__main__`.

It draws only what the real frame will draw in the same places: name, badge, tabs and the cost bar's line.
"""

from __future__ import annotations

import os
import shutil
from typing import Final

_TABS: Final = (
    ("1", "Instances", "Inst"),
    ("4", "Checkpoints", "Ckpt"),
    ("5", "Monitor", "Mon"),
    ("7", "Tasks", "Task"),
)
"""Digit, name and short name, as the real tab line has them."""
_BOLD: Final = "\x1b[1m"
_REVERSE: Final = "\x1b[7m"
_RESET: Final = "\x1b[0m"


def show(sandbox: bool = False, fd: int = 2) -> bool:
    """Draw the frame on the terminal of `fd` (where Textual draws); returns False where there is none to draw on."""
    if not wanted(fd):
        return False
    columns, rows = shutil.get_terminal_size()
    data = frame(columns, rows, sandbox).encode()
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        return False
    return True


def wanted(fd: int) -> bool:
    """Tell whether `fd` and standard input are a terminal that understands cursor movement."""
    return os.isatty(fd) and os.isatty(0) and os.environ.get("TERM", "dumb") not in ("dumb", "")


def frame(columns: int, rows: int, sandbox: bool) -> str:
    """Return the frame as escape sequences: alternate screen, cursor hidden, three lines of text."""
    badge = f"  {_REVERSE} SANDBOX {_RESET}" if sandbox else ""
    lines = {1: f" {_BOLD}runctl{_RESET}{badge}", 2: _tabs(columns), rows: " ○ starting"}
    placed = "".join(f"\x1b[{row};1H{text}" for row, text in lines.items() if 0 < row <= rows)
    return f"\x1b[?1049h\x1b[?25l\x1b[2J{placed}"


def _tabs(columns: int) -> str:
    for which in (1, 2):
        line = " " + "   ".join(f"{tab[0]} {tab[which]}" for tab in _TABS)
        if len(line) <= columns:
            return line
    return line[:columns]
