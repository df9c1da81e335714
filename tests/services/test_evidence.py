"""What is known about training on a machine, and when it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.host import HostProcess, HostReading
from runctl_tui.domain.instance import Instance
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import Ownership, ResourceState
from runctl_tui.domain.run import RunUpdate, TrainingSession, TrainingStatus
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import HostUnreachable, ResourceNotFound
from runctl_tui.services.evidence import RegisterEvidence
from runctl_tui.services.feed import PushFeed
from tests.domain.safety_facts import HARD, a_checkpoint
from tests.fakes import START, FakeClock, a_run, an_instance

BOX = an_instance()
OFF = replace(BOX, state=ResourceState.STOPPED)
DONE = a_run(
    BOX, TrainingStatus.COMPLETED, ended_at=START - timedelta(minutes=9), checkpoints=1, newest_checkpoint="step_100"
)


@dataclass
class Register:
    """Runs and checkpoints as the test says."""

    sessions: tuple[TrainingSession, ...] = ()
    copies: tuple[Checkpoint, ...] = ()
    missing: tuple[str, ...] = ()
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    """The machines that were asked; empty: all of them."""

    async def forget(self, run_id: str) -> None:
        raise AssertionError("nobody forgets here")

    async def now(self, machine: str = "") -> Snapshot[tuple[TrainingSession, ...]]:
        self.asked.append(machine)
        if self.error is not None:
            raise self.error
        return Snapshot(self.sessions, START, missing=self._problems())

    async def find(self, reference: str) -> TrainingSession:
        raise ResourceNotFound(reference)

    @property
    def feed(self) -> PushFeed[tuple[TrainingSession, ...]]:
        return PushFeed()

    async def follow(self, run_id: str, offset: int = 0) -> AsyncIterator[RunUpdate]:
        yield RunUpdate()

    async def log(self, run_id: str, tail_bytes: int | None = None) -> bytes:
        return b""

    def _problems(self) -> tuple[Problem, ...]:
        return tuple(Problem("x", f"{scope or 'something'} did not answer", scope=scope) for scope in self.missing)


@dataclass
class Copies:
    """The checkpoint side of the same register."""

    register: Register

    def feed(self, run_id: str = "") -> PushFeed[tuple[Checkpoint, ...]]:
        return PushFeed()

    async def now(self, run_id: str = "") -> Snapshot[tuple[Checkpoint, ...]]:
        return Snapshot(self.register.copies, START, missing=self.register._problems())


@dataclass
class Meters:
    """Hosts, and what runs there."""

    processes: tuple[HostProcess, ...] = ()
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)

    async def agent(self, instance: Instance) -> Any:
        self.asked.append(instance.id)
        if self.error is not None:
            raise self.error
        return self

    async def host_now(self) -> HostReading:
        return HostReading(BOX.key, processes=self.processes)


def evidence(meters: Meters | None = None, **given: Any) -> RegisterEvidence:
    register = Register(**given)
    return RegisterEvidence(register, Copies(register), meters or Meters(), FakeClock())


@pytest.mark.parametrize(
    ("changes", "is_work"),
    [
        ({}, True),
        ({"cpu_percent": 50.0}, True),
        ({"cpu_percent": 49.9}, False),
        ({"cpu_percent": 0.0, "gpus": (0,)}, True),
        ({"cpu_percent": 0.0, "gpu_memory_mib": 900.0}, True),
        ({"run_id": "r-1"}, False),
        ({"command": "python3 /home/me/.runctl/agent-11199263.pyz host"}, False),
        ({"command": "python3 /home/me/agent-11199263.pyz"}, True),
    ],
)
async def test_what_computes_and_is_no_run_of_ours_is_work(changes: dict[str, Any], is_work: bool) -> None:
    process = replace(HARD, gpus=(), **changes) if "gpus" not in changes else replace(HARD, **changes)
    found = await evidence(Meters((process,))).work_on(BOX)
    assert isinstance(found, Known)
    assert found.value == ((process,) if is_work else ())
    assert found.source == "agent on the host"


async def test_what_works_on_it_is_not_known_where_nobody_can_look() -> None:
    foreign, meters = replace(BOX, tags=()), Meters()
    assert await evidence(meters).work_on(foreign) == Unknown("it is not ours, so it was not asked")
    assert await evidence(meters).work_on(OFF) == Unknown("it is stopped, so it was not asked")
    assert meters.asked == []
    deaf = Meters(error=HostUnreachable("box-1 cannot be reached", "no route"))
    found = await evidence(deaf).work_on(BOX)
    assert isinstance(found, Unknown)
    assert "no route" in found.reason


async def test_nothing_is_known_about_a_machine_of_somebody_else() -> None:
    foreign = replace(BOX, tags=())
    assert foreign.ownership is Ownership.FOREIGN
    assert await evidence().runs_on(foreign) == Unknown("it is not ours, so it was not asked")


async def test_runs_of_other_machines_do_not_count() -> None:
    other = a_run(an_instance(2), id="r-000002")
    found = await evidence(sessions=(DONE, other)).runs_on(BOX)
    assert isinstance(found, Known)
    assert found.value == (DONE,)


async def test_nobody_waits_for_other_machines() -> None:
    register = Register(sessions=(DONE,))
    await RegisterEvidence(register, Copies(register), Meters(), FakeClock()).checkpoints_on(BOX)
    assert register.asked == [BOX.key]


@pytest.mark.parametrize("scope", [BOX.id, f"fake/{BOX.id}", "fake/us-east-1", "us-east-1", ""])
async def test_a_gap_that_may_concern_it_leaves_it_unknown(scope: str) -> None:
    asked = evidence(sessions=(DONE,), missing=(scope,))
    assert isinstance(await asked.runs_on(BOX), Unknown)
    assert isinstance(await asked.checkpoints_on(BOX), Unknown)


async def test_a_gap_elsewhere_does_not_matter() -> None:
    found = await evidence(sessions=(DONE,), copies=(a_checkpoint(),), missing=("us-west-2",)).checkpoints_on(BOX)
    assert isinstance(found, Known)
    assert [one.name for one in found.value] == ["step_100"]


async def test_a_machine_that_is_off_is_known_where_its_runs_were_heard_to_the_end() -> None:
    asked = evidence(sessions=(DONE,), copies=(a_checkpoint(),), missing=(BOX.id,))
    assert isinstance(await asked.runs_on(OFF), Known)
    assert isinstance(await asked.checkpoints_on(OFF), Known)


@pytest.mark.parametrize(
    "run",
    [
        a_run(BOX, TrainingStatus.RUNNING),
        replace(DONE, heard_at=DONE.ended_at and DONE.ended_at - timedelta(seconds=1)),
        replace(DONE, heard_at=None),
    ],
)
async def test_a_machine_that_is_off_is_unknown_where_the_end_was_not_heard(run: TrainingSession) -> None:
    asked = evidence(sessions=(run,), copies=(a_checkpoint(),), missing=(BOX.id,))
    assert isinstance(await asked.checkpoints_on(OFF), Unknown)


async def test_a_last_checkpoint_that_is_not_found_leaves_the_inventory_unknown() -> None:
    asked = evidence(
        sessions=(replace(DONE, newest_checkpoint="step_900"),), copies=(a_checkpoint(),), missing=(BOX.id,)
    )
    assert isinstance(await asked.checkpoints_on(OFF), Unknown)


async def test_a_host_that_is_silent_without_a_word_leaves_its_last_checkpoint_unknown() -> None:
    ended = replace(DONE, newest_checkpoint="step_900", checkpoints=3)
    told = await evidence(sessions=(ended,)).checkpoints_on(OFF)
    assert isinstance(told, Unknown)
    assert "step_900" in told.reason


async def test_an_error_is_the_reason() -> None:
    found = await evidence(error=HostUnreachable("no way to the host")).runs_on(BOX)
    assert found == Unknown("no way to the host")


@pytest.mark.parametrize("tags", [(("runctl:owner", "bob"),), (("CreatedBy", "runctl"),), ()])
@pytest.mark.parametrize("state", [ResourceState.RUNNING, ResourceState.STOPPED])
async def test_what_runs_on_a_machine_of_others_is_unknown(
    tags: tuple[tuple[str, str], ...], state: ResourceState
) -> None:
    theirs = replace(BOX, tags=tags, state=state)
    assert isinstance(await evidence(sessions=(DONE,)).runs_on(theirs), Unknown)
    assert isinstance(await evidence(sessions=(DONE,), copies=(a_checkpoint(),)).checkpoints_on(theirs), Unknown)


async def test_a_stopped_machine_without_a_known_run_may_hold_checkpoints() -> None:
    asked = evidence()
    assert isinstance(await asked.runs_on(OFF), Known), "nothing can run on it"
    assert isinstance(await asked.checkpoints_on(OFF), Unknown)
    assert isinstance(await asked.checkpoints_on(BOX), Known)
