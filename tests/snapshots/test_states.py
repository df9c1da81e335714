"""How every screen looks while it loads, with nothing in it, in part and refused, in 16 colours, and very wide.

One run of the application goes through several screens, because starting it is what takes the time.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import rich.console
from pytest_textual_snapshot import SVGImageExtension
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from syrupy.assertion import SnapshotAssertion

from runctl_tui import theme
from runctl_tui.app import RunctlApp
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.volume import Storage
from tests.snapshots.test_screens import Act, do
from tests.ui import fake_data as data
from tests.ui import host_data
from tests.ui.driving import NARROW, Person
from tests.ui.fake_feed import FakeFeed
from tests.ui.fake_objects import FakeBucket
from tests.ui.fakes import World

HUGE = (200, 50)
DENIED = Problem(
    "UnauthorizedOperation",
    "us-east-1: the volumes could not be listed",
    "you are not authorized to perform ec2:DescribeVolumes",
    "ask for ec2:DescribeVolumes",
    scope="aws/us-east-1",
)
UNHEARD = Problem(
    "host.link-lost",
    "llama-7b: its checkpoints could not be listed",
    "the link was lost",
    "it is tried again",
    retry_in=12.0,
)
INSIDE = ("3", "?my-runs", "g", "enter", "?README.md", "G", "k")
Stop = tuple[str, tuple[str | Act, ...]]


async def tunnels(person: Person) -> None:
    await person.press("colon")
    await person.type("tunnels")
    await person.press("enter")


async def gallery(snapshot: SnapshotAssertion, world: World, size: tuple[int, int], *stops: Stop) -> None:
    """Go from stop to stop in one run of the application, and compare what each looks like."""
    drawings = snapshot.use_extension(SVGImageExtension)
    app = RunctlApp(world.services())
    different = []
    async with app.run_test(size=size) as pilot:
        person = Person(pilot, app, world)
        for name, acts in stops:
            await do(person, acts)
            if drawings(name=name) != app.export_screenshot():
                different.append(name)
    assert different == [], "other than its drawing; look at both, `pytest --snapshot-update` takes it over"


async def test_loading(snapshot: SnapshotAssertion) -> None:
    await gallery(
        snapshot,
        World().hanging(),
        NARROW,
        ("volumes", ("2", "?loading volumes")),
        ("s3", ("3", "?loading buckets")),
        ("checkpoints", ("4", "?loading checkpoints")),
        ("monitor", ("5", "?loading runs")),
        ("costs", ("6", "?not added up yet")),
        ("tasks", ("7", "?loading tasks")),
        ("tunnels", (tunnels, "?loading tunnels")),
    )


async def test_empty(snapshot: SnapshotAssertion) -> None:
    world = World(buckets={"my-runs": FakeBucket({})}).empty()
    world.tunnels.feed = FakeFeed(())
    await gallery(
        snapshot,
        world,
        NARROW,
        ("volumes", ("2", "?New volume…")),
        ("snapshots", ("tab", "?no snapshots")),
        ("bucket", ("3", "?my-runs", "enter", "?nothing in this bucket")),
        ("tunnels", (tunnels, "?no tunnels")),
    )


async def test_partial(snapshot: SnapshotAssertion) -> None:
    world = World().partial()
    storage = world.volumes.latest.value if world.volumes.latest else Storage()
    east = tuple(volume for volume in storage.volumes if volume.region != data.US_WEST)
    world.volumes.push(replace(storage, volumes=east), (data.THROTTLED,), data.ago(seconds=48))
    world.checkpoints.push(data.checkpoints()[:3], (UNHEARD,), data.ago(seconds=75))
    world.runs.push((data.LLAMA_RUN, data.TINY_RUN), (UNHEARD,), data.ago(seconds=75))
    await gallery(
        snapshot,
        world,
        NARROW,
        ("why", ("?rows from", "exclamation_mark", "?8f1c-77aa")),
        ("volumes", ("escape", "2", "?rows from")),
        ("checkpoints", ("4", "?could not be listed")),
        ("monitor", ("5", "?its checkpoints", "?step 4110/9000", "?$406.26")),
        ("costs", ("6", "?812.40")),
    )


async def test_nothing_could_be_listed(snapshot: SnapshotAssertion) -> None:
    async def refuse(person: Person) -> None:
        person.world.mode = "error"

    world = World()
    world.fleet.push((), (replace(DENIED, what="us-east-1: the instances could not be listed"),))
    world.volumes.push(Storage(), (DENIED,))
    world.checkpoints.push((), (UNHEARD,))
    world.runs.push((), (UNHEARD,))
    await gallery(
        snapshot,
        world,
        NARROW,
        ("instances", ("?the instances could not",)),
        ("volumes", ("2", "?the volumes could not")),
        ("checkpoints", ("4", "?its checkpoints could")),
        ("monitor", ("5", "?the link was")),
        ("s3", (refuse, "3", "?ask for ec2:*")),
    )


async def test_host_before_it_answers(snapshot: SnapshotAssertion) -> None:
    async def fail(person: Person) -> None:
        person.world.hosts.of(host_data.BIG).push(host_data.unheard(host_data.BIG), (host_data.LOST,))

    await gallery(
        snapshot,
        World(hosts=host_data.HostFeeds({})),
        NARROW,
        ("loading", ("?llama-7b", "h", "?loading llama-7b")),
        ("lost", (fail, "?was lost")),
    )


async def test_16_colours(snapshot: SnapshotAssertion) -> None:
    world = World()
    world.settings["ui.theme"] = "runctl-ansi"
    await gallery(
        snapshot,
        world,
        NARROW,
        ("form", ("?412.77", "x", "enter", "?t3.micro")),
        ("help", ("escape", "question_mark", "?One line per machine")),
        ("volumes", ("escape", "2", "?sdxl-datasets")),
        ("snapshots", ("tab", "?old-home")),
        ("objects", (*INSIDE, "?README.md")),
        ("tunnels", (tunnels, "?18888")),
        ("page", ("1", "?412.77", "enter", "?i-0abc12de34f567890", "?$276.42")),
        ("host", ("h", "?train.py")),
    )


async def test_16_colours_on_a_light_ground(snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rich.console, "SVG_EXPORT_THEME", DEFAULT_TERMINAL_THEME)
    world = World()
    world.settings["ui.theme"] = theme.ANSI_LIGHT
    await gallery(snapshot, world, NARROW, ("plan", ("j", "ctrl+d", "?Type llama-eval")))


async def test_start_in_16_colours(snapshot: SnapshotAssertion) -> None:
    world = World().alone()
    world.settings["ui.theme"] = "runctl-ansi"
    await gallery(snapshot, world, NARROW, ("start", ("?→ set aws.s3_bucket",)))


async def test_very_wide(snapshot: SnapshotAssertion) -> None:
    await gallery(
        snapshot,
        World(),
        HUGE,
        ("instances", ("?412.77",)),
        ("volumes", ("2", "?sdxl-datasets")),
        ("objects", (*INSIDE, "?Every file is described")),
        ("monitor", ("5", "?step 4110/9000", "?4.1k", "?$406.26")),
        ("costs", ("6", "?812.40")),
        ("tasks", ("7", "?SSH up")),
        ("settings", ("9", "?t3.medium")),
    )


async def test_filter_that_nothing_matches(snapshot: SnapshotAssertion) -> None:
    async def search(person: Person) -> None:
        await person.type("zebra")

    await gallery(snapshot, World(), NARROW, ("filtered", ("?412.77", "slash", search, "enter", "?no row matches")))
