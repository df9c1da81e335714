"""Which names mean one file in a folder although they are spelled differently: by case, or by composed letters."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

LOOKED_AT: Final = 50
"""Names of a folder that are tried in another case at most."""


def one_file(name: str, *, cased: bool) -> str:
    """Return what all spellings of a name have in common; letters are taken composed, as every reader sees them."""
    composed = unicodedata.normalize("NFC", name)
    return composed if cased else unicodedata.normalize("NFC", composed.casefold())


def collisions(names: Iterable[str], *, cased: bool) -> Mapping[str, str]:
    """Return each name that would be the same file, or lie in the same-named file, as another, and that other."""
    spelled: dict[str, str] = {}
    found: dict[str, str] = {}
    for name in sorted(names):
        other = spelled.setdefault(one_file(name, cased=cased), name)
        if other != name:
            found[name] = other
            found.setdefault(other, name)
    return found


def spelled_otherwise(folder: Path, names: Iterable[str], *, cased: bool) -> Mapping[str, str]:
    """Return each name whose file is there already under another spelling, and that spelling."""
    found: dict[str, str] = {}
    known: dict[Path, Mapping[str, str]] = {}
    for name in names:
        parent, last = (folder / name).parent, name.rpartition("/")[2]
        if parent not in known:
            known[parent] = {one_file(there, cased=cased): there for there in _listed(parent)}
        there = known[parent].get(one_file(last, cased=cased), last)
        if there != last and last not in known[parent].values():
            found[name] = there
    return found


def keeps_case(folder: Path) -> bool:
    """Return whether a folder tells A from a; no where that cannot be seen without writing there."""
    place = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    for name in islice(_listed(place), LOOKED_AT):
        if name.swapcase() != name:
            return not _is_same(place / name, place / name.swapcase())
    real = Path(os.path.realpath(place))
    if real.name.swapcase() == real.name or os.path.ismount(real):
        return False
    return not _is_same(real, real.parent / real.name.swapcase())


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(one.lstat(), other.lstat())
    except OSError:
        return False


def _listed(folder: Path) -> list[str]:
    with suppress(OSError):
        return os.listdir(folder)
    return []
