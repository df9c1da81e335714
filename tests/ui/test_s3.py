"""The S3 screen: buckets, folders, pages that arrive while one works, a look into objects."""

from __future__ import annotations

import asyncio

from runctl_tui.screens.s3 import S3Screen
from tests.ui.driving import NARROW, Person, at_keyboard
from tests.ui.fake_objects import HOSTILE, FakeBucket
from tests.ui.fakes import World


async def open_data(person: Person) -> None:
    await person.press("3")
    await person.sees("my-data", "us-west-2")
    await person.press("g", "enter")
    await person.sees("s3://my-data/", "README.md")


def shown(person: Person) -> list[str]:
    return [str(person.table.model.cells(key)[0].text) for key in person.table.model.view]


async def test_buckets_then_folders_first_then_objects() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        assert shown(person) == ["logs/", "notes/", "runs/", "shards/", "README.md", "notes"]
        await person.press("G", "enter")
        assert "s3://my-data/ " in person.text(), "an object is not entered"


async def test_up_returns_to_the_row_one_came_from() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("g", "j", "j", "j", "enter")
        await person.sees("s3://my-data/shards/", "train-0000.tar")
        await person.press("backspace")
        await person.sees("s3://my-data/ ", "README.md")
        await person.until(lambda: person.table.cursor_row.key == "shards/")  # type: ignore[union-attr] # there are rows
        await person.press("left")
        await person.sees("S3 buckets", "my-runs")


async def test_rows_can_be_used_while_pages_arrive() -> None:
    gate = asyncio.Semaphore(1)
    many = {f"k{number:05d}": b"" for number in range(3000)}
    world = World(buckets={"my-data": FakeBucket(many, gate=gate)})
    async with at_keyboard(world) as person:
        await person.press("3")
        await person.sees("my-data")
        await person.press("enter")
        await person.sees("1,000+", "more coming")
        await person.press("G")
        assert person.table.cursor_row.key == "k00999"  # type: ignore[union-attr] # there are rows
        await person.press("slash")
        await person.type("k0")
        await person.press("enter")
        gate.release()
        gate.release()
        await person.until(lambda: person.table.model.total == 3000)
        assert person.table.cursor_row.key == "k00999"  # type: ignore[union-attr] # there are rows
        await person.until(lambda: "more coming" not in person.text())


async def test_a_list_that_breaks_off_is_never_shown_as_complete() -> None:
    world = World(buckets={"my-data": FakeBucket({f"k{n}": b"" for n in range(30)}, page=10, breaks_after=2)})
    async with at_keyboard(world) as person:
        await person.press("3")
        await person.sees("my-data")
        await person.press("enter")
        await person.sees("20+", "could not be listed")


async def test_the_pane_looks_into_the_object_under_the_cursor() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("G", "k")
        await person.sees("# Data", "Every file is described here.", "text/plain")
        assert person.world.buckets["my-data"].asked.count("preview README.md") == 1


async def test_a_binary_object_says_so() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("g", "j", "j", "j", "enter")
        await person.sees("train-0000.tar")
        await person.sees("binary, 4.1 kB")


async def test_narrow_terminals_open_the_preview_as_a_dialog() -> None:
    async with at_keyboard(size=NARROW) as person:
        await open_data(person)
        await person.press("G", "k", "enter")
        await person.until(lambda: person.dialog == "TextView")
        await person.sees("Every file is described here.")
        await person.press("escape", "d")
        await person.until(lambda: person.dialog == "Describe")
        await person.sees("text/plain", "4000")
        await person.press("escape", "y")
        await person.sees('"ContentLength": 37')


async def test_the_ends_of_a_large_text_are_shown_and_the_gap_is_told() -> None:
    async with at_keyboard(size=NARROW) as person:
        await open_data(person)
        await person.press("g", "enter")
        await person.sees("eval.json")
        await person.press("enter")
        await person.until(lambda: person.dialog == "TextView")
        await person.press("slash")
        await person.type("left out")
        await person.press("enter")
        await person.sees("148.9 kB left out")


async def test_hostile_keys_are_drawn_harmlessly_and_copied_exactly() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("g", "j", "j", "enter")
        await person.sees("[b]x␛[2J")
        await person.press("c")
        assert person.app.clipboard == f"s3://my-data/{HOSTILE}"


async def test_a_command_goes_straight_to_a_prefix() -> None:
    async with at_keyboard() as person:
        await person.press("colon")
        await person.type("s3 s3://my-data/shards/")
        await person.press("enter")
        await person.sees("s3://my-data/shards/", "train-0000.tar")
        assert isinstance(person.app.screen, S3Screen)


async def test_a_bucket_that_is_not_there_is_said() -> None:
    async with at_keyboard() as person:
        await person.press("colon")
        await person.type("s3 s3://nobodys/")
        await person.press("enter")
        await person.sees("there is no such bucket")
