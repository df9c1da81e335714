"""One machine's past: the ledger's stretches and what the journal says was done to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.histories import HistoryBook
from runctl_tui.services.journal import Journal
from runctl_tui.services.journal_rows import Entry, JournalState
from runctl_tui.services.locks import LockSet
from runctl_tui.services.ports import Histories
from runctl_tui.services.store import Store
from runctl_tui.services.tracker import ResourceTracker
from tests.fakes import START, FakeClock, a_price, a_run, an_instance

BOX = an_instance()
RUN = a_run(BOX)
ROW = FleetRow(BOX, Known(a_price("2"), START, "test"), None, None, runs=(RUN,))
STOP = Entry("op-1", Operation.STOP, "instance", ROW.key, BOX.name, "fake", "us-east-1", "h", "op-1", "me", "stop it")


class Books:
    """Ledger and journal in one folder."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = Store(folder, self.clock)
        self.tracker = ResourceTracker(self.store, self.clock)
        self.journal = Journal(self.store, self.clock, LockSet(folder))
        self.histories: Histories = HistoryBook(self.tracker, self.journal)

    async def write(self, entry: Entry, state: JournalState, detail: str = "") -> None:
        await self.journal.begin(entry)
        await self.journal.mark(entry.op_id, JournalState.SENT)
        if state is not JournalState.SENT:
            await self.journal.mark(entry.op_id, state, detail)
        self.clock.advance(60)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    books = Books(tmp_path)
    yield books
    books.store.close()
    books.store.join()


async def test_deeds_of_machine_runs_and_launch_newest_first(books: Books) -> None:
    launch = replace(STOP, op_id="op-0", operation=Operation.LAUNCH, resource="instance/box-1", effect="launch box-1")
    of_run = replace(STOP, op_id="op-2", operation=Operation.RUN_STOP, resource=RUN.id, effect="stop the run")
    other = replace(STOP, op_id="op-3", resource="fake/i-other")
    await books.write(launch, JournalState.VERIFIED, f"{BOX.id} is running")
    await books.write(STOP, JournalState.FAILED, "EC2 said no")
    await books.write(of_run, JournalState.SENT)
    await books.write(other, JournalState.VERIFIED)
    deeds = (await books.histories.of(ROW)).deeds
    assert [(deed.verb, deed.ok, deed.result) for deed in deeds] == [
        ("run-stop", None, "sent, no answer yet"),
        ("stop", False, "failed: EC2 said no"),
        ("launch", True, f"{BOX.id} is running"),
    ]
    assert {deed.who for deed in deeds} == {"me"}


async def test_a_short_id_is_not_looked_for_in_sentences(books: Books) -> None:
    here = replace(ROW, instance=replace(BOX, id="local", provider="local"), runs=())
    await books.write(replace(STOP, effect="copy it to a local folder"), JournalState.VERIFIED)
    history = await books.histories.of(here)
    assert history.deeds == ()
    assert isinstance(history.account, Unknown)


async def test_the_account_is_the_ledgers(books: Books) -> None:
    await books.tracker.observe(Snapshot((ROW,), books.clock.now(), ("fake/us-east-1",)))
    account = (await books.histories.of(ROW)).account
    assert isinstance(account, Known)
    assert account.value.total == 4, "it ran for two hours before it was first seen"
