"""How the S3 screen looks: buckets, objects with the pane, a list that still grows, the delete plan."""

from __future__ import annotations

import asyncio

import pytest

from tests.snapshots.test_screens import MEDIUM, Compare, compare
from tests.ui.driving import NARROW, WIDE, Person
from tests.ui.fake_feed import FakeFeed
from tests.ui.fake_objects import FakeBucket
from tests.ui.fakes import World
from tests.ui.upload_data import uploads

INSIDE = ("3", "?my-runs", "g", "enter", "?README.md")


def test_objects_wide(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(), WIDE, *INSIDE, "G", "k", "?Every file is described")


def test_objects_narrow(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(), NARROW, *INSIDE, "g", "j", "j", "j", "enter", "?train-0000")


def test_buckets_light(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(), WIDE, "3", "?my-runs", theme="runctl-light")


def test_more_is_coming(snap_compare: Compare) -> None:
    many = FakeBucket({f"part-{number:05d}": b"" for number in range(3000)}, gate=asyncio.Semaphore(1))
    assert compare(snap_compare, World(buckets={"my-data": many}), NARROW, "3", "?my-data", "enter", "?more coming")


def test_nothing_there(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(buckets={}), NARROW, "3", "?no buckets")


def test_broken_list(snap_compare: Compare) -> None:
    broken = FakeBucket({f"part-{number}": b"" for number in range(30)}, page=10, breaks_after=1)
    assert compare(snap_compare, World(buckets={"my-data": broken}), NARROW, "3", "?my-data", "enter", "?not be listed")


def test_delete_plan(snap_compare: Compare) -> None:
    async def delete(person: Person) -> None:
        await person.press("g", "j", "j", "j", "ctrl+d")

    assert compare(snap_compare, World(), MEDIUM, *INSIDE, delete, "?Type shards")


def test_action_menu(snap_compare: Compare) -> None:
    assert compare(snap_compare, World(), NARROW, *INSIDE, "x", "?Presign")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_unfinished_uploads(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert compare(snap_compare, World(uploads=FakeFeed(uploads())), size, "3", "?my-runs", "u", "?web-2026-05")
