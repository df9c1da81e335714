"""The register of runs over real agents: what it finds, what it says when a host is silent, and what it keeps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.instance import Instance
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import ResourceUsage, TrainingStatus
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import (
    CloudProviderError,
    HostError,
    HostUnreachable,
    Refused,
    ResourceNotFound,
    StateError,
    ValidationError,
)
from runctl_tui.services.runs import sweeps
from runctl_tui.services.runs.sweeps import QUIET_SECONDS
from tests.fakes import an_instance
from tests.services.rig import Rig, a_session, rig, until_true

TELLS = "import time\nfor step in range(1, 41):\n    print(f'step {step}/40 | loss {5 - step / 10:.3f}', flush=True)\n"
SLOWLY = TELLS + "    time.sleep(0.02)\n"
WAITS = "import time\nprint('step 1/9 | loss 2.5', flush=True)\ntime.sleep(60)\n"
NOTHING = "pass\n"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(tmp_path) as made:
        yield made


async def test_a_run_that_somebody_else_started_is_found_and_measured(world: Rig) -> None:
    box = world.machine()
    meta = {"name": "tiny", "project": "llama", "owner": "alice", "instance_id": box.id}
    run_id = await world.start(box, TELLS, meta=meta, args=("--fast",))
    session = await world.ended_run(run_id)
    assert (session.name, session.instance_id, session.args) == ("tiny", box.id, ("--fast",))
    assert (session.status, session.exit_code) == (TrainingStatus.COMPLETED, 0)
    assert (session.progress.step, session.progress.loss) == (40, 1.0)
    whole = await world.register.log(run_id)
    assert b"step 40/40 | loss 1.000" in whole
    assert await world.register.log(run_id, tail_bytes=24) == whole[-24:]


async def test_the_log_has_no_gap_and_no_repeat_while_everybody_reads_it(world: Rig) -> None:
    run_id = await world.start(world.machine(), SLOWLY)
    other = world.another_register()
    seen = bytearray()

    async def follow() -> None:
        async with aclosing(world.register.follow(run_id)) as updates:  # type: ignore[type-var] # an async generator
            async for update in updates:
                if update.chunk is not None:
                    assert update.chunk.offset == len(seen)
                    seen.extend(update.chunk.data)

    following = asyncio.create_task(follow())
    while not following.done():
        await asyncio.gather(world.register.now(), other.poll(), world.register.log(run_id))
    await following
    written = (world.hosts.home(an_instance().id) / ".runctl" / "runs" / run_id / "log").read_bytes()
    assert bytes(seen) == written
    assert await world.register.log(run_id) == await other.log(run_id) == written
    assert written.count(b"| loss") == 40


async def test_a_follower_goes_on_where_it_was_told(world: Rig) -> None:
    run_id = await world.start(world.machine(), TELLS)
    whole = await world.register.log((await world.ended_run(run_id)).id)
    pieces = [one.chunk async for one in world.register.follow(run_id, 100) if one.chunk is not None]
    assert pieces[0].offset == 100
    assert b"".join(piece.data for piece in pieces) == whole[100:]


async def test_a_silent_host_leaves_its_last_facts(world: Rig) -> None:
    box = world.machine()
    run_id = await world.start(box, WAITS)
    session = await world.register.find(run_id)
    await until_true(lambda: _step(world, run_id))
    world.hosts.errors[box.id] = HostUnreachable("ubuntu@10.0.0.7:22 cannot be reached", "no route")
    snapshot = await world.register.now()
    (mute,) = snapshot.value
    assert (mute.status, mute.progress.step) == (TrainingStatus.UNREACHABLE, 1)
    assert mute.heard_at is not None
    assert session.heard_at is not None
    told = [(problem.what, problem.why) for problem in snapshot.missing]
    assert told == [(f"{box.name} cannot be reached", "ubuntu@10.0.0.7:22 cannot be reached: no route")]
    del world.hosts.errors[box.id]
    assert (await world.register.find(run_id)).status is TrainingStatus.RUNNING


async def _step(world: Rig, run_id: str) -> bool:
    session = await world.register.find(run_id)
    return (session.status, session.progress.step) == (TrainingStatus.RUNNING, 1)


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [
        (ResourceState.STOPPED, TrainingStatus.LOST, "stopped"),
        (ResourceState.TERMINATED, TrainingStatus.LOST, "terminated"),
        (ResourceState.STARTING, TrainingStatus.UNREACHABLE, ""),
        (None, TrainingStatus.LOST, "gone"),
    ],
)
async def test_a_machine_that_went_takes_its_run_along(
    world: Rig, state: ResourceState | None, status: TrainingStatus, reason: str
) -> None:
    box = an_instance()
    if state is not None:
        world.machine(state=state)
    await world.register.remember(a_session(box))
    session = await world.register.find("r-000001aaaaa")
    assert session.status is status
    assert reason in session.reason


async def test_where_nobody_looked_nothing_is_said_to_be_lost(world: Rig) -> None:
    box = an_instance()
    await world.register.remember(a_session(box))
    await world.register.remember(a_session(box, "r-000002aaaaa", region="eu-west-1"))
    await world.register.remember(a_session(box, "r-000003aaaaa", provider="other"))
    statuses = [run.status for run in (await world.register.now()).value]
    assert statuses == [TrainingStatus.UNREACHABLE, TrainingStatus.UNREACHABLE, TrainingStatus.LOST]


@pytest.mark.parametrize("whole", [True, False])
async def test_a_place_that_does_not_answer_loses_no_run(
    world: Rig, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if whole:
        world.provider.failures["list_resources"] = CloudProviderError("no")
    else:
        gap = Snapshot((), world.clock.now(), ("fake/us-east-1",), (Problem("x", "no", scope="fake/us-east-1"),))
        monkeypatch.setattr(world.provider, "list_resources", lambda: _now(gap))
    await world.register.remember(a_session(an_instance()))
    assert (await world.register.find("r-000001aaaaa")).status is TrainingStatus.UNREACHABLE
    assert (await world.another_register().remembered())[0].status is TrainingStatus.RUNNING


async def _now(value: object) -> object:
    return value


async def test_a_run_that_never_reached_its_machine_is_lost_after_a_while(world: Rig) -> None:
    box = world.machine()
    await world.register.remember(a_session(box, status=TrainingStatus.PREPARING))
    await world.register.remember(
        a_session(box, "r-000002aaaaa", status=TrainingStatus.PREPARING, started_at=world.clock.now())
    )
    young, old = (await world.register.now()).value
    assert (young.status, old.status) == (TrainingStatus.PREPARING, TrainingStatus.LOST)
    assert "knows nothing" in old.reason


async def test_hosts_of_others_are_never_asked(world: Rig) -> None:
    world.machine(1, tags=(("runctl:owner", "bob"),))
    world.machine(2, tags=())
    world.machine(3)
    await world.register.now()
    await world.register.poll()
    assert set(world.hosts.asked) == {an_instance(3).id}


async def test_a_host_that_hangs_holds_nobody_up_for_long(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = world.machine(1), world.machine(2)
    run_id = await world.start(good, WAITS)
    await world.register.now()
    world.hosts.hanging.add(bad.id)
    world.clock.advance(QUIET_SECONDS)
    monkeypatch.setattr(world.register.sweeps, "_timeout", 4.0)
    for _ in range(3):
        snapshot = await asyncio.wait_for(world.register.poll(), 12)
        assert [problem.scope for problem in snapshot.missing if problem.scope == bad.id] == [bad.id]
        assert snapshot.value[0].id == run_id
    world.hosts.hanging.clear()

    async def heard() -> bool:
        return (await world.register.poll()).complete

    await until_true(heard)


async def test_a_dead_uploader_is_started_again(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    box = world.machine()
    run_id = await world.start(box, NOTHING)
    await world.ended_run(run_id)
    agent = await world.hosts.agent(box)
    revived: list[str] = []

    async def restart(run_id: str) -> None:
        revived.append(run_id)

    (status,) = await agent.sweep()
    dead = replace(status, upload_state="uploading", uploader_alive=False)
    monkeypatch.setattr(agent, "restart_uploader", restart)
    monkeypatch.setattr(agent, "sweep", lambda: _now((dead,)))
    monkeypatch.setattr(agent, "measured_sweep", lambda: _now(((dead,), ResourceUsage(world.clock.now()))))
    await world.register.now()
    await world.register.now()
    assert revived == [run_id]
    world.clock.advance(sweeps.REVIVE_EVERY)
    await world.register.now()
    assert revived == [run_id, run_id]


async def test_a_run_is_found_by_id_beginning_and_name(world: Rig) -> None:
    box = world.machine(state=ResourceState.STOPPED)
    for number, name in enumerate(("one", "two", "two"), start=1):
        await world.register.remember(a_session(box, f"r-00000{number}aaaaa", name=name))
    assert (await world.register.find("r-000001aaaaa")).name == "one"
    assert (await world.register.find("r-000002")).id == "r-000002aaaaa"
    assert (await world.register.find("one")).id == "r-000001aaaaa"
    with pytest.raises(ValidationError, match="more than one"):
        await world.register.find("two")
    with pytest.raises(ValidationError, match="more than one"):
        await world.register.find("r-00000")
    for nothing in ("", "three"):
        with pytest.raises(ResourceNotFound):
            await world.register.find(nothing)


async def test_one_run_is_asked_of_its_own_host_only(world: Rig) -> None:
    one, two = world.machine(1), world.machine(2)
    run_id = await world.start(one, WAITS)
    await world.register.now()
    world.hosts.asked.clear()
    assert (await world.register.find(run_id)).status is TrainingStatus.RUNNING
    assert two.id not in world.hosts.asked


def _left_in_s3(world: Rig, run_id: str, phase: str = "exited", log: bytes = b"step 1 | loss 2\n") -> None:
    request = {"script": "train.py", "args": [], "s3": {"bucket": "bucket", "prefix": "runs", "region": "us-east-1"}}
    state = {"phase": phase, "created_at": "2026-11-20T10:00:00+00:00", "ended_at": "2026-11-20T11:00:00+00:00"}
    world.store.put(f"runs/{run_id}/run.json", json.dumps(request).encode())
    world.store.put(f"runs/{run_id}/state.json", json.dumps(state).encode())
    world.store.put(f"runs/{run_id}/log", log)


async def test_ended_runs_are_found_in_s3_with_their_log(world: Rig) -> None:
    _left_in_s3(world, "r-000001aaaaa")
    _left_in_s3(world, "r-000002aaaaa", "running")
    _left_in_s3(world, "r-000003aaaaa", "failed")
    world.store.put("runs/r-000004aaaaa/run.json", b"{")
    runs = (await world.register.now()).value
    assert {run.id: run.status for run in runs} == {
        "r-000001aaaaa": TrainingStatus.COMPLETED,
        "r-000003aaaaa": TrainingStatus.FAILED,
    }
    assert await world.register.log("r-000001aaaaa") == b"step 1 | loss 2\n"
    pieces = [one.chunk.data async for one in world.register.follow("r-000003aaaaa") if one.chunk is not None]
    assert b"".join(pieces) == b"step 1 | loss 2\n"


async def test_whose_files_they_are_is_told_by_the_records_beside_them(world: Rig) -> None:
    _left_in_s3(world, "r-000001aaaaa")
    found = await world.register.writing_at(["s3://bucket/runs/r-000001aaaaa/checkpoints/step_5.json"])
    assert [run.id for run in found] == ["r-000001aaaaa"]
    assert [run.id for run in await world.another_register().remembered()] == ["r-000001aaaaa"]
    assert world.store.listed == 0
    nobody = ["s3://bucket/runs/r-000009aaaaa/checkpoints/step_5.json", "s3://other/a.txt", "s3://bucket/r-000009aaaaa"]
    assert await world.register.writing_at(nobody) == found


async def test_a_run_that_was_forgotten_guards_no_files(world: Rig) -> None:
    _left_in_s3(world, "r-000001aaaaa")
    world.files.delete("r-000001aaaaa")
    assert await world.register.writing_at(["s3://bucket/runs/r-000001aaaaa/log/x"]) == ()


async def test_a_run_at_work_is_asked_of_the_hosts_and_silence_is_no_answer(world: Rig) -> None:
    box = world.machine()
    run_id = await world.start(box, WAITS)
    _left_in_s3(world, run_id, "running")
    assert [run.id for run in await world.register.writing_at([f"s3://bucket/runs/{run_id}/log/x"])] == [run_id]
    _left_in_s3(world, "r-000002aaaaa", "running")
    with pytest.raises(StateError, match="r-000002aaaaa"):
        await world.another_register().writing_at(["s3://bucket/runs/r-000002aaaaa/log/x"])
    world.store.error = CloudProviderError("no")
    with pytest.raises(CloudProviderError):
        await world.another_register().writing_at(["s3://bucket/runs/r-000003aaaaa/log/x"])


async def test_a_host_in_a_silent_region_is_not_called_gone(world: Rig) -> None:
    session = a_session(world.machine())
    listed = await world.machines.now()
    world.register._machines = lambda: _answer(replace(listed, value=(), silent=(session.provider,)))
    with pytest.raises(HostUnreachable, match="not known now"):
        await world.register.agent_of(session)
    world.register._machines = lambda: _answer(replace(listed, value=()))
    with pytest.raises(HostError, match="is gone"):
        await world.register.agent_of(session)


async def _answer(machines: Snapshot[tuple[Instance, ...]]) -> Snapshot[tuple[Instance, ...]]:
    return machines


async def test_s3_is_asked_once_a_minute(world: Rig) -> None:
    for _ in range(3):
        await world.register.now()
    assert world.store.listed == 1
    world.clock.advance(61)
    await world.register.now()
    assert world.store.listed == 2


async def test_what_the_mirror_lacks_comes_from_s3(world: Rig) -> None:
    box = world.machine()
    run_id = await world.start(box, TELLS)
    await world.ended_run(run_id)
    whole = await world.register.log(run_id)
    session = replace(await world.register.find(run_id), output_dest="s3://bucket/runs")
    await world.register.remember(session)
    world.store.put(f"runs/{run_id}/log", whole + b"one more line\n")
    world.hosts.errors[box.id] = HostUnreachable("no route")
    assert await world.register.log(run_id) == whole + b"one more line\n"
    world.store.objects.clear()
    assert await world.register.log(run_id) == whole + b"one more line\n"


async def test_a_follower_learns_that_the_machine_went(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from runctl_tui.services.training.agent_values import LinkFrame

    box = world.machine()
    run_id = await world.start(box, WAITS)
    agent = await world.hosts.agent(box)

    async def follow(run_id: str, offset: int = 0):  # type: ignore[no-untyped-def] # plays the agent
        while True:
            world.provider.machines[box.id] = replace(box, state=ResourceState.TERMINATED)
            yield LinkFrame("next try in 4 s")

    monkeypatch.setattr(agent, "follow", follow)
    updates = [update async for update in world.register.follow(run_id)]
    assert [update.link for update in updates if update.link] == [f"link to {box.name} lost, next try in 4 s"]
    assert updates[-1].session is not None
    assert updates[-1].session.status is TrainingStatus.LOST


async def test_what_does_not_change_is_not_written_again(world: Rig) -> None:
    box = world.machine()
    done, live = await world.start(box, TELLS), "r-000002aaaaa"
    await world.ended_run(done)
    await world.start(box, WAITS, live)
    await until_true(lambda: _step(world, live))
    files = {path: path.stat().st_mtime_ns for path in (world.folder / "runs").glob("*.json")}
    for _ in range(3):
        await world.register.poll()
    assert files == {path: path.stat().st_mtime_ns for path in (world.folder / "runs").glob("*.json")}


async def test_logs_that_did_not_grow_are_not_read_again(world: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    box = world.machine()
    await world.ended_run(await world.start(box, TELLS))
    agent = await world.hosts.agent(box)

    async def read(*_: object) -> None:
        raise AssertionError("the log was read again")

    monkeypatch.setattr(agent, "read", read)
    assert (await world.register.poll()).complete


async def test_records_of_several_programs_do_not_disturb_each_other(world: Rig) -> None:
    box = world.machine()
    run_id = await world.start(box, WAITS)
    registers = [world.another_register() for _ in range(3)]
    for _ in range(3):
        snapshots = await asyncio.gather(*(register.now() for register in registers))
        assert [[run.id for run in snapshot.value] for snapshot in snapshots] == [[run_id]] * 3
    assert not list((world.folder / "runs").glob("*.tmp"))


async def test_a_damaged_record_is_said_until_it_is_gone(world: Rig) -> None:
    box = world.machine()
    await world.register.remember(a_session(box))
    path = world.folder / "runs" / "r-000001aaaaa.json"
    path.write_text(path.read_text()[:-20])
    for _ in range(2):
        (problem,) = (await world.register.now()).missing
        assert problem.scope == box.id
        assert "r-000001aaaaa" in problem.what
    (world.folder / "runs" / "r-000001aaaaa.damaged").unlink()
    assert (await world.register.now()).complete


async def test_a_quiet_host_is_left_alone_for_a_while_by_the_feed_and_never_by_a_question(world: Rig) -> None:
    world.machine(1)
    await world.register.poll()
    await world.register.poll()
    assert len(world.hosts.asked) == 1
    await world.register.now()
    assert len(world.hosts.asked) == 2
    world.clock.advance(20)
    await world.register.poll()
    assert len(world.hosts.asked) == 3


async def test_what_machines_tell_of_runs_and_load_is_kept_and_measured_once_in_a_while(world: Rig) -> None:
    box = world.machine(1)
    await world.register.now()
    first = world.register.told[box.key]
    assert first.silence == ""
    assert first.usage is not None
    assert first.usage.cpus
    world.clock.advance(sweeps.MEASURED_EVERY / 2)
    await world.register.now()
    assert world.register.told[box.key].usage == first.usage
    world.clock.advance(sweeps.MEASURED_EVERY / 2)
    await world.register.now()
    again = world.register.told[box.key].usage
    assert again is not None
    assert again.timestamp > first.usage.timestamp
    world.hosts.errors[box.id] = HostUnreachable("box-1 cannot be reached", "no route")
    await world.register.now()
    assert world.register.told[box.key].usage == again
    assert "cannot be reached" in world.register.told[box.key].silence


async def test_a_forgotten_run_comes_back_neither_from_its_host_nor_from_s3(world: Rig) -> None:
    box = world.machine()
    run_id = await world.start(box, NOTHING)
    session = await world.ended_run(run_id)
    await world.register.forget(session.id)
    assert [run.id for run in (await world.register.now()).value] == []
    assert run_id not in [run.id for run in (await world.another_register().now()).value]
    with pytest.raises(ResourceNotFound):
        await world.register.find(run_id)
    assert not (world.hosts.home(box.id) / ".runctl" / "runs" / run_id).exists()


async def test_a_run_at_work_is_not_forgotten(world: Rig) -> None:
    run_id = await world.start(world.machine(), WAITS)
    await until_true(lambda: _found(world, run_id), "the run is seen")
    with pytest.raises(Refused, match="not forgotten"):
        await world.register.forget(run_id)
    assert run_id in [run.id for run in world.register.known()]


async def _found(world: Rig, run_id: str) -> bool:
    return run_id in [run.id for run in (await world.register.now()).value]
