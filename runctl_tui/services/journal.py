"""The journal: what was about to be done is on the disk before it is done, and is settled after any crash.

`ActionService` writes it; on start `reconcile` settles what an earlier process left open, before anything else touches
those resources.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Known
from runctl_tui.domain.launch import launch_tokens
from runctl_tui.domain.marks import INSTANCE, Mark
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.states import MARKING, ON_UPLOADS, STORAGE
from runctl_tui.services.accounts import Whose, nobodys
from runctl_tui.services.errors import ResourceNotFound, StateError, TrainctlError
from runctl_tui.services.locks import LockSet
from runctl_tui.services.ports import ProviderRegistry, TrainingProvider
from runctl_tui.services.redaction import redacted
from runctl_tui.services.store import Store, from_micros, to_micros


class JournalState(StrEnum):
    """How far an operation came."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    SENT = "sent"
    """The call may have reached the provider from here on."""
    ACKED = "acked"
    VERIFIED = "verified"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    """Nobody knows whether the call arrived."""


NO_CAPACITY: Final = "InsufficientInstanceCapacity"
"""What the detail of a failed row says where there was no room."""
SETTLED_AT_ONCE: Final = 16
"""Resources of unsettled operations that are asked about at the same time."""
SETTLING: Final = timedelta(seconds=60)
"""How long after a call its effect may still be invisible."""
_NEXT: Final = {
    JournalState.PLANNED: {JournalState.CONFIRMED, JournalState.FAILED},
    JournalState.CONFIRMED: {JournalState.SENT, JournalState.FAILED},
    JournalState.SENT: {JournalState.ACKED, JournalState.VERIFIED, JournalState.FAILED, JournalState.AMBIGUOUS},
    JournalState.ACKED: {JournalState.VERIFIED, JournalState.FAILED, JournalState.AMBIGUOUS},
    JournalState.AMBIGUOUS: {JournalState.ACKED, JournalState.VERIFIED, JournalState.FAILED, JournalState.AMBIGUOUS},
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One intended call on one resource."""

    op_id: str
    operation: Operation
    kind: str
    """instance, run, volume, snapshot."""
    resource: str
    """The key 'provider/id', or a run's id; for what does not exist yet its kind and name."""
    name: str
    provider: str
    region: str
    plan_hash: str
    token: str
    """What makes the call idempotent, or finds its result again."""
    who: str
    effect: str


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it stands."""

    entry: Entry
    state: JournalState
    at: datetime
    detail: str = ""
    profile: str = ""
    """In whose account the call was made; nobody else's answers settle it."""


class Journal:
    """Writes down every changing call before it is made."""

    def __init__(self, store: Store, clock: Clock, locks: LockSet, whose: Whose = nobodys) -> None:
        self._whose = whose
        self._store = store
        self._clock = clock
        self._locks = locks

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
                    state, detail = await settle(row, registry, self._clock.now())
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


_ARRIVED: Final = {
    Operation.START: {ResourceState.RUNNING, ResourceState.STARTING},
    Operation.STOP: {ResourceState.STOPPED, ResourceState.STOPPING},
    Operation.TERMINATE: {ResourceState.TERMINATED, ResourceState.TERMINATING},
}


async def settle(row: Row, registry: ProviderRegistry, now: datetime) -> tuple[JournalState, str]:
    """Return what an unsettled operation came to, as far as its provider can tell now.

    A provider's lists lag behind its calls, so that only time makes 'not there' mean 'never arrived'.
    """
    entry = row.entry
    if entry.operation in STORAGE:
        return await _settle_storage(row, registry, now)
    if entry.operation in ON_UPLOADS:
        return await _settle_upload(row, registry, now)
    if entry.operation in MARKING:
        return await _settle_mark(row, registry, now)
    if entry.operation not in _ARRIVED and entry.operation is not Operation.LAUNCH:
        return JournalState.FAILED, "the program ended in the middle; the thing itself tells how far it came"
    early = now - row.at < SETTLING
    try:
        provider = registry.get(entry.provider)
        if entry.operation is Operation.LAUNCH:
            return await _settle_launch(provider, row, early)
        instance = await provider.get_resource_status(entry.resource.partition("/")[2], entry.region)
    except ResourceNotFound:
        gone = entry.operation is Operation.TERMINATE
        return (JournalState.VERIFIED if gone else JournalState.FAILED), "it no longer exists"
    except TrainctlError as error:
        return row.state, str(error)
    if instance.state in _ARRIVED[entry.operation]:
        return JournalState.VERIFIED, f"it is {instance.state.value}"
    words = f"it is {instance.state.value}"
    if early:
        return row.state, words
    if row.state is JournalState.ACKED:
        return JournalState.VERIFIED, f"the call was accepted; {words} now, by what came after it"
    return JournalState.FAILED, f"{words}: the call never arrived"


async def _settle_storage(row: Row, registry: ProviderRegistry, now: datetime) -> tuple[JournalState, str]:
    from runctl_tui.services.volume_store import StorageCall, volume_store
    from runctl_tui.services.volume_wait import settle_change

    entry, early = row.entry, now - row.at < SETTLING
    call = StorageCall(entry.operation, entry.region, entry.resource.partition("/")[2], entry.token)
    try:
        arrived, words = await settle_change(volume_store(registry, entry.provider), call, row.at - SETTLING)
    except TrainctlError as error:
        return row.state, str(error)
    if arrived:
        return JournalState.VERIFIED, words
    return (row.state, words) if early else (JournalState.FAILED, f"{words}: the call never arrived")


async def _settle_upload(row: Row, registry: ProviderRegistry, now: datetime) -> tuple[JournalState, str]:
    from runctl_tui.domain.uploads import split_upload
    from runctl_tui.services.upload_store import find_upload, upload_store

    try:
        await find_upload(upload_store(registry, row.entry.provider), *split_upload(row.entry.resource))
    except ResourceNotFound:
        return JournalState.VERIFIED, "it is gone"
    except (TrainctlError, ValueError) as error:
        return row.state, str(error)
    if now - row.at < SETTLING:
        return row.state, "it is still listed"
    return JournalState.FAILED, "it is still listed: the call never arrived"


async def _settle_mark(row: Row, registry: ProviderRegistry, now: datetime) -> tuple[JournalState, str]:
    from runctl_tui.services.mark_store import mark_store

    entry, resource_id = row.entry, row.entry.resource.partition("/")[2]
    try:
        mark = Mark.from_text(entry.token)
        lock = None
        if entry.kind == INSTANCE:
            told = await registry.get(entry.provider).protections(resource_id, entry.region)
            lock = told.value if isinstance(told, Known) else None
        tags = await mark_store(registry, entry.provider).tags(resource_id, entry.region)
    except (TrainctlError, ValueError) as error:
        return row.state, str(error)
    if mark.holds(tags, lock):
        return JournalState.VERIFIED, f"it has {mark.words}"
    early = now - row.at < SETTLING
    return (row.state, "not seen yet") if early else (JournalState.FAILED, f"it has not {mark.words}")


async def _settle_launch(provider: TrainingProvider, row: Row, early: bool) -> tuple[JournalState, str]:
    for token in launch_tokens(row.entry.token):
        made = await provider.find_by_token(token, row.entry.region)
        if made is not None:
            return JournalState.VERIFIED, f"it created {made.id}"
    return (row.state, "not found yet") if early else (JournalState.FAILED, "nothing was created")


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
