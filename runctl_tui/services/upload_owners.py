"""Whose unfinished uploads are and what may be sending them: the caller's, a run's, a copy of this program's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.uploads import PROVIDER, UnfinishedUpload
from runctl_tui.services.action_facts import known
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.storage.heirlooms import writes_among

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.services.journal import Journal
    from runctl_tui.services.journal_rows import Row
    from runctl_tui.services.ports import ProviderRegistry
    from runctl_tui.services.storage.heirlooms import WritingRuns
    from runctl_tui.services.upload_store import UploadStore

T = TypeVar("T")
Tags = Fact[tuple[tuple[str, str], ...]]
_JOURNAL = "journal and register of runs"


@dataclass(frozen=True, slots=True)
class UploadOwners:
    """Joins uploads with the caller's identity, the register of runs, the journal and the buckets' tags."""

    registry: ProviderRegistry
    runs: WritingRuns
    journal: Journal
    clock: Clock
    owner: str
    """The owner label of this person."""

    async def told(self, store: UploadStore, uploads: Sequence[UnfinishedUpload]) -> tuple[UnfinishedUpload, ...]:
        """Return the uploads with who began them and what may be sending them."""
        if not uploads:
            return ()
        addresses = [one.address for one in uploads]
        caller, runs, copies, tags = await asyncio.gather(
            self._caller(),
            self._asked(self.runs.writing_at(addresses)),
            self._asked(self._copies(addresses)),
            self._tags(store, sorted({one.bucket for one in uploads})),
        )
        return tuple(self._one(one, caller, runs, copies, tags[one.bucket]) for one in uploads)

    def _one(
        self,
        upload: UnfinishedUpload,
        caller: str,
        runs: Fact[tuple[TrainingSession, ...]],
        copies: Fact[tuple[Row, ...]],
        tags: Tags,
    ) -> UnfinishedUpload:
        there = [run for run in runs.value if writes_among(run, [upload.address])] if isinstance(runs, Known) else []
        of_mine = [run for run in there if run.owner in ("", self.owner)]
        mine = bool(upload.initiator) and upload.initiator == caller
        by = "you" if mine else f"run {of_mine[0].id}" if of_mine else upload.initiator
        return replace(
            upload,
            ours=mine or bool(of_mine),
            by=by,
            writers=self._writers(upload, runs, there, copies),
            bucket_tags=tags,
        )

    def _writers(
        self,
        upload: UnfinishedUpload,
        runs: Fact[tuple[TrainingSession, ...]],
        there: Sequence[TrainingSession],
        copies: Fact[tuple[Row, ...]],
    ) -> Fact[tuple[str, ...]]:
        for fact in (runs, copies):
            if isinstance(fact, Unknown):
                return fact
        found = [f"run {run.id}" for run in there if run.status.live or run.uploads.pending]
        rows = copies.value if isinstance(copies, Known) else ()
        found += [f"this program ({row.entry.effect})" for row in rows if _covers(row, upload.address)]
        return Known(tuple(found), self.clock.now(), _JOURNAL)

    async def _tags(self, store: UploadStore, buckets: Sequence[str]) -> Mapping[str, Tags]:
        told = await asyncio.gather(*(self._asked(store.bucket_tags(bucket)) for bucket in buckets))
        return dict(zip(buckets, told, strict=True))

    async def _caller(self) -> str:
        identity = await known(self.registry.get(PROVIDER).identity())
        return identity.value.caller if isinstance(identity, Known) else ""

    async def _copies(self, addresses: Sequence[str]) -> tuple[Row, ...]:
        """Return this program's copies into these places that are at work, here or in another window."""
        rows = [row for row in await self.journal.unsettled() if any(_covers(row, one) for one in addresses)]
        found: list[Row] = []
        for resource in dict.fromkeys(row.entry.resource for row in rows):
            found += await self.journal.reconcile(self.registry, resource)
        return tuple(found)

    async def _asked(self, asked: Awaitable[T]) -> Fact[T]:
        try:
            return Known(await asked, self.clock.now(), _JOURNAL)
        except TrainctlError as error:
            return Unknown(str(error))


def _covers(row: Row, address: str) -> bool:
    """Tell whether a copy goes to an address, or below a folder that the address is in."""
    place, copying = row.entry.resource, row.entry.operation in (Operation.S3_COPY, Operation.S3_MOVE)
    return copying and (address == place or address.startswith(f"{place.rstrip('/')}/"))
