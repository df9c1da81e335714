"""What names that want to harm do to the terminal, seen from the terminal's side: one program, every kind of widget."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal
from tests.ui.widgets.hostile import FRAMES, KINDS, PAYLOADS

ROOT = Path(__file__).resolve().parents[3]
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
OWN = re.compile(
    r"\x1b\[(?P<parameters>[0-9;:?<=>$]*)(?P<final>[ -/]*[@-~])|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1bP.*?\x1b\\|\x1b[ -/]*[0-~]",
    re.DOTALL,
)

POINTERS = {"\x1b]22;text\x07", "\x1b]22;pointer\x07", "\x1b]22;default\x07"}
"""What Textual makes of the mouse's pointer over something."""


def shapes(output: str) -> set[str]:
    """Return the escapes of an output, moves and colours without their numbers."""
    found = set()
    for escape in OWN.finditer(output):
        final = escape["final"]
        if final == "m":
            found |= {f"m{word}" for word in re.sub(r"[34]8[;:][25](?:[;:]\d+)+", "", escape["parameters"]).split(";")}
        else:
            found.add("move" if final == "H" else escape.group())
    return found


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Terminal([sys.executable, "-m", "tests.ui.widgets.hostile"], environment, (120, 44), cwd=str(ROOT)) as started:
        yield started


def test_nothing_of_a_hostile_text_reaches_the_terminal(terminal: Terminal) -> None:
    measure = POINTERS
    terminal.wait("cellplain")
    terminal.settle()
    for kind, payload in FRAMES:
        terminal.until(
            lambda screen, kind=kind: all(word in screen for word in KINDS[kind]),  # type: ignore[misc]  # a lambda with a default is not inferred
            f"readable: {kind} with {payload!r}",
            10,
        )
        terminal.settle(0.03)
        if "@click" in payload:
            terminal.click_every("click")
        output = terminal.raw.decode("utf-8")
        terminal.raw.clear()
        loose = {character for character in OWN.sub("", output) if unicodedata.category(character) in HIDDEN}
        assert loose <= {"\r", "\n"}, f"{kind} with {payload!r}: {loose}"
        if payload == PAYLOADS[0]:
            measure = measure | shapes(output)
        assert shapes(output) <= measure, f"{kind} with {payload!r}: {shapes(output) - measure}"
        terminal.send(b".")
    assert terminal.ended(10) == 0, "an action of a payload was run"
