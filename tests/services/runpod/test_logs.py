"""A pod's container log: followed without gap or repeat, across lost connections, until the pod is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from runctl_tui.services.errors import CloudProviderError, CredentialsError, ResourceNotFound
from runctl_tui.services.runpod import logs, web
from tests.services.runpod.conftest import Rig


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "NAP", 0.01)
    monkeypatch.setattr(logs, "SLOWEST", 0.02)


async def some(source: AsyncIterator[str], count: int) -> list[str]:
    async with asyncio.timeout(10):
        return [await anext(source) for _ in range(count)]


def says(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the pod prints, to be added to."""
    lines = ["one", "two"]
    stamp = "2026-11-22T12:00:00Z"
    monkeypatch.setattr(rig.pods, "log", lambda _: [{"ts": stamp, "source": "container", "line": it} for it in lines])
    return lines


async def test_the_log_goes_on_where_it_was_left(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = says(rig, monkeypatch)
    source = rig.provider.logs(rig.seeded["id"])
    assert await some(source, 2) == ["one", "two"]
    lines += ["three", "four"]
    assert await some(source, 2) == ["three", "four"]


async def test_a_lost_connection_leaves_no_gap_and_repeats_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = says(rig, monkeypatch)
    source = rig.provider.logs(rig.seeded["id"])
    assert await some(source, 2) == ["one", "two"]
    rig.front.faults += ["html", "html"]
    lines.append("three")
    assert await some(source, 1) == ["three"]
    assert rig.front.faults == []


async def test_it_ends_with_the_pod(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    says(rig, monkeypatch)
    source = rig.provider.logs(rig.seeded["id"])
    assert await some(source, 2) == ["one", "two"]
    rig.pods.records.clear()
    async with asyncio.timeout(10):
        assert [line async for line in source] == []


async def test_a_pod_that_never_was_and_a_wrong_key_are_errors(rig: Rig) -> None:
    with pytest.raises(ResourceNotFound):
        await some(rig.provider.logs("nopod"), 1)
    rig.front.faults.append("expired")
    with pytest.raises(CredentialsError):
        await some(rig.provider.logs(rig.seeded["id"]), 1)


async def test_what_is_not_followed_is_told_once_and_ends(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    says(rig, monkeypatch)
    async with asyncio.timeout(10):
        assert [line async for line in rig.provider.logs(rig.seeded["id"], follow=False)] == ["one", "two"]


async def test_a_runpod_that_does_not_answer_is_no_silent_container(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    says(rig, monkeypatch)
    monkeypatch.setattr(web, "LOG_QUIET", 0.2)
    rig.front.faults += ["hang"] * logs.PATIENCE
    with pytest.raises(CloudProviderError):
        await some(rig.provider.logs(rig.seeded["id"], follow=False), 1)
    rig.front.released.set()
