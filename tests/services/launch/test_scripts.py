"""Which project a script on the command line belongs to."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from runctl_tui.headless.launching import find_script
from runctl_tui.headless.reply import Call
from runctl_tui.services.errors import ValidationError


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
