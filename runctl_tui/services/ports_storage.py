"""The Protocol by which screens and the command line look at object storage; a part of `ports`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runctl_tui.domain.objects import Bucket, ObjectEntry, ObjectFacts, Preview


class Objects(Protocol):
    """What lies in S3, looked at; changing it, and bringing it here, goes through `Actions`."""

    async def buckets(self) -> tuple[Bucket, ...]:
        """All buckets, each with its region where that could be told."""

    def pages(
        self, bucket: str, prefix: str = "", *, recursive: bool = False
    ) -> AsyncIterator[tuple[ObjectEntry, ...]]:
        """What lies below a prefix, a page at a time, folders closed unless `recursive`; raises where a page fails."""

    async def head(self, bucket: str, key: str) -> ObjectFacts:
        """One object's facts; ResourceNotFound where there is none."""

    async def preview(self, bucket: str, key: str) -> Preview:
        """The two ends of an object, at most 64 KiB of each."""

    async def presign(self, bucket: str, key: str, seconds: int) -> str:
        """A URL by which anybody may read the object for so many seconds; a secret."""
