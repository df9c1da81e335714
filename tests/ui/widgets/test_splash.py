"""The first frame and the folders: there at once, nowhere else, and out of the way where they do not belong."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from runctl_tui import paths, splash


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (20, 3), (1, 1)])
def test_no_line_of_the_frame_is_wider_than_the_terminal(size: tuple[int, int]) -> None:
    drawn = splash.frame(*size, sandbox=True)
    assert drawn.startswith("\x1b[?1049h")
    for line in drawn.split(";1H")[2:3]:
        assert len(line.split("\x1b")[0]) <= size[0]


def test_the_sandbox_is_named_only_when_asked_for() -> None:
    assert "SANDBOX" in splash.frame(80, 24, sandbox=True)
    assert "SANDBOX" not in splash.frame(80, 24, sandbox=False)


def test_nothing_is_written_where_there_is_no_terminal(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        drawn = splash.Splash(out.fileno())
        drawn.show([])
        drawn.leave()
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.parametrize(("term", "expected"), [("xterm-256color", True), ("dumb", False), ("", False)])
def test_a_terminal_that_cannot_move_its_cursor_is_left_alone(term: str, expected: bool) -> None:
    assert (b"1 Inst" in _written("drawn.show([])", term)) is expected


def test_an_error_before_the_first_frame_gets_the_screen_back() -> None:
    assert _written("drawn.show([]); drawn.leave(); drawn.leave()").count(b"\x1b[?1049l") == 1
    assert b"\x1b[?1049l" not in _written("drawn.show([]); drawn.hand_over(); drawn.leave()")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", True),
        ("--sandbox --fresh", True),
        ("--region us-east-1 us-west-2 --read-only", True),
        ("--state-dir instances --profile runs", True),
        ("instances list", False),
        ("--region us-east-1 instances list", False),
        ("--help", False),
        ("--sandbox --json", False),
        ("--", False),
    ],
)
def test_words_with_a_noun_draw_no_frame(words: str, expected: bool) -> None:
    assert splash.asks_for_screen(words.split()) is expected


def _written(what: str, term: str = "xterm-256color") -> bytes:
    """Return what a program with a splash writes to a terminal."""
    master, slave = pty.openpty()
    try:
        program = f"from runctl_tui import splash; drawn = splash.Splash(); {what}"
        environment = {**os.environ, "TERM": term}
        subprocess.run(
            [sys.executable, "-c", program], stdin=slave, stdout=slave, stderr=slave, env=environment, check=True
        )
        os.write(slave, b".")
        return os.read(master, 1 << 16)
    finally:
        os.close(slave)
        os.close(master)


def test_the_frame_needs_nothing_but_the_standard_library() -> None:
    program = (
        "import sys, runctl_tui.splash; print(sorted({m.split('.')[0] for m in sys.modules} & {'textual', 'rich'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_state_folder_can_be_put_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_home: Path) -> None:
    assert own_home in paths.state_dir().parents
    monkeypatch.setenv(paths.STATE_DIR_VARIABLE, str(tmp_path / "state"))
    assert paths.state_dir() == tmp_path / "state"
    assert paths.state_dir(tmp_path / "other") == tmp_path / "other"
    assert not (tmp_path / "state").exists(), "asking creates nothing"
    assert own_home in paths.config_dir().parents
    assert own_home in paths.cache_dir().parents
