"""What hosts are doing, over a real SSH server: live, shared, silent when unwatched, and honest about lost links."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.host import HostReading
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import HostUnreachable, ResourceNotFound
from runctl_tui.services.host_watch import HostWatch
from runctl_tui.services.system_clock import SystemClock
from tests.services.hosts.linked import BOX, KEY, Linked, linked


@pytest.fixture
async def link(tmp_path: Path) -> AsyncIterator[Linked]:
    async with linked(tmp_path) as made:
        yield made


@pytest.fixture
def watch(link: Linked) -> HostWatch:
    return HostWatch(link.machines, link.hosts, SystemClock())


async def seen(watch: HostWatch, wanted: int) -> list[Snapshot[HostReading]]:
    found = []
    async with asyncio.timeout(20), aclosing(watch.feed(KEY).watch()) as snapshots:
        async for snapshot in snapshots:
            found.append(snapshot)
            if len(found) == wanted:
                break
    return found


async def test_one_measurement(watch: HostWatch) -> None:
    snapshot = await watch.now(KEY)
    reading = snapshot.value
    assert (reading.key, reading.name, reading.cpus) == (KEY, BOX.name, os.cpu_count())
    assert reading.usage is not None
    assert reading.usage.memory_total_mib
    mine = next(one for one in reading.processes if one.pid == os.getpid())
    assert mine.own
    assert mine.memory_bytes > 1_000_000
    assert "python" in mine.command


async def test_watching_uses_one_command_on_one_connection_and_ends_it(watch: HostWatch, link: Linked) -> None:
    first, second = await seen(watch, 2)
    assert first.value.usage is not None
    assert second.taken_at > first.taken_at
    async with asyncio.timeout(10):
        while link.server.running:  # noqa: ASYNC110 - nothing signals the end of a command on a host
            await asyncio.sleep(0.02)
    assert len([command for command in link.server.commands if command.endswith(" watch")]) == 1
    assert link.server.opened == 1


async def test_a_cut_link_keeps_the_last_figures_and_comes_back(watch: HostWatch, link: Linked) -> None:
    found: list[Snapshot[HostReading]] = []
    async with asyncio.timeout(30), aclosing(watch.feed(KEY).watch()) as snapshots:
        async for snapshot in snapshots:
            found.append(snapshot)
            if len(found) == 1:
                link.server.cut()
            elif found[-2].missing and snapshot.complete:
                break
    lost = next(snapshot for snapshot in found if snapshot.missing)
    assert lost.missing[0].code == "host.link-lost"
    assert lost.missing[0].what == f"The link to {BOX.name} was lost"
    assert lost.missing[0].retry_in is not None
    assert (lost.value, lost.taken_at) == (found[0].value, found[0].taken_at)
    assert found[-1].taken_at > lost.taken_at


async def test_a_stopped_machine_says_so_without_figures(watch: HostWatch, link: Linked) -> None:
    link.provider.add(replace(BOX, state=ResourceState.STOPPED))
    (snapshot,) = await seen(watch, 1)
    assert snapshot.value == HostReading(key=KEY)
    assert (snapshot.missing[0].code, snapshot.missing[0].why) == ("host.off", "it is stopped")
    with pytest.raises(HostUnreachable, match="it is stopped"):
        await watch.now(KEY)


async def test_a_machine_that_is_gone_is_not_found(watch: HostWatch) -> None:
    with pytest.raises(ResourceNotFound):
        await watch.now("fake/i-nobody")


async def test_an_agent_that_was_deleted_on_the_host_is_brought_again(watch: HostWatch, link: Linked) -> None:
    await seen(watch, 1)
    for archive in (link.server.home / ".runctl").glob("agent-*.pyz"):
        archive.unlink()
    assert (await seen(watch, 3))[-1].complete
