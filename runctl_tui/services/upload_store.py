"""What a provider of object storage can do about unfinished uploads, and where to find it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

from runctl_tui.services.errors import ResourceNotFound, Unsupported

if TYPE_CHECKING:
    from runctl_tui.domain.objects import Bucket
    from runctl_tui.domain.uploads import UnfinishedUpload
    from runctl_tui.services.ports import ProviderRegistry


class UploadStore(Protocol):
    """Unfinished uploads of one provider; every method raises `TrainctlError`s only."""

    async def buckets(self) -> tuple[Bucket, ...]:
        """Where there may be any."""

    def pages(self, bucket: str, prefix: str = "") -> AsyncIterator[tuple[UnfinishedUpload, ...]]:
        """What is unfinished below a prefix, all pages, without sizes; raises where one cannot be read."""

    async def measured(self, upload: UnfinishedUpload) -> UnfinishedUpload:
        """The same with its parts and what they cost; unknown with the reason where that cannot be told."""

    async def bucket_tags(self, bucket: str) -> tuple[tuple[str, str], ...]:
        """The tags of a bucket."""

    async def abort(self, upload: UnfinishedUpload) -> None:
        """Give it up; ResourceNotFound where it is not there any more."""


async def find_upload(store: UploadStore, bucket: str, key: str, upload_id: str) -> UnfinishedUpload:
    """Return one upload as it is listed now; ResourceNotFound where it has been completed or aborted."""
    async for page in store.pages(bucket, key):
        for one in page:
            if (one.key, one.upload_id) == (key, upload_id):
                return one
    what = f"There is no unfinished upload {upload_id} of s3://{bucket}/{key}"
    raise ResourceNotFound(what, "it was completed or aborted, or never begun", f"runctl-tui s3 uploads s3://{bucket}/")


def upload_store(registry: ProviderRegistry, name: str) -> UploadStore:
    """Return a provider's unfinished uploads; Unsupported where it has none."""
    provider = registry.get(name)
    store: UploadStore | None = getattr(provider, "uploads", None)
    if store is None:
        raise Unsupported(f"{provider.label} has no uploads", "", "name one in S3")
    return store
