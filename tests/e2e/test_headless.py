"""The command line on the sandbox, as a script uses it: JSON, exit codes, plans and their hashes, nothing lost."""

from __future__ import annotations

import json

import pytest

from tests.e2e.world import World, row, until

pytestmark = pytest.mark.e2e


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
    words = {"db-primary": "not made by this tool", "prod-features": "protect", "this machine": "this machine"}
    for name, word in words.items():
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


@pytest.mark.apart
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


@pytest.mark.apart
def test_a_plan_survives_a_restart_of_the_sandbox(own_world: World) -> None:
    words = ("instances", "start", "old-notebook")
    before = own_world.ask(*words)["plan_hash"]
    assert own_world.call("sandbox", "stop").code == 0
    assert own_world.ask(*words)["plan_hash"] == before
    assert own_world.call(*words, "--yes", "--plan-hash", before).data["plan_hash"] == before


def test_all_of_mine_are_stopped_by_one_hash_and_nobody_elses(own_world: World) -> None:
    until(lambda: any(run["status"] == "running" for run in own_world.ask("runs", "list")), "the seeded training")
    shown = own_world.ask("resources", "stop-all")
    left_out = {one["name"] for one in shown["left_out"]}
    assert {"llama-eval", "sdxl-spot", "prod-features"} <= left_out
    held = own_world.call("resources", "stop-all", "--dry-run", "--yes", "--plan-hash", shown["plan_hash"])
    assert held.data["dry_run"] is held.data["yes_was_ignored"] is True
    assert row(own_world, "forgotten-bench")["state"] == "running"
    assert own_world.confirmed("resources", "stop-all").data["result"]
    states = {each["name"]: each["state"] for each in own_world.ask("instances", "list")}
    assert states["forgotten-bench"] == states["vision-lora"] == "stopped"
    assert {states[name] for name in (*left_out, "db-primary", "this machine")} == {"running"}


def test_nothing_in_the_state_folder_is_open_to_others(world: World) -> None:
    world.ask("instances", "list")
    world.call("runs", "list")
    found = [path for path in [world.state, *world.state.rglob("*")] if not path.is_symlink()]
    assert len(found) > 20
    assert [f"{path} {path.stat().st_mode & 0o777:o}" for path in found if path.stat().st_mode & 0o077] == []
