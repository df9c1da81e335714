"""What became of operations whose end nobody saw, where no provider keeps a state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from runctl_tui.domain.objects import TransferItem
from runctl_tui.domain.plan import JobView, Operation
from runctl_tui.domain.run import TrainingSession, TrainingStatus
from runctl_tui.services.errors import CloudProviderError, HostUnreachable, ResourceNotFound
from runctl_tui.services.journal import Journal
from runctl_tui.services.journal_rows import Entry, JournalState
from runctl_tui.services.locks import LockSet
from runctl_tui.services.store import Store
from runctl_tui.services.witnesses import (
    MOST_ARRIVALS,
    MOST_PLACES,
    Arrivals,
    Witnesses,
    arrivals_of,
    arrivals_token,
    places_of,
    token_of,
)
from tests.fakes import START, FakeClock, FakeRegistry, a_run, an_instance

RUN = a_run(an_instance(), id="r-000001")
"""Where rows of runs point."""


@dataclass
class Book:
    """A register of one run."""

    run: TrainingSession | None = RUN
    error: Exception | None = None
    jobs: dict[str, str] = field(default_factory=dict)

    async def find(self, reference: str) -> TrainingSession:
        if self.error is not None:
            raise self.error
        if self.run is None or self.run.id != reference:
            raise ResourceNotFound(f"there is no run {reference}")
        return self.run

    def view(self, job_id: str) -> JobView:
        if job_id not in self.jobs:
            raise ResourceNotFound(f"there is no job {job_id}")
        return JobView(job_id, "train", (), START, run_id=self.jobs[job_id])


def nothing() -> object:
    raise AssertionError("S3 is not asked about runs")


async def no_process(reference: str) -> bool:
    raise AssertionError("no process is asked about")


async def settled(
    folder: Path,
    operation: Operation,
    book: Book,
    resource: str = RUN.id,
    runs_there: Callable[[str], Awaitable[bool]] = no_process,
) -> tuple[JournalState, str]:
    clock = FakeClock()
    store = Store(folder, clock)
    journal = Journal(store, clock, LockSet(folder))
    journal.witnesses = Witnesses(book, book.view, nothing, runs_there).by_operation()  # type: ignore[arg-type]  # never asked
    texts = ("run", resource, "llama", "aws", "us-east-1", "hash", "j-1", "alice", "an effect")
    await journal.begin(Entry("op-1", operation, *texts))
    await journal.mark("op-1", JournalState.SENT)
    clock.advance(3600)
    await journal.reconcile(FakeRegistry())
    (row,) = await journal.history()
    store.close()
    store.join()
    return row.state, row.detail


STOPPED = replace(RUN, status=TrainingStatus.CANCELLED)
SILENT = replace(RUN, status=TrainingStatus.UNREACHABLE)
UNHEARD = replace(RUN, status=TrainingStatus.PREPARING, heard_at=None)
NEVER_BEGAN = replace(UNHEARD, status=TrainingStatus.LOST)


@pytest.mark.parametrize(
    ("book", "state", "words"),
    [
        (Book(STOPPED), JournalState.VERIFIED, "it is cancelled"),
        (Book(RUN), JournalState.FAILED, "it is running"),
        (Book(SILENT), JournalState.FAILED, "does not answer"),
        (Book(None), JournalState.FAILED, "nobody knows"),
        (Book(RUN, HostUnreachable("no way there")), JournalState.SENT, ""),
    ],
)
async def test_a_run_tells_whether_it_was_stopped(tmp_path: Path, book: Book, state: JournalState, words: str) -> None:
    found = await settled(tmp_path, Operation.RUN_STOP, book)
    assert found[0] is state
    assert words in found[1]


@pytest.mark.parametrize("operation", [Operation.RUN_START, Operation.RUN_RESUME])
@pytest.mark.parametrize(
    ("book", "state", "words"),
    [
        (Book(RUN, jobs={"j-1": RUN.id}), JournalState.VERIFIED, "r-000001 is running"),
        (Book(SILENT, jobs={"j-1": RUN.id}), JournalState.FAILED, "does not answer"),
        (Book(None, jobs={"j-1": RUN.id}), JournalState.FAILED, "no run was begun"),
        (Book(UNHEARD, jobs={"j-1": RUN.id}), JournalState.SENT, ""),
        (Book(NEVER_BEGAN, jobs={"j-1": RUN.id}), JournalState.FAILED, "its host never knew of it"),
        (Book(RUN, jobs={"j-1": ""}), JournalState.FAILED, "no run was begun"),
        (Book(RUN), JournalState.FAILED, "no run was begun"),
    ],
)
async def test_a_job_tells_which_run_it_began(
    tmp_path: Path, operation: Operation, book: Book, state: JournalState, words: str
) -> None:
    found = await settled(tmp_path, operation, book, "aws/i-1")
    assert found[0] is state
    assert words in found[1]


def test_a_row_keeps_all_places_or_none() -> None:
    many = [f"s3://b/{number}" for number in range(MOST_PLACES)]
    assert places_of(token_of(many)) == tuple(many)
    assert token_of([*many, "s3://b/more"]) == ""
    assert token_of(["/home/alice/data"]) == "", "files here are no objects"
    assert places_of("op-1") == ()


@pytest.mark.parametrize("operation", [Operation.PROCESS_END, Operation.PROCESS_KILL])
@pytest.mark.parametrize(
    ("there", "state", "words"),
    [
        (False, JournalState.VERIFIED, "it has ended"),
        (True, JournalState.FAILED, "it is still there"),
        (ResourceNotFound("there is no machine"), JournalState.VERIFIED, "its machine is gone"),
        (HostUnreachable("box", "silent"), JournalState.FAILED, "whether it has ended is not known: box: silent"),
        (CloudProviderError("throttled"), JournalState.SENT, ""),
    ],
)
async def test_whether_a_process_has_ended_its_host_tells(
    operation: Operation, there: bool | Exception, state: JournalState, words: str, tmp_path: Path
) -> None:
    async def look(reference: str) -> bool:
        assert reference == "fake/i-1/4711:99"
        if isinstance(there, Exception):
            raise there
        return there

    assert await settled(tmp_path, operation, Book(), "fake/i-1/4711:99", look) == (state, words)


def test_what_a_copy_was_about_is_kept_where_it_is_not_too_much() -> None:
    item = TransferItem("s3://a/1", "s3://b/1", 7, "1")
    assert arrivals_of(arrivals_token([item], True)) == Arrivals((("s3://a/1", "s3://b/1", 7),), True)
    assert arrivals_token([item] * MOST_ARRIVALS, False)
    assert arrivals_token([item] * (MOST_ARRIVALS + 1), False) == arrivals_token([], False) == ""
    assert arrivals_of("") is arrivals_of("op-1") is None


def test_a_copy_onto_something_is_never_told_by_its_size() -> None:
    onto = TransferItem("s3://a/1", "s3://b/1", 7, "1", replaces=True)
    assert arrivals_token([onto], False) == ""
    assert arrivals_of(arrivals_token([onto], True)) == Arrivals((("s3://a/1", "s3://b/1", 7),), True)
