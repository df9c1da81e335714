"""`s3 uploads`, `s3 abort` and what `resources cleanup` makes of unfinished uploads."""

from __future__ import annotations

import shlex

import pytest

from runctl_tui.domain.plan import Operation
from runctl_tui.domain.uploads import upload_reference
from runctl_tui.domain.volume import Storage
from runctl_tui.services.errors import CredentialsError
from tests.headless.conftest import Runctl
from tests.headless.fakes import World
from tests.ui.upload_data import BOB, uploads

KEY, UPLOAD = "corpus/web-2026-05.tar.zst", uploads()[0].upload_id
OURS = upload_reference("my-data", KEY, UPLOAD)


@pytest.fixture(autouse=True)
def _uploads(world: World) -> None:
    world.many = True
    world.uploads.push(uploads())


def test_a_list_for_programs_keeps_what_is_unknown_apart(runctl: Runctl) -> None:
    first, *_, strange = runctl("s3", "uploads", "--json").data
    assert (first["address"], first["upload_id"]) == (f"s3://my-data/{KEY}", UPLOAD)
    assert (first["parts"], first["size"], first["by"], first["ours"]) == (74, 37 * 1024**3, "you", True)
    assert float(first["usd_per_month"]) == pytest.approx(0.851)
    assert first["may_be_sent_by"] == []
    assert (strange["parts"], strange["size"], strange["usd_per_month"], strange["ours"]) == (None, None, None, False)
    assert strange["initiator"] == BOB


def test_a_list_for_a_person_has_what_abort_asks_for_and_no_control_characters(runctl: Runctl) -> None:
    said = runctl("s3", "uploads").out
    assert "\x1b" not in said
    row = next(line for line in said.splitlines() if KEY in line)
    assert all(word in row for word in ("74", "37.0 GiB", "$0.8510", "you", UPLOAD, f"s3://my-data/{KEY}"))
    assert "unknown" in next(line for line in said.splitlines() if "ablation" in line)
    assert "run r-01" in next(line for line in said.splitlines() if "step_4000" in line)


@pytest.mark.parametrize("place", ["s3://my-data/shards/", "my-data/shards/"])
def test_a_prefix_narrows_it(runctl: Runctl, place: str) -> None:
    assert [one["key"] for one in runctl("s3", "uploads", place, "--json").data] == ["shards/train-0048.tar"]


def test_nothing_there_is_said_and_a_bucket_that_is_not_there_is_an_error(runctl: Runctl, world: World) -> None:
    assert "no unfinished uploads below s3://my-runs/x" in runctl("s3", "uploads", "s3://my-runs/x").out
    assert runctl("s3", "uploads", "s3://nowhere/").code == 1
    world.uploads.push(())
    assert runctl("s3", "uploads", "--json").data == []


def test_abort_acts_by_the_hash_that_it_showed_and_names_exactly_one_upload(runctl: Runctl, world: World) -> None:
    words = ("s3", "abort", f"s3://my-data/{KEY}", "--upload-id", UPLOAD)
    shown = runctl(*words, "--json").data
    assert world.planned[-1] == (Operation.UPLOAD_ABORT, (OURS,))
    assert world.committed == []
    assert runctl(*words, "--yes").code == 1
    assert world.committed == []
    assert runctl(*shlex.split(shown["confirm_with"])[1:]).code == 0
    assert len(world.committed) == 1


@pytest.mark.parametrize(
    "words", [("s3://my-data/",), ("s3://my-data", "--upload-id", "u"), ("s3://", "--upload-id", "u")]
)
def test_abort_needs_a_key_and_an_id(runctl: Runctl, world: World, words: tuple[str, ...]) -> None:
    assert runctl("s3", "abort", *words).code != 0
    assert world.planned == []


def test_a_cleanup_takes_up_only_what_was_left_behind(runctl: Runctl, world: World) -> None:
    world.machines = ()
    world.storage.push(Storage())
    (plan,) = runctl("resources", "cleanup", "--dry-run", "--json").data["plans"]
    assert plan["plan"]["effect"] == f"upload-abort {OURS}"
    assert world.committed == []


def test_a_cleanup_goes_on_where_uploads_cannot_be_read(
    runctl: Runctl, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused() -> None:
        raise CredentialsError("S3 could not be read", "no credentials")

    world.machines = ()
    world.storage.push(Storage())
    monkeypatch.setattr(world, "gate", refused)
    said = runctl("resources", "cleanup", "--dry-run", "--json")
    assert said.data["plans"] == []
    assert "S3 could not be read" in said.out
