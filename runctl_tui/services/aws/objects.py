"""`AwsObjects`: buckets, prefixes and objects as screens and the command line look at them, on `S3Store`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from runctl_tui.domain.objects import (
    EDGE,
    Bucket,
    EntryKind,
    ObjectEntry,
    ObjectFacts,
    Preview,
    Versioning,
    address,
    looks_binary,
)
from runctl_tui.services.aws.parse import jsonable
from runctl_tui.services.aws.s3 import S3Store
from runctl_tui.services.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PAGE: Final = 1000
_NO_TAGS: Final = "NoSuchTagSet"


class AwsObjects:
    """Implements `ports.Objects`; the store is asked for at each call, because the sandbox has none at first."""

    def __init__(self, store: Callable[[], S3Store]) -> None:
        self._store = store

    async def buckets(self) -> tuple[Bucket, ...]:
        """Return all buckets, each with its region where that could be told."""
        return await self._store().buckets()

    async def pages(
        self, bucket: str, prefix: str = "", *, recursive: bool = False
    ) -> AsyncIterator[tuple[ObjectEntry, ...]]:
        """Yield what lies below a prefix, a page at a time; raises where any page cannot be read."""
        what = f"{address(bucket, prefix)} could not be listed"
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": PAGE}
        if not recursive:
            asked["Delimiter"] = "/"
        token = ""
        while True:
            request = {**asked, "ContinuationToken": token} if token else asked
            page = await self._store().call(bucket, what, partial(_list, request))
            yield tuple(_entries(bucket, prefix, page, recursive))
            token = page.get("NextContinuationToken", "")
            if not page.get("IsTruncated"):
                return
            if not token:
                raise AwsError(what, "S3 said that there is more, but not how to ask for it", transient=True)

    async def head(self, bucket: str, key: str) -> ObjectFacts:
        """Return one object's facts; ResourceNotFound where there is none."""
        what = f"{address(bucket, key)} could not be read"
        told = await self._store().call(bucket, what, lambda s3: s3.head_object(Bucket=bucket, Key=key))
        return ObjectFacts(
            bucket=bucket,
            key=key,
            size=told.get("ContentLength", 0),
            etag=told.get("ETag", "").strip('"'),
            modified_at=told["LastModified"].astimezone(UTC),
            storage_class=told.get("StorageClass", "STANDARD"),
            content_type=told.get("ContentType", ""),
            version_id=told.get("VersionId", ""),
            metadata=dict(told.get("Metadata", {})),
            raw=cast("Mapping[str, object]", jsonable(told)),
        )

    async def preview(self, bucket: str, key: str) -> Preview:
        """Return the two ends of an object, at most 64 KiB of each; of a binary one the first alone."""
        size = (await self.head(bucket, key)).size
        store = self._store()
        head = await store.get_range(bucket, key, 0, min(size, EDGE))
        if size <= len(head) or looks_binary(head):
            return Preview(size, head)
        start = max(len(head), size - EDGE)
        return Preview(size, head, await store.get_range(bucket, key, start, size - start))

    async def presign(self, bucket: str, key: str, seconds: int) -> str:
        """Return a URL by which anybody may read the object for so many seconds; a secret."""
        return await self._store().presign_get(bucket, key, seconds)

    async def region_of(self, bucket: str) -> str:
        """Return a bucket's region."""
        return await self._store().region_of(bucket)

    async def versioning(self, bucket: str) -> Versioning:
        """Return what the bucket does with what is deleted."""
        what = f"Whether {bucket} keeps versions could not be read"
        told = await self._store().call(bucket, what, lambda s3: s3.get_bucket_versioning(Bucket=bucket))
        status = str(told.get("Status", "Off"))
        if told.get("MFADelete") == "Enabled":
            return Versioning(status, "MFA delete is on")
        locked = status == "Enabled" and await self._object_lock(bucket)
        return Versioning(status, "Object Lock is on" if locked else "")

    async def _object_lock(self, bucket: str) -> bool:
        """Return whether a bucket that keeps versions locks them; one that does not say so is refused by S3 itself."""
        what = f"Whether {bucket} has Object Lock could not be read"
        try:
            told = await self._store().call(bucket, what, lambda s3: s3.get_object_lock_configuration(Bucket=bucket))
        except AwsError:
            return False
        return told.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"

    async def bucket_tags(self, bucket: str) -> tuple[tuple[str, str], ...]:
        """Return the bucket's tags."""
        what = f"The tags of {bucket} could not be read"
        try:
            told = await self._store().call(bucket, what, lambda s3: s3.get_bucket_tagging(Bucket=bucket))
        except AwsError as error:
            if error.code == _NO_TAGS:
                return ()
            raise
        return tuple((tag["Key"], tag["Value"]) for tag in told.get("TagSet", []))


def _list(request: dict[str, Any], s3: S3Client) -> Mapping[str, Any]:
    return s3.list_objects_v2(**request)


def _entries(bucket: str, prefix: str, page: Mapping[str, Any], recursive: bool) -> list[ObjectEntry]:
    """The prefix's own placeholder is no row of its own listing."""
    folders = [ObjectEntry(EntryKind.FOLDER, bucket, row["Prefix"]) for row in page.get("CommonPrefixes", [])]
    objects = [
        ObjectEntry(
            EntryKind.OBJECT,
            bucket,
            row["Key"],
            row.get("Size", 0),
            row["LastModified"].astimezone(UTC),
            row.get("StorageClass", "STANDARD"),
            row.get("ETag", "").strip('"'),
        )
        for row in page.get("Contents", [])
        if recursive or row["Key"] != prefix or not prefix.endswith("/")
    ]
    return [*folders, *objects]
