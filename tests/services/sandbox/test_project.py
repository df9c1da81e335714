"""The tiny training project, as a user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

SCRIPT = str(resources.files("runctl_tui.sandbox").joinpath("project", "train.py"))
PROGRESS = re.compile(r"step (\d+)/(\d+) \| loss (\d+\.\d{4}) \| lr \d\.\de[+-]\d\d \| \d+ tok/s \| [\d.]+ ms/step")


def train(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, "--sleep", "0", *args]
    env = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60)


def steps(log: str) -> list[int]:
    return [int(match[1]) for match in PROGRESS.finditer(log)]


def test_it_learns_saves_and_completes(tmp_path: Path) -> None:
    done = train(tmp_path, "--steps", "300")
    losses = [float(match[3]) for match in PROGRESS.finditer(done.stdout)]
    assert done.returncode == 0, done.stderr
    assert losses[-1] < losses[0] - 0.5
    assert "Saved checkpoint: checkpoints/step_000100.json" in done.stdout
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "step_000100.json",
        "step_000200.json",
        "step_000300.json",
    ]
    assert (tmp_path / "training_complete.txt").read_text().startswith("step 300 ")


@pytest.mark.parametrize("source", ["checkpoints", "checkpoints/step_000050.json"])
def test_it_resumes_with_the_next_step(tmp_path: Path, source: str) -> None:
    train(tmp_path, "--steps", "50", "--save-every", "25")
    done = train(tmp_path, "--steps", "70", "--resume", source)
    assert "at step 50" in done.stdout
    assert steps(done.stdout) == [55, 60, 65, 70]


def test_nothing_to_resume_from_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = train(tmp_path, "--resume", "empty")
    assert done.returncode == 1
    assert "There is no checkpoint in empty" in done.stderr


def test_the_environment_names_the_folder(tmp_path: Path) -> None:
    train(tmp_path, "--steps", "10", TRAINCTL_CHECKPOINT_DIR=str(tmp_path / "elsewhere"))
    assert (tmp_path / "elsewhere" / "step_000010.json").exists()


def test_told_to_stop_it_saves_first(tmp_path: Path) -> None:
    command = [sys.executable, SCRIPT, "--sleep", "0.01", "--steps", "100000"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if PROGRESS.match(line):
                process.send_signal(signal.SIGTERM)
                break
        rest = process.stdout.read()
        assert process.wait(20) == 143
    (path,) = (tmp_path / "checkpoints").iterdir()
    state = json.loads(path.read_text())
    assert path.name == f"step_{state['step']:06d}.json"
    assert f"Saved checkpoint: checkpoints/{path.name}" in rest
    assert not (tmp_path / "training_complete.txt").exists()


def test_a_nonsense_number_is_refused(tmp_path: Path) -> None:
    done = train(tmp_path, "--save-every", "0")
    assert done.returncode == 2
    assert "--save-every must be at least 1" in done.stderr
