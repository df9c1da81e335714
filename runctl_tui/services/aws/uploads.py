"""Unfinished multipart uploads in S3 behind the `UploadStore` protocol: listed, measured, priced, aborted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.uploads import UnfinishedUpload, UploadedParts
from runctl_tui.services.errors import AwsError, TrainctlError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.objects import Bucket
    from runctl_tui.services.aws.objects import AwsObjects
    from runctl_tui.services.aws.s3 import S3Store
    from runctl_tui.services.prices import PriceBook

PAGE: Final = 1000
SOURCE: Final = "S3 ListParts"
_STAGED: Final = {"GLACIER": "STANDARD", "DEEP_ARCHIVE": "STANDARD"}
"""Parts of an upload to these classes are kept, and paid for, as standard until it is complete."""


class AwsUploads:
    """Implements `UploadStore` for one AWS profile."""

    def __init__(self, store: S3Store, objects: AwsObjects, prices: PriceBook, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._prices = prices
        self._clock = clock

    async def buckets(self) -> tuple[Bucket, ...]:
        """Return all buckets of the account."""
        return await self._objects.buckets()

    async def pages(self, bucket: str, prefix: str = "") -> AsyncIterator[tuple[UnfinishedUpload, ...]]:
        """Yield what is unfinished below a prefix, at most 1,000 at a time; raises where any page cannot be read."""
        what = f"The unfinished uploads below s3://{bucket}/{prefix} could not be listed"
        region = await self._store.region_of(bucket)
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxUploads": PAGE, "EncodingType": "url"}
        while True:
            page = await self._store.call(bucket, what, partial(_list, asked))
            decoded = unquote_plus if page.get("EncodingType") == "url" else str
            yield tuple(_upload(bucket, region, row, decoded) for row in page.get("Uploads", []))
            if not page.get("IsTruncated"):
                return
            markers = {
                "KeyMarker": decoded(page.get("NextKeyMarker", "")),
                "UploadIdMarker": page.get("NextUploadIdMarker", ""),
            }
            if not markers["KeyMarker"] or markers.items() <= asked.items():
                raise AwsError(what, "S3 said that there is more, but not how to ask for it", transient=True)
            asked |= markers

    async def measured(self, upload: UnfinishedUpload) -> UnfinishedUpload:
        """Return the upload with its parts and what they cost per month."""
        try:
            parts = await self._parts(upload)
        except TrainctlError as error:
            lost = Unknown(str(error), code=error.code)
            return replace(upload, parts=lost, usd_per_month=lost)
        await self._prices.refresh(upload.region)
        paid_as = _STAGED.get(upload.storage_class, upload.storage_class)
        month = self._prices.object_month(upload.region, paid_as, parts.size)
        return replace(upload, parts=Known(parts, self._clock.now(), SOURCE), usd_per_month=month)

    async def bucket_tags(self, bucket: str) -> tuple[tuple[str, str], ...]:
        """Return the bucket's tags."""
        return await self._objects.bucket_tags(bucket)

    async def abort(self, upload: UnfinishedUpload) -> None:
        """Give the upload up, in one call."""
        what = f"The unfinished upload of {upload.address} could not be aborted"
        await self._store.call(upload.bucket, what, partial(_abort, _named(upload)), changes=True)

    async def _parts(self, upload: UnfinishedUpload) -> UploadedParts:
        what = f"The parts of the unfinished upload of {upload.address} could not be listed"
        asked: dict[str, Any] = {**_named(upload), "MaxParts": PAGE}
        count, size, newest = 0, 0, None
        while True:
            page = await self._store.call(upload.bucket, what, partial(_list_parts, asked))
            for part in page.get("Parts", []):
                count, size = count + 1, size + part.get("Size", 0)
                newest = max(filter(None, (newest, _utc(part.get("LastModified")))), default=None)
            marker = page.get("NextPartNumberMarker")
            if not page.get("IsTruncated"):
                return UploadedParts(count, size, newest)
            if not marker or marker == asked.get("PartNumberMarker"):
                raise AwsError(what, "S3 said that there is more, but not how to ask for it", transient=True)
            asked["PartNumberMarker"] = marker


def _named(upload: UnfinishedUpload) -> dict[str, Any]:
    return {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}


def _list(asked: dict[str, Any], s3: S3Client) -> Mapping[str, Any]:
    return s3.list_multipart_uploads(**asked)


def _list_parts(asked: dict[str, Any], s3: S3Client) -> Mapping[str, Any]:
    return s3.list_parts(**asked)


def _abort(named: dict[str, Any], s3: S3Client) -> object:
    return s3.abort_multipart_upload(**named)


def _upload(bucket: str, region: str, row: Mapping[str, Any], decoded: Callable[[str], str]) -> UnfinishedUpload:
    return UnfinishedUpload(
        bucket,
        decoded(row.get("Key", "")),
        row.get("UploadId", ""),
        region,
        _utc(row.get("Initiated")),
        row.get("Initiator", {}).get("ID", ""),
        row.get("StorageClass", "STANDARD"),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment is not None else None
