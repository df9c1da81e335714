"""The seeded buckets: data sets with believable names and sizes, a place for checkpoints, an unfinished upload."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from moto.s3.models import FakeMultipart
from moto.s3.utils import CaseInsensitiveDict  # type: ignore[attr-defined] # moto re-exports it silently

from runctl_tui.sandbox.cloud import ACCOUNT, Cloud
from runctl_tui.sandbox.objects import MadeKey, made_part
from runctl_tui.sandbox.s3_uploads import set_initiated

CHECKPOINTS: Final = "runctl-sandbox-checkpoints"
DATASETS: Final = "sandbox-datasets"
REGION: Final = "us-east-1"
UNFINISHED: Final = "corpus/web-2026-06.tar.zst"
UNFINISHED_PARTS: Final = 80
KIB: Final = 1024
MIB: Final = 1024 * 1024


def fill(cloud: Cloud, now: datetime) -> None:
    """Make the buckets of a new world."""
    for name, age in ((CHECKPOINTS, timedelta(days=33)), (DATASETS, timedelta(days=140))):
        bucket = cloud.s3.create_bucket(name, REGION)
        bucket.creation_date = now - age
    bucket = cloud.s3.buckets[DATASETS]
    for name, size, age in _datasets(random.Random(cloud.seed)):
        key = MadeKey(name, DATASETS, size, None)
        key.last_modified = (now - age).astimezone(UTC).replace(tzinfo=None)
        bucket.keys.setlist(name, [key])
    _leave_upload(bucket, now - timedelta(days=12))


def _datasets(chance: random.Random) -> Iterator[tuple[str, int, timedelta]]:
    """Every object's key, size in bytes and age."""
    for number in range(48):
        age = timedelta(days=60, minutes=number * 3)
        yield f"imagenet-mini/shards/train-{number:04d}.tar", chance.randrange(40 * MIB, 56 * MIB), age
    for number in range(2400):
        kind = ("n01440764", "n02102040", "n02979186", "n03000684")[number % 4]
        age = timedelta(days=58, seconds=number * 2)
        name = f"imagenet-mini/val/{kind}/ILSVRC2012_val_{number + 1:08d}.JPEG"
        yield name, chance.randrange(48, 192) * KIB, age
    for number in range(320):
        age = timedelta(days=21, minutes=number)
        yield f"corpus/web-2026-05/part-{number:05d}.jsonl.zst", chance.randrange(6, 18) * MIB, age
    for day in range(180):
        stamp = f"2026-{day // 30 + 1:02d}-{day % 30 + 1:02d}"
        yield f"logs/eval/{stamp}.json", chance.randrange(2, 40) * KIB, timedelta(days=180 - day)
    for name, size in (("vocab.json", 1_042_301), ("merges.txt", 456_318), ("tokenizer.json", 2_114_924)):
        yield f"tokenizer/{name}", size, timedelta(days=90)
    yield "README.md", 1_812, timedelta(days=139)


def _leave_upload(bucket: Any, begun: datetime) -> None:
    upload = FakeMultipart(UNFINISHED, CaseInsensitiveDict(), ACCOUNT, REGION, storage="STANDARD", tags={})
    set_initiated(upload, begun)
    for number in range(1, UNFINISHED_PARTS + 1):
        upload.parts[number] = part = made_part(number, 64 * MIB)
        upload.partlist.append(number)
        part.last_modified = (begun + timedelta(seconds=5 * number)).astimezone(UTC).replace(tzinfo=None)
    bucket.multiparts[upload.id] = upload
