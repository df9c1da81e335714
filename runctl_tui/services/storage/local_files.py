"""Files on this machine that a sync's source has not: where they may be deleted, and each exactly as it was planned.

No link is followed on the way and none is deleted; what is not as it was planned stays.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from runctl_tui.domain.objects import LocalDeletion, LocalFile
from runctl_tui.services.errors import Refused

CHANGED: Final = "it changed since the plan"


def links_below(folder: Path) -> dict[str, str]:
    """Return where each symbolic link below a folder leads, by its name there; folders behind links are not entered."""
    found = {}
    for top, folders, names in os.walk(folder):
        for path in (Path(top) / name for name in (*folders, *names)):
            if path.is_symlink():
                with suppress(OSError):
                    found[path.relative_to(folder).as_posix()] = str(path.readlink())
    return found


def open_to(place: Path) -> str:
    """Return who else can change what lands at a place, by the folder that is there: nothing, somebody, or anybody."""
    folder = place
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    told = folder.stat()
    if told.st_mode & stat.S_IWOTH and not told.st_mode & stat.S_ISVTX:
        return f"anybody on this machine can change what lands in {folder}"
    if told.st_uid in (0, os.geteuid()):
        return ""
    try:
        owner = pwd.getpwuid(told.st_uid).pw_name
    except KeyError:
        owner = f"user {told.st_uid}"
    return f"{folder} belongs to {owner}, who can change what lands there"


def folder_to_clear(destination: str) -> Path:
    """Return the real folder that a destination means; Refused where anybody's home lies in it or is it."""
    folder = Path(destination).expanduser().resolve()
    for home in _homes():
        if folder == home or folder in home.parents:
            why = "it is a home folder" if folder == home else f"the home folder {home} lies in it"
            raise Refused(f"nothing is deleted in {folder}", why, "name a folder further inside", code="home-folder")
    return folder


def listed(folder: Path, names: Iterable[str]) -> LocalDeletion:
    """Return the files of these names as they are now; links and what cannot be looked at are left out."""
    found = []
    for name in sorted(names):
        try:
            told = (folder / name).lstat()
        except OSError:
            continue
        if stat.S_ISREG(told.st_mode):
            found.append(LocalFile(name, told.st_size, told.st_mtime_ns))
    return LocalDeletion(str(folder), tuple(found))


def remove(folder: Path, files: Sequence[LocalFile]) -> list[tuple[str, str]]:
    """Delete files below a folder and return (name, why) of those that stay."""
    return [(file.name, why) for file in files if (why := _remove(folder, file))]


def _remove(folder: Path, file: LocalFile) -> str:
    """Walk down by open folders, so that no link that appears meanwhile leads elsewhere."""
    *above, last = file.name.split("/")
    try:
        with ExitStack() as opened:
            inner: int | None = None
            for part in (str(folder), *above):
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=inner)
                opened.callback(os.close, inner)
            told = os.stat(last, dir_fd=inner, follow_symlinks=False)
            if not stat.S_ISREG(told.st_mode) or (told.st_size, told.st_mtime_ns) != (file.size, file.modified_ns):
                return CHANGED
            os.unlink(last, dir_fd=inner)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _homes() -> Iterator[Path]:
    """Yield our own home folder first, also where the environment names another, then everybody's."""
    yield Path.home().resolve()
    yield from (Path(one.pw_dir).resolve() for one in pwd.getpwall() if one.pw_dir)
