"""Finds what belongs on a host: everything that git does not ignore, found without git."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runctl_tui.services.errors import DataTransferError, Refused
from runctl_tui.services.sync.ignore import ALWAYS, Includes, Rules, ignored, rules_above, rules_of
from runctl_tui.services.sync.index import tracked_paths
from runctl_tui.services.sync.root import checked_root
from runctl_tui.services.sync.values import DEFAULT_LIMITS, SyncFile, SyncLimits, SyncPlan

BLOCK: Final = 1024 * 1024


async def plan(root: Path, includes: Sequence[str] = (), limits: SyncLimits = DEFAULT_LIMITS) -> SyncPlan:
    """Return what would be sent from a folder; Refused for a home folder and for what looks like a data set."""
    cancelled = threading.Event()
    try:
        return await asyncio.to_thread(build_plan, root, includes, limits, cancelled)
    finally:
        cancelled.set()


def build_plan(root: Path, includes: Sequence[str], limits: SyncLimits, cancelled: threading.Event) -> SyncPlan:
    """Do the work of `plan` on the calling thread until it is cancelled."""
    whole = checked_root(root)
    walk = _Walk(whole, Includes(includes), limits, cancelled, tracked_paths(whole))
    walk.folder("", rules_above(whole), "")
    files = tuple(walk.hashed(path) for path in sorted(walk.found))
    return SyncPlan(
        root=whole,
        files=files,
        total_bytes=sum(file.size for file in files),
        ignored_top=tuple(sorted(walk.ignored_top)),
        skipped_links=tuple(sorted(walk.skipped_links)),
    )


@dataclass
class _Walk:
    """One way down through the folders."""

    root: Path
    includes: Includes
    limits: SyncLimits
    cancelled: threading.Event
    tracked: frozenset[str]
    found: dict[str, os.stat_result] = field(default_factory=dict)
    total: int = 0
    ignored_top: list[tuple[str, str]] = field(default_factory=list)
    skipped_links: list[tuple[str, str]] = field(default_factory=list)
    _tracked_folders: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        parents = (path.split("/")[:-1] for path in self.tracked)
        self._tracked_folders = frozenset(
            "/".join(parts[:end]) for parts in parents for end in range(1, len(parts) + 1)
        )

    def folder(self, path: str, above: list[Rules], reason: str) -> None:
        """Look through a folder; `reason` says why it is ignored, empty where it is not."""
        base = path + "/" if path else ""
        own = None if reason else rules_of(self.root / path / ".gitignore", base)
        rules = [*above, own] if own else above
        for entry in self._entries(path):
            if self.cancelled.is_set():
                raise asyncio.CancelledError
            name = base + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            why = reason or ignored(rules, name, is_folder)
            if is_folder:
                self._enter(name, rules, why, bool(reason))
            elif not why or self._brought_back(name):
                self._take(name, entry)

    def _entries(self, path: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / path) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            what = f"The folder {path or self.root} cannot be read"
            raise DataTransferError(what, error.strerror or str(error), "mend its permissions, or ignore it") from error

    def _enter(self, name: str, rules: list[Rules], why: str, within_ignored: bool) -> None:
        """Go into a folder when something in it may be sent."""
        if why and not within_ignored and not self.includes.match(name):
            self.ignored_top.append((name, why))
        if name.rpartition("/")[2] in ALWAYS:
            return
        if not why or self.includes.may_match_below(name) or name in self._tracked_folders:
            self.folder(name, rules, why)

    def _brought_back(self, name: str) -> bool:
        """Tell whether an ignored file is sent all the same."""
        return name.rpartition("/")[2] not in ALWAYS and (name in self.tracked or self.includes.match(name))

    def _take(self, name: str, entry: os.DirEntry[str]) -> None:
        """Add a file or link, unless it is something else or leads outside."""
        if entry.is_symlink():
            why = self._outside(name)
            if why:
                self.skipped_links.append((name, why))
                return
        elif not entry.is_file(follow_symlinks=False):
            return
        stat = entry.stat(follow_symlinks=False)
        self.found[name] = stat
        self.total += 0 if entry.is_symlink() else stat.st_size
        if len(self.found) > self.limits.files or self.total > self.limits.total_bytes:
            self._refuse()

    def _outside(self, name: str) -> str:
        """Return why a link is left out, empty when it stays inside."""
        target = os.readlink(self.root / name)
        if os.path.isabs(target):
            return f"leads to {target}"
        whole = os.path.normpath(os.path.join(self.root, os.path.dirname(name), target))
        inside = whole.startswith(str(self.root) + os.sep)
        resolved = os.path.realpath(self.root / name)
        if not inside or not resolved.startswith(str(self.root) + os.sep):
            return f"leads outside, to {target}"
        return ""

    def _refuse(self) -> None:
        """Say which folder makes the project look like a data set."""
        sizes: dict[str, int] = {}
        for path, stat in self.found.items():
            top = path.partition("/")[0]
            sizes[top] = sizes.get(top, 0) + stat.st_size
        largest = max(sizes, key=lambda top: sizes[top])
        why = (
            f"more than {self.limits.files} files or {self.limits.total_bytes / 1024**3:g} GiB, most of it in {largest}"
        )
        todo = "add it to .gitignore and name it as data instead, or raise the limit"
        raise Refused(f"{self.root} looks like a data set", why, todo, code="sync.too-large")

    def hashed(self, path: str) -> SyncFile:
        """Return a found file with its digest."""
        stat, whole = self.found[path], self.root / path
        try:
            if whole.is_symlink():
                return SyncFile(path, 0, 0o777, "", os.readlink(whole))
            digest = hashlib.sha256()
            with open(whole, "rb") as file:
                while block := file.read(BLOCK):
                    if self.cancelled.is_set():
                        raise asyncio.CancelledError
                    digest.update(block)
        except OSError as error:
            todo = "mend its permissions, or add it to .gitignore"
            raise DataTransferError(f"{path} cannot be read", error.strerror or str(error), todo) from error
        return SyncFile(path, stat.st_size, stat.st_mode & 0o777, digest.hexdigest())
