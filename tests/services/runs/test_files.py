"""What this machine remembers about runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runctl_tui.domain.run import RunProgress, TrainingJob, TrainingSession, TrainingStatus
from runctl_tui.services.errors import StateError
from runctl_tui.services.runs.files import RunFiles
from runctl_tui.services.runs.mirror import LogMirror

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SESSION = TrainingSession(
    id="r-0000001aaaaa",
    name="llama",
    project="llama",
    provider="aws",
    instance_id="i-0abc",
    region="us-east-1",
    status=TrainingStatus.RUNNING,
    script="train.py",
    args=("--steps", "5"),
    started_at=NOW,
    progress=RunProgress(step=3, loss=1.5, at=NOW),
    job=TrainingJob(script="train.py", environment=(("A", "b"),), secrets=(("HF_TOKEN", "hunter2"),)),
)


def test_a_run_comes_back_as_it_was_but_for_its_secrets(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    files.save(SESSION)
    (loaded,) = files.load().values()
    assert loaded.job is not None
    assert loaded.job.secrets == (("HF_TOKEN", ""),)
    assert loaded.job.environment == (("A", "b"),)
    assert (loaded.progress, loaded.started_at, loaded.status) == (SESSION.progress, NOW, TrainingStatus.RUNNING)
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    files.save(SESSION)
    (tmp_path / "r-broken.json").write_text("{")
    assert list(files.load()) == [SESSION.id]
    assert "r-broken" in files.problems[0].what
    assert (tmp_path / "r-broken.damaged").exists()


def test_a_newer_version_is_not_read(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    files.save(SESSION)
    path = tmp_path / f"{SESSION.id}.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    assert files.load() == {}
    assert "newer version" in files.problems[0].why


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StateError, match="could not be written down"):
        RunFiles(blocker / "runs").save(SESSION)


def test_the_mirrored_log_is_no_run(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    files.save(SESSION)
    LogMirror(files.log_path(SESSION.id)).append(0, b"step 1\n", 3)
    assert (list(files.load()), files.problems) == ([SESSION.id], ())


def test_many_may_write_the_same_run_at_once(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: files.save(SESSION), range(64)))
    assert list(files.load()) == [SESSION.id]
