"""Names that are spelled differently and mean one file: none of them is written, and each says why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from runctl_tui.services.storage.names import unfit
from runctl_tui.services.storage.spelling import keeps_case

COMPOSED, APART = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(
    ("names", "cased", "refused"),
    [
        (["README", "readme", "other"], False, {"README": "as 'readme'", "readme": "as 'README'"}),
        (["README", "readme", "other"], True, {}),
        ([COMPOSED, APART], True, {COMPOSED: f"as {APART!r}", APART: f"as {COMPOSED!r}"}),
        (["A/x", "a/x", "a/y"], False, {"A/x": "as 'a/x'", "a/x": "as 'A/x'"}),
        (["Logs", "logs/1"], False, {"Logs": "a folder too, which 'logs/1'"}),
        (["a", "A", "\u00c5/x", "A\u030a/x"], False, {"a": "", "A": "", "\u00c5/x": "", "A\u030a/x": ""}),
    ],
)
def test_what_would_be_one_file_is_refused(
    tmp_path: Path, names: Sequence[str], cased: bool, refused: dict[str, str]
) -> None:
    told = unfit(tmp_path, names, lambda folder: cased)
    assert told.keys() == refused.keys()
    assert all(why in told[name] for name, why in refused.items())


def test_a_file_that_is_there_under_another_spelling_is_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "README").touch()
    (tmp_path / APART).touch()
    (tmp_path / "same").touch()
    told = unfit(tmp_path, ["readme", COMPOSED, "same", "new"], lambda folder: False)
    assert told == {"readme": "it is there already, spelled 'README'",
                    COMPOSED: f"it is there already, spelled {APART!r}"}  # fmt: skip
    assert not unfit(tmp_path, ["readme", "README"], lambda folder: True)


def test_a_folder_is_asked_without_writing_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "Folder"
    assert keeps_case(folder / "not" / "there")
    folder.mkdir()
    assert keeps_case(folder)
    (folder / "a").touch()
    (folder / "A").hardlink_to(folder / "a")
    assert not keeps_case(folder), "as where one name is as good as the other"
    assert sorted(path.name for path in folder.iterdir()) == ["A", "a"]


def test_where_nothing_can_be_seen_case_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "123").mkdir()
    assert not keeps_case(tmp_path / "123")
    monkeypatch.setattr(os, "listdir", lambda folder: ["1", "2"])
    assert not keeps_case(tmp_path / "123")
