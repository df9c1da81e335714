"""The command line on the sandbox, as a script uses it: JSON, exit codes, plans and their hashes, nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.world import World, until

pytestmark = pytest.mark.e2e

TINY = ("--steps", "40", "--sleep", "0.02", "--save-every", "20")
FAILING = "import sys\nprint('step 1/3 | loss 2.5', flush=True)\nsys.exit(3)\n"


def row(world: World, name: str) -> dict[str, Any]:
    """Return an instance's row by its name."""
    found = [each for each in world.ask("instances", "list") if each["name"] == name]
    assert len(found) == 1, found
    return dict(found[0])


def in_s3(world: World, run: str) -> set[int]:
    """Return the steps whose checkpoints are verified in S3."""
    return {each["step"] for each in world.ask("checkpoints", "list", "--run", run) if each["s3"] == "verified"}


def test_the_fleet_as_rows(world: World) -> None:
    rows = {each["name"]: each for each in world.ask("instances", "list")}
    assert {"id", "provider", "region", "state", "type", "name", "usd_per_hour"} <= rows["llama-eval"].keys()
    assert rows["llama-eval"]["usd_per_hour"] == 1.006
    assert rows["sdxl-spot"]["region"] == "us-west-2"
    assert rows["old-notebook"]["state"] == "stopped"
    assert rows["this machine"]["provider"] == "local"
    assert rows["db-primary"]["ownership"] == "foreign"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("instances", "lst"), 1, "list"),
        (("instances", "stop", "nobody"), 1, "nobody"),
        (("instances", "stop", "llama-eval", "--yes"), 1, "plan-hash"),
        (("runs", "logs", "r-none"), 1, "r-none"),
        (("config", "set", "aws.regoin", "us-east-1"), 3, "aws.region"),
        (("train", "nothing.py", "--type", "g5.xlarge"), 1, "nothing.py"),
        (("instances", "launch", "--type", "g99.huge"), 1, "g99.huge"),
    ],
)
def test_errors_are_one_object_with_what_to_do(world: World, words: tuple[str, ...], code: int, says: str) -> None:
    answer = world.call(*words)
    assert says in json.dumps(answer.error)
    assert answer.code == code


def test_a_broken_configuration_is_error_three(world: World) -> None:
    broken = world.folder / "broken.toml"
    broken.write_text("[aws\nregion = 1")
    answer = world.call("--config", str(broken), "instances", "list")
    assert (answer.code, answer.error["type"]) == (3, "ConfigParseError")


def test_what_may_never_be_terminated(world: World) -> None:
    for name, word in (("db-primary", "claim"), ("prod-features", "protect"), ("this machine", "this machine")):
        planned = world.ask("instances", "terminate", name)
        assert planned["plan"]["allowed"] is False
        assert word in json.dumps(planned["plan"]["reasons"]).lower()
        refused = world.call(
            "instances", "terminate", name, "--yes", "--plan-hash", planned["plan_hash"], "--confirm-name", name
        )
        assert refused.error["type"] == "Refused"
    assert row(world, "db-primary")["state"] == row(world, "prod-features")["state"] == "running"


def test_read_only_shows_plans_and_carries_none_out(world: World) -> None:
    planned = world.ask("--read-only", "instances", "start", "old-notebook")
    refused = world.call(
        "--read-only", "instances", "start", "old-notebook", "--yes", "--plan-hash", planned["plan_hash"]
    )
    assert "read-only" in json.dumps(refused.error)
    assert row(world, "old-notebook")["state"] == "stopped"


def test_an_instance_from_launch_to_terminate(world: World) -> None:
    launch = ("instances", "launch", "--type", "g4dn.xlarge", "--name", "scripted")
    planned = world.ask(*launch)
    assert planned["plan"]["usd_per_hour"] == 0.526
    assert all(each["name"] != "scripted" for each in world.ask("instances", "list"))
    wrong = world.call(*launch, "--yes", "--plan-hash", "0" * len(planned["plan_hash"]))
    assert wrong.error["type"] == "PlanChanged"
    made = world.call(*launch, "--yes", "--plan-hash", planned["plan_hash"]).data["instance_id"]
    assert row(world, "scripted")["id"] == made
    assert world.confirmed("instances", "stop", "scripted").data["result"]
    assert row(world, "scripted")["state"] == "stopped"
    assert world.confirmed("instances", "start", "scripted").data["result"]
    assert row(world, "scripted")["state"] == "running"
    gone = world.ask("instances", "terminate", "scripted")
    assert gone["plan"]["name_to_type"] == "scripted"
    unnamed = world.call("instances", "terminate", "scripted", "--yes", "--plan-hash", gone["plan_hash"])
    assert unnamed.error["type"] in ("Refused", "ValidationError")
    assert world.confirmed("instances", "terminate", "scripted").code == 0
    assert not world.home_of(made).exists()


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


def test_a_detached_run_uploads_while_nobody_looks_then_stops_and_resumes_elsewhere(world: World) -> None:
    started = world.confirmed(
        "train", "train.py", "--type", "g4dn.xlarge", "--name", "away", "--detach",
        after=("--steps", "4000", "--sleep", "0.05", "--save-every", "20"),
    ).data  # fmt: skip
    run, machine = started["run_id"], started["instance_id"]
    log = world.host_log(machine, run)
    until(lambda: b"step 60/" in log.read_bytes(), "step 60 on the host")
    until(lambda: {20, 40} <= in_s3(world, run), "steps 20 and 40 in S3")
    blocked = world.ask("instances", "terminate", "away")["plan"]
    assert (blocked["allowed"], machine in json.dumps(blocked)) == (False, True)
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


def test_a_plan_survives_a_restart_of_the_sandbox(own_world: World) -> None:
    words = ("instances", "start", "old-notebook")
    before = own_world.ask(*words)["plan_hash"]
    assert own_world.call("sandbox", "stop").code == 0
    assert own_world.ask(*words)["plan_hash"] == before
    assert own_world.call(*words, "--yes", "--plan-hash", before).data["plan_hash"] == before


def _at_least(world: World, run: str, step: int) -> dict[str, Any] | None:
    shown = dict(world.ask("runs", "show", run))
    return shown if (shown["step"] or 0) >= step else None
