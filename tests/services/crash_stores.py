"""An object store in memory, for programs that die at any moment of what they do there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.objects import Bucket, EntryKind, ObjectEntry, ObjectFacts, Versioning
from runctl_tui.domain.uploads import UnfinishedUpload, UploadedParts
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.errors import ResourceNotFound
from runctl_tui.services.runs.files import RunFiles
from runctl_tui.services.storage.carry import Carrier
from runctl_tui.services.storage.desk import StorageDesk, StorageParts
from runctl_tui.services.storage.heirlooms import Heirlooms
from runctl_tui.services.storage.survey import Survey
from runctl_tui.services.upload_actions import UploadActions
from runctl_tui.services.upload_owners import UploadOwners
from runctl_tui.services.witnesses import Witnesses
from tests.fakes import OWNER, START, FakeClock, FakeProvider
from tests.services.actions_rig import Rig
from tests.services.crash_hosts import Book, Host

BUCKET = "my-data-here"


@dataclass
class Objects:
    """Buckets in memory, as they are read and changed, with unfinished uploads."""

    clock: FakeClock
    objects: dict[str, bytes] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=lambda: {"u-1"})
    calls: list[tuple[str, object]] = field(default_factory=list)

    async def pages(
        self, bucket: str, prefix: str = "", *, recursive: bool = False
    ) -> AsyncIterator[tuple[ObjectEntry, ...]]:
        yield tuple(self._entry(key) for key in sorted(self.objects) if key.startswith(prefix))

    def _entry(self, key: str) -> ObjectEntry:
        size = len(self.objects[key])
        return ObjectEntry(EntryKind.OBJECT, BUCKET, key, size, START, etag=self.objects[key].hex())

    async def head(self, bucket: str, key: str) -> ObjectFacts:
        if key not in self.objects:
            raise ResourceNotFound(f"there is no {key}")
        entry = self._entry(key)
        return ObjectFacts(bucket, key, entry.size or 0, entry.etag, START)

    async def region_of(self, bucket: str) -> str:
        return "us-east-1"

    async def versioning(self, bucket: str) -> Versioning:
        return Versioning("Off")

    async def bucket_tags(self, bucket: str) -> tuple[tuple[str, str], ...]:
        return ()

    async def copy(self, entry: ObjectEntry, bucket: str, key: str, moved: Any) -> None:
        self.calls.append(("copy", entry.key))
        self.objects[key] = self.objects[entry.key]
        moved(entry.size)

    async def upload(self, source: Path, bucket: str, key: str, moved: Any) -> None:
        content = await asyncio.to_thread(source.read_bytes)
        self.calls.append(("upload", source.name))
        self.objects[key] = content
        moved(len(content))

    async def download(self, entry: ObjectEntry, folder: Path, name: str, moved: Any) -> None:
        await asyncio.to_thread((folder / name).write_bytes, self.objects[entry.key])
        moved(entry.size)

    async def delete(self, bucket: str, entries: Sequence[ObjectEntry]) -> tuple[tuple[str, str], ...]:
        self.calls.append(("delete", tuple(entry.key for entry in entries)))
        for entry in entries:
            del self.objects[entry.key]
        return ()


@dataclass
class Uploads:
    """What is unfinished in the buckets."""

    store: Objects

    async def buckets(self) -> tuple[Bucket, ...]:
        return ()

    async def pages(self, bucket: str, prefix: str = "") -> AsyncIterator[tuple[UnfinishedUpload, ...]]:
        born = START - timedelta(days=30)
        yield tuple(
            UnfinishedUpload(BUCKET, "big.pt", one, "us-east-1", born, OWNER) for one in sorted(self.store.unfinished)
        )

    async def measured(self, upload: UnfinishedUpload) -> UnfinishedUpload:
        parts = Known(UploadedParts(1, 5, upload.started_at), self.store.clock.now(), "fake")
        return replace(upload, parts=parts)

    async def bucket_tags(self, bucket: str) -> tuple[tuple[str, str], ...]:
        return ()

    async def abort(self, upload: UnfinishedUpload) -> None:
        self.store.calls.append(("abort", upload.upload_id))
        self.store.unfinished.remove(upload.upload_id)


class ObjectRig(Rig):
    """A program with an object store."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.here = folder / "here"
        if not self.here.is_dir():
            self.here.mkdir(parents=True)
            (self.here / "d").write_bytes(b"d")
        self.s3 = Objects(self.clock, {f"old/{name}": name.encode() for name in "abc"})
        self.uploads = Uploads(self.s3)
        aws: Any = FakeProvider(name="aws", clock=self.clock)
        aws.uploads = self.uploads
        self.registry.register(aws)
        nobody: Any = Book(RunFiles(folder / "runs"), Host())
        everything: Any = self.s3
        desk = StorageDesk(
            StorageParts(
                self.facts, self.caller, self.locks, self.jobs, Survey(everything),
                Carrier(everything, everything, self.clock), Heirlooms(nobody, nobody), lambda *_: Unknown("no price"),
            )
        )  # fmt: skip
        self.journal.witnesses = Witnesses(nobody, self.jobs.view, lambda: everything, nobody).by_operation()
        owners = UploadOwners(self.registry, nobody, self.journal, self.clock, OWNER)
        actions = UploadActions(self.facts, self.caller, owners)
        self.actions = ActionService(
            ActionParts(
                self.facts, self.caller, self.locks, self.jobs, self.executor, storage=desk, uploads=actions
            )
        )  # fmt: skip

    def contents(self) -> set[bytes]:
        """What is anywhere, here or there."""
        return {*self.s3.objects.values(), *(path.read_bytes() for path in self.here.iterdir())}
