"""What is told about a run while it changes: each answer is of one moment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.services.training.agent import run_folder, supervisor
from runctl_tui.services.training.agent.files import write_file, write_json
from runctl_tui.services.training.agent.processes import record_process
from runctl_tui.services.training.agent.run_folder import Run
from runctl_tui.services.training.agent.status import status_of
from runctl_tui.services.training.agent.supervisor import Supervisor

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
    """End a run as its supervisor does, which then is gone."""
    ending = Supervisor(run)
    ending.finish(3, "it failed")
    ending.log.close()
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
    assert seen in (("running", None, True, False), ("failed", 3, False, False))


@pytest.mark.parametrize("name", ["state.json", "exit_code"])
def test_a_look_between_two_files_of_an_end_sees_one_moment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = at_work("r-between")
    seen = []

    def slowly(path: str, text: str) -> None:
        if path == run.path(name):
            seen.append(status_of(run))
        write_file(path, text)

    monkeypatch.setattr(supervisor, "write_file", slowly)
    monkeypatch.setattr(supervisor, "write_json", lambda path, value: slowly(path, json.dumps(value)))
    end(run)
    seen.append(status_of(run))
    told = {(one["phase"], one["exit_code"], one["alive"]) for one in seen}
    assert told <= {("running", None, True), ("failed", 3, False)}
    assert ("failed", 3, False) in told


def test_a_damaged_state_does_not_make_an_ended_run_begin() -> None:
    run = at_work("r-damaged")
    end(run)
    Path(run.path("state.json")).write_text("{")
    assert (status_of(run)["phase"], status_of(run)["exit_code"]) == ("exited", 3)


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
        monkeypatch.setattr(Run, look, original)
        if after:
            found = original(self)
            change(run)
            return found
        change(run)
        return original(self)

    monkeypatch.setattr(Run, look, looked)
