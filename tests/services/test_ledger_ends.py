"""The end of what costs: paid to the told moment, to a call of ours that was accepted, else to the last look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.instance import Disk, Instance
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import CloudProviderError
from runctl_tui.services.journal_rows import Entry, JournalState
from runctl_tui.services.tracker import ResourceTracker
from tests.fakes import START, a_price, an_instance
from tests.services.actions_rig import Rig

SECOND = Decimal(1)
"""Dollars per second of the machine, so that sums read as seconds."""
RATE = SECOND * 3600
BOX = an_instance(launched_at=START, created_at=START)
GONE_STATES = (ResourceState.TERMINATING, ResourceState.TERMINATED, None)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Watch:
    """A fleet that is looked at every five seconds, and what the ledger makes of it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.tracker = ResourceTracker(rig.store, rig.clock)

    async def look(self, *machines: Instance, missing: tuple[Problem, ...] = (), disks: str = "0") -> None:
        rows = tuple(FleetRow(one, Known(a_price(str(RATE)), START, "test"), Decimal(disks), None) for one in machines)
        await self.tracker.observe(Snapshot(rows, self.rig.clock.now(), ("fake/us-east-1",), missing))

    async def watch(self, machine: Instance, seconds: int) -> None:
        """Look at it for a while, and so write it down once a minute only."""
        for _ in range(seconds // 5):
            self.rig.clock.advance(5)
            await self.look(machine)

    async def called(self, operation: Operation, *states: JournalState) -> None:
        """Write a call on the machine into the journal, a second between its states."""
        entry = Entry(
            "op-1", operation, "instance", BOX.key, "box", "fake", "us-east-1", "hash", "op-1", "me", "end it"
        )
        await self.rig.journal.begin(entry)
        for state in states:
            self.rig.clock.advance(1)
            await self.rig.journal.mark("op-1", state)

    async def total(self) -> Decimal:
        return await self.tracker.total_cost()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path, BOX)
    yield rig
    rig.close()


@pytest.fixture
async def watch(rig: Rig) -> Watch:
    watch = Watch(rig)
    await watch.look(BOX)
    await watch.watch(BOX, 50)
    return watch


def seen(state: ResourceState | None, told: datetime | None = None) -> tuple[Instance, ...]:
    """Return what a look finds of the machine; nothing where it is absent."""
    return () if state is None else (replace(BOX, state=state, stopped_at=told),)


@pytest.mark.parametrize("state", GONE_STATES)
async def test_what_we_terminate_pays_until_the_call_was_accepted(
    watch: Watch, rig: Rig, state: ResourceState | None
) -> None:
    rig.clock.advance(7)
    view = await rig.do(Operation.TERMINATE, BOX.key)
    assert view.ok
    assert rig.clock.now() > after(57), "the end state was waited for"
    rig.clock.advance(3)
    await watch.look(*seen(state))
    assert await watch.total() == 57
    rig.clock.advance(600)
    await watch.look(*seen(state))
    assert await watch.total() == 57


@pytest.mark.parametrize("state", [ResourceState.STOPPING, ResourceState.STOPPED])
async def test_what_we_stop_pays_until_the_call_was_accepted(watch: Watch, rig: Rig, state: ResourceState) -> None:
    rig.clock.advance(7)
    assert (await rig.do(Operation.STOP, BOX.key)).ok
    for _ in range(3):
        rig.clock.advance(30)
        await watch.look(*seen(state))
    await watch.look(*seen(ResourceState.STOPPED))
    assert await watch.total() == 57
    assert (await watch.tracker.now()).running == 0


async def test_the_moment_that_the_provider_tells_goes_before_our_own(watch: Watch, rig: Rig) -> None:
    rig.clock.advance(7)
    await watch.called(Operation.TERMINATE, JournalState.SENT, JournalState.ACKED)
    await watch.look(*seen(ResourceState.TERMINATING, after(55)))
    assert await watch.total() == 55


@pytest.mark.parametrize("state", [ResourceState.STOPPING, *GONE_STATES[:2]])
async def test_a_told_end_is_exact_whoever_ended_it(watch: Watch, rig: Rig, state: ResourceState) -> None:
    rig.clock.advance(40)
    await watch.look(*seen(state, after(63)))
    assert await watch.total() == 63
    assert (await watch.tracker.now()).burn_per_hour == 0


@pytest.mark.parametrize("state", GONE_STATES)
async def test_an_end_that_nobody_tells_is_paid_to_the_last_look_and_not_to_what_was_written_last(
    watch: Watch, rig: Rig, state: ResourceState | None
) -> None:
    rig.clock.advance(5)
    await watch.look(*seen(state))
    assert await watch.total() == 50


async def test_a_region_that_fell_silent_was_paid_to_the_last_look_at_it(watch: Watch, rig: Rig) -> None:
    rig.clock.advance(5)
    await watch.look(missing=(Problem("x", "us-east-1 did not answer", scope="fake/us-east-1"),))
    rig.clock.advance(600)
    await watch.look()
    assert await watch.total() == 50


@pytest.mark.parametrize(
    ("states", "seconds"),
    [
        ((JournalState.SENT, JournalState.ACKED), 52),
        ((JournalState.SENT,), 51),
        ((JournalState.SENT, JournalState.AMBIGUOUS), 51),
        ((JournalState.SENT, JournalState.AMBIGUOUS, JournalState.ACKED), 51),
        ((JournalState.SENT, JournalState.FAILED), 50),
    ],
)
async def test_where_the_answer_was_lost_it_is_certain_to_have_run_until_it_was_sent(
    watch: Watch, rig: Rig, states: tuple[JournalState, ...], seconds: int
) -> None:
    await watch.called(Operation.TERMINATE, *states)
    rig.clock.advance(9)
    await watch.look()
    assert await watch.total() == seconds


async def test_another_session_knows_of_the_call_too(watch: Watch, rig: Rig) -> None:
    await watch.called(Operation.STOP, JournalState.SENT, JournalState.ACKED, JournalState.VERIFIED)
    rig.clock.advance(9000)
    later = Watch(rig)
    await later.look(*seen(ResourceState.STOPPED))
    assert await later.total() == 52


async def test_stopped_by_us_and_started_again_between_two_looks(watch: Watch, rig: Rig) -> None:
    await watch.called(Operation.STOP, JournalState.SENT, JournalState.ACKED)
    rig.clock.advance(100)
    await watch.look(replace(BOX, launched_at=after(142)))
    assert await watch.total() == 52 + 10


async def test_a_call_that_was_refused_ends_nothing(watch: Watch, rig: Rig) -> None:
    rig.provider.failures["terminate"] = CloudProviderError("protected", code="OperationNotPermitted")
    assert not (await rig.do(Operation.TERMINATE, BOX.key)).ok
    rig.clock.advance(10)
    await watch.look(BOX)
    assert await watch.total() == 60


async def test_disks_are_paid_to_the_end_of_their_machine(rig: Rig) -> None:
    watch, month = Watch(rig), str(RATE * 730)
    stopped = replace(BOX, state=ResourceState.STOPPED, disks=(Disk("vol-1", "/dev/sda1", 8, "gp3", True),))
    await watch.look(stopped, disks=month)
    rig.clock.advance(100)
    await watch.look(replace(stopped, state=ResourceState.TERMINATED, stopped_at=after(70)))
    assert await watch.total() == 70


async def test_the_page_of_a_machine_says_when_we_ended_it(watch: Watch, rig: Rig) -> None:
    await watch.called(Operation.STOP, JournalState.SENT, JournalState.ACKED)
    rig.clock.advance(8)
    for state in (ResourceState.STOPPING, ResourceState.STOPPED):
        await watch.look(*seen(state))
        rig.clock.advance(60)
    known = await watch.tracker.account(BOX.key)
    assert isinstance(known, Known)
    stretches = reversed(known.value.stretches)
    assert [(one.start, one.state, one.counted, one.usd) for one in stretches] == [
        (START, ResourceState.RUNNING, True, Decimal(52)),
        (after(52), ResourceState.STOPPING, True, Decimal(0)),
        (after(120), ResourceState.STOPPED, True, Decimal(0)),
    ]
