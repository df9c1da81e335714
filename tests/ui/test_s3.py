"""The S3 screen: buckets, folders, pages that arrive while one works, a look into objects."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from runctl_tui.domain.objects import CopyRequest, DeleteRequest
from runctl_tui.domain.plan import Level, Reason, Severity
from runctl_tui.screens.s3 import LISTED_AGAIN, S3Screen
from tests.ui import fake_data as data
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
        await person.sees("S3 buckets", "my-runs", "MADE", "REGION")
        assert "CLASS" not in person.text()


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


async def test_long_lines_are_wrapped_in_the_pane() -> None:
    words = "x" * 60 + "SEEN" + "x" * 60
    async with at_keyboard(World(buckets={"my-data": FakeBucket({"long": words.encode()})})) as person:
        await person.press("3")
        await person.sees("my-data")
        await person.press("enter")
        await person.sees("SEEN")


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
        await person.sees("✗ not known: s3://nobodys/ could not be listed", "→ check the bucket's name")
        assert person.text().count("could not be listed") == 1, "the place of the rows says it, and nothing else"


async def choose(person: Person, words: str) -> None:
    """Pick a verb of the action menu."""
    await person.press("x")
    await person.until(lambda: person.dialog == "Pick")
    await person.type(words)
    await person.press("enter")


async def test_a_folder_is_deleted_through_a_plan_and_its_name() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("g", "j", "j", "j", "ctrl+d")
        await person.sees("Type shards to delete", "gone for good")
        assert person.world.storage == [DeleteRequest("my-data", prefixes=("shards/",))]
        await person.press("enter")
        assert person.world.committed == []
        await person.press("ctrl+d")
        await person.sees("Type shards to delete")
        await person.type("shards")
        await person.press("enter", "enter")
        await person.until(lambda: person.world.committed)
        assert person.world.committed[0][1].name == "shards"


async def test_marked_rows_are_deleted_by_their_exact_keys() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("g", "j", "space", "G", "space", "ctrl+d")
        await person.until(lambda: person.world.storage)
        assert person.world.storage == [DeleteRequest("my-data", ("notes",), ("notes/",))]


async def test_a_bucket_is_never_deleted() -> None:
    async with at_keyboard() as person:
        await person.press("3")
        await person.sees("my-runs")
        await person.press("ctrl+d", "x")
        await person.sees("a bucket is not handled whole")
        assert person.world.storage == []


async def test_a_download_asks_where_to_and_becomes_a_task() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("G", "k")
        await choose(person, "download")
        await person.until(lambda: person.dialog == "Entry")
        await person.press("ctrl+u")
        await person.sees("write a path")
        await person.press("enter")
        assert person.world.storage == [], "nothing typed is no answer"
        await person.type("/tmp/here")
        await person.press("enter")
        await person.until(lambda: person.world.committed)
        assert person.world.storage == [CopyRequest("s3://my-data/README.md", "/tmp/here")]
        await person.sees("at work, see 7 Tasks")


async def test_a_download_that_leaves_something_out_is_shown_before_it_begins() -> None:
    world = World(skipped=(("../x", "it would lie outside the folder"),))
    async with at_keyboard(world) as person:
        await open_data(person)
        await choose(person, "download")
        await person.until(lambda: person.dialog == "Entry")
        await person.press("enter")
        await person.until(lambda: person.dialog not in ("", "Entry"), "the plan")
        assert person.world.committed == []
        await person.press("enter")
        await person.until(lambda: person.world.committed)


async def test_an_upload_goes_below_the_prefix_under_its_own_name() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("g", "enter")
        await person.sees("s3://my-data/logs/")
        await choose(person, "upload")
        await person.until(lambda: person.dialog == "Entry")
        await person.press("ctrl+u")
        await person.type("/home/alice/run 1/")
        await person.press("enter")
        await person.until(lambda: person.world.storage)
        wanted = CopyRequest("/home/alice/run 1/", "s3://my-data/logs/run 1/", recursive=True)
        assert person.world.storage == [wanted]


async def test_what_replaces_a_checkpoint_asks_first() -> None:
    onto = Reason("onto_ckpt", Severity.WARN, "it replaces a checkpoint of a run: step_4000", Level.YES)
    async with at_keyboard(World(reasons=(onto,))) as person:
        await open_data(person)
        await person.press("G", "k")
        await choose(person, "copy to")
        await person.until(lambda: person.dialog == "Entry")
        await person.press("ctrl+u")
        await person.type("s3://my-runs/step")
        await person.press("enter")
        await person.sees("it replaces a checkpoint")
        assert person.world.committed == []
        await person.press("y")
        await person.until(lambda: person.world.committed)


async def test_a_presigned_url_goes_to_the_clipboard_and_not_onto_the_screen() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("G", "k")
        await choose(person, "presign")
        await person.sees("15 minutes")
        await person.press("down", "enter")
        await person.sees("went to the clipboard")
        assert person.app.clipboard == "https://my-data.example/README.md?X-Amz-Expires=3600"
        assert "X-Amz" not in person.text()


async def test_read_only_offers_downloads_alone() -> None:
    world = World(facts=replace(data.FACTS, lock="read-only: :arm 10m first", armed_for=None))
    async with at_keyboard(world) as person:
        await open_data(person)
        await person.press("G", "k", "x")
        await person.sees("Download…", "read-only")


async def test_a_move_is_shown_before_it_is_done() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("G", "k")
        await choose(person, "move to")
        await person.until(lambda: person.dialog == "Entry")
        await person.type(".old")
        await person.press("enter")
        await person.sees("FROM", "s3://my-data/README.md.old", "MOVE", "y  move")
        assert person.world.committed == []
        await person.press("enter")
        await person.until(lambda: person.world.committed)
        assert person.world.storage == [CopyRequest("s3://my-data/README.md", "s3://my-data/README.md.old", move=True)]


async def test_a_list_that_breaks_off_says_so_once_under_what_came() -> None:
    broken = FakeBucket({f"part-{number}": b"" for number in range(30)}, page=10, breaks_after=1)
    async with at_keyboard(World(buckets={"my-data": broken})) as person:
        await person.press("3")
        await person.sees("my-data")
        await person.press("enter")
        await person.sees("part-17", "▲ s3://my-data/ could not be listed")
        assert person.text().count("could not be listed") == 1
        await person.press("exclamation_mark")
        await person.sees("What is missing, and why", "the list broke off")


async def test_a_saved_view_knows_its_place() -> None:
    async with at_keyboard() as person:
        await open_data(person)
        await person.press("colon")
        await person.type("view save raw data")
        await person.press("enter")
        await person.sees("view raw data is saved")
        await person.press("escape", "1", "V")
        await person.sees("raw data", "s3://my-data/")
        await person.press("enter")
        await person.sees("s3://my-data/", "README.md")
        await person.press("backspace")
        await person.sees("S3 buckets")
        await person.press("colon")
        await person.type("view raw data")
        await person.press("enter")
        await person.sees("s3://my-data/", "README.md")


async def test_a_short_list_is_read_again_once_it_is_old() -> None:
    world = World(buckets={"my-data": FakeBucket({"a.txt": b""})})
    async with at_keyboard(world) as person:
        await person.press("3")
        await person.sees("my-data")
        await person.press("enter")
        await person.sees("a.txt")
        screen = person.app.screen
        assert isinstance(screen, S3Screen)
        world.buckets["my-data"].objects["b.txt"] = b""
        screen.tick()
        assert "b.txt" not in person.text()
        world.clock.advance(LISTED_AGAIN.total_seconds())
        screen.tick()
        await person.sees("a.txt", "b.txt")
