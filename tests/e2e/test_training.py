"""Training by the command line on the sandbox: the whole way, failures, detached runs, uploads, resuming elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.world import World, row, until

pytestmark = [pytest.mark.e2e, pytest.mark.apart]

TINY = ("--steps", "40", "--sleep", "0.02", "--save-every", "20")
FAILING = "import sys\nprint('step 1/3 | loss 2.5', flush=True)\nsys.exit(3)\n"


def in_s3(world: World, run: str) -> set[int]:
    """Return the steps whose checkpoints are verified in S3."""
    return {each["step"] for each in world.ask("checkpoints", "list", "--run", run) if each["s3"] == "verified"}


def test_training_the_whole_way_and_nothing_left(world: World) -> None:
    words = ("train", "train.py", "--type", "g5.xlarge", "--spot", "--name", "whole-way")
    done = world.confirmed(*words, after=TINY).data
    assert (done["status"], done["exit_code"], done["terminated"]) == ("completed", 0, True)
    assert {each["step"] for each in done["checkpoints"]} == {20, 40}
    assert all(each["s3"].startswith("s3://runctl-sandbox-checkpoints/") for each in done["checkpoints"])
    assert not world.home_of(done["instance_id"]).exists()
    log = world.ask("runs", "logs", done["run_id"])["lines"]
    assert any("step 40/40" in line for line in log)


def test_a_script_that_fails_is_told_and_cleaned_up(world: World) -> None:
    (world.project / "fails.py").write_text(FAILING)
    answer = world.confirmed("train", "fails.py", "--type", "g4dn.xlarge", "--name", "failing")
    assert answer.code == 2
    assert "exit code 3" in json.dumps(answer.error)
    states = {each["state"] for each in world.ask("instances", "list") if each["name"] == "failing"}
    assert states <= {"terminated", "terminating"}


def test_keep_leaves_the_machine(world: World) -> None:
    done = world.confirmed("train", "train.py", "--type", "g4dn.xlarge", "--name", "kept", "--keep", after=TINY).data
    assert done["terminated"] is False
    assert row(world, "kept")["state"] == "running"
    assert world.confirmed("instances", "terminate", "kept").code == 0


def told(world: World, name: str) -> Any:
    """What the plan of a termination says; a host that answers slowly is told as unknown at first."""
    return world.ask("instances", "terminate", name)["plan"]


def test_a_detached_run_uploads_while_nobody_looks_then_stops_and_resumes_elsewhere(world: World) -> None:
    started = world.confirmed(
        "train", "train.py", "--type", "g4dn.xlarge", "--name", "away", "--detach",
        after=("--steps", "4000", "--sleep", "0.05", "--save-every", "20"),
    ).data  # fmt: skip
    run, machine = started["run_id"], started["instance_id"]
    log = world.host_log(machine, run)
    until(lambda: b"step 60/" in log.read_bytes(), "step 60 on the host")
    until(lambda: {20, 40} <= in_s3(world, run), "steps 20 and 40 in S3")
    until(lambda: "training_running" in told(world, "away")["acknowledge"], "the plan to say that it trains")
    assert machine in json.dumps(told(world, "away"))
    assert world.confirmed("runs", "stop", run).code == 0
    stopped = world.ask("runs", "show", run)
    assert (stopped["status"], stopped["exit_code"]) == ("cancelled", 143)
    until(lambda: world.ask("runs", "show", run)["uploads"]["pending"] == 0, "every upload")
    assert "\n".join(world.ask("runs", "logs", run)["lines"]) == log.read_text().rstrip("\n")
    on = world.confirmed("runs", "resume", run, "--on", "forgotten-bench").data["run_id"]
    resumed = until(lambda: _at_least(world, on, stopped["step"] + 1), "the resumed run beyond the old one")
    assert (resumed["parent"], resumed["instance_id"]) == (run, row(world, "forgotten-bench")["id"])
    assert world.confirmed("runs", "stop", on).code == 0
    assert world.confirmed("instances", "terminate", "away").code == 0


def test_without_a_profile_checkpoints_arrive_through_the_relay(world: World) -> None:
    words = ("train", "train.py", "--type", "g4dn.xlarge", "--name", "bare", "--profile-name", "none")
    done = world.confirmed(*words, after=TINY).data
    assert {each["step"] for each in done["checkpoints"]} == {20, 40}
    assert done["terminated"] is True


def _at_least(world: World, run: str, step: int) -> dict[str, Any] | None:
    shown = dict(world.ask("runs", "show", run))
    return shown if (shown["step"] or 0) >= step else None
