"""`S3Store`: every call to S3, each in its bucket's own region; checkpoints, the relay and `objects` build on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from runctl_tui.domain.objects import Bucket
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.settings import AwsSettings
from runctl_tui.services.errors import AwsError, ResourceExists, ResourceNotFound, TrainctlError, Unsupported
from runctl_tui.services.threads import CancelToken

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef, ObjectTypeDef

T = TypeVar("T")
PAGE: Final = 1000
FIRST_REGION: Final = "us-east-1"
LONGEST_URL: Final = 7 * 24 * 3600
"""Seconds for which S3 honours a presigned URL at most."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as S3 tells of it."""

    bucket: str
    key: str
    """Untrusted text."""
    size: int
    etag: str
    """Without quotes."""
    modified_at: datetime
    """UTC."""
    storage_class: str = "STANDARD"
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Only `head` tells it."""


class S3Store:
    """Objects in S3."""

    def __init__(self, clients: AwsClients, settings: AwsSettings) -> None:
        self._clients = clients
        self._settings = settings
        self._regions: dict[str, str] = {}

    async def list(self, bucket: str, prefix: str = "") -> AsyncIterator[tuple[StoredObject, ...]]:
        """Yield all objects under a prefix, at most 1,000 at a time; raises where any page cannot be read."""
        what = f"s3://{bucket}/{prefix} could not be listed"
        token = ""
        while True:
            request: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": PAGE}
            if token:
                request["ContinuationToken"] = token
            page = await self.call(bucket, what, partial(_list_page, request))
            yield tuple(_listed(bucket, raw) for raw in page.get("Contents", []))
            token = page.get("NextContinuationToken", "")
            if not page.get("IsTruncated"):
                return
            if not token:
                raise AwsError(what, "S3 said that there is more, but not how to ask for it", transient=True)

    async def folders(self, bucket: str, prefix: str = "") -> tuple[str, ...]:
        """Return the names that come next below a prefix that ends in a slash, or below the bucket; all pages."""
        what, names, token = f"s3://{bucket}/{prefix} could not be listed", [], ""
        while True:
            request: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/", "MaxKeys": PAGE}
            if token:
                request["ContinuationToken"] = token
            page = await self.call(bucket, what, partial(_list_page, request))
            names += [row.get("Prefix", "")[len(prefix) :].rstrip("/") for row in page.get("CommonPrefixes", [])]
            token = page.get("NextContinuationToken", "")
            if not token:
                return tuple(names)

    async def head(self, bucket: str, key: str) -> StoredObject:
        """Return one object's facts and metadata; ResourceNotFound where there is none."""
        what = f"s3://{bucket}/{key} could not be read"
        told = await self.call(bucket, what, lambda s3: s3.head_object(Bucket=bucket, Key=key))
        return StoredObject(
            bucket=bucket,
            key=key,
            size=told.get("ContentLength", 0),
            etag=told.get("ETag", "").strip('"'),
            modified_at=told["LastModified"].astimezone(UTC),
            storage_class=told.get("StorageClass", "STANDARD"),
            metadata=dict(told.get("Metadata", {})),
        )

    async def get_range(self, bucket: str, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return bytes from `start` on, `length` of them or all; nothing where the object ends before."""
        what = f"s3://{bucket}/{key} could not be read"
        if length == 0:
            return b""
        last = "" if length is None else str(start + length - 1)
        try:
            return await self.call(bucket, what, lambda s3: _body(s3, bucket, key, f"bytes={start}-{last}"))
        except AwsError as error:
            if error.code in ("InvalidRange", "416"):
                return b""
            raise

    async def put_bytes(
        self, bucket: str, key: str, content: bytes, metadata: Mapping[str, str] | None = None
    ) -> StoredObject:
        """Write a small object whole, checked by SHA-256 on the way, and return it."""
        what = f"s3://{bucket}/{key} could not be written"
        request: dict[str, Any] = {
            "Bucket": bucket,
            "Key": key,
            "Body": content,
            "Metadata": dict(metadata or {}),
            "ChecksumAlgorithm": "SHA256",
        }
        await self.call(bucket, what, lambda s3: s3.put_object(**request))
        return await self.head(bucket, key)

    async def presign_put(self, bucket: str, key: str, expires: int, metadata: Mapping[str, str] | None = None) -> str:
        """Return a URL by which anybody may write this object for so many seconds; a secret."""
        parameters = {"Bucket": bucket, "Key": key, **({"Metadata": dict(metadata)} if metadata else {})}
        return await self._presign("put_object", parameters, expires)

    async def presign_head(self, bucket: str, key: str, expires: int) -> str:
        """Return a URL by which anybody may read this object's facts for so many seconds; a secret."""
        return await self._presign("head_object", {"Bucket": bucket, "Key": key}, expires)

    async def presign_get(self, bucket: str, key: str, expires: int) -> str:
        """Return a URL by which anybody may read this object for so many seconds; a secret."""
        return await self._presign("get_object", {"Bucket": bucket, "Key": key}, expires)

    async def bucket_exists(self, bucket: str) -> bool:
        """Whether the bucket is there and ours to use; raises where S3 refuses to tell."""
        try:
            await self.region_of(bucket)
        except ResourceNotFound:
            return False
        return True

    async def ensure_bucket(self, bucket: str, region: str) -> None:
        """Make a bucket; in the sandbox only, because a real one is never made without being asked for."""
        if not self._settings.endpoint_url:
            raise Unsupported(
                "Buckets are made in the sandbox only", "", f"`aws s3 mb s3://{bucket} --region {region}`"
            )
        request: dict[str, Any] = {"Bucket": bucket}
        if region != FIRST_REGION:
            request["CreateBucketConfiguration"] = {"LocationConstraint": region}
        what = f"The bucket {bucket} could not be made"
        try:
            await self._clients.s3(region, what, lambda s3: s3.create_bucket(**request))
        except (ResourceExists, AwsError) as error:
            if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise
        self._regions[bucket] = region

    async def region_of(self, bucket: str) -> str:
        """Return a bucket's region, asked once; ResourceNotFound where there is no such bucket."""
        if bucket not in self._regions:
            what = f"The bucket {bucket} could not be read"
            first = self._settings.regions[0]
            self._regions[bucket] = await self._clients.s3(first, what, lambda s3: _bucket_region(s3, bucket)) or first
        return self._regions[bucket]

    async def _region_or_none(self, bucket: str) -> str:
        try:
            return await self.region_of(bucket)
        except TrainctlError:
            return ""

    async def _presign(self, operation: str, parameters: dict[str, Any], expires: int) -> str:
        bucket, key = parameters["Bucket"], parameters["Key"]
        seconds = max(1, min(expires, LONGEST_URL))
        what = f"s3://{bucket}/{key} could not be shared"
        return await self.call(
            bucket, what, lambda s3: s3.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)
        )

    async def call(
        self,
        bucket: str,
        what: str,
        call: Callable[[S3Client], T],
        *,
        changes: bool = False,
        cancel: CancelToken | None = None,
    ) -> T:
        """Return a call's answer from the bucket's own region; `what` failed where it fails."""
        return await self._clients.s3(await self.region_of(bucket), what, call, changes=changes, cancel=cancel)

    async def buckets(self) -> tuple[Bucket, ...]:
        """Return all buckets of the account, each with its region where that could be told."""
        first = self._settings.regions[0]
        told = await self._clients.s3(first, "The buckets could not be listed", lambda s3: s3.list_buckets())
        rows = told.get("Buckets", [])
        for row in rows:
            if region := row.get("BucketRegion", ""):
                self._regions.setdefault(row.get("Name", ""), region)
        regions = await asyncio.gather(*(self._region_or_none(row.get("Name", "")) for row in rows))
        return tuple(
            Bucket(row.get("Name", ""), region, row["CreationDate"].astimezone(UTC) if "CreationDate" in row else None)
            for row, region in zip(rows, regions, strict=True)
        )


def _bucket_region(s3: S3Client, bucket: str) -> str:
    """S3 names the region in a header, also when the client of another region asks."""
    from botocore.exceptions import ClientError

    try:
        headers = s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    except ClientError as error:
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if error.response.get("Error", {}).get("Code") != "301":
            raise
    return str(headers.get("x-amz-bucket-region", ""))


def _list_page(request: dict[str, Any], s3: S3Client) -> ListObjectsV2OutputTypeDef:
    return s3.list_objects_v2(**request)


def _body(s3: S3Client, bucket: str, key: str, wanted: str) -> bytes:
    with closing(s3.get_object(Bucket=bucket, Key=key, Range=wanted)["Body"]) as body:
        return body.read()


def _listed(bucket: str, raw: ObjectTypeDef) -> StoredObject:
    return StoredObject(
        bucket=bucket,
        key=raw.get("Key", ""),
        size=raw.get("Size", 0),
        etag=raw.get("ETag", "").strip('"'),
        modified_at=raw["LastModified"].astimezone(UTC),
        storage_class=raw.get("StorageClass", "STANDARD"),
    )
