"""The journal: what was about to be done is on the disk before it is done, and is settled after any crash.

`ActionService` writes it; on start `reconcile` settles what an earlier process left open, before anything else touches
those resources.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.plan import Operation
from runctl_tui.services.accounts import Whose, nobodys
from runctl_tui.services.errors import StateError
from runctl_tui.services.journal_rows import Entry, JournalState, Row
from runctl_tui.services.locks import LockSet
from runctl_tui.services.ports import ProviderRegistry
from runctl_tui.services.redaction import redacted
from runctl_tui.services.settling import Witness, settle
from runctl_tui.services.store import Store, from_micros, to_micros

NO_CAPACITY: Final = "InsufficientInstanceCapacity"
"""What the detail of a failed row says where there was no room."""
SETTLED_AT_ONCE: Final = 16
"""Resources of unsettled operations that are asked about at the same time."""
_NEXT: Final = {
    JournalState.PLANNED: {JournalState.CONFIRMED, JournalState.FAILED},
    JournalState.CONFIRMED: {JournalState.SENT, JournalState.FAILED},
    JournalState.SENT: {JournalState.ACKED, JournalState.VERIFIED, JournalState.FAILED, JournalState.AMBIGUOUS},
    JournalState.ACKED: {JournalState.VERIFIED, JournalState.FAILED, JournalState.AMBIGUOUS},
    JournalState.AMBIGUOUS: {JournalState.ACKED, JournalState.VERIFIED, JournalState.FAILED, JournalState.AMBIGUOUS},
}


class Journal:
    """Writes down every changing call before it is made."""

    def __init__(self, store: Store, clock: Clock, locks: LockSet, whose: Whose = nobodys) -> None:
        self._whose = whose
        self._store = store
        self._clock = clock
        self._locks = locks
        self.witnesses: Mapping[Operation, Witness] = {}
        """Who is asked about operations that no provider keeps a state of."""

    async def usable(self) -> bool:
        """Return whether a row that is written now would survive us."""
        try:
            await self._store.run(lambda connection: connection.execute("SELECT 1").fetchone())
        except StateError:
            return False
        return self._store.durable

    async def begin(self, entry: Entry) -> None:
        """Write the plan and its confirmation."""
        at = to_micros(self._clock.now())

        def work(connection: sqlite3.Connection) -> None:
            values: tuple[str | int, ...] = (
                entry.op_id, entry.operation.value, entry.kind, entry.resource, entry.name, entry.provider,
                entry.region, entry.plan_hash, entry.token, entry.who, redacted(entry.effect),
                JournalState.CONFIRMED.value, at, self._whose(entry.provider),
            )  # fmt: skip
            connection.execute(f"INSERT INTO journal VALUES ({', '.join('?' * len(values))})", values)
            for state in (JournalState.PLANNED, JournalState.CONFIRMED):
                _append(connection, entry.op_id, state, at, "")

        await self._store.run(work)
        self._check_kept()

    async def mark(self, op_id: str, state: JournalState, detail: str = "") -> None:
        """Write a step; it is on the disk when this returns. StateError for a step that cannot follow."""
        at = to_micros(self._clock.now())

        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT state FROM journal WHERE op_id = ?", (op_id,)).fetchone()
            if row is None or state not in _NEXT.get(JournalState(row["state"]), ()):
                raise StateError(f"operation {op_id} cannot become {state.value}")
            connection.execute("UPDATE journal SET state = ?, at = ? WHERE op_id = ?", (state.value, at, op_id))
            _append(connection, op_id, state, at, detail)

        await self._store.run(work)
        if state is JournalState.SENT:
            self._check_kept()

    def _check_kept(self) -> None:
        """Raise StateError before a call whose row would die with this program: a full disk is answered from memory."""
        if not self._store.durable:
            what = "it is not done: the journal cannot be written"
            raise StateError(what, "nothing can be written to the state folder", f"make room in {self._store.folder}")

    async def open_rows(self, resource: str) -> tuple[Row, ...]:
        """Return the operations on a resource whose outcome is not known."""
        return await self._rows("WHERE j.resource = ? AND j.state IN ('sent', 'acked', 'ambiguous')", resource)

    async def unsettled(self) -> tuple[Row, ...]:
        """Return all operations whose outcome is not known, oldest first."""
        return await self._rows("WHERE j.state IN ('sent', 'acked', 'ambiguous')")

    async def history(self, limit: int = 200) -> tuple[Row, ...]:
        """Return the latest operations, oldest first."""
        return (await self._rows(""))[-limit:]

    async def about(self, references: Sequence[str], words: str = "") -> tuple[Row, ...]:
        """Return the operations on these resources, and those whose effect or result names `words`, oldest first."""
        places = ", ".join("?" * len(references))
        names = " OR instr(j.effect, ?) OR instr(detail, ?)" if words else ""
        return await self._rows(
            f"WHERE j.resource IN ({places}){names}", *references, *([words, words] if words else ())
        )

    async def last_time(self, resource: str, operation: Operation) -> datetime | None:
        """Return when a resource last went through an operation, or may have; None: it never did."""
        query = "SELECT MAX(at) AS at FROM journal WHERE resource = ? AND operation = ? AND state != ?"
        values = (resource, operation.value, JournalState.FAILED.value)

        def work(connection: sqlite3.Connection) -> datetime | None:
            found = connection.execute(query, values).fetchone()["at"]
            return None if found is None else from_micros(found)

        return await self._store.run(work)

    async def refused_for_capacity(self, provider: str, region: str, since: datetime) -> datetime | None:
        """Return when a place last had no room for a machine of ours since then; None: it had, or was not asked."""
        query = (
            "SELECT MAX(e.at) AS at FROM journal j JOIN journal_events e ON e.op_id = j.op_id"
            " WHERE j.provider = ? AND j.region = ? AND j.operation IN (?, ?) AND e.state = ? AND e.at >= ?"
            " AND e.detail LIKE ?"
        )
        buying = (Operation.LAUNCH.value, Operation.START.value)
        values = (provider, region, *buying, JournalState.FAILED.value, to_micros(since), f"%{NO_CAPACITY}%")

        def work(connection: sqlite3.Connection) -> datetime | None:
            found = connection.execute(query, values).fetchone()["at"]
            return None if found is None else from_micros(found)

        return await self._store.run(work)

    async def events(self, op_id: str) -> tuple[JournalState, ...]:
        """Return the states that an operation went through, in order."""

        def work(connection: sqlite3.Connection) -> tuple[JournalState, ...]:
            rows = connection.execute("SELECT state FROM journal_events WHERE op_id = ? ORDER BY id", (op_id,))
            return tuple(JournalState(row["state"]) for row in rows)

        return await self._store.run(work)

    async def reconcile(self, registry: ProviderRegistry, resource: str = "") -> tuple[Row, ...]:
        """Settle what was left open, everywhere or on one resource, and return what is still open.

        What a living process is working on is locked, and left to it; what was done in another account is not seen
        from here. Resources are asked about at the same time, so that one that hangs holds up few others.
        """
        rows = await (self.open_rows(resource) if resource else self.unsettled())
        ours: dict[str, list[Row]] = {}
        for row in rows:
            if row.profile == self._whose(row.entry.provider):
                ours.setdefault(row.entry.resource, []).append(row)
        limit = asyncio.Semaphore(SETTLED_AT_ONCE)
        await asyncio.gather(*(self._settle_resource(each, registry, limit) for each in ours.values()))
        return await (self.open_rows(resource) if resource else self.unsettled())

    async def _settle_resource(self, rows: Sequence[Row], registry: ProviderRegistry, limit: asyncio.Semaphore) -> None:
        async with limit:
            handle = self._locks.take(rows[0].entry.resource)
            if handle is None:
                return
            with _closing(handle):
                for row in rows:
                    state, detail = await settle(
                        row, registry, self._clock.now(), self.witnesses.get(row.entry.operation)
                    )
                    if state is not row.state:
                        await self.mark(row.entry.op_id, state, detail)

    async def _rows(self, where: str, *values: str) -> tuple[Row, ...]:
        query = (
            "SELECT j.*, (SELECT detail FROM journal_events e WHERE e.op_id = j.op_id ORDER BY id DESC LIMIT 1)"
            f" AS detail FROM journal j {where} ORDER BY j.at, j.rowid"
        )

        def work(connection: sqlite3.Connection) -> tuple[Row, ...]:
            return tuple(_row(row) for row in connection.execute(query, values))

        return await self._store.run(work)


def _append(connection: sqlite3.Connection, op_id: str, state: JournalState, at: int, detail: str) -> None:
    connection.execute(
        "INSERT INTO journal_events (op_id, state, at, detail) VALUES (?, ?, ?, ?)",
        (op_id, state.value, at, redacted(detail)),
    )


def _row(row: sqlite3.Row) -> Row:
    texts = ("kind", "resource", "name", "provider", "region", "plan_hash", "token", "who", "effect")
    entry = Entry(row["op_id"], Operation(row["operation"]), *(row[name] for name in texts))
    return Row(entry, JournalState(row["state"]), from_micros(row["at"]), row["detail"] or "", row["profile"])


@contextlib.contextmanager
def _closing(handle: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(handle)
