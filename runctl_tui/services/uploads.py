"""The book of unfinished uploads: listed, measured, joined with whose they are. Implements `Uploads`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.uploads import PROVIDER, UnfinishedUpload
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.upload_store import upload_store

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock
    from runctl_tui.services.ports import Feed, ProviderRegistry
    from runctl_tui.services.upload_owners import UploadOwners
    from runctl_tui.services.upload_store import UploadStore

MEASURED: Final = 500
"""Uploads of one look whose parts are listed, the oldest first; each costs a call at least."""
AT_ONCE: Final = 8
NOT_ASKED: Final = Unknown(f"only the {MEASURED} oldest are measured", "look below a prefix")
_LAST: Final = datetime.max.replace(tzinfo=UTC)


class UploadBook:
    """Looks at one bucket, or at all."""

    feed: Feed[tuple[UnfinishedUpload, ...]]
    """Set by the composition root, which knows the feed's pace."""

    def __init__(self, registry: ProviderRegistry, owners: UploadOwners, clock: Clock) -> None:
        self._registry = registry
        self._owners = owners
        self._clock = clock

    async def poll(self) -> Snapshot[tuple[UnfinishedUpload, ...]]:
        """Read everything for the feed."""
        return await self.now()

    async def now(self, bucket: str = "", prefix: str = "") -> Snapshot[tuple[UnfinishedUpload, ...]]:
        """Return what is unfinished below a prefix, or everywhere, with sizes."""
        found = self._as_seen(())
        async for snapshot in self.below(bucket, prefix):
            found = snapshot
        return found

    async def below(
        self, bucket: str = "", prefix: str = ""
    ) -> AsyncGenerator[Snapshot[tuple[UnfinishedUpload, ...]], None]:
        """Yield what is unfinished, growing as it is listed, at last with sizes and whose it is."""
        store = upload_store(self._registry, PROVIDER)
        found: list[UnfinishedUpload] = []
        missing: list[Problem] = []
        places = self._pages(store, bucket, prefix) if bucket else self._everywhere(store, missing)
        async for page in places:
            found += page
            yield self._as_seen(found)
        measured = await self._measured(store, sorted(found, key=_age))
        told = await self._owners.told(store, measured)
        yield self._as_seen(told, _in_one(missing))

    def _as_seen(
        self, found: Sequence[UnfinishedUpload], missing: tuple[Problem, ...] = ()
    ) -> Snapshot[tuple[UnfinishedUpload, ...]]:
        return Snapshot(tuple(found), self._clock.now(), missing=missing)

    async def _pages(self, store: UploadStore, bucket: str, prefix: str) -> AsyncIterator[tuple[UnfinishedUpload, ...]]:
        async for page in store.pages(bucket, prefix):
            if page:
                yield page

    async def _everywhere(
        self, store: UploadStore, missing: list[Problem]
    ) -> AsyncIterator[tuple[UnfinishedUpload, ...]]:
        """Yield bucket by bucket; one that cannot be read is put among the missing."""
        limit = asyncio.Semaphore(AT_ONCE)

        async def whole(bucket: str) -> tuple[UnfinishedUpload, ...]:
            async with limit:
                try:
                    return tuple([one async for page in store.pages(bucket) for one in page])
                except TrainctlError as error:
                    missing.append(error.to_problem())
                    return ()

        names = [bucket.name for bucket in await store.buckets()]
        for page in await asyncio.gather(*(whole(name) for name in names)):
            if page:
                yield page

    async def _measured(self, store: UploadStore, uploads: Sequence[UnfinishedUpload]) -> list[UnfinishedUpload]:
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(upload: UnfinishedUpload) -> UnfinishedUpload:
            async with limit:
                return await store.measured(upload)

        first = await asyncio.gather(*(one(upload) for upload in uploads[:MEASURED]))
        rest = (replace(upload, parts=NOT_ASKED, usd_per_month=NOT_ASKED) for upload in uploads[MEASURED:])
        return [*first, *rest]


def _age(upload: UnfinishedUpload) -> tuple[datetime, str]:
    return upload.started_at or _LAST, upload.id


def _in_one(missing: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return one problem for all buckets that could not be read: an account may have many of others."""
    if len(missing) < 2:
        return tuple(missing)
    first = missing[0]
    what = f"The unfinished uploads of {len(missing)} buckets could not be listed"
    why = f"{first.what}: {first.why}"
    return (Problem(first.code, what, why, first.todo),)
