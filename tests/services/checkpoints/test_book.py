"""All checkpoints of all runs, with hosts that answer or not and an S3 that does or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingStatus, UploadSummary
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.aws.s3 import S3Store, StoredObject
from runctl_tui.services.checkpoints.book import HEADS_AT_ONCE, CheckpointBook
from runctl_tui.services.errors import HostUnreachable
from runctl_tui.services.feed import PushFeed
from tests.fakes import an_instance
from tests.services.rig import NO_S3, Rig, a_session, rig

RUN = "r-000001aaaaa"
WRITES = """
import json, os
folder = os.environ['TRAINCTL_CHECKPOINT_DIR']
for step in range(1, 13):
    print(f'step {step}/12 | loss {5 - step / 4:.3f}', flush=True)
    if step % 5 == 0:
        with open(f'{folder}/step_{step}.json', 'w') as file: json.dump({'step': step}, file)
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(tmp_path) as made:
        yield made


def book_of(world: Rig) -> CheckpointBook:
    store = cast("S3Store", world.store)
    return CheckpointBook(world.register, lambda: store, world.clock, lambda poll: PushFeed())


async def written(world: Rig) -> CheckpointBook:
    """Let a run write two checkpoints, remember where they would go, and return the book."""
    await world.start(world.machine(), WRITES)
    session = await world.ended_run(RUN)
    await world.register.remember(replace(session, output_dest="s3://bucket/runs"))
    return book_of(world)


async def test_what_the_host_has_with_the_loss_of_its_step(world: Rig) -> None:
    snapshot = await (await written(world)).now(RUN)
    assert [(one.step, one.loss) for one in snapshot.value] == [(10, 2.5), (5, 3.75)]
    assert {(one.host.state, one.s3.state) for one in snapshot.value} == {(CopyState.PRESENT, CopyState.ABSENT)}
    assert snapshot.complete


async def test_a_host_that_is_away_leaves_what_it_said(world: Rig) -> None:
    book = await written(world)
    await book.now(RUN)
    world.provider.machines[an_instance().id] = an_instance(state=ResourceState.STOPPED)
    assert [(one.step, one.host.state) for one in (await book.now(RUN)).value] == [
        (10, CopyState.PRESENT),
        (5, CopyState.PRESENT),
    ]


async def test_a_host_that_never_answered_is_unknown_and_said(world: Rig) -> None:
    box = world.machine()
    world.hosts.errors[box.id] = HostUnreachable("no route")
    await world.register.remember(a_session(box, output_dest="s3://bucket/runs"))
    world.store.put(f"runs/{RUN}/checkpoints/step_5.json", b"{}", "abc")
    snapshot = await book_of(world).now(RUN)
    (one,) = snapshot.value
    assert (one.host.state, one.s3.state, one.step) == (CopyState.UNKNOWN, CopyState.VERIFIED, 5)
    assert [problem.scope for problem in snapshot.missing] == [RUN]


async def test_runs_of_machines_that_could_not_be_listed_may_have_checkpoints_too(
    world: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    unread = Problem("NoCredentialsError", "us-east-1: not listed", scope="fake/us-east-1", not_connected="AWS")
    silent = Problem("x", "box-1 cannot be reached", scope=an_instance().id)

    async def nobody(machine: str = "") -> Snapshot[Any]:
        return Snapshot((), world.clock.now(), (), (unread, silent))

    monkeypatch.setattr(world.register, "now", nobody)
    assert (await book_of(world).now()).missing == (unread,)


async def test_a_run_cut_off_by_a_stop_is_not_told_as_complete(world: Rig) -> None:
    box = world.machine(state=ResourceState.STOPPED)
    await world.register.remember(a_session(box, status=TrainingStatus.LOST, output_dest="s3://bucket/runs"))
    assert not (await book_of(world).now(RUN)).complete


async def test_a_machine_that_is_gone_has_no_copies(world: Rig) -> None:
    book = await written(world)
    await book.now(RUN)
    world.store.put(f"runs/{RUN}/checkpoints/step_5.json", b"{}", "abc")
    world.provider.machines.clear()
    snapshot = await book.now(RUN)
    assert [(one.step, one.host.state, one.s3.state) for one in snapshot.value] == [
        (5, CopyState.ABSENT, CopyState.VERIFIED)
    ]
    assert snapshot.complete


async def test_an_s3_that_fails_is_unknown_never_absent(world: Rig) -> None:
    book = await written(world)
    world.store.error = NO_S3
    snapshot = await book.now(RUN)
    assert {one.s3.state for one in snapshot.value} == {CopyState.UNKNOWN}
    assert not snapshot.complete


async def test_folders_of_several_files_are_one_checkpoint(world: Rig) -> None:
    box = an_instance()
    uploads = UploadSummary(done=2, complete=True)
    await world.register.remember(
        a_session(box, status=TrainingStatus.COMPLETED, output_dest="s3://bucket/runs", uploads=uploads)
    )
    world.store.put(f"runs/{RUN}/checkpoints/step_5/config.json", b"{}", "abc")
    world.store.put(f"runs/{RUN}/checkpoints/step_5/step_5/model.safetensors", b"xxx", "def")
    (one,) = (await book_of(world).now(RUN)).value
    assert (one.name, one.step, one.format, one.files) == ("step_5", 5, "hf-folder", 2)
    assert (one.s3.state, one.s3.size_bytes) == (CopyState.VERIFIED, 5)
    assert one.s3.location == f"s3://bucket/runs/{RUN}/checkpoints/step_5"


async def test_each_version_of_an_object_is_asked_once_and_few_at_a_time(
    world: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.register.remember(
        a_session(an_instance(), status=TrainingStatus.COMPLETED, output_dest="s3://bucket/runs")
    )
    keys = [f"runs/{RUN}/checkpoints/step_{step}.json" for step in range(40)]
    for key in keys:
        world.store.put(key, b"{}", "abc")
    at_once = [0, 0]
    head = world.store.head

    async def counted(bucket: str, key: str) -> StoredObject:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0)
        found = await head(bucket, key)
        at_once[0] -= 1
        return found

    monkeypatch.setattr(world.store, "head", counted)
    book = book_of(world)
    await book.now(RUN)
    await book.now(RUN)
    assert sorted(world.store.heads) == sorted(keys)
    assert 1 < at_once[1] <= HEADS_AT_ONCE
    world.store.put(keys[0], b"{ }", "def")
    await book.now(RUN)
    assert world.store.heads[40:] == [keys[0]]


async def test_all_runs_in_one_answer(world: Rig) -> None:
    box = an_instance()
    for number in (1, 2):
        await world.register.remember(
            a_session(box, f"r-00000{number}aaaaa", status=TrainingStatus.COMPLETED, output_dest="s3://bucket/runs")
        )
        world.store.put(f"runs/r-00000{number}aaaaa/checkpoints/step_{number}.pt", b"x", "abc")
    found = (await book_of(world).now()).value
    assert [(one.run_id, one.step) for one in found] == [("r-000002aaaaa", 2), ("r-000001aaaaa", 1)]
