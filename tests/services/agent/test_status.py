"""What is told about a run while it changes: each answer is of one moment."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.services.training.agent import run_folder
from runctl_tui.services.training.agent.files import write_file, write_json
from runctl_tui.services.training.agent.processes import record_process
from runctl_tui.services.training.agent.run_folder import Run
from runctl_tui.services.training.agent.status import status_of

LOOKS = ("state", "exit_code", "supervisor", "command", "starting")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "RUNS", str(tmp_path))


def at_work(run_id: str) -> Run:
    run = Run(run_id)
    Path(run.folder).mkdir(parents=True)
    write_json(run.path("state.json"), {"phase": "running"})
    record_process(run.path("supervisor"), os.getpid())
    return run


def end(run: Run) -> None:
    """End a run as its supervisor does: state, exit code, gone."""
    write_json(run.path("state.json"), {"phase": "failed"})
    write_file(run.path("exit_code"), "3\n")
    write_file(run.path("supervisor"), "")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_ends_while_it_is_looked_at_is_told_at_work_or_ended(
    look: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = at_work(f"r-{look}")
    meanwhile(run, look, after, end, monkeypatch)
    told = status_of(run)
    seen = told["phase"], told["exit_code"], told["alive"], told["lost"]
    assert seen in (("running", None, True, False), ("failed", None, True, False), ("failed", 3, False, False))


@pytest.mark.parametrize("look", LOOKS)
def test_a_run_whose_supervisor_comes_while_it_is_looked_at_is_not_lost(
    look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(f"r-{look}")
    Path(run.folder).mkdir(parents=True)
    begin = lambda run: record_process(run.path("supervisor"), os.getpid())  # noqa: E731 - as short as it is
    meanwhile(run, look, True, begin, monkeypatch)
    assert status_of(run)["alive"]


def meanwhile(run: Run, look: str, after: bool, change: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something happen just before or just after one of the looks at a run."""
    original = getattr(Run, look)

    def looked(self: Run) -> Any:
        if after:
            found = original(self)
            change(run)
            return found
        change(run)
        return original(self)

    monkeypatch.setattr(Run, look, looked)
