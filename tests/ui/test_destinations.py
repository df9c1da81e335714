"""What words after the colon name: found by one look, completed in order, read again only when something is new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from runctl_tui.messages import Navigate
from runctl_tui.screens import destinations
from runctl_tui.screens.destinations import MOST, Destinations
from runctl_tui.screens.ways import way_to
from runctl_tui.services.errors import ResourceNotFound
from tests.ui import fake_data as data
from tests.ui.driving import at_keyboard
from tests.ui.fakes import World


def test_many_machines_are_offered_in_part_and_the_last_shows_how_far_they_agree() -> None:
    world = World()
    row = data.fleet()[0]
    names = [f"box-{number:04}" for number in range(MOST * 2)]
    world.fleet.push(tuple(replace(row, instance=replace(row.instance, id=name, name=name)) for name in names))
    places = Destinations(world.services())
    assert places.machines("box-") == [*names[:MOST], names[-1]]
    assert places.machines("box-003") == names[30:40]
    assert places.machines("nobody") == []


def test_the_rows_are_gone_through_when_they_change_not_at_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    world, looks = World(), 0

    def counted(words: Iterable[str]) -> list[str]:
        nonlocal looks
        looks += 1
        return sorted(words)

    monkeypatch.setattr(destinations, "_typed", counted)
    places = Destinations(world.services())
    for head in ("l", "ll", "lla"):
        assert places.machines(head)
    assert looks == 1
    world.fleet.push(())
    assert places.machines("l") == []
    assert looks == 2


@pytest.mark.parametrize(
    ("screen", "word", "to", "words"),
    [
        ("volumes", "scratch-2025", Navigate("volumes", "aws/vol-0scratch"), "go to the volume scratch-2025"),
        ("volumes", "SCRA", Navigate("volumes", filter="SCRA"), "show the volumes with SCRA in their names"),
        ("snapshots", "scratch-2025", Navigate("snapshots", "vol-0scratch"), "snapshots of the volume scratch-2025"),
        ("hosts", "llama-eval", Navigate("hosts", "aws/i-0aaa00000000000e1"), "go to the machine llama-eval"),
        ("monitor", "tiny-2", Navigate("monitor", data.TINY_RUN.id), "go to the run tiny-2"),
        ("checkpoints", "tiny-2", Navigate("checkpoints", data.TINY_RUN.id), "show the checkpoints of tiny-2"),
        ("checkpoints", "./out", Navigate("checkpoints", "./out"), "look into the folder ./out"),
        ("s3", "my-data", Navigate("s3", "s3://my-data"), "go to s3://my-data"),
        ("costs", "tag:team", Navigate("costs", "tag:team"), "divide the money by tag:team"),
        ("settings", "aws.region", Navigate("settings", "aws.region"), "go to aws.region"),
        ("settings", "spot", Navigate("settings", filter="spot"), "show the keys with spot in them"),
        ("tasks", "copy", Navigate("tasks", filter="copy"), "show the tasks with copy in them"),
    ],
)
def test_where_a_word_after_a_screens_name_leads(screen: str, word: str, to: Navigate, words: str) -> None:
    way = way_to(screen, word, Destinations(World().services()))
    assert way.to == to
    assert words in way.words


@pytest.mark.parametrize(
    ("screen", "word", "todo"),
    [
        ("volumes", "scrach-2025", "did you mean scratch-2025?"),
        ("hosts", "box", "there are "),
        ("costs", "colour", "project, run, type"),
        ("settings", "aws.regoin", "did you mean aws.region?"),
        ("checkpoints", "nothing", "there are "),
    ],
)
def test_a_word_that_leads_nowhere_is_refused_with_what_is_possible(screen: str, word: str, todo: str) -> None:
    with pytest.raises(ResourceNotFound) as refused:
        way_to(screen, word, Destinations(World().services()))
    assert word in refused.value.what
    assert todo in refused.value.todo


@pytest.mark.parametrize(("command", "name"), [("volumes", "scratch-2025"), ("snapshots", "scratch-2025")])
async def test_names_that_nobody_has_heard_come_while_one_types(command: str, name: str) -> None:
    world = World()
    storage = world.volumes.latest
    assert storage is not None
    world.volumes.latest = None
    async with at_keyboard(world) as person:
        await person.press("colon")
        await person.type(command)
        assert world.volumes.watchers == 0, "nobody asks for what nobody names"
        await person.type(" scr")
        await person.until(lambda: world.volumes.watchers == 1, "the storage is asked for")
        assert name not in person.text()
        world.volumes.push(storage.value)
        await person.sees(f"tab  {name}")
        await person.until(lambda: world.volumes.watchers == 0, "the feed is let go")
        await person.press("tab")
        await person.sees(f":{command} {name}")


async def test_leaving_the_line_lets_go_of_what_was_asked_for_names() -> None:
    world = World()
    world.volumes.latest = None
    async with at_keyboard(world) as person:
        await person.press("colon")
        await person.type("volumes ")
        await person.until(lambda: world.volumes.watchers == 1)
        await person.press("escape")
        await person.until(lambda: world.volumes.watchers == 0, "the feed is let go")
