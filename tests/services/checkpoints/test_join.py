"""What two copies of a checkpoint are, by what the host and S3 say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from runctl_tui.domain.checkpoint import CheckpointCopy, CopyState
from runctl_tui.services.checkpoints.join import Sides, StoredFile, host_copy, joined, stored_copy
from runctl_tui.services.training.agent_values import CheckpointEntry, CheckpointFile, UploadInfo

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DONE = UploadInfo("done", "k", "e", "abc", NOW, None, 1, 1)
ONE = StoredFile("step_10.json", 5, NOW, "abc")
FOLDER = [StoredFile("step_10/a", 5, NOW, "abc"), StoredFile("step_10/deep/step_10.bin", 7, NOW, "def")]


def entry(*files: tuple[str, int], upload: UploadInfo | None = DONE, state: str = "ok") -> CheckpointEntry:
    parts = tuple(CheckpointFile(path, size, 1, None) for path, size in files or (("step_10.json", 5),))
    name = parts[0].path.partition("/")[0]
    total = sum(part.size for part in parts)
    return CheckpointEntry(name, f"/ckpt/{name}", 10, None, "json", total, NOW, state, parts, upload)


@pytest.mark.parametrize(
    ("files", "told", "state"),
    [
        ([], None, CopyState.ABSENT),
        ([], entry(upload=None), CopyState.ABSENT),
        ([], entry(upload=replace(DONE, state="pending")), CopyState.UPLOADING),
        ([], entry(upload=replace(DONE, state="waiting")), CopyState.ABSENT),
        ([], entry(upload=replace(DONE, state="failed")), CopyState.ABSENT),
        ([ONE], entry(), CopyState.VERIFIED),
        ([ONE], entry(upload=None), CopyState.PRESENT),
        ([ONE], entry(upload=replace(DONE, state="uploading")), CopyState.PRESENT),
        ([ONE], entry(upload=replace(DONE, sha256="other")), CopyState.PRESENT),
        ([replace(ONE, sha256="")], entry(), CopyState.PRESENT),
        ([replace(ONE, size=4)], entry(), CopyState.UPLOADING),
        ([ONE], None, CopyState.VERIFIED),
        ([replace(ONE, sha256="")], None, CopyState.PRESENT),
        (FOLDER, entry(("step_10/a", 5), ("step_10/deep/step_10.bin", 7)), CopyState.VERIFIED),
        (FOLDER, entry(("step_10/a", 7), ("step_10/deep/step_10.bin", 5)), CopyState.UPLOADING),
        (FOLDER[:1], entry(("step_10/a", 5), ("step_10/deep/step_10.bin", 7)), CopyState.UPLOADING),
        (FOLDER, None, CopyState.PRESENT),
        (FOLDER[:1], None, CopyState.PRESENT),
    ],
)
def test_the_copy_in_s3(files: list[StoredFile], told: CheckpointEntry | None, state: CopyState) -> None:
    assert stored_copy("s3://b/k", files, told).state is state


def test_a_folder_is_verified_without_its_host_where_the_host_said_that_all_arrived() -> None:
    assert stored_copy("s3://b/k", FOLDER, None, complete=True).state is CopyState.VERIFIED
    unsummed = [replace(FOLDER[0], sha256=""), FOLDER[1]]
    assert stored_copy("s3://b/k", unsummed, None, complete=True).state is CopyState.PRESENT


@pytest.mark.parametrize(
    ("said", "state"),
    [("ok", CopyState.PRESENT), ("writing", CopyState.WRITING), ("damaged", CopyState.UNKNOWN)],
)
def test_the_copy_on_the_host(said: str, state: CopyState) -> None:
    copy = host_copy(entry(state=said))
    assert (copy.state, copy.location, copy.size_bytes) == (state, "/ckpt/step_10.json", 5)


def test_both_sides_are_one_row_each_newest_first() -> None:
    sides = Sides(
        {"step_10.json": entry()},
        {"step_10.json": CheckpointCopy(CopyState.VERIFIED), "step_9": CheckpointCopy(CopyState.PRESENT, size_bytes=3)},
        {"step_9": (9, "hf-folder", 4), "step_10.json": (10, "json", 1)},
        CopyState.UNKNOWN,
    )
    ten, nine = joined("r-1", sides, {10: 1.5, 9: None})
    assert (ten.step, ten.loss, ten.format, ten.host.state, ten.files) == (10, 1.5, "json", CopyState.PRESENT, 1)
    assert (nine.step, nine.loss, nine.format, nine.host.state) == (9, None, "hf-folder", CopyState.UNKNOWN)
    assert (nine.size_bytes, nine.files) == (3, 4)


def test_step_zero_stands_before_no_step_at_all() -> None:
    sides = Sides(
        {},
        {"best": CheckpointCopy(CopyState.PRESENT), "step_0": CheckpointCopy(CopyState.PRESENT)},
        {"step_0": (0, "pt", 1)},
    )
    assert [one.name for one in joined("r-1", sides, {})] == ["step_0", "best"]
