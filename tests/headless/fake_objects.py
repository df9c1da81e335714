"""Two pages of one bucket, as the command line sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from runctl_tui.domain.objects import Bucket, EntryKind, ObjectEntry, ObjectFacts
from runctl_tui.services.errors import ResourceNotFound

MADE = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


def one(key: str, size: int = 3_000_000) -> ObjectEntry:
    return ObjectEntry(EntryKind.OBJECT, "my-data", key, size, MADE, "GLACIER", "e1")


class FakeObjects:
    """Lists what it is told to."""

    async def buckets(self) -> tuple[Bucket, ...]:
        return (Bucket("my-data", "us-east-1", MADE), Bucket("denied"))

    async def pages(
        self, bucket: str, prefix: str = "", *, recursive: bool = False
    ) -> AsyncIterator[tuple[ObjectEntry, ...]]:
        if bucket != "my-data":
            raise ResourceNotFound(f"s3://{bucket}/ could not be listed")
        if prefix in ("none/", "empty/"):
            yield ()
        elif recursive:
            yield (one("a/1"), one("a/2"))
            yield (one("a/\x1b[2Jx", 5),)
        else:
            yield (ObjectEntry(EntryKind.FOLDER, bucket, "a/"), one("README.md", 1812))

    async def head(self, bucket: str, key: str) -> ObjectFacts:
        if key != "empty/":
            raise ResourceNotFound(f"s3://{bucket}/{key} could not be read")
        return ObjectFacts(bucket, key, 0, "e0", MADE)

    async def presign(self, bucket: str, key: str, seconds: int) -> str:
        return f"https://{bucket}.example/{key}?X-Amz-Expires={seconds}"
