"""Which names of keys can be files below a folder, and why the others cannot; nothing is ever written beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from runctl_tui.services.storage.spelling import collisions, keeps_case, one_file, spelled_otherwise

OUTSIDE: Final = "it would lie outside the folder"
NAMELESS: Final = "a part of it is empty or '.'"
CONTROLS: Final = "it holds control characters"
TOO_LONG: Final = "a part of it is longer than a file's name may be"
LONGEST: Final = 255
"""Bytes of one part, on every usual file system."""
LINKED: Final = "a link in the folder lies on its way"


def unfit(folder: Path, names: Iterable[str], is_cased: Callable[[Path], bool] = keeps_case) -> Mapping[str, str]:
    """Return why each name that can be no file below a folder cannot; what is file and folder is the folder alone.

    `is_cased` tells whether a folder holds A beside a.
    """
    wrong = {name: _wrong(name) for name in names}
    good = [name for name, why in wrong.items() if not why]
    cased = is_cased(folder)
    inner = {one_file(above, cased=cased): name for name in good for above in _folders(name)}
    linked = {parent for parent in {(folder / name).parent for name in good} if _is_linked(folder, parent)}
    alike = collisions(good, cased=cased)
    there = spelled_otherwise(folder, good, cased=cased)
    for name in good:
        if lying := inner.get(one_file(name, cased=cased)):
            wrong[name] = f"it is a folder too, which {lying!r} lies in"
        elif (folder / name).parent in linked:
            wrong[name] = LINKED
        elif name in alike:
            wrong[name] = f"it would be the same file there as {alike[name]!r}"
        elif name in there:
            wrong[name] = f"it is there already, spelled {there[name]!r}"
    return {name: why for name, why in wrong.items() if why}


def _wrong(name: str) -> str:
    parts = name.split("/")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        return CONTROLS
    if not parts[0] or ".." in parts:
        return OUTSIDE
    if any(len(part.encode("utf-8", "replace")) > LONGEST for part in parts):
        return TOO_LONG
    return NAMELESS if "" in parts or "." in parts else ""


def _folders(name: str) -> Iterable[str]:
    parts = name.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def _is_linked(folder: Path, parent: Path) -> bool:
    """Return whether a link lies on the way from the folder to one below it."""
    above = [parent, *parent.parents]
    return any(each.is_symlink() for each in above[: above.index(folder)])
