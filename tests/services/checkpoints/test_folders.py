"""Checkpoints in folders of this machine: what counts as one, its facts, and what is not shown twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from runctl_tui.domain.checkpoint import Checkpoint, CopyState
from runctl_tui.services.checkpoints.folders import CheckpointFolders
from runctl_tui.services.errors import ValidationError
from runctl_tui.services.threads import BackendPool


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[CheckpointFolders]:
    made = CheckpointFolders(lambda: (tmp_path / "checkpoints",), BackendPool("folders", 2))
    (tmp_path / "checkpoints").mkdir()
    yield made
    made.close()


def old(path: Path) -> None:
    """Let a file have come to rest long ago."""
    os.utime(path, (1_700_000_000, 1_700_000_000))


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    old(path)
    return path


def safetensors(size: int = 4) -> bytes:
    head = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(head).to_bytes(8, "little") + head + b"\0" * size


async def rows(folders: CheckpointFolders, *taken: str) -> dict[str, Checkpoint]:
    found, problems = await folders.now(taken)
    assert problems == []
    return {one.name: one for one in found}


async def test_facts_come_from_names_sizes_and_the_checkpoints_own_json(
    folders: CheckpointFolders, tmp_path: Path
) -> None:
    place = tmp_path / "checkpoints"
    write(place / "step_200.json", json.dumps({"step": 200, "loss": 1.5}).encode())
    write(place / "checkpoint-500/model.safetensors", safetensors())
    state = {"global_step": 500, "log_history": [{"loss": 3.0}, {"loss": 2.25}, {"eval_loss": 9.0}]}
    write(place / "checkpoint-500/trainer_state.json", json.dumps(state).encode())
    write(place / "notes.json", b"{}")
    write(place / "train.py", b"print()")
    found = await rows(folders)
    assert set(found) == {"step_200.json", "checkpoint-500"}
    small, large = found["step_200.json"], found["checkpoint-500"]
    assert (small.step, small.loss, small.format, small.resumable) == (200, 1.5, "json", True)
    assert (large.step, large.loss, large.format, large.resumable) == (500, 2.25, "hf-folder", True)
    assert large.files == 2
    assert large.size_bytes == sum(file.stat().st_size for file in (place / "checkpoint-500").iterdir())
    assert {one.host.state for one in found.values()} == {CopyState.PRESENT}
    assert {one.folder for one in found.values()} == {str(place)}


async def test_weights_alone_and_damaged_files_are_nothing_to_go_on_from(
    folders: CheckpointFolders, tmp_path: Path
) -> None:
    write(tmp_path / "checkpoints/step_1.safetensors", safetensors())
    write(tmp_path / "checkpoints/step_2.safetensors", safetensors()[:-2])
    found = await rows(folders)
    assert (found["step_1.safetensors"].resumable, found["step_1.safetensors"].damaged) == (False, False)
    assert (found["step_2.safetensors"].resumable, found["step_2.safetensors"].damaged) == (False, True)


async def test_what_was_written_just_now_may_still_grow(folders: CheckpointFolders, tmp_path: Path) -> None:
    fresh = write(tmp_path / "checkpoints/step_3.json", b'{"loss": 1}')
    os.utime(fresh)
    assert (await rows(folders))["step_3.json"].host.state is CopyState.WRITING
    old(fresh)
    assert (await rows(folders))["step_3.json"].host.state is CopyState.PRESENT


async def test_a_folder_that_is_itself_a_checkpoint_is_one(folders: CheckpointFolders, tmp_path: Path) -> None:
    write(tmp_path / "tiny-llama/config.json", b"{}")
    write(tmp_path / "tiny-llama/model-00001-of-00001.safetensors", safetensors())
    assert await folders.add(str(tmp_path / "tiny-llama")) == str(tmp_path / "tiny-llama")
    found = await rows(folders)
    assert set(found) == {"tiny-llama"}
    assert found["tiny-llama"].resumable is False, "weights without the state of training"


async def test_a_checkpoint_of_a_run_is_not_shown_twice(folders: CheckpointFolders, tmp_path: Path) -> None:
    kept = write(tmp_path / "checkpoints/step_1.json", b"{}")
    write(tmp_path / "checkpoints/step_2.json", b"{}")
    assert set(await rows(folders, str(kept))) == {"step_2.json"}


async def test_a_folder_that_is_not_there_is_refused_and_one_that_went_is_empty(
    folders: CheckpointFolders, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError, match="is no folder on this machine"):
        await folders.add(str(tmp_path / "nowhere"))
    (tmp_path / "checkpoints").rmdir()
    assert await rows(folders) == {}
