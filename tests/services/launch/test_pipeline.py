"""Whole launches on hosts of this machine: each step, each way to fail, and what is left then."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.plan import JobView, StepState
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import TrainingJob, TrainingStatus
from runctl_tui.domain.safety import Policy
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import HostLinkLost, HostUnreachable, NoCapacity, Refused, TrainctlError
from runctl_tui.services.feed import PushFeed
from runctl_tui.services.job_handle import JobHandle
from runctl_tui.services.launch import ending
from runctl_tui.services.launch.parts import LAST, HereSettings, PipelineParts, steps
from runctl_tui.services.launch.pipeline import LaunchPipeline
from runctl_tui.services.launch.reach import LINK_SECONDS, SSH_SECONDS
from runctl_tui.services.launch.supplies import Supplies
from runctl_tui.services.training.agent_client import AgentClient
from tests.fakes import OWNER, START, FakeFleet, a_price, an_instance
from tests.services.rig import Rig

OPTIONS = CreateResourceOptions("fake", "us-east-1", "m5.large", "box", "llama")
SPOT = replace(OPTIONS, market=Market.SPOT)
TELLS = "import os, sys\nprint('args', sys.argv[1:], os.environ.get('HF_TOKEN'), os.environ.get('RUNCTL_DATA_DIR'))\n"
FULL = NoCapacity("no spot capacity", "zone is full")


@dataclass
class Copies:
    """Checkpoints as the test says."""

    found: list[tuple[Checkpoint, ...]] = field(default_factory=lambda: [()])

    def feed(self, run_id: str = "") -> PushFeed[tuple[Checkpoint, ...]]:
        return PushFeed()

    async def now(self, run_id: str = "") -> Snapshot[tuple[Checkpoint, ...]]:
        value = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        return Snapshot(value, START)


class World(Rig):
    """A pipeline over real hosts."""

    def prepare(self, folder: Path) -> None:
        self.project = folder / "tiny"
        self.project.mkdir()
        (self.project / "train.py").write_text(TELLS)
        self.ended: list[str] = []
        self.relays = 0
        self.nap = 0.02
        self.copies = Copies()
        self.views: list[JobView] = []
        self.when: dict[str, Callable[[], None]] = {}
        self.job = JobHandle(JobView("j-1", "launch", (), START), self.clock, self._changed)
        self.terminate_error: TrainctlError | None = None
        self.policy = Policy()
        self.parts = PipelineParts(
            registry=self.registry,
            fleet=cast("Any", FakeFleet(self.provider)),
            hosts=self.hosts,
            runs=self.register,
            supplies=Supplies(self.registry, lambda: cast("Any", self.store), "us-east-1"),
            clock=self.clock,
            rng=random.Random(7),
            owner=OWNER,
            terminate=self._terminate,
            policy=lambda: self.policy,
            relay=self._relay,
            checkpoints=self.copies,
            sleep=self._sleep,
        )

    def request(self, **more: Any) -> LaunchRequest:
        job = TrainingJob("train.py", project_root=str(self.project), project="tiny", name="tiny")
        return LaunchRequest(**{"options": OPTIONS, "job": replace(job, **more.pop("job", {})), **more})

    async def launch(self, request: LaunchRequest) -> str:
        return await LaunchPipeline(self.parts).launch(request, self.job)

    def states(self) -> dict[str, StepState]:
        return {one.id: one.state for one in self.job.view.steps}

    def detail(self, step: str) -> str:
        return next(one.detail for one in self.job.view.steps if one.id == step)

    async def _terminate(self, key: str) -> None:
        if self.terminate_error is not None:
            raise self.terminate_error
        self.ended.append(key)

    def _relay(self) -> None:
        self.relays += 1

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await asyncio.sleep(self.nap)

    def _changed(self, view: JobView) -> None:
        self.views.append(view)
        for one in view.steps:
            if one.state is StepState.RUNNING and one.id in self.when:
                self.when.pop(one.id)()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    made.prepare(tmp_path)
    try:
        yield made
    finally:
        made.clean()


async def test_a_machine_is_made_and_trains(world: World) -> None:
    request = world.request(job={"args": ("--fast",), "secrets": (("HF_TOKEN", "hf_secret"),)})
    words = await world.launch(request)
    run_id = world.job.view.run_id
    assert words == f"{run_id} trains on {world.job.view.instance_id}"
    assert set(world.states().values()) == {StepState.DONE}
    assert list(world.states()) == [one.id for one in steps(request)]
    session = await world.ended_run(run_id)
    assert session.status is TrainingStatus.COMPLETED
    assert b"args ['--fast'] hf_secret" in await world.register.log(run_id)
    kept = b"".join(path.read_bytes() for path in (world.folder / "runs").glob("*.json"))
    assert b"hf_secret" not in kept
    assert "hf_secret" not in repr(world.views)
    assert session.job is not None
    assert session.job.secrets == (("HF_TOKEN", ""),)
    assert world.relays == 0


async def test_a_new_machine_is_tagged_with_the_run_that_it_is_made_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    create = world.provider.create_resource

    async def made(options: CreateResourceOptions, token: str) -> Instance:
        asked.append(options.run)
        return await create(options, token)

    monkeypatch.setattr(world.provider, "create_resource", made)
    await world.launch(world.request())
    assert asked == [world.job.view.run_id]
    await world.launch(LaunchRequest(options=OPTIONS))
    assert asked[1:] == [""], "a machine without a run carries none"


async def test_run_ids_differ(world: World) -> None:
    box = world.machine()
    for _ in range(2):
        await world.launch(world.request(options=None, instance_key=box.id))
        await world.ended_run(world.job.view.run_id)
    assert len({run.id for run in (await world.register.now()).value}) == 2


async def test_this_machine_is_told_what_the_configuration_wants_of_it(world: World) -> None:
    box = world.machine(market=Market.LOCAL)
    world.parts = replace(world.parts, here=HereSettings("cuda:1", "own", "checkpoints"))
    (world.project / "train.py").write_text(
        "import os\nprint(os.environ['TRAINCTL_DEVICE'], os.environ['TRAINCTL_CHECKPOINT_DIR'])\n"
    )
    await world.launch(world.request(options=None, instance_key=box.id))
    run_id = world.job.view.run_id
    session = await world.ended_run(run_id)
    assert (session.host_dir, session.checkpoint_dir) == (str(world.project), "own")
    assert f"cuda:1 {world.project}/own".encode() in await world.register.log(run_id)


def test_what_a_job_names_itself_is_kept_on_this_machine() -> None:
    job = TrainingJob("t.py", checkpoint_dir="mine", environment=(("TRAINCTL_DEVICE", "cpu"),))
    assert HereSettings("cuda", "own").apply(job) == job


async def test_data_from_this_machine_arrives(world: World, tmp_path: Path) -> None:
    data = tmp_path / "mnist"
    data.mkdir()
    (data / "one.bin").write_bytes(b"x" * 1000)
    (world.project / "train.py").write_text(
        "import os\nprint('size', os.path.getsize(os.environ['RUNCTL_DATA_DIR'] + '/mnist/one.bin'))\n"
    )
    for market in (Market.ON_DEMAND, Market.LOCAL):
        box = world.machine(market=market)
        await world.launch(world.request(options=None, instance_key=box.id, job={"data_source": str(data)}))
        await world.ended_run(world.job.view.run_id)
        assert b"size 1000" in await world.register.log(world.job.view.run_id)


async def test_a_checkpoint_on_the_host_is_resumed_from(world: World) -> None:
    box = world.machine()
    await world.launch(
        world.request(options=None, instance_key=box.id, job={"resume_from": "/ckpt/step_5", "parent": "r-000001aaaaa"})
    )
    session = await world.ended_run(world.job.view.run_id)
    assert b"args ['--resume', '/ckpt/step_5']" in await world.register.log(session.id)
    assert session.parent == "r-000001aaaaa"


@pytest.mark.parametrize(("flag", "answer"), [(True, None), (None, True)])
async def test_without_spot_capacity_it_goes_on_on_demand_where_that_was_agreed(
    world: World, monkeypatch: pytest.MonkeyPatch, flag: bool | None, answer: bool | None
) -> None:
    _no_spot(world, monkeypatch)
    asked = _answering(world, monkeypatch, answer)
    assert "is running" in await world.launch(LaunchRequest(options=SPOT, spot_fallback=flag))
    assert [market for _, market in world.wanted] == [Market.SPOT, Market.ON_DEMAND]  # type: ignore[attr-defined] # set by _no_spot
    assert len({token for token, _ in world.wanted}) == 2  # type: ignore[attr-defined] # set by _no_spot
    assert bool(asked) == (flag is None)


@pytest.mark.parametrize(("flag", "answer"), [(False, None), (None, False)])
async def test_without_spot_capacity_nothing_is_made_where_it_was_not(
    world: World, monkeypatch: pytest.MonkeyPatch, flag: bool | None, answer: bool | None
) -> None:
    _no_spot(world, monkeypatch)
    _answering(world, monkeypatch, answer)
    with pytest.raises((Refused, NoCapacity)):
        await world.launch(LaunchRequest(options=SPOT, spot_fallback=flag))
    assert world.provider.machines == {}


@pytest.mark.parametrize("flag", [None, True])
async def test_a_question_lets_nothing_dear_pass_that_no_plan_has_told(
    world: World, monkeypatch: pytest.MonkeyPatch, flag: bool | None
) -> None:
    _no_spot(world, monkeypatch)
    asked = _answering(world, monkeypatch, True)
    world.provider.prices[SPOT.type] = a_price("1.01")
    world.policy = Policy(hard_cap_per_hour=Decimal("0.6"))
    request = LaunchRequest(options=SPOT, spot_fallback=flag)
    if flag:  # its plan was judged at this price
        assert "is running" in await world.launch(request)
        return
    with pytest.raises(Refused, match=r"\$1\.01 per hour is over the hard cap of \$0\.60"):
        await world.launch(request)
    assert asked == []
    assert world.provider.machines == {}


def _no_spot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.wanted = []  # type: ignore[attr-defined] # what was asked for, in order
    world.nap = 0
    create = world.provider.create_resource

    async def made(options: CreateResourceOptions, token: str) -> Instance:
        world.wanted.append((token, options.market))  # type: ignore[attr-defined] # see above
        if options.market is Market.SPOT:
            raise FULL
        return await create(options, token)

    monkeypatch.setattr(world.provider, "create_resource", made)


def _answering(world: World, monkeypatch: pytest.MonkeyPatch, answer: bool | None) -> list[str]:
    asked: list[str] = []

    async def ask(question: str) -> bool:
        asked.append(question)
        assert answer is not None
        return answer

    monkeypatch.setattr(world.job, "ask", ask)
    return asked


async def test_a_machine_that_never_starts_is_named_with_its_cost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _starting(world, monkeypatch, ResourceState.STARTING)
    with pytest.raises(TrainctlError, match=r"does not start.*costs money"):
        await world.launch(world.request())
    assert world.ended == []


async def test_a_machine_that_never_starts_is_terminated_where_that_was_the_plan(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _starting(world, monkeypatch, ResourceState.STARTING)
    with pytest.raises(TrainctlError, match="does not start"):
        await world.launch(world.request(terminate_after=True))
    assert len(world.ended) == 1
    assert "terminated again" in world.detail("cleanup")


async def test_what_cannot_be_cleaned_up_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _starting(world, monkeypatch, ResourceState.STARTING)
    world.terminate_error = Refused("it is protected")
    with pytest.raises(TrainctlError, match="does not start"):
        await world.launch(world.request(terminate_after=True))
    assert "stays and costs money: it is protected" in world.detail("cleanup")


def _starting(world: World, monkeypatch: pytest.MonkeyPatch, state: ResourceState) -> None:
    world.nap = 0
    create = world.provider.create_resource

    async def made(options: CreateResourceOptions, token: str) -> Instance:
        machine = replace(await create(options, token), state=state)
        world.provider.machines[machine.id] = machine
        return machine

    monkeypatch.setattr(world.provider, "create_resource", made)


@pytest.mark.parametrize("step", ["create", "running", "ssh", "code"])
async def test_cancelled_between_steps_it_undoes_what_it_made(world: World, step: str) -> None:
    world.when[step] = world.job.cancel
    with pytest.raises(Refused, match="cancelled"):
        await world.launch(world.request())
    assert len(world.ended) == 1
    assert (await world.register.now()).value == ()


async def test_cancelled_while_it_installs_it_ends_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.project / "train.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(LaunchPipeline, "_until_installed", _cancels)
    with pytest.raises(Refused, match="cancelled"):
        await world.launch(world.request())
    (session,) = (await world.register.now()).value
    assert session.status is TrainingStatus.CANCELLED
    assert len(world.ended) == 1


async def _cancels(self: object, agent: object, run_id: str, step: object, job: JobHandle, made: object) -> None:
    job.cancel()
    job.check()


async def test_a_machine_that_was_there_before_is_never_terminated(world: World) -> None:
    box = world.machine()
    world.when["code"] = world.job.cancel
    with pytest.raises(Refused, match="cancelled"):
        await world.launch(world.request(options=None, instance_key=box.id, terminate_after=True))
    assert world.ended == []


async def test_a_stopped_machine_is_refused_at_once(world: World) -> None:
    box = world.machine(state=ResourceState.STOPPED)
    with pytest.raises(HostUnreachable, match="stopped"):
        await world.launch(world.request(options=None, instance_key=box.id))
    assert world.clock.ticks == 0


@pytest.mark.parametrize("failures", [3, None])
async def test_a_machine_that_boots_is_tried_until_patience_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, failures: int | None
) -> None:
    agent, asked = world.hosts.agent, 0

    async def booting(machine: Instance) -> Any:
        nonlocal asked
        asked += 1
        if failures is None or asked <= failures:
            raise HostUnreachable("no connection", "port 22 is closed")
        return await agent(machine)

    monkeypatch.setattr(world.hosts, "agent", booting)
    world.nap = 0
    box = world.machine()
    if failures is None:
        with pytest.raises(HostUnreachable, match="port 22 is closed"):
            await world.launch(world.request(options=None, instance_key=box.id))
        assert world.clock.ticks == pytest.approx(SSH_SECONDS / 5, abs=1)
    else:
        await world.launch(world.request(options=None, instance_key=box.id))
    told = [one.detail for view in world.views for one in view.steps if one.id == "ssh"]
    words = r"not yet, tried since \d\d:\d\d:\d\d UTC: port 22 is closed"
    assert any(re.fullmatch(words, detail) for detail in told)


async def test_a_machine_that_stops_while_it_boots_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = world.machine()

    async def booting(machine: Instance) -> Any:
        world.provider.machines[box.id] = replace(box, state=ResourceState.STOPPED)
        raise HostUnreachable("no connection")

    monkeypatch.setattr(world.hosts, "agent", booting)
    with pytest.raises(HostUnreachable, match="stopped"):
        await world.launch(world.request(options=None, instance_key=box.id))
    assert world.clock.ticks < 2


async def test_a_run_that_the_agent_refuses_is_written_down_as_failed(world: World) -> None:
    box = world.machine()
    with pytest.raises(TrainctlError, match="missing"):
        await world.launch(world.request(options=None, instance_key=box.id, job={"script": "missing.py"}))
    (session,) = (await world.register.now()).value
    assert session.status is TrainingStatus.FAILED
    assert "missing.py" in session.reason


def _copy(state: CopyState) -> tuple[Checkpoint, ...]:
    return (
        Checkpoint("r", "step_1", 1, "json", 2, None, None, CheckpointCopy(CopyState.PRESENT), CheckpointCopy(state)),
    )


async def test_the_whole_way_waits_for_the_last_checkpoint(world: World) -> None:
    world.copies.found = [_copy(CopyState.UPLOADING), _copy(CopyState.PRESENT), _copy(CopyState.VERIFIED)]
    words = await world.launch(world.request(terminate_after=True))
    assert "is terminated" in words
    assert world.ended == [f"fake/{world.job.view.instance_id}"]
    assert world.detail("kept") == "1 checkpoints"


async def test_who_takes_an_interrupted_launch_up_waits_and_ends_as_it_would_have(world: World) -> None:
    world.copies.found = [_copy(CopyState.UPLOADING), _copy(CopyState.VERIFIED)]
    await world.launch(world.request())
    begun = world.job.view
    world.job = JobHandle(JobView("j-2", "launch, taken up", LAST, START), world.clock, world._changed)
    words = await LaunchPipeline(world.parts).take_up(begun, world.job)
    assert words == f"{begun.run_id} ended, its checkpoints are in S3, {begun.instance_id} is terminated"
    assert world.ended == [f"fake/{begun.instance_id}"]
    assert set(world.states().values()) == {StepState.DONE}


async def test_who_gives_up_waiting_is_told_that_the_machine_stays(world: World) -> None:
    await world.launch(world.request())
    begun = world.job.view
    world.job = JobHandle(JobView("j-2", "launch, taken up", LAST, START), world.clock, world._changed)
    world.job.cancel()
    with pytest.raises(TrainctlError, match=f"{begun.instance_id} is there and costs money"):
        await LaunchPipeline(world.parts).take_up(begun, world.job)
    assert world.ended == []


async def test_checkpoints_that_never_arrive_keep_the_machine(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "STALL_SECONDS", 3.0)
    world.copies.found = [_copy(CopyState.UPLOADING)]
    world.terminate_error = Refused("the newest checkpoint is not in S3")
    with pytest.raises(TrainctlError, match="Not every checkpoint"):
        await world.launch(world.request(terminate_after=True))
    assert world.ended == []
    assert "stays and costs money" in world.detail("cleanup")


async def test_a_failed_run_is_an_error_after_its_machine_is_gone(world: World) -> None:
    (world.project / "train.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(TrainctlError, match=r"failed|exit code 3"):
        await world.launch(world.request(terminate_after=True))
    assert len(world.ended) == 1


async def test_the_region_is_the_bucket_s_own(world: World) -> None:
    assert await world.parts.supplies.region_of("s3://bucket/runs") == "eu-west-1"
    world.store.error = Refused("no")
    assert await world.parts.supplies.region_of("s3://bucket/runs") == "us-east-1"


async def test_a_place_that_is_none_is_refused(world: World) -> None:
    box = world.machine()
    for source, words in (("gs://x", "only s3"), ("/nowhere", "no folder")):
        with pytest.raises(TrainctlError, match=words):
            await world.launch(world.request(options=None, instance_key=box.id, job={"data_source": source}))
    assert an_instance().id in world.provider.machines


@pytest.mark.parametrize(("verb", "step"), [("sync_begin", "code"), ("start", "deps"), ("status", "deps")])
async def test_a_link_that_is_lost_for_a_while_is_told_and_the_launch_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, verb: str, step: str
) -> None:
    call, lost = AgentClient.call, iter((True, False))
    silent = iter((True, True, False))

    async def cut(agent: AgentClient, asked: str, *values: Any, **more: Any) -> Any:
        answer = await call(agent, asked, *values, **more)
        if asked == verb and next(lost, False):
            raise HostLinkLost("The link to box was lost", "it was cut")
        noticed = any("the link is lost" in told for told in details(world, step))
        if asked == "vitals" and noticed and next(silent, False):
            raise HostUnreachable("box cannot be reached", "refused")
        return answer

    monkeypatch.setattr(AgentClient, "call", cut)
    words = await world.launch(world.request())
    assert words.endswith(f"trains on {world.job.view.instance_id}")
    told = details(world, step)
    assert any(
        re.fullmatch(r"the link is lost since \d\d:\d\d:\d\d UTC, tried again: refused", detail) for detail in told
    )
    assert "the link is back" in told
    assert set(world.states().values()) == {StepState.DONE}
    assert (await world.ended_run(world.job.view.run_id)).status is TrainingStatus.COMPLETED


async def test_a_link_that_stays_lost_ends_the_launch_when_patience_ends(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, gone = AgentClient.call, False

    async def cut(agent: AgentClient, asked: str, *values: Any, **more: Any) -> Any:
        nonlocal gone
        gone = gone or asked == "sync_begin"
        if gone:
            raise HostUnreachable("box cannot be reached", "refused")
        return await call(agent, asked, *values, **more)

    monkeypatch.setattr(AgentClient, "call", cut)
    world.nap = 0
    with pytest.raises(HostUnreachable, match="refused"):
        await world.launch(world.request(options=None, instance_key=world.machine().id))
    assert world.clock.ticks == pytest.approx(LINK_SECONDS, abs=2)


def details(world: World, step: str) -> list[str]:
    return [one.detail for view in world.views for one in view.steps if one.id == step]
