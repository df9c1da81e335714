"""Which project a script on the command line belongs to."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from runctl_tui.domain.run import TrainingJob
from runctl_tui.headless.launching import find_script
from runctl_tui.headless.reply import Call
from runctl_tui.services.errors import ValidationError
from runctl_tui.services.launch.desk import check_script


@dataclass
class Words:
    """A command line in a folder."""

    folder: Path
    args: argparse.Namespace = field(default_factory=lambda: argparse.Namespace(folder=""))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name in ("mine/train.py", "mine/src/deep.py", "other/src/train.py", "other/pyproject.toml", "loose/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("script", "root", "inside"),
    [
        ("train.py", "mine", "train.py"),
        ("src/deep.py", "mine", "src/deep.py"),
        ("../other/src/train.py", "other", "src/train.py"),
        ("{}/other/src/train.py", "other", "src/train.py"),
        ("{}/mine/src/deep.py", "mine", "src/deep.py"),
        ("{}/loose/x.py", "loose", "x.py"),
    ],
)
def test_the_project_is_the_script_s_own(here: Path, script: str, root: str, inside: str) -> None:
    call = cast("Call", Words(here / "mine"))
    assert find_script(call, script.format(here), str(here / "mine")) == (str(here / root), inside)


def test_a_script_that_is_not_there_is_said(here: Path) -> None:
    with pytest.raises(ValidationError, match="no such script"):
        find_script(cast("Call", Words(here / "mine")), "trian.py", str(here / "mine"))


def test_what_is_no_script_is_refused_with_a_way_to_start_anything(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# How to train\n")
    with pytest.raises(ValidationError, match=r"README\.md is no script") as caught:
        check_script(tmp_path, TrainingJob("README.md"))
    assert "neither .py nor .sh" in caught.value.why
    assert "--launcher command" in caught.value.todo
    check_script(tmp_path, TrainingJob("cat README.md", launcher="command"))


@pytest.mark.parametrize(
    ("name", "text", "mode"),
    [("train.py", "", 0o600), ("run.sh", "", 0o600), ("train", "#!/usr/bin/env python3\n", 0o600), ("go", "x", 0o700)],
)
def test_what_can_be_run_is_a_script(tmp_path: Path, name: str, text: str, mode: int) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / name).chmod(mode)
    check_script(tmp_path, TrainingJob(name))
