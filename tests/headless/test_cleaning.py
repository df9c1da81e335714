"""`resources cleanup` and `resources stop-all`: our own things, by plan and hash, and never anybody else's."""

from __future__ import annotations

import shlex
from dataclasses import replace
from decimal import Decimal

import pytest

from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.volume import Storage
from tests.headless.conftest import Runctl
from tests.headless.fakes import BLOCKED, World, idle, machine

MINE, FOREIGN = "aws/i-0123456789abcdef0", (("team", "payments"),)
POD = machine(id="p0d", name="pod", provider="runpod")


@pytest.fixture(autouse=True)
def _fleet(world: World) -> None:
    world.many = True
    world.storage.push(Storage())
    world.budget = Decimal(500)
    world.machines = (
        machine(),
        POD,
        machine(id="i-db", name="db", tags=FOREIGN),
        machine(id="i-bob", name="bobs", tags=(("runctl:owner", "bob"),)),
        machine(id="i-off", name="off", state=ResourceState.STOPPED),
        machine(id="local", name="this machine", provider="local", market=Market.LOCAL),
    )


def test_stop_all_is_about_ours_that_run_and_nothing_else(runctl: Runctl, world: World) -> None:
    said = runctl("resources", "stop-all", "--json")
    assert world.planned[-1] == (Operation.STOP, (MINE, "runpod/p0d"))
    assert said.data["left_out"] == []
    assert {key for _, keys in world.planned for key in keys} == {MINE, "runpod/p0d"}
    assert world.committed == []


def test_stop_all_of_one_provider(runctl: Runctl, world: World) -> None:
    runctl("resources", "stop-all", "--provider", "runpod", "--json")
    assert world.planned[-1] == (Operation.STOP, ("runpod/p0d",))


def test_stop_all_acts_by_the_hash_that_it_showed(runctl: Runctl, world: World) -> None:
    command = runctl("resources", "stop-all", "--json").data["confirm_with"]
    assert runctl(*shlex.split(command)[1:]).data["result"]
    ((done, _),) = world.committed
    assert [target.id for target in done.targets] == ["i-0123456789abcdef0", "p0d"]
    world.machines = (*world.machines, machine(id="i-new", name="new"))
    assert runctl(*shlex.split(command)[1:]).error["type"] == "PlanChanged"


def test_what_may_not_be_stopped_is_left_out_with_the_reason(runctl: Runctl, world: World) -> None:
    world.refused = {"runpod/p0d": BLOCKED}
    said = runctl("resources", "stop-all", "--json")
    assert world.planned[-1] == (Operation.STOP, (MINE,))
    assert said.data["left_out"] == [
        {"reference": "runpod/p0d", "name": "runpod/p0d", "why": "training r-01abcdef runs on it"}
    ]
    assert "SPARED" in runctl("resources", "stop-all").out
    world.refused[MINE] = BLOCKED
    refused = runctl("resources", "stop-all", "--json")
    assert (refused.code, refused.error["code"]) == (1, "left-out")


def test_nothing_to_stop_is_no_error_but_a_hash_for_it_is(runctl: Runctl, world: World) -> None:
    world.machines = world.machines[2:]
    assert "nothing of yours is running" in runctl("resources", "stop-all").out
    assert runctl("resources", "stop-all", "--yes", "--plan-hash", "0" * 12, "--json").error["type"] == "PlanChanged"


def test_cleanup_takes_up_what_is_idle_forgotten_or_unattached_and_ours(runctl: Runctl, world: World) -> None:
    world.storage = type(world.storage)(World().storage.latest.value)  # type: ignore[union-attr] # the default has volumes
    held = (("runctl:owner", "me"), ("runctl:protected", "true"))
    world.machines = (
        *map(idle, world.machines[:4]),
        *world.machines[4:],
        idle(machine(id="i-spot", name="sp0t", market=Market.SPOT)),
        idle(machine(id="i-held", name="held", tags=held, market=Market.SPOT)),
        replace(idle(machine(id="i-dark", name="dark")), usage=None),
    )
    said = runctl("resources", "cleanup", "--json")
    effects = [one["plan"]["effect"] for one in said.data["plans"]]
    assert effects == [
        f"stop {MINE}, runpod/p0d",
        "terminate aws/i-spot",
        "volume-delete aws/vol-0sdxl, aws/vol-0scratch",
    ]
    (left,) = said.data["left_out"]
    assert left["reference"] == "aws/i-held"
    assert left["why"].endswith("protected by the tag runctl:protected=true: remove the tag first")
    assert len({one["plan_hash"] for one in said.data["plans"]}) == 3
    assert world.committed == []
    text = runctl("resources", "cleanup").out
    assert text.count("To carry it out:") == 3


def test_one_plan_of_a_cleanup_is_carried_out_by_its_own_hash(runctl: Runctl, world: World) -> None:
    world.machines = (idle(machine()), idle(machine(id="i-spot", name="sp0t", market=Market.SPOT)))
    stop, end = runctl("resources", "cleanup", "--json").data["plans"]
    words = shlex.split(end["confirm_with"])[1:]
    assert words[-2:] == ["--name", "aws/i-spot"]
    assert runctl(*words).data["jobs"][0]["result"]
    assert [done.effect for done, _ in world.committed] == ["terminate aws/i-spot"]
    unnamed = runctl("resources", "cleanup", "--yes", "--plan-hash", end["plan_hash"], "--json")
    assert unnamed.error["type"] == "ValidationError"
    wrong = runctl("resources", "cleanup", "--yes", "--plan-hash", "0" * 12, "--json")
    assert wrong.error["type"] == "PlanChanged"
    assert stop["plan_hash"] in wrong.error["message"]
    assert runctl("resources", "cleanup", "--yes", "--json").error["type"] == "ValidationError"
    assert len(world.committed) == 1


def test_a_tidy_place_has_nothing_to_clean_up(runctl: Runctl, world: World) -> None:
    assert "nothing of yours is to be cleaned up" in runctl("resources", "cleanup").out
    assert runctl("resources", "cleanup", "--json").data == {"plans": [], "left_out": []}


def test_what_a_cleanup_may_not_touch_is_said(runctl: Runctl, world: World) -> None:
    world.machines = (idle(machine()),)
    world.refused = {MINE: BLOCKED}
    assert "training r-01abcdef runs on it" in runctl("resources", "cleanup").out
