"""The nouns `volumes` and `snapshots`: rows, plans, and what is asked of the services."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from runctl_tui.domain.plan import Operation
from runctl_tui.domain.volume import NewVolume, VolumeChange, VolumeShape
from tests.headless.conftest import Runctl
from tests.headless.fakes import World
from tests.ui import fake_data as data
from tests.ui.fake_feed import FakeFeed


def test_every_volume_is_listed_with_price_and_last_snapshot(runctl: Runctl) -> None:
    rows = {row["name"]: row for row in runctl("volumes", "list", "--json").data}
    assert rows["data"]["attached_to"] == "llama-7b"
    assert (rows["data"]["size_gib"], rows["data"]["iops"], rows["data"]["usd_per_month"]) == (2000, 16_000, 260)
    assert (rows["fresh"]["usd_per_month"], rows["fresh"]["last_snapshot_known"]) == (None, False)
    lines = {line.split()[0]: line for line in runctl("volumes", "list").out.splitlines()}
    assert lines["scratch-2025"].split()[-2:] == ["none", "20.00"]
    assert lines["fresh"].split()[-2:] == ["?", "?"]


def test_what_a_kind_does_not_have_is_no_question(runctl: Runctl, world: World) -> None:
    assert world.storage.latest is not None
    kept = world.storage.latest.value
    shapes = {"scratch-2025": VolumeShape("st1", 500), "data": VolumeShape("network-fast", 500)}
    volumes = [replace(each, shape=shapes.get(each.name, each.shape)) for each in kept.volumes]
    world.storage = FakeFeed(replace(kept, volumes=tuple(volumes)))
    lines = {line.split()[0]: line for line in runctl("volumes", "list").out.splitlines()}
    assert lines["scratch-2025"].split()[3:8] == ["st1", "500", "-", "-", "-"]
    assert lines["data"].split()[3:8] == ["network-fast", "500", "-", "-", "llama-7b"]
    assert lines["data"].split()[-2] == "-"
    assert lines["data"].index(" -  ") + 1 == lines["NAME"].index("IOPS") + 3
    rows = {row["name"]: row for row in runctl("volumes", "list", "--json").data}
    assert rows["scratch-2025"]["iops"] is None


def test_one_volume_with_its_snapshots(runctl: Runctl) -> None:
    told = runctl("volumes", "show", "data", "--json").data
    assert {one["id"] for one in told["snapshots"]} == {"snap-0data", "snap-0new"}
    assert told["provider_says"]["VolumeId"] == "vol-0data"


def test_snapshots_of_one_volume(runctl: Runctl) -> None:
    assert len(runctl("snapshots", "list", "--json").data) == 4
    rows = runctl("snapshots", "list", "--volume", "data", "--json").data
    assert {row["id"] for row in rows} == {"snap-0data", "snap-0new"}
    assert rows[0]["usd_per_month_at_most"] == 100


NEW = NewVolume("aws", "us-east-1a", "fast", VolumeShape("gp3", 100, 50_000, 2_000), "demo")

NETWORK = NewVolume("runpod", "US-TX-3", "weights", VolumeShape("network", 100), "demo", encrypted=False)


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("volumes delete scratch-2025", VolumeChange(Operation.VOLUME_DELETE, ("aws/vol-0scratch",))),
        ("volumes detach data", VolumeChange(Operation.VOLUME_DETACH, ("aws/vol-0data",))),
        (
            "volumes snapshot data scratch-2025 --new-name kept",
            VolumeChange(Operation.VOLUME_SNAPSHOT, ("aws/vol-0data", "aws/vol-0scratch"), name="kept"),
        ),
        (
            "volumes attach scratch-2025 --to llama-7b --device /dev/sdh",
            VolumeChange(
                Operation.VOLUME_ATTACH, ("aws/vol-0scratch",), instance="aws/i-0123456789abcdef0", device="/dev/sdh"
            ),
        ),
        (
            "volumes modify scratch-2025 --size 300",
            VolumeChange(Operation.VOLUME_MODIFY, ("aws/vol-0scratch",), shape=VolumeShape("gp3", 300, 3000, 125)),
        ),
        (
            "volumes modify scratch-2025 --type st1",
            VolumeChange(Operation.VOLUME_MODIFY, ("aws/vol-0scratch",), shape=VolumeShape("st1", 250)),
        ),
        (
            "volumes create --new-name fast --zone us-east-1a --size 100 --use data",
            VolumeChange(Operation.VOLUME_CREATE, new=NEW),
        ),
        (
            "volumes create --new-name weights --zone US-TX-3 --size 100",
            VolumeChange(Operation.VOLUME_CREATE, new=NETWORK),
        ),
        (
            "snapshots restore sdxl-datasets --new-name back --zone us-west-2b --unencrypted",
            VolumeChange(
                Operation.VOLUME_CREATE,
                new=NewVolume("aws", "us-west-2b", "back", VolumeShape("gp3", 800), "demo", False, "snap-0sdxl"),
            ),
        ),
        (
            "snapshots copy sdxl-datasets --to eu-west-1",
            VolumeChange(Operation.SNAPSHOT_COPY, ("aws/snap-0sdxl",), region="eu-west-1"),
        ),
        ("snapshots delete old-home", VolumeChange(Operation.SNAPSHOT_DELETE, ("aws/snap-0old",))),
    ],
)
def test_unconfirmed_a_change_is_planned_and_nothing_more(
    runctl: Runctl, world: World, words: str, change: VolumeChange
) -> None:
    said = runctl(*words.split(), "--json")
    assert said.code == 0
    assert world.changes == [change]
    assert world.committed == []


def test_the_command_in_the_answer_carries_it_out(runctl: Runctl, world: World) -> None:
    command = runctl("volumes", "delete", "scratch-2025", "--json").data["confirm_with"]
    assert runctl(*shlex.split(command)[1:]).code == 0
    ((plan, confirmation),) = world.committed
    assert plan.operation is Operation.VOLUME_DELETE
    assert (confirmation.plan_hash, confirmation.yes) == (plan.hash, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("volumes modify data", "nothing to modify"),
        ("volumes create --new-name x --size 5", "one of the arguments --zone --for is required"),
        ("volumes create --new-name x --size 0 --zone us-east-1a", "a whole number"),
        ("volumes create --new-name x --size 50 --zone us-east-1", "us-east-1 is a region"),
        ("volumes create --new-name x --size 50 --zone us-east-1a --type network", "There is no network in us-east-1a"),
        ("volumes create --new-name x --size 50 --zone US-TX-3 --type gp3", "There is no gp3 in US-TX-3"),
        ("volumes create --new-name x --size 50 --zone US-TX-3 --use data", "--use chooses IOPS"),
        ("snapshots copy data --to mars", "'mars' is no region"),
    ],
)
def test_what_makes_no_sense_is_said(runctl: Runctl, world: World, words: str, message: str) -> None:
    said = runctl(*words.split(), "--json")
    assert said.code == 1
    assert message in str(said.error)
    assert world.changes == []


def test_a_partial_list_says_so(runctl: Runctl, world: World) -> None:
    world.storage.push(world.storage.latest.value, (data.THROTTLED,))  # type: ignore[union-attr] # it has a value
    said = runctl("volumes", "list", "--json")
    assert "throttled" in said.out
