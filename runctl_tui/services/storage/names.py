"""Which names of keys can be files below a folder, and why the others cannot; nothing is ever written beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

OUTSIDE: Final = "it would lie outside the folder"
NAMELESS: Final = "a part of it is empty or '.'"
CONTROLS: Final = "it holds control characters"
TOO_LONG: Final = "a part of it is longer than a file's name may be"
LONGEST: Final = 255
"""Bytes of one part, on every usual file system."""
LINKED: Final = "a link in the folder leads elsewhere"


def unfit(folder: Path, names: Iterable[str]) -> Mapping[str, str]:
    """Return why each name that can be no file below a folder cannot; what is file and folder is the folder alone."""
    wrong = {name: _wrong(name) for name in names}
    good = [name for name, why in wrong.items() if not why]
    inner = {above: name for name in good for above in _folders(name)}
    linked = {parent for parent in {(folder / name).parent for name in good} if _leads_out(folder, parent)}
    for name in good:
        if name in inner:
            wrong[name] = f"it is a folder too, which {inner[name]!r} lies in"
        elif (folder / name).parent in linked:
            wrong[name] = LINKED
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


def _leads_out(folder: Path, parent: Path) -> bool:
    return not parent.resolve().is_relative_to(folder.resolve())
