"""What the storage services need of an object store; `services/aws` implements it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from runctl_tui.domain.objects import ObjectEntry, ObjectFacts, Versioning

Moved: TypeAlias = Callable[[int], None]
"""Told how many more bytes have moved; may be called from a thread."""


class ObjectReader(Protocol):
    """Looks."""

    def pages(
        self, bucket: str, prefix: str = "", *, recursive: bool = False
    ) -> AsyncIterator[tuple[ObjectEntry, ...]]:
        """What lies below a prefix, all pages; raises where one cannot be read."""

    async def head(self, bucket: str, key: str) -> ObjectFacts:
        """One object's facts; ResourceNotFound where there is none."""

    async def region_of(self, bucket: str) -> str:
        """A bucket's region."""

    async def versioning(self, bucket: str) -> Versioning:
        """What the bucket does with what is deleted."""

    async def bucket_tags(self, bucket: str) -> tuple[tuple[str, str], ...]:
        """The bucket's tags."""


class ObjectMover(Protocol):
    """Moves bytes; each object appears whole or not at all."""

    async def download(self, entry: ObjectEntry, folder: Path, name: str, moved: Moved) -> None:
        """An object into a file of this name below a folder, over no link."""

    async def upload(self, source: Path, bucket: str, key: str, moved: Moved) -> None:
        """A file into an object."""

    async def copy(self, entry: ObjectEntry, bucket: str, key: str, moved: Moved) -> None:
        """An object into another."""

    async def delete(self, bucket: str, entries: Sequence[ObjectEntry]) -> tuple[tuple[str, str], ...]:
        """Delete at most 1,000 objects as they were listed; returns (key, why) of those that stay."""
