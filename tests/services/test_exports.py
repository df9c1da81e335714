"""Exports: new private files in the folder for logs, never over another, and a plain word when the disk refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from runctl_tui.services.errors import StateError
from runctl_tui.services.exports import ExportFolder
from tests.fakes import FakeClock


def export(folder: Path, name: str, text: str) -> Path:
    return Path(asyncio.run(ExportFolder(lambda: folder, FakeClock()).write(name, text)))


def test_each_export_is_a_private_file_of_its_own(tmp_path: Path) -> None:
    first = export(tmp_path / "logs", "instances.csv", '"a"\n')
    second = export(tmp_path / "logs", "instances.csv", '"b"\n')
    assert (first.read_text(), second.read_text()) == ('"a"\n', '"b"\n')
    assert first.name.startswith("instances-")
    assert {path.suffix for path in (first, second)} == {".csv"}
    assert first.stat().st_mode & 0o777 == 0o600
    assert first.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/x.log", "a b\x1b[2J.log", "…"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "logs"
    path = export(folder, name, "x")
    assert path.resolve().parent == folder.resolve()
    assert path.name.isascii()


def test_a_folder_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(StateError, match="Nothing was exported"):
        export(tmp_path / "logs", "x.csv", "")
