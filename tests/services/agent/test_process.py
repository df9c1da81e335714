"""The verb `process`: a close look, what is guarded, and a signal that meets exactly the process that was meant."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.host import Guard, ProcessLook
from runctl_tui.services.training.agent import guarding, one_process, process_table
from runctl_tui.services.training.agent.basics import Refused
from runctl_tui.services.training.host_values import process_look
from tests.services.agent.harness import Machine, until
from tests.services.agent.test_runs import pythons

SLEEP = "import time; print(flush=True); time.sleep(120)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).wait()"


@contextmanager
def begun(*words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that says when it is ready."""
    with subprocess.Popen([sys.executable, *words], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def start_of(pid: int) -> int:
    seen = process_table.process(pid)
    assert seen is not None
    return seen.start


def look(machine: Machine, pid: int, start: int | None = None) -> ProcessLook:
    answer = machine.ask("process", processes=[{"pid": pid, "start": start}])
    return process_look(answer["processes"][0], answer["uid"])


def send(machine: Machine, name: str, pid: int, start: int) -> dict[str, Any]:
    return machine.ask("process", do=name, pid=pid, start=start)


def test_a_close_look_says_whose_it_is_and_what_it_has_begun(machine: Machine) -> None:
    with begun("-c", PARENT, "--token", "hf_abcdefghijklmnop") as worker:
        seen = look(machine, worker.pid, start_of(worker.pid))
        children = [int(child.split()[0]) for child in seen.children]
        for child in children:
            os.kill(child, 9)
    assert seen.process is not None
    assert (seen.process.pid, seen.process.own, seen.process.parent) == (worker.pid, True, os.getpid())
    assert seen.process.command.endswith("--token •••")
    assert (seen.guard, seen.children_total) == (Guard.NONE, 1)
    assert (seen.pid, seen.instead) == (worker.pid, "")


def test_a_number_alone_finds_who_has_it_now(machine: Machine) -> None:
    with begun("-c", SLEEP) as worker:
        seen = look(machine, worker.pid).process
        assert seen is not None
        assert seen.start == start_of(worker.pid)
        assert machine.ask("process", do="state", pid=worker.pid, start=seen.start)["state"] in ("S", "R")
    assert look(machine, worker.pid).process is None


@pytest.mark.parametrize("python", pythons())
def test_term_is_obeyed_and_once_gone_nothing_is_sent(machine: Machine, python: str) -> None:
    machine.python = python
    with begun("-c", SLEEP) as worker:
        start = start_of(worker.pid)
        assert look(machine, worker.pid, start).guard is Guard.NONE
        assert send(machine, "TERM", worker.pid, start)["sent"] is True
        assert worker.wait(20) == -15
        assert machine.ask("process", do="state", pid=worker.pid, start=start)["state"] == ""
        assert send(machine, "TERM", worker.pid, start)["sent"] is False


def test_a_process_that_ignores_term_stays_until_it_is_killed(machine: Machine) -> None:
    with begun("-c", STUBBORN) as worker:
        start = start_of(worker.pid)
        assert send(machine, "TERM", worker.pid, start)["sent"] is True
        assert machine.ask("process", do="state", pid=worker.pid, start=start)["state"] != ""
        assert send(machine, "KILL", worker.pid, start)["sent"] is True
        assert worker.wait(20) == -9


def test_another_process_with_that_number_is_never_meant(machine: Machine) -> None:
    with begun("-c", SLEEP) as worker:
        other = start_of(worker.pid) - 1
        answer = send(machine, "KILL", worker.pid, other)
        assert answer["error"]["code"] == "process_other"
        assert machine.ask("process", do="state", pid=worker.pid, start=other)["state"] == ""
        seen = look(machine, worker.pid, other)
        assert seen.process is None
        assert seen.instead.startswith("python")
        assert worker.poll() is None


def test_what_this_call_came_through_is_guarded(machine: Machine) -> None:
    assert look(machine, os.getpid()).guard is Guard.CARRIER
    answer = send(machine, "TERM", os.getpid(), start_of(os.getpid()))
    assert answer["error"]["code"] == "process_carrier"


def test_the_first_process_is_guarded(machine: Machine) -> None:
    assert look(machine, 1).guard is Guard.FIRST
    assert send(machine, "KILL", 1, start_of(1))["error"]["code"] == "process_first"


@pytest.mark.parametrize("name", ["runctl-tui", "agent-0123abcd.pyz"])
def test_the_programs_own_processes_are_guarded(machine: Machine, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SLEEP)
    with begun(str(tmp_path / name)) as own:
        assert look(machine, own.pid).guard is Guard.PROGRAM
        assert send(machine, "TERM", own.pid, start_of(own.pid))["error"]["code"] == "process_program"
        assert own.poll() is None


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("python -P -m runctl_tui.sandbox --folder x", True),
        ("/usr/bin/python3.12 -X dev -m runctl_tui relay", True),
        ("/home/a/.local/bin/runctl-tui tunnels hold", True),
        ("python3 /root/.runctl/agent-00ff00ff.pyz watch", True),
        ("python3 -m runctl_tui_else", False),
        ("python3 train.py runctl-tui", False),
        ("vim runctl-tui", False),
        ("python3", False),
        ("", False),
    ],
)
def test_what_counts_as_this_programs_own(line: str, own: bool) -> None:
    assert guarding.is_own_program(line.split(" ")) is own


def test_a_run_with_its_children_is_guarded_until_it_has_ended(machine: Machine) -> None:
    bare = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)'], env={}"
    machine.script(
        f"import subprocess, sys, time\nkids = [{bare}), {bare}, start_new_session=True)]\n"
        "open('kids', 'w').write(' '.join(str(kid.pid) for kid in kids))\ntime.sleep(120)\n"
    )
    machine.start()
    kids = until(lambda: (machine.project / "kids").exists() and (machine.project / "kids").read_text().split())
    child, daemon = map(int, kids)
    try:
        for pid in (machine.recorded("pid"), child, daemon):
            seen = look(machine, pid)
            assert (seen.guard, seen.process and seen.process.run_id) == (Guard.RUN, "r-1")
        supervisor = look(machine, machine.recorded("supervisor"))
        assert (supervisor.guard, supervisor.process and supervisor.process.run_id) == (Guard.PROGRAM, "r-1")
        assert send(machine, "KILL", child, start_of(child))["error"]["code"] == "process_run"
        machine.ask("stop", run_id="r-1", grace=0)
        machine.ended()
        assert look(machine, daemon).guard is Guard.NONE
    finally:
        os.kill(daemon, 9)


def test_what_an_ended_run_left_behind_may_go_and_an_unknown_runs_may_not(machine: Machine) -> None:
    machine.script("pass\n")
    machine.start()
    machine.ended()
    with begun("-c", SLEEP, RUNCTL_RUN_ID="r-1") as left, begun("-c", SLEEP, RUNCTL_RUN_ID="r-nowhere") as strange:
        seen = look(machine, left.pid)
        assert (seen.guard, seen.process and seen.process.run_id) == (Guard.NONE, "r-1")
        assert look(machine, strange.pid).guard is Guard.RUN_UNKNOWN
        assert send(machine, "TERM", left.pid, start_of(left.pid))["sent"] is True


@pytest.mark.parametrize(
    ("what", "answer", "guard"),
    [
        ("owner", os.getuid() + 1, "other_user"),
        ("owner", None, "owner_unknown"),
        ("environment", None, "run_unknown"),
    ],
)
def test_what_cannot_be_told_guards_too(monkeypatch: pytest.MonkeyPatch, what: str, answer: Any, guard: str) -> None:
    monkeypatch.setattr(guarding, what, lambda pid: answer)
    with begun("-c", SLEEP) as worker:
        with pytest.raises(Refused) as refused:
            one_process.send(worker.pid, start_of(worker.pid), 9)
        assert refused.value.code == f"process_{guard}"
        assert worker.poll() is None


def test_threads_of_the_kernel_are_guarded() -> None:
    fields = " ".join(["S", "2", "0", "0", "0", "0", str(process_table.KERNEL_THREAD), *"0" * 12, "12", "0", "0"])
    assert guarding.guard_of(process_table.Seen(9, f"9 (kworker) {fields}")) == ("kernel", "")


def test_a_host_whose_python_knows_no_handles_is_served_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    with begun("-c", SLEEP) as worker:
        assert one_process.send(worker.pid, start_of(worker.pid), 15) is True
        assert worker.wait(20) == -15


def test_a_sandbox_host_knows_only_its_own_processes(machine: Machine) -> None:
    machine.environment["RUNCTL_SANDBOX_INSTANCE"] = "i-1"
    with begun("-c", SLEEP) as foreign, begun("-c", SLEEP, RUNCTL_SANDBOX_INSTANCE="i-1") as own:
        assert look(machine, foreign.pid).process is None
        assert send(machine, "TERM", foreign.pid, start_of(foreign.pid))["sent"] is False
        assert foreign.poll() is None
        assert look(machine, own.pid).guard is Guard.NONE


@pytest.mark.parametrize(
    "request_",
    [{"do": "TERM"}, {"do": "HUP", "pid": 5, "start": 5}, {"do": "TERM", "pid": 0, "start": 5}, {"processes": [{}]}],
)
def test_requests_that_make_no_sense_are_refused(machine: Machine, request_: dict[str, Any]) -> None:
    assert machine.ask("process", **request_)["error"]["code"] == "bad_request"
