"""The noun `resources`: one list, its sums with the marks they passed, and what deserves a look."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from runctl_tui.domain.cost import TrackedResource
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.money import HOURS_PER_MONTH
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.volume import Storage
from tests.headless.conftest import Runctl
from tests.headless.fakes import NOW, World, idle, machine

STOPPED = machine(id="i-2", name="old-notebook", state=ResourceState.STOPPED, type="g4dn.xlarge")

NETWORK = TrackedResource(
    id="nv1",
    kind="volume",
    provider="runpod",
    region="EU-RO-1",
    name="data",
    state=ResourceState.STOPPED,
    project="vision",
    run="",
    usd_per_hour=Decimal(14) / HOURS_PER_MONTH,
    accumulated=Decimal(3),
    unpriced_seconds=0,
    first_seen_at=NOW,
    last_seen_at=NOW,
    type="network",
)


def test_the_list_is_filtered_by_provider_state_and_tag(runctl: Runctl, world: World) -> None:
    world.machines = (machine(), STOPPED)
    assert [row["id"] for row in runctl("resources", "list", "--json").data] == ["i-0123456789abcdef0", "i-2"]
    assert [row["id"] for row in runctl("resources", "list", "--state", "stopped", "--json").data] == ["i-2"]
    assert runctl("resources", "list", "--provider", "runpod", "--json").data == []
    assert len(runctl("resources", "list", "--tag", "runctl:project=llama", "--json").data) == 2
    assert runctl("resources", "list", "--tag", "runctl:project=sdxl", "--json").data == []
    assert "8" in runctl("resources", "list").out.splitlines()[1].split()


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (("resources", "list", "--provider", "runpd"), "aws, runpod, local"),
        (("resources", "list", "--state", "asleep"), "stopped"),
        (("resources", "stop-all", "--provider", "runpd"), "aws, runpod, local"),
    ],
)
def test_a_name_that_there_is_not_is_no_reassurance(runctl: Runctl, words: tuple[str, ...], known: str) -> None:
    said = runctl(*words, "--json")
    assert said.code == 1
    assert known in said.error["message"] + said.error["hint"]


def test_pods_without_a_key_are_not_said_to_be_none(runctl: Runctl, world: World) -> None:
    world.providers = ("aws", "local")
    said = runctl("pods", "list", "--json")
    assert said.code == 1
    assert "RUNPOD_API_KEY" in said.error["hint"]


def test_an_unattached_volume_says_what_it_is(runctl: Runctl, world: World) -> None:
    world.tracked_volumes = (replace(NETWORK, provider="aws", type="gp3"),)
    (row,) = [row for row in runctl("resources", "list", "--json").data if row["kind"] == "volume"]
    assert (row["type"], row["note"]) == ("gp3 volume", "attached to nothing")


def test_a_network_volume_is_listed_with_what_it_costs(runctl: Runctl, world: World) -> None:
    world.machines = (machine(),)
    world.tracked_volumes = (NETWORK, replace(NETWORK, id="nv2", state=ResourceState.TERMINATED))
    (row,) = [row for row in runctl("resources", "list", "--json").data if row["kind"] == "volume"]
    assert (row["id"], row["state"], row["disks_usd_per_month"], row["so_far_usd"]) == ("nv1", "kept", 14, 3)
    assert "network volume" in runctl("resources", "list", "--provider", "runpod").out
    assert runctl("resources", "list", "--tag", "runctl:project=sdxl", "--json").data == []
    assert len(runctl("resources", "list", "--state", "kept", "--json").data) == 1
    assert "kept" in runctl("cost").out
    world.tracked_volumes = (replace(NETWORK, usd_per_hour=None, accumulated=Decimal(0), unpriced_seconds=60.0),)
    (row,) = [row for row in runctl("resources", "list", "--json").data if row["kind"] == "volume"]
    assert (row["disks_usd_per_month"], row["so_far_usd"]) == (None, None)
    (line,) = [line for line in runctl("cost").out.splitlines() if "nv1" in line]
    assert line.split()[-2:] == ["?", "?"]


def test_the_summary_counts_and_says_which_marks_are_passed(runctl: Runctl, world: World) -> None:
    unpriced = replace(machine(id="i-3", type="p9.huge"), price=Unknown("not told"))
    world.machines = (machine(), STOPPED, unpriced)
    data = runctl("resources", "summary", "--json").data
    assert data["states"] == {"running": 2, "stopped": 1}
    assert (data["usd_per_day"], data["usd_per_week"]) == (24.144, 169.008)
    assert data["types"] == [
        {"type": "g4dn.xlarge", "running": 0, "all": 1, "usd_per_hour": 0},
        {"type": "g5.xlarge", "running": 1, "all": 1, "usd_per_hour": 1.006},
        {"type": "p9.huge", "running": 1, "all": 1, "usd_per_hour": None},
    ]
    assert [mark["text"] for mark in data["marks"]] == ["at this rate the month ends $80.50 over the budget"]
    text = runctl("resources", "summary").out
    assert "not included  us-west-2, 2 unpriced types" in text
    assert "▲ mark        at this rate the month ends $80.50 over the budget" in text


def test_insights_say_what_saves_how_much_and_the_command_for_it(runctl: Runctl, world: World) -> None:
    world.machines = (STOPPED, idle(machine()))
    world.storage.push(Storage())
    found = runctl("resources", "insights", "--json").data
    assert [(one["kind"], one["operation"]) for one in found] == [
        ("idle", "stop"),
        ("stopped", "terminate"),
        ("budget", None),
    ]
    assert found[1]["saves_per_month"] == 8
    lines = runctl("resources", "insights").out.splitlines()
    assert "$734.38/mo ($1.01/h)" in lines[1]
    assert "idle: no run known for 2 h, $2.10 since; CPU 2 %, GPU 0 %, 0 s ago (g5.xlarge)" in lines[1]
    assert "instances stop i-0123456789abcdef0" in lines[1]
    assert "$8.00/mo" in lines[2]
    assert "instances terminate i-2" in lines[2]


def test_an_unknown_saving_is_said_to_be_unknown(runctl: Runctl, world: World) -> None:
    world.machines = (replace(STOPPED, disks_per_month=None),)
    world.storage.push(Storage())
    assert runctl("resources", "insights", "--json").data[0]["saves_per_hour"] is None
    assert " unknown " in runctl("resources", "insights").out


def test_quiet_and_partial_answers_say_so(runctl: Runctl, world: World) -> None:
    world.machines, world.budget = (machine(),), Decimal(500)
    world.storage.push(Storage())
    world.missing = (Problem("Throttling", "us-west-2: could not be listed", "throttled"),)
    assert "nothing found in what could be read" in runctl("resources", "insights").out
    assert runctl("resources", "insights", "--json").envelope["missing"][0]["code"] == "Throttling"


def test_volumes_that_nothing_uses_are_among_the_insights_and_what_of_them_was_not_read_is_missing(
    runctl: Runctl, world: World
) -> None:
    world.machines = ()
    found = runctl("resources", "insights", "--json").data
    unused = [one for one in found if one["kind"] == "unattached"]
    assert [(one["reference"], one["saves_per_month"]) for one in unused] == [
        ("aws/vol-0sdxl", 64),
        ("aws/vol-0scratch", 20),
    ]
    line = next(line for line in runctl("resources", "insights").out.splitlines() if "scratch-2025" in line)
    assert "$20.00/mo" in line
    assert "volumes delete vol-0scratch" in line
    world.storage.push(Storage(), (Problem("Throttling", "us-west-2: volumes could not be listed", "throttled"),))
    assert runctl("resources", "insights", "--json").envelope["missing"][0]["code"] == "Throttling"


def test_what_could_not_be_looked_at_is_no_zero(runctl: Runctl, world: World) -> None:
    world.costs_unread = True
    data = runctl("cost", "--json").data
    assert [data[name] for name in ("burn_per_hour", "today", "month", "forecast")] == [None] * 4
    text = runctl("cost").out
    assert "today         unknown\n" in text
    assert "not included  AWS (not connected)" in text
    data = runctl("resources", "summary", "--json").data
    assert [data[name] for name in ("usd_per_hour", "usd_per_week", "today", "forecast")] == [None] * 4
    assert "today         unknown\n" in runctl("resources", "summary").out
