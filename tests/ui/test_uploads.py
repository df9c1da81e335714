"""The Uploads screen: what was never finished, whose it is, and the plan that aborts it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runctl_tui.domain.plan import Operation
from runctl_tui.domain.uploads import UnfinishedUpload
from tests.ui import fake_data as data
from tests.ui.driving import NARROW, WIDE, Person, at_keyboard
from tests.ui.fake_feed import FakeFeed
from tests.ui.fakes import World
from tests.ui.upload_data import upload, uploads


def with_uploads(*rows: UnfinishedUpload) -> World:
    return World(uploads=FakeFeed(rows or uploads()))


async def open_all(person: Person) -> None:
    await person.press("3")
    await person.sees("my-runs")
    await person.press("u")
    await person.sees("of all buckets", "web-2026-05", "BY")


def keys(person: Person) -> list[str]:
    return [str(key).partition("#")[0].rpartition("/")[2] for key in person.table.model.view]


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_key_in_the_bucket_list_shows_those_of_all_buckets_the_dearest_first(size: tuple[int, int]) -> None:
    async with at_keyboard(with_uploads(), size) as person:
        await open_all(person)
        assert keys(person)[:2] == ["web-2026-05.tar.zst", "step_4000.pt"]
        await person.sees("12d", "74", "39.7 GB", "0.85", "you", "bob")
        if size == WIDE:
            await person.sees("$0.97/mo and 1 of unknown price")
        assert "\x1b[2J" not in person.text()


async def test_below_a_prefix_only_its_own_are_shown_and_back_leads_to_its_objects() -> None:
    async with at_keyboard(with_uploads()) as person:
        await person.press("3")
        await person.sees("my-runs")
        await person.press("g", "enter")
        await person.sees("README.md", "shards/")
        person.table.move_to("folder:s3://my-data/shards/")
        await person.press("enter")
        await person.sees("train-0000.tar")
        await person.press("x")
        await person.sees("Unfinished uploads here")
        await person.type("unfin")
        await person.press("enter")
        await person.sees("below s3://my-data/shards/", "train-0048.tar")
        assert keys(person) == ["train-0048.tar"]
        await person.press("backspace")
        await person.sees("train-0000.tar")
        await person.until(lambda: person.app.current_mode == "s3", "the objects")


async def test_ctrl_d_asks_for_the_name_and_aborts_exactly_what_was_marked() -> None:
    world = with_uploads()
    async with at_keyboard(world) as person:
        await open_all(person)
        await person.press("ctrl+d")
        await person.sees("ABORT UPLOAD", "web-2026-05.tar.zst")
        assert not world.committed
        await person.type("web-2026-05.tar.zst")
        await person.press("enter", "enter")
        await person.until(lambda: world.committed, "the commit")
        ((operation, references),) = world.planned
        assert operation is Operation.UPLOAD_ABORT
        assert references == (uploads()[0].reference,)
        world.uploads.push(uploads()[1:])
        job = replace(data.job("j-2", title="abort"), ended_at=data.NOW, ok=True, result="gone")
        world.jobs.push((job,))
        await person.until(lambda: "web-2026-05.tar.zst" not in keys(person), "the list without it")


async def test_enter_tells_everything_and_what_is_unknown() -> None:
    async with at_keyboard(with_uploads()) as person:
        await open_all(person)
        await person.press("enter")
        await person.sees("upload id", "74, 39.7 GB", "$0.85 per month", "nothing that is known")
        await person.press("escape", "G", "enter")
        await person.sees("unknown: S3 did not answer", "user/bob")


async def test_a_word_after_the_colon_leads_to_a_prefix_and_a_place_that_is_not_there_says_so() -> None:
    async with at_keyboard(with_uploads()) as person:
        await person.press("colon")
        await person.type("uploads my-data/corpus/")
        await person.sees("show the unfinished uploads below s3://my-data/corpus/")
        await person.press("enter")
        await person.sees("below s3://my-data/corpus/", "web-2026-05.tar.zst")
        await person.press("colon")
        await person.type("uploads nowhere")
        await person.press("enter")
        await person.sees("could not be listed")


async def test_read_only_has_no_key_and_no_verb() -> None:
    world = with_uploads()
    world.facts = replace(world.facts, lock="read-only: :arm 10m first")
    async with at_keyboard(world) as person:
        await open_all(person)
        await person.press("ctrl+d", "x")
        await person.sees("Abort…", ":arm 10m first")
        assert not world.planned


async def test_nothing_unfinished_says_so() -> None:
    async with at_keyboard(with_uploads(upload("x", 1, bucket="other"))) as person:
        await person.press("colon")
        await person.type("uploads my-data")
        await person.press("enter")
        await person.sees("no unfinished uploads here")
