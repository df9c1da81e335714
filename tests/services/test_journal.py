"""What was intended is on the disk before it is done, and is settled after a crash."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.instance import Instance
from runctl_tui.domain.launch import launch_tokens
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services import store as store_module
from runctl_tui.services.errors import CloudProviderError, StateError
from runctl_tui.services.journal import SETTLED_AT_ONCE, Journal
from runctl_tui.services.journal_rows import Entry, JournalState
from runctl_tui.services.locks import LockSet
from runctl_tui.services.store import Store
from tests.fakes import FakeClock, FakeProvider, FakeRegistry, an_instance
from tests.services.rig import until_true

BOX = an_instance()
ENTRY = Entry(
    "op-1", Operation.TERMINATE, "instance", f"fake/{BOX.id}", "box-1", "fake", "us-east-1", "abc", "op-1", "me", "die"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path, FakeClock())
    yield store
    store.close()
    store.join()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def journal(store: Store, tmp_path: Path, clock: FakeClock) -> Journal:
    return Journal(store, clock, LockSet(tmp_path))


async def sent(journal: Journal, **changes: object) -> Entry:
    entry = replace(ENTRY, **changes)  # type: ignore[arg-type]  # test data by keyword
    await journal.begin(entry)
    await journal.mark(entry.op_id, JournalState.SENT)
    return entry


async def test_a_call_leaves_its_whole_story(journal: Journal) -> None:
    await sent(journal)
    assert [row.entry for row in await journal.open_rows(ENTRY.resource)] == [ENTRY]
    await journal.mark("op-1", JournalState.ACKED)
    assert [row.state for row in await journal.open_rows(ENTRY.resource)] == [JournalState.ACKED]
    await journal.mark("op-1", JournalState.VERIFIED, "it is terminated")
    assert await journal.open_rows(ENTRY.resource) == ()
    assert [state.value for state in await journal.events("op-1")] == [
        "planned",
        "confirmed",
        "sent",
        "acked",
        "verified",
    ]
    (row,) = await journal.history()
    assert (row.state, row.detail) == (JournalState.VERIFIED, "it is terminated")


@pytest.mark.parametrize("state", [JournalState.ACKED, JournalState.VERIFIED])
async def test_no_step_is_skipped(journal: Journal, state: JournalState) -> None:
    await journal.begin(ENTRY)
    with pytest.raises(StateError, match="cannot become"):
        await journal.mark("op-1", state)


async def test_an_ended_operation_stays_ended(journal: Journal) -> None:
    await sent(journal)
    await journal.mark("op-1", JournalState.FAILED)
    with pytest.raises(StateError):
        await journal.mark("op-1", JournalState.SENT)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ResourceState.TERMINATED, JournalState.VERIFIED),
        (ResourceState.TERMINATING, JournalState.VERIFIED),
        (ResourceState.RUNNING, JournalState.FAILED),
    ],
)
async def test_a_crash_after_sending_is_settled_by_the_state(
    journal: Journal, clock: FakeClock, state: ResourceState, expected: JournalState
) -> None:
    provider = FakeProvider().add(replace(BOX, state=state))
    await sent(journal)
    clock.advance(61)
    assert await journal.reconcile(FakeRegistry(provider)) == ()
    (row,) = await journal.history()
    assert row.state is expected
    assert provider.calls == []


async def test_what_was_accepted_did_arrive_whatever_came_after_it(journal: Journal, clock: FakeClock) -> None:
    provider = FakeProvider().add(replace(BOX, state=ResourceState.RUNNING))
    await sent(journal, operation=Operation.STOP)
    await journal.mark("op-1", JournalState.ACKED)
    clock.advance(3600)
    assert await journal.reconcile(FakeRegistry(provider)) == ()
    (row,) = await journal.history()
    assert row.state is JournalState.VERIFIED
    assert "accepted; it is running now" in row.detail


async def test_a_machine_that_is_gone_was_terminated(journal: Journal) -> None:
    await sent(journal)
    await journal.reconcile(FakeRegistry(FakeProvider()))
    assert (await journal.history())[0].state is JournalState.VERIFIED


async def test_another_account_settles_nothing(store: Store, tmp_path: Path, clock: FakeClock) -> None:
    lab = Journal(store, clock, LockSet(tmp_path), lambda _: "lab")
    await sent(lab, operation=Operation.TERMINATE)
    await sent(lab, op_id="op-2", operation=Operation.LAUNCH, resource="instance box", token="t-1")
    clock.advance(3600)
    nothing = FakeRegistry(FakeProvider())
    left = await Journal(store, clock, LockSet(tmp_path), lambda _: "prod").reconcile(nothing)
    assert [row.entry.op_id for row in left] == ["op-1", "op-2"], "it has no such machines, and that proves nothing"
    assert await lab.reconcile(nothing) == ()


async def test_what_is_not_seen_yet_may_still_have_arrived(journal: Journal, clock: FakeClock) -> None:
    provider = FakeProvider().add(BOX)
    await sent(journal)
    await sent(journal, operation=Operation.LAUNCH, op_id="op-2", token="op-2", resource="fake/new")
    clock.advance(59)
    assert len(await journal.reconcile(FakeRegistry(provider))) == 2
    clock.advance(2)
    assert await journal.reconcile(FakeRegistry(provider)) == ()


async def test_a_launch_is_settled_by_its_token(journal: Journal, clock: FakeClock) -> None:
    provider = FakeProvider().add(BOX)
    provider.tokens["op-1"] = BOX.id
    await sent(journal, operation=Operation.LAUNCH)
    await sent(journal, operation=Operation.LAUNCH, op_id="op-2", token="op-2", resource="fake/new")
    clock.advance(61)
    await journal.reconcile(FakeRegistry(provider))
    found = {row.entry.op_id: (row.state, row.detail) for row in await journal.history()}
    assert found["op-1"] == (JournalState.VERIFIED, f"it created {BOX.id}")
    assert found["op-2"][0] is JournalState.FAILED


async def test_a_launch_that_went_on_demand_is_found_by_its_second_token(journal: Journal, clock: FakeClock) -> None:
    provider = FakeProvider().add(BOX)
    provider.tokens[launch_tokens("op-1")[1]] = BOX.id
    await sent(journal, operation=Operation.LAUNCH)
    clock.advance(61)
    assert await journal.reconcile(FakeRegistry(provider)) == ()
    (row,) = await journal.history()
    assert (row.state, row.detail) == (JournalState.VERIFIED, f"it created {BOX.id}")


async def test_what_cannot_be_asked_stays_open(journal: Journal) -> None:
    provider = FakeProvider().add(BOX)
    provider.failures["get_resource_status"] = CloudProviderError("throttled", transient=True)
    await sent(journal)
    (row,) = await journal.reconcile(FakeRegistry(provider))
    assert row.state is JournalState.SENT


async def test_what_a_living_process_does_is_left_to_it(journal: Journal, tmp_path: Path) -> None:
    provider = FakeProvider().add(replace(BOX, state=ResourceState.TERMINATED))
    await sent(journal)
    with LockSet(tmp_path).hold(ENTRY.resource):
        (row,) = await journal.reconcile(FakeRegistry(provider))
    assert row.state is JournalState.SENT


class HangingProvider(FakeProvider):
    """Never answers about one machine."""

    async def get_resource_status(self, resource_id: str, region: str = "") -> Instance:
        """Answer about the others."""
        if resource_id == BOX.id:
            await asyncio.Event().wait()
        return await super().get_resource_status(resource_id, region)


async def test_one_that_hangs_holds_up_no_other(journal: Journal) -> None:
    others = [f"fake/i-gone{number}" for number in range(SETTLED_AT_ONCE + 3)]
    await sent(journal)
    for number, resource in enumerate(others):
        await sent(journal, op_id=f"op-o{number}", resource=resource)
    settling = asyncio.create_task(journal.reconcile(FakeRegistry(HangingProvider())))

    async def only_that_one_is_left() -> bool:
        return [row.entry.resource for row in await journal.unsettled()] == [ENTRY.resource]

    await until_true(only_that_one_is_left)
    settling.cancel()
    await asyncio.gather(settling, return_exceptions=True)
    assert await journal.reconcile(FakeRegistry(FakeProvider())) == (), "it is let go of and can be asked about again"


async def test_operations_on_one_resource_are_settled_in_their_order(journal: Journal) -> None:
    provider = FakeProvider().add(replace(BOX, state=ResourceState.TERMINATED))
    settled: list[str] = []
    mark = journal.mark

    async def noted(op_id: str, state: JournalState, detail: str = "") -> None:
        settled.append(op_id)
        await mark(op_id, state, detail)

    for number in range(5):
        await sent(journal, op_id=f"op-{number}")
    journal.mark = noted  # type: ignore[method-assign]  # to hear of it
    assert await journal.reconcile(FakeRegistry(provider)) == ()
    assert settled == [f"op-{number}" for number in range(5)]


@pytest.mark.parametrize("full_at", ["begin", "sent"])
async def test_a_disk_that_fills_up_before_the_call_lets_none_be_made(
    journal: Journal, store: Store, monkeypatch: pytest.MonkeyPatch, full_at: str
) -> None:
    if full_at == "sent":
        await journal.begin(ENTRY)
    assert await journal.usable()
    first = iter([sqlite3.OperationalError("database or disk is full")])
    real = store_module._transaction

    def full(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], object]) -> object:
        for error in first:
            raise error
        return real(connection, work)

    monkeypatch.setattr(store_module, "_transaction", full)
    with pytest.raises(StateError, match="the journal cannot be written"):
        await (journal.begin(ENTRY) if full_at == "begin" else journal.mark("op-1", JournalState.SENT))
    assert not await journal.usable()


async def test_what_comes_after_the_call_is_noted_also_where_the_disk_is_full(
    journal: Journal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sent(journal)
    monkeypatch.setattr(store, "_durable", False)
    await journal.mark("op-1", JournalState.VERIFIED, "it is terminated")
    assert (await journal.history())[0].state is JournalState.VERIFIED


async def test_is_unusable_where_nothing_lasts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file" / "state", FakeClock())
    assert not await Journal(store, FakeClock(), LockSet(tmp_path)).usable()
    store.close()
    store.join()
