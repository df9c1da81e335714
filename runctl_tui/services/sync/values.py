"""What a code sync consists of; `plan` makes it, `execute` carries it out, the launch wizard shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class SyncFile:
    """One file to be sent."""

    path: str
    """Relative to the root, with '/'."""
    size: int
    """Bytes; 0 for a link."""
    mode: int
    """Permission bits."""
    sha256: str
    """Empty for a link."""
    link: str = ""
    """A symbolic link's target, empty for a file."""

    @property
    def mark(self) -> str:
        """What the agent's fingerprint of the file must be."""
        return f"link {self.link}" if self.link else f"{'x' if self.mode & 0o100 else '-'} {self.sha256}"


@dataclass(frozen=True, slots=True)
class SyncLimits:
    """What is taken for a data set rather than code."""

    files: int = 20_000
    total_bytes: int = 2 * 1024**3


DEFAULT_LIMITS: Final = SyncLimits()


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """All that belongs on the host, and what was left out."""

    root: Path
    files: tuple[SyncFile, ...]
    total_bytes: int
    ignored_top: tuple[tuple[str, str], ...] = ()
    """Folders left out, with the rule that says so; what lies within is not listed."""
    skipped_links: tuple[tuple[str, str], ...] = ()
    """Symbolic links left out, with the reason."""


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a sync is."""

    phase: str
    """comparing, sending, verifying or done."""
    files_done: int
    files_total: int
    """Of those that have to be sent."""
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What a sync did."""

    dest: str
    """The folder on the host, absolute."""
    sent: tuple[str, ...]
    sent_bytes: int
    deleted: tuple[str, ...]
    unchanged: int
