"""Where the command line's words go, in real processes: full disks, closed pipes, secrets, versions."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from runctl_tui import __version__
from runctl_tui.headless.console import Console
from runctl_tui.services.errors import OutputLost
from tests.headless.conftest import Runctl

FULL = Path("/dev/full")
SECRET = "rpa_OPENSESAME"
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose home is empty."""
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": os.getcwd()}


def words(*wanted: str) -> list[str]:
    return [sys.executable, "-m", "runctl_tui", *wanted]


def written(home: Path) -> str:
    """What the user's configuration has as the API key."""
    (file,) = home.rglob("config.toml")
    return str(tomllib.loads(file.read_text())["runpod"]["api_key"])


@needs_full
@pytest.mark.parametrize(
    "wanted", [("config", "show", "--json"), ("config", "show"), ("nonsense", "--json"), ("--version",)]
)
def test_an_answer_that_cannot_be_written_is_told_on_standard_error(
    environment: dict[str, str], wanted: Sequence[str]
) -> None:
    with FULL.open("w") as full:
        ended = subprocess.run(words(*wanted), env=environment, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2
    assert "could not be written" in ended.stderr
    assert "No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@needs_full
def test_a_line_of_a_log_that_cannot_be_written_is_told_too() -> None:
    with FULL.open("w") as full:
        with pytest.raises(OutputLost, match="No space left on device"):
            Console(stdout=full).out_line("step 1")
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_pipe_that_nobody_reads_ends_it_quietly(environment: dict[str, str], json: Sequence[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    call = words("config", "show", *json)
    ended = subprocess.run(call, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_without_any_standard_stream_it_still_ends_well(environment: dict[str, str]) -> None:
    call = ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *words("config", "set", "aws.region", "eu-west-1")]
    assert subprocess.run(call, env=environment).returncode == 0
    (file,) = Path(environment["HOME"]).rglob("config.toml")
    assert tomllib.loads(file.read_text()) == {"aws": {"region": "eu-west-1"}}


def test_the_version_is_an_envelope_too(runctl: Runctl) -> None:
    assert runctl("--version", "--json").data == {"version": __version__}


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(runctl: Runctl, dry: Sequence[str]) -> None:
    said = runctl("config", "set", "runpod.api_key", SECRET, "--json", *dry)
    assert said.code == 1
    assert "history" in said.error["message"]
    assert "config set runpod.api_key -" in said.error["hint"]
    assert SECRET not in said.out + said.err
    (row,) = runctl("config", "show", "runpod.api_key", "--json").data
    assert row["value"] == ""


def test_a_secret_without_a_value_needs_somebody_to_ask(runctl: Runctl) -> None:
    said = runctl("config", "set", "runpod.api_key", "--json")
    assert (said.code, "reads a line of standard input" in said.error["hint"]) == (1, True)
    said = runctl("config", "set", "aws.region", "--json")
    assert (said.code, said.error["message"]) == (1, "aws.region to what?")


@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_a_secret_comes_by_standard_input(environment: dict[str, str], tmp_path: Path, kind: str) -> None:
    call = words("config", "set", "runpod.api_key", "-")
    if kind == "pipe":
        ended = subprocess.run(call, env=environment, input=f"{SECRET}\n", capture_output=True, text=True)
    else:
        (tmp_path / "key").write_text(f"{SECRET}\nmore\n")
        with (tmp_path / "key").open() as given:
            ended = subprocess.run(call, env=environment, stdin=given, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert SECRET not in ended.stdout + ended.stderr
    assert written(tmp_path) == SECRET


@pytest.mark.parametrize(("given", "why"), [("\n", "nothing was given"), ("", "the input ended")])
def test_an_empty_line_is_no_secret(environment: dict[str, str], tmp_path: Path, given: str, why: str) -> None:
    call = words("config", "set", "runpod.api_key", "-")
    ended = subprocess.run(call, env=environment, input=given, capture_output=True, text=True)
    assert ended.returncode == 1
    assert why in ended.stderr
    assert list(tmp_path.rglob("config.toml")) == []


def test_a_secret_is_asked_for_on_a_terminal_without_echo(environment: dict[str, str], tmp_path: Path) -> None:
    keys, screen = os.openpty()
    call = words("config", "set", "runpod.api_key")
    asking = subprocess.Popen(call, env=environment, stdin=screen, stdout=subprocess.PIPE, stderr=screen)
    os.close(screen)
    shown = b""
    while b"runpod.api_key:" not in shown:
        shown += os.read(keys, 1024)
    os.write(keys, f"{SECRET}\n".encode())
    out, _ = asking.communicate(timeout=30)
    while not shown.endswith(b"\n"):
        shown += os.read(keys, 1024)
    os.close(keys)
    assert asking.returncode == 0, shown
    assert SECRET.encode() not in shown + out
    assert written(tmp_path) == SECRET
