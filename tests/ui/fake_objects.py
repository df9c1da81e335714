"""S3 as the interface sees it: buckets in memory, listed in pages, each page let through one by one if wanted."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from runctl_tui.domain.objects import (
    EDGE,
    Bucket,
    CopyRequest,
    DeleteRequest,
    EntryKind,
    ObjectEntry,
    ObjectFacts,
    Preview,
    last_part,
    looks_binary,
)
from runctl_tui.domain.plan import (
    Level,
    Operation,
    Plan,
    PlanLine,
    Reason,
    Reversibility,
    Severity,
    Target,
    Verdict,
)
from runctl_tui.services.errors import ResourceNotFound

MADE = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
HOSTILE = "runs/[b]x\x1b[2J\u202egnp.exe"


@dataclass
class FakeBucket:
    """One bucket's objects by key."""

    objects: dict[str, bytes]
    region: str = "us-east-1"
    page: int = 1000
    gate: asyncio.Semaphore | None = None
    """Set: a page arrives for each permit."""
    breaks_after: int | None = None
    """Pages after which the list breaks off."""
    asked: list[str] = field(default_factory=list)
    """What was asked of it, call by call."""


def some_buckets() -> dict[str, FakeBucket]:
    """Two buckets: data with folders and a hostile name, and an empty one."""
    data = {f"shards/train-{number:04d}.tar": bytes(4096 + number) for number in range(40)}
    data |= {"README.md": b"# Data\nEvery file is described here.\n", "logs/eval.json": b'{"loss": 1.9}\n' * 20_000}
    data |= {"notes": b"an object", "notes/2026.txt": b"in the folder of the same name", HOSTILE: b"x"}
    return {"my-data": FakeBucket(data), "my-runs": FakeBucket({}, "us-west-2")}


def entry(bucket: str, key: str, content: bytes, number: int = 0) -> ObjectEntry:
    """One object as a listing tells of it."""
    moment = MADE + timedelta(minutes=number)
    return ObjectEntry(EntryKind.OBJECT, bucket, key, len(content), moment, "STANDARD", f"{zlib.crc32(content):032x}")


class FakeObjects:
    """Implements `ports.Objects` over the world's buckets."""

    def __init__(self, world: Any) -> None:
        self.world = world

    async def buckets(self) -> tuple[Bucket, ...]:
        await self.world.gate()
        return tuple(Bucket(name, each.region, MADE) for name, each in self.world.buckets.items())

    async def pages(
        self, bucket: str, prefix: str = "", *, recursive: bool = False
    ) -> AsyncIterator[tuple[ObjectEntry, ...]]:
        await self.world.gate()
        found = self._found(bucket)
        found.asked.append(f"list {prefix}")
        rows = _rows(bucket, found, prefix, recursive)
        for number, start in enumerate(range(0, len(rows), found.page) or (0,)):
            if found.gate is not None:
                await found.gate.acquire()
            if found.breaks_after == number:
                raise ResourceNotFound(f"s3://{bucket}/{prefix} could not be listed", "the list broke off")
            yield tuple(rows[start : start + found.page])

    async def head(self, bucket: str, key: str) -> ObjectFacts:
        await self.world.gate()
        found = self._found(bucket)
        found.asked.append(f"head {key}")
        if key not in found.objects:
            raise ResourceNotFound(f"s3://{bucket}/{key} could not be read", "it is not there")
        row = entry(bucket, key, found.objects[key])
        raw = {"ContentLength": row.size, "ETag": row.etag, "Metadata": {"step": "4000"}}
        return ObjectFacts(
            bucket, key, row.size or 0, row.etag, MADE, "STANDARD", "text/plain", "", {"step": "4000"}, raw
        )

    async def preview(self, bucket: str, key: str) -> Preview:
        await self.world.gate()
        content = self._found(bucket).objects[key]
        self._found(bucket).asked.append(f"preview {key}")
        head = content[:EDGE]
        if looks_binary(head) or len(content) <= EDGE:
            return Preview(len(content), head)
        return Preview(len(content), head, content[max(EDGE, len(content) - EDGE) :])

    async def presign(self, bucket: str, key: str, seconds: int) -> str:
        await self.world.gate()
        return f"https://{bucket}.example/{key}?X-Amz-Expires={seconds}"

    def _found(self, bucket: str) -> FakeBucket:
        if bucket not in self.world.buckets:
            todo = "check the bucket's name: runctl-tui s3 ls"
            raise ResourceNotFound(f"s3://{bucket}/ could not be listed", "there is no such bucket", todo)
        found: FakeBucket = self.world.buckets[bucket]
        return found


def storage_plan(request: CopyRequest | DeleteRequest, reasons: tuple[Reason, ...], now: datetime) -> Plan:
    """The plan of a deletion asks for the name; that of a copy asks nothing unless it is told to."""
    if isinstance(request, DeleteRequest):
        target = Target(
            "object", f"s3://{request.bucket}/", last_part((*request.keys, *request.prefixes)[0]), "aws", ""
        )
        gone = Reason("permanent_delete", Severity.WARN, "the bucket keeps no versions: gone for good", Level.NAME)
        lines: tuple[PlanLine, ...] = (
            PlanLine("WHAT", f"below s3://{request.bucket}/  account 123456789012  as alice", now),
            PlanLine("DIES", "40 objects, 164.6 kB"),
            PlanLine("FIRST", "shards/train-0000.tar · shards/train-0001.tar and 38 more"),
            PlanLine("UNDO", "none"),
        )
        verdict = Verdict((gone, *reasons), Level.YES)
        operation, reversibility, effect = (
            Operation.S3_DELETE,
            Reversibility.IRREVERSIBLE,
            "delete 40 objects (164.6 kB)",
        )
    else:
        target = Target("object", request.destination, last_part(request.destination), "aws", "")
        lines = (
            PlanLine("FROM", request.source),
            PlanLine("TO", request.destination),
            PlanLine("MOVES", "1 file, 37 B"),
        )
        verdict, operation = Verdict(reasons), request.operation
        reversibility = Reversibility.LOSSY if request.move else Reversibility.REVERSIBLE
        effect = f"{operation.verb} 1 file (37 B) from {request.source} to {request.destination}"
    return Plan(operation, (target,), effect, reversibility, verdict, now, lines)


def _rows(bucket: str, found: FakeBucket, prefix: str, recursive: bool) -> list[ObjectEntry]:
    folders: dict[str, ObjectEntry] = {}
    objects = []
    for number, (key, content) in enumerate(sorted(found.objects.items())):
        if not key.startswith(prefix) or (key == prefix and prefix and not recursive):
            continue
        head, slash, _ = key[len(prefix) :].partition("/")
        if slash and not recursive:
            folder = prefix + head + "/"
            folders[folder] = ObjectEntry(EntryKind.FOLDER, bucket, folder)
        else:
            objects.append(entry(bucket, key, content, number))
    return [*folders.values(), *objects]
