"""What git ignores, and what include patterns bring back; the plan asks level by level on its way down."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from runctl_tui.services.sync.pattern import Pattern, parse

ALWAYS: Final = frozenset({".git", ".venv", "__pycache__", ".runctl-sync.json"})


@dataclass(frozen=True, slots=True)
class Rules:
    """The patterns of one file, which hold for paths below one folder."""

    base: str
    """Relative to the plan's root, ending with '/', or empty."""
    prefix: str
    """What a path of the plan has before it, where the patterns' folder lies above the plan's root."""
    source: str
    """The file's name as a person is told."""
    patterns: tuple[Pattern, ...]
    """The last line first, since the last that matches decides."""

    def verdict(self, path: str, folder: bool) -> tuple[bool, str] | None:
        """Return whether the path is ignored and by which line; None when nothing here says anything."""
        if not path.startswith(self.base):
            return None
        name = self.prefix + path[len(self.base) :]
        found = next((pattern for pattern in self.patterns if pattern.matches(name, folder)), None)
        return (found.ignores, f"{self.source}: {found.text}") if found else None


def rules_of(file: Path, base: str, prefix: str = "", source: str = "") -> Rules | None:
    """Return the rules of a file in git's format, None where there is none that can be read."""
    try:
        if file.is_symlink():
            return None
        text = os.fsdecode(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError:
        return None
    patterns = tuple(pattern for line in text.split("\n") if (pattern := parse(line)) is not None)
    return Rules(base, prefix, source or base + file.name, patterns[::-1])


def rules_above(root: Path) -> list[Rules]:
    """Return the rules that hold for the whole root: the repository's exclude file, then folders above the root."""
    chain = [root, *root.parents]
    top = next((folder for folder in chain if (folder / ".git").exists()), None)
    if top is None:
        return []
    prefix = root.relative_to(top).as_posix() + "/" if root != top else ""
    exclude = rules_of(top / ".git" / "info" / "exclude", "", prefix, ".git/info/exclude")
    found = [exclude]
    for folder in reversed(chain[1 : chain.index(top) + 1]):
        inner = root.relative_to(folder).as_posix() + "/"
        found.append(rules_of(folder / ".gitignore", "", inner, str(folder / ".gitignore")))
    return [rules for rules in found if rules is not None]


def ignored(rules: Sequence[Rules], path: str, folder: bool) -> str:
    """Return the pattern that ignores a path, empty when it is not ignored; the deepest file decides."""
    if path.rpartition("/")[2] in ALWAYS:
        return "always left out"
    for one in reversed(rules):
        verdict = one.verdict(path, folder)
        if verdict is not None:
            return verdict[1] if verdict[0] else ""
    return ""


class Includes:
    """Patterns of what is sent although git ignores it: 'data/' is the folder data and all in it."""

    def __init__(self, patterns: Iterable[str]) -> None:
        trimmed = (pattern.strip().removeprefix("./").strip("/") for pattern in patterns)
        self._patterns = tuple(tuple(pattern.split("/")) for pattern in trimmed if pattern)

    def match(self, path: str) -> bool:
        """Tell whether a path, or a folder above it, is named."""
        parts = path.split("/")
        return any(len(parts) >= len(pattern) and all(map(fnmatchcase, parts, pattern)) for pattern in self._patterns)

    def may_match_below(self, folder: str) -> bool:
        """Tell whether something below a folder may be named, so that it is worth a look."""
        parts = folder.split("/")
        return any(all(map(fnmatchcase, parts, pattern)) for pattern in self._patterns)
