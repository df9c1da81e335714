"""Unfinished uploads as screens and the command line see them: alice's old and young ones, and a stranger's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.uploads import UnfinishedUpload, UploadedParts
from runctl_tui.services.errors import ResourceNotFound
from tests.ui.fake_data import US_EAST, ago
from tests.ui.fake_feed import FakeFeed

ALICE, BOB = "arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/bob"
GIB = 1024**3
Rows = tuple[UnfinishedUpload, ...]


def told(value: Any) -> Known[Any]:
    return Known(value, ago(seconds=4), "S3")


def upload(key: str, days: float, gib: int = 1, **changes: Any) -> UnfinishedUpload:
    """One of alice's, begun so many days ago, in parts of 512 MiB."""
    begun = ago(days=days)
    base = UnfinishedUpload(
        "my-data",
        key,
        f"up{len(key)}",
        US_EAST,
        begun,
        ALICE,
        parts=told(UploadedParts(2 * gib, gib * GIB, begun + timedelta(minutes=40))),
        usd_per_month=told(Decimal("0.023") * gib),
        ours=True,
        by="you",
        writers=told(()),
        bucket_tags=told(()),
    )
    return replace(base, **changes)


def uploads() -> Rows:
    """Return one that was left behind, one that may be under way, a run's, a stranger's of unknown size."""
    lost = Unknown("S3 did not answer")
    return (
        upload("corpus/web-2026-05.tar.zst", 12, 37),
        upload("shards/train-0048.tar", 0.2),
        upload("runs/r-01/checkpoints/step_4000.pt", 9, 4, by="run r-01", writers=told(("run r-01",))),
        upload(
            "ablation/[b]x\x1b[2J.bin", 40, bucket="my-runs", ours=False, by=BOB, initiator=BOB,
            parts=lost, usd_per_month=lost,
        ),
    )  # fmt: skip


class FakeUploads:
    """Implements `ports_uploads.Uploads` over a world's uploads; a bucket that the world lacks is not there."""

    def __init__(self, world: Any) -> None:
        self.world = world

    @property
    def feed(self) -> FakeFeed[Rows]:
        found: FakeFeed[Rows] = self.world.uploads
        return found

    async def below(self, bucket: str = "", prefix: str = "") -> AsyncGenerator[Snapshot[Rows], None]:
        yield await self.now(bucket, prefix)

    async def now(self, bucket: str = "", prefix: str = "") -> Snapshot[Rows]:
        await self.world.gate()
        if bucket == "nowhere":
            raise ResourceNotFound(f"The unfinished uploads below s3://{bucket}/ could not be listed")
        latest = self.feed.latest
        assert latest is not None
        rows = latest.value
        return latest.holding(tuple(one for one in rows if bucket in ("", one.bucket) and one.key.startswith(prefix)))
