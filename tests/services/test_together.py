"""Several programs on one state folder, as real processes: nothing is lost or counted twice, and one acts at a time."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.services.errors import Refused
from runctl_tui.services.locks import LockSet
from tests.fakes import an_instance

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS, EACH, ENTRIES, TURNS = 4, 5, 5, 4

PROGRAM = """
import asyncio, json, sys, time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import Refused, ResourceExists
from runctl_tui.services.journal import Journal
from runctl_tui.services.journal_rows import Entry, JournalState
from runctl_tui.services.locks import LockSet
from runctl_tui.services.store import Store
from runctl_tui.services.tracker import Others, ResourceTracker
from tests.fakes import START, FakeClock, a_price, an_instance
from tests.services.test_tracker import tracked

folder, me, programs, each, entries, turns = Path(sys.argv[1]), *map(int, sys.argv[2:])
told = {"refused": [], "held": [], "mine": 0}
BOX = an_instance(launched_at=START, created_at=START)

async def register(tracker):
    async def one(number):
        try:
            await tracker.register(tracked(number))
            return 1
        except ResourceExists:
            return 0
    await asyncio.gather(*(one(100 + me * each + number) for number in range(each)))
    told["mine"] = await one(0)

async def look(tracker, clock):
    for _ in range(3):
        row = FleetRow(BOX, Known(a_price("2"), START, "test"), None, None)
        await tracker.observe(Snapshot((row,), clock.now(), ("fake/us-east-1",)))
        clock.advance(3600)

async def write(journal):
    for number in range(entries):
        op = f"op-{me}-{number}"
        what = ("instance", "fake/i-1", "box", "fake", "us-east-1")
        await journal.begin(Entry(op, Operation.STOP, *what, "hash", op, "me", "stop it"))
        for state in (JournalState.SENT, JournalState.ACKED, JournalState.VERIFIED):
            await journal.mark(op, state)

def act(locks):
    while len(told["held"]) < turns:
        try:
            with locks.hold("fake/i-1", f"turn of {me}"):
                began = time.monotonic()
                time.sleep(0.02)
                told["held"].append([began, time.monotonic()])
            time.sleep(0.01)
        except Refused as error:
            told["refused"].append(error.why)
            time.sleep(0.005)

async def main():
    clock = FakeClock()
    store, locks = Store(folder, clock), LockSet(folder)
    tracker, journal = ResourceTracker(store, clock, Others()), Journal(store, clock, locks)
    Path(folder, f"ready-{me}").touch()
    while len(list(folder.glob("ready-*"))) < programs:
        await asyncio.sleep(0.001)
    await asyncio.gather(register(tracker), write(journal), look(tracker, clock), asyncio.to_thread(act, locks))
    told["total"] = str(await tracker.total_cost())
    store.close()
    store.join()
    print(json.dumps(told))

asyncio.run(main())
"""


def together(folder: Path) -> list[dict[str, Any]]:
    """What each of several programs tells that did the same at the same time."""
    numbers = [str(number) for number in (PROGRAMS, EACH, ENTRIES, TURNS)]
    words = [[sys.executable, "-c", PROGRAM, str(folder), str(me), *numbers] for me in range(PROGRAMS)]
    programs = [
        subprocess.Popen(each, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for each in words
    ]
    said = [program.communicate(timeout=60) for program in programs]
    assert [err for _, err in said] == [""] * PROGRAMS, "nothing is locked, nothing is raised"
    return [json.loads(out) for out, _ in said]


def test_several_programs_lose_nothing_count_nothing_twice_and_act_one_at_a_time(tmp_path: Path) -> None:
    told = together(tmp_path)
    with sqlite3.connect(tmp_path / "state.db") as books:
        registered = books.execute("SELECT COUNT(*), COUNT(DISTINCT id) FROM resources").fetchone()
        states = books.execute("SELECT state, COUNT(*) FROM journal GROUP BY state").fetchall()
        events = books.execute("SELECT COUNT(*) FROM journal_events").fetchone()[0]
        lengths = "SELECT SUM(end - start), MAX(end) - MIN(start) FROM intervals WHERE resource = ? GROUP BY kind"
        stretches = books.execute(lengths, (an_instance().key,)).fetchall()
    assert registered == (PROGRAMS * EACH + 2, PROGRAMS * EACH + 2), "and the one that all wanted, and the one they saw"
    assert sum(one["mine"] for one in told) == 1, "one of them registered what all wanted"
    assert states == [("verified", PROGRAMS * ENTRIES)]
    assert events == PROGRAMS * ENTRIES * 5
    assert stretches
    assert all(counted == passed > 0 for counted, passed in stretches), "neither a gap nor twice the same hour"
    turns = sorted(turn for one in told for turn in one["held"])
    assert len(turns) == PROGRAMS * TURNS
    assert all(before[1] <= after[0] for before, after in pairwise(turns)), "two held one lock"
    refused = [why for one in told for why in one["refused"]]
    assert any(": turn of " in why and why.startswith("process ") for why in refused), "nobody was told who holds it"


def test_who_is_refused_is_told_who_works_on_it_and_at_what(tmp_path: Path) -> None:
    locks = LockSet(tmp_path)
    with locks.hold("aws/i-1", "terminate box-1"):
        with pytest.raises(Refused) as refused:
            locks.hold("aws/i-1").__enter__()
        assert refused.value.why == "this program has worked on it for 0 s: terminate box-1"
    handle = locks.take("aws/i-1")
    assert handle is not None
    with pytest.raises(Refused, match="here or in another window"), locks.hold("aws/i-1"):
        pass
