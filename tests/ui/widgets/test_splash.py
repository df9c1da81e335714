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
        assert not splash.show(fd=out.fileno())
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.parametrize(("term", "expected"), [("xterm-256color", True), ("dumb", False), ("", False)])
def test_a_terminal_that_cannot_move_its_cursor_is_left_alone(term: str, expected: bool) -> None:
    master, slave = pty.openpty()
    try:
        program = "import sys; from runctl_tui import splash; sys.exit(0 if splash.show() else 3)"
        environment = {**os.environ, "TERM": term}
        done = subprocess.run([sys.executable, "-c", program], stdin=slave, stderr=slave, env=environment, check=False)
        assert (done.returncode == 0) is expected
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
