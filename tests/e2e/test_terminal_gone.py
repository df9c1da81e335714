"""A terminal that goes away under the whole program: it leaves within two seconds, and its files are whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.world import ROOT, until
from tests.services.hosts.servers import SSHD, configured

LEAVE_S: Final = 2.0
TMUX, SSH = shutil.which("tmux"), shutil.which("ssh")
ENDS: Final[dict[str, tuple[Callable[[Terminal], None], set[int]]]] = {
    "hang-up": (lambda terminal: terminal.signal(signal.SIGHUP), {129}),
    "terminate": (lambda terminal: terminal.signal(signal.SIGTERM), {143}),
    "terminal closed": (
        lambda terminal: terminal.hang_up(),
        {129, 120},
    ),  # 120: Python's own, when its last words had nowhere to go
}


def environment(folder: Path) -> dict[str, str]:
    """Return an environment that knows nothing of whoever runs the tests."""
    return {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true", "TEXTUAL_ANIMATIONS": "none"}  # fmt: skip


def program(folder: Path) -> list[str]:
    """Return the whole program without any account."""
    return [sys.executable, "-m", "runctl_tui", "--state-dir", str(folder / "state")]


def assert_whole_and_private(folder: Path) -> None:
    """Every database passes SQLite's check, and nobody else can read anything."""
    state = folder / "state"
    found = [path for path in state.rglob("*") if path.is_file() and path.read_bytes()[:6] == b"SQLite"]
    assert found
    for path in found:
        with contextlib.closing(sqlite3.connect(path)) as opened:
            assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for path in [state, *state.rglob("*")]:
        assert not path.lstat().st_mode & 0o077, f"{path} is open to others"


@pytest.mark.parametrize("how", ENDS)
def test_it_leaves_in_time_and_in_order(tmp_path: Path, how: str) -> None:
    end, code = ENDS[how]
    with Terminal(program(tmp_path), environment(tmp_path), cwd=str(tmp_path)) as terminal:
        terminal.wait("Instances", "this machine")
        begun = time.monotonic()
        end(terminal)
        assert terminal.ended(LEAVE_S * 5) in code
        assert time.monotonic() - begun < LEAVE_S
    assert_whole_and_private(tmp_path)


@pytest.mark.parametrize("stop", [signal.SIGTSTP, signal.SIGSTOP])
def test_a_session_that_was_stopped_goes_on_where_it_was(tmp_path: Path, stop: signal.Signals) -> None:
    with Terminal(program(tmp_path), environment(tmp_path), cwd=str(tmp_path)) as terminal:
        before = terminal.modes
        terminal.wait("Instances", "this machine")
        for _ in range(2):
            terminal.signal(stop)
            until(lambda: terminal.stopped, "the stop", 5)
            if stop is signal.SIGTSTP:
                assert terminal.modes == before, "the shell gets its terminal back"
            terminal.wipe()
            terminal.signal(signal.SIGCONT)
            terminal.wait("1 Instances", "by $/h", "this machine", "? help", seconds=10)
        terminal.press("2")
        terminal.wait("by $/MO")
        terminal.press("1")
        terminal.wait("this machine")
        begun = time.monotonic()
        terminal.signal(signal.SIGTERM)
        assert terminal.ended(LEAVE_S * 5) == 143
        assert time.monotonic() - begun < LEAVE_S
        assert terminal.modes == before
    assert_whole_and_private(tmp_path)


def test_under_nohup_it_outlives_a_hang_up_but_not_its_terminal(tmp_path: Path) -> None:
    deaf = ["/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh", *program(tmp_path)]
    with Terminal(deaf, environment(tmp_path), cwd=str(tmp_path)) as terminal:
        terminal.wait("Instances", "this machine")
        terminal.signal(signal.SIGHUP)
        terminal.press("9")
        terminal.wait("Settings", "aws.region", seconds=10)
        begun = time.monotonic()
        terminal.hang_up()
        assert terminal.ended(LEAVE_S * 5) in {129, 120}
        assert time.monotonic() - begun < LEAVE_S
    assert_whole_and_private(tmp_path)


def running(folder: Path) -> list[int]:
    """Return the processes of the program in a folder, those that run it and not those that name it."""
    found = subprocess.run(
        ["pgrep", "-f", f"^{sys.executable} -m runctl_tui --state-dir {folder}/"], capture_output=True
    )
    return [int(word) for word in found.stdout.split()]


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[list[str]]:
    """Run OpenSSH's server and return the command that logs in with a terminal."""
    if SSHD is None or TMUX is None or SSH is None:
        pytest.skip("OpenSSH and tmux are not installed")
    folder = tmp_path / "sshd"
    port = configured(folder)
    server = subprocess.Popen([SSHD, "-D", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)
    trust = ["-o", f"UserKnownHostsFile={folder}/known", "-o", "StrictHostKeyChecking=accept-new"]
    user = os.environ.get("USER") or "root"
    yield [SSH, "-F", "/dev/null", *trust, "-i", str(folder / "id"), "-p", str(port), "-tt", f"{user}@127.0.0.1"]
    server.terminate()
    server.wait()


def test_a_session_in_tmux_outlives_the_link_and_ends_with_tmux(tmp_path: Path, sshd: list[str]) -> None:
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    settings = [f"{name}={value}" for name, value in environment(tmp_path).items()]
    tmux = ["env", *settings, "tmux", "-L", "t", "-f", "/dev/null"]
    tmux = ["env", f"TMUX_TMPDIR={folder}", *tmux[1:]]
    try:
        until_listening(sshd)
        with Terminal([*sshd, *tmux, "new", "-s", "s", *program(tmp_path)], environment(tmp_path)) as terminal:
            terminal.wait("Instances", "this machine")
            first = running(tmp_path)
            terminal.signal(signal.SIGKILL)
            terminal.ended()
        with Terminal([*sshd, *tmux, "attach", "-t", "s"], environment(tmp_path)) as terminal:
            terminal.wait("Instances", "this machine")
            assert running(tmp_path) == first
            terminal.press("2")
            terminal.wait("Volumes")
            subprocess.run([*tmux, "kill-server"], check=True)
            begun = time.monotonic()
            until(lambda: not running(tmp_path), "the program's end", LEAVE_S * 5)
            assert time.monotonic() - begun < LEAVE_S
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True)
        shutil.rmtree(folder)
    assert_whole_and_private(tmp_path)


def until_listening(sshd: list[str]) -> None:
    until(lambda: subprocess.run([*sshd, "true"], capture_output=True, stdin=-3).returncode == 0, "sshd", 10)
