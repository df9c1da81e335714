"""A file that comes here lands in its folder, whatever others do to that folder meanwhile."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runctl_tui.services.errors import DataTransferError
from runctl_tui.services.landing import LINK, Landing, is_part

SECONDS = 1.0
"""How long the race runs."""
LONGEST = 20.0
"""How long until each of the two has won once."""


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """Return the folder that is meant, and the one that somebody wants to have written."""
    meant, outside = tmp_path / "meant", tmp_path / "outside"
    (meant / "sub").mkdir(parents=True)
    outside.mkdir()
    return meant, outside


def land(folder: Path, name: str, content: bytes = b"new") -> None:
    landing = Landing(folder, name, "it did not land")
    landing.begin()
    try:
        assert landing.write(0, content)
        landing.finish(None)
    finally:
        landing.close()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_appears_whole_with_its_age_and_its_folders(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "new" / "folder", "a/b/c.bin", "x")
    landing.begin()
    assert landing.write(3, b"def")
    assert landing.write(0, b"abc")
    assert not list(tmp_path.rglob("c.bin"))
    landing.finish(datetime(2026, 1, 2, tzinfo=UTC))
    landing.close()
    assert files(tmp_path) == {"new/folder/a/b/c.bin": b"abcdef"}
    assert (tmp_path / "new/folder/a/b/c.bin").stat().st_mtime == datetime(2026, 1, 2, tzinfo=UTC).timestamp()


def test_what_is_given_up_leaves_nothing_and_takes_nothing_more(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    landing = Landing(tmp_path, "a", "x")
    landing.begin()
    landing.close()
    assert not landing.write(0, b"late")
    assert files(tmp_path) == {"a": b"mine"}


@pytest.mark.parametrize("name", ["link/x", "sub/link/x", "link/deep/er/x"])
def test_no_link_below_the_folder_is_followed(places: tuple[Path, Path], name: str) -> None:
    meant, outside = places
    (meant / "link").symlink_to(outside)
    (meant / "sub" / "link").symlink_to(outside)
    with pytest.raises(DataTransferError, match=LINK):
        land(meant, name)
    assert not files(outside)
    assert not list(outside.iterdir())


def test_a_link_in_the_place_itself_is_replaced_and_one_to_the_folder_is_what_was_meant(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    meant, outside = places
    (outside / "precious").write_bytes(b"mine")
    (meant / "sub" / "x").symlink_to(outside / "precious")
    (tmp_path / "by").symlink_to(meant)
    land(tmp_path / "by", "sub/x")
    assert files(outside) == {"precious": b"mine"}
    assert not (meant / "sub" / "x").is_symlink()
    assert files(meant) == {"sub/x": b"new"}


def test_a_folder_swapped_for_a_link_in_between_changes_nothing(places: tuple[Path, Path]) -> None:
    meant, outside = places
    landing = Landing(meant, "sub/x", "x")
    landing.begin()
    (meant / "sub").rename(meant / "moved")
    (meant / "sub").symlink_to(outside)
    landing.write(0, b"new")
    landing.finish(None)
    landing.close()
    assert not files(outside)
    assert files(meant / "moved") == {"x": b"new"}


@pytest.fixture
def swapping(places: tuple[Path, Path]) -> Iterator[list[int]]:
    """Swap a folder for a link out of it, and back, as fast as it goes; yield the number of swaps so far."""
    meant, outside = places
    sub, aside = meant / "sub", meant / "aside"
    swaps, ended = [0], threading.Event()

    def swap() -> None:
        while not ended.is_set():
            shutil.rmtree(aside, ignore_errors=True)
            with suppress(OSError):  # the folder may be made anew at any moment
                sub.rename(aside)
                sub.symlink_to(outside)
                swaps[0] += 1
            with suppress(OSError):
                sub.unlink()
                aside.rename(sub)

    thread = threading.Thread(target=swap)
    thread.start()
    yield swaps
    ended.set()
    thread.join()


def test_no_race_gets_a_file_out(places: tuple[Path, Path], swapping: list[int]) -> None:
    meant, outside = places
    landed = refused = 0
    begun = time.monotonic()
    while (lasted := time.monotonic() - begun) < SECONDS or (lasted < LONGEST and not (landed and refused)):
        try:
            land(meant, "sub/x")
            landed += 1
        except DataTransferError:
            refused += 1
    assert min(landed, refused, swapping[0]) > 0, "the race was none"
    assert not list(outside.iterdir())


def aged(path: Path, seconds: float = 61) -> Path:
    path.write_bytes(b"half")
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_what_a_killed_program_left_on_its_way_goes_and_nothing_else(places: tuple[Path, Path]) -> None:
    meant, _ = places
    left, young = aged(meant / ".runctl-0123456789ab.part"), aged(meant / ".runctl-0123456789ac.part", 50)
    own = aged(meant / ".runctl-notes.part")
    (meant / ".runctl-0123456789ad.part").symlink_to(own)
    with aged(meant / ".runctl-0123456789ae.part").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        land(meant, "file")
        assert not left.exists()
        assert young.exists(), "its maker may not hold it yet"
        assert own.exists()
        assert (meant / ".runctl-0123456789ae.part").exists(), "another program writes it"
    assert (meant / "file").read_bytes() == b"new"


def test_a_file_on_its_way_is_held(places: tuple[Path, Path]) -> None:
    meant, _ = places
    landing = Landing(meant, "file", "it did not land")
    landing.begin()
    try:
        landing.write(0, b"half")
        (part,) = [one for one in meant.iterdir() if is_part(one.name)]
        os.utime(part, (0, 0))
        land(meant, "other")
        assert part.exists()
    finally:
        landing.close()
    assert not part.exists()


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    fsync, rename = os.fsync, os.rename

    def synced(handle: int) -> None:
        seen.append(("fsync", os.fstat(handle).st_ino))
        fsync(handle)

    def renamed(part: str, name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        seen.append(("rename", 0))
        rename(part, name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    land(tmp_path, "a")
    assert seen == [("fsync", (tmp_path / "a").stat().st_ino), ("rename", 0), ("fsync", tmp_path.stat().st_ino)]
