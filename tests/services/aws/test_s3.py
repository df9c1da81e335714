from __future__ import annotations

import asyncio
import urllib.request
from dataclasses import replace
from typing import Any

import pytest

from runctl_tui.services.aws import s3 as module
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.s3 import S3Store
from runctl_tui.services.aws.settings import AwsCredentials, AwsSettings
from runctl_tui.services.errors import AwsError, ResourceNotFound, TrainctlError, Unsupported
from tests.services.aws.world import FakeClock, World

BUCKET = "checkpoints-of-mine"


@pytest.fixture
async def store(world: World) -> S3Store:
    await world.provider.store.ensure_bucket(BUCKET, "us-west-2")
    return world.provider.store


async def test_a_bucket_is_used_in_its_own_region(store: S3Store, world: World) -> None:
    fresh = AwsProvider(world.settings, world.clock)
    assert await fresh.store.region_of(BUCKET) == "us-west-2"
    assert await fresh.store.bucket_exists(BUCKET)
    assert not await fresh.store.bucket_exists("no-such-bucket-here")
    await fresh.store.ensure_bucket(BUCKET, "us-west-2")
    with pytest.raises(ResourceNotFound, match="no-such-bucket-here"):
        await fresh.store.head("no-such-bucket-here", "k")
    fresh.close()


async def test_what_is_written_is_read(store: S3Store) -> None:
    key = "run/ä [x] /step_000100.json"
    put = await store.put_bytes(BUCKET, key, b"0123456789", {"runctl-sha256": "ab"})
    assert (put.size, put.metadata["runctl-sha256"], put.key) == (10, "ab", key)
    assert await store.get_range(BUCKET, key) == b"0123456789"
    assert await store.get_range(BUCKET, key, 2, 3) == b"234"
    assert await store.get_range(BUCKET, key, 8, 99) == b"89"
    assert await store.get_range(BUCKET, key, 10) == b""
    assert await store.get_range(BUCKET, key, 0, 0) == b""
    with pytest.raises(ResourceNotFound, match="none could not be read"):
        await store.head(BUCKET, "none")


async def test_lists_come_in_pages_and_whole(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    for number in range(8):
        await store.put_bytes(BUCKET, f"a/{number}", b"x" * number)
    await store.put_bytes(BUCKET, "b/other", b"")
    pages = [page async for page in store.list(BUCKET, "a/")]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert [one.size for page in pages for one in page] == list(range(8))
    assert [page async for page in store.list(BUCKET, "none/")] == [()]


async def test_a_list_that_breaks_off_is_an_error(store: S3Store, world: World) -> None:
    def truncate(parsed: dict[str, object], **_: object) -> None:
        parsed["IsTruncated"] = True

    client: Any = world.clients._client("s3", "us-west-2", False)
    client.meta.events.register("after-call.s3.ListObjectsV2", truncate)
    with pytest.raises(AwsError, match="could not be listed"):
        [page async for page in store.list(BUCKET)]


def fetch(url: str, method: str = "GET", body: bytes | None = None) -> bytes:
    headers = {"Content-Type": "application/octet-stream"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
        return bytes(answer.read())


async def test_presigned_urls_work_without_credentials(store: S3Store) -> None:
    await store.put_bytes(BUCKET, "seen", b"hello")
    assert await asyncio.to_thread(fetch, await store.presign_get(BUCKET, "seen", 60)) == b"hello"
    await asyncio.to_thread(fetch, await store.presign_put(BUCKET, "new", 60), "PUT", b"abc")
    assert await store.get_range(BUCKET, "new") == b"abc"
    await asyncio.to_thread(fetch, await store.presign_head(BUCKET, "new", 60), "HEAD")
    assert "X-Amz-Expires=604800" in await store.presign_get(BUCKET, "new", 10**9)


async def test_a_real_bucket_is_never_made(settings: AwsSettings, clock: FakeClock) -> None:
    provider = AwsProvider(replace(settings, endpoint_url=""), clock)
    with pytest.raises(Unsupported) as caught:
        await provider.store.ensure_bucket("b-b-b", "eu-west-1")
    assert "aws s3 mb s3://b-b-b --region eu-west-1" in caught.value.todo
    provider.close()


async def test_a_store_that_does_not_answer_is_said(settings: AwsSettings, clock: FakeClock) -> None:
    provider = AwsProvider(settings, clock)
    with pytest.raises(TrainctlError) as caught:
        await provider.store.bucket_exists(BUCKET)
    assert caught.value.retryable
    provider.close()


def test_keys_are_never_shown() -> None:
    assert "topsecret" not in repr(AwsCredentials("AKIA", "topsecret", "topsecret"))
