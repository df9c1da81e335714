"""`ResourceTracker`: what was seen when, in which state, at which price, and what all of it has cost.

The fleet feeds `observe`; the cost bar, the Costs screen and `runctl-tui cost` read. Its ledger is in the state file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeVar

from runctl_tui.domain import ledger
from runctl_tui.domain.clock import Clock
from runctl_tui.domain.cost import Billed, CostReport, CostSummary, TrackedResource
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.history import Account
from runctl_tui.domain.money import cents
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.resource import Ownership, ResourceState
from runctl_tui.domain.run import ResourceUsage
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.volume import Volume
from runctl_tui.services import cost_reports, ledger_rows, ledger_world, ledger_writes, usage_rows
from runctl_tui.services.accounts import Whose, nobodys
from runctl_tui.services.errors import ResourceExists, ResourceNotFound
from runctl_tui.services.feed import PollingFeed
from runctl_tui.services.ledger_books import (
    Books,
    Pages,
    Sums,
    account_of,
    again,
    carried,
    carried_on,
    counted_apart,
    fingerprint,
    in_cents,
    priced,
    registered,
    sums_of,
    told,
    volume_fingerprint,
)
from runctl_tui.services.ledger_looks import Looks, ThingT
from runctl_tui.services.ledger_rows import Seen
from runctl_tui.services.ports import Feed
from runctl_tui.services.store import Store

CHUNK: Final = 500
"""Machines or volumes written in one transaction."""
POLL_SECONDS: Final = 2.0
_ZERO: Final = Decimal(0)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Volumes:
    """What the last look at volumes leaves out."""

    foreign: int = 0
    partial: bool = False

    def missing(self) -> tuple[str, ...]:
        """Return it in words."""
        return ("some volumes",) if self.partial else ()


@dataclass(frozen=True, slots=True)
class Others:
    """What others tell the tracker, asked whenever a figure is made."""

    budget: Callable[[], Decimal | None] = lambda: None
    balance: Callable[[], tuple[str, bool]] = lambda: ("", False)
    """A prepaid account's balance in words, and whether it is low."""
    billed: Callable[[], tuple[Billed, ...]] = tuple
    project_budgets: Callable[[], Mapping[str, Decimal]] = dict
    whose: Whose = nobodys


class ResourceTracker:
    """Keeps the ledger; every figure is the sum of priced intervals, and what has no price is named."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        others: Others | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._others = others or Others()
        self._missing: tuple[str, ...] = ()
        self._foreign = 0
        whose = self._others.whose
        self._machines: Looks[FleetRow] = Looks(fingerprint, lambda row: _is_foreign(row.instance.ownership), whose)
        self._volumes: Looks[Volume] = Looks(volume_fingerprint, lambda one: _is_foreign(one.ownership), whose)
        self._readings = usage_rows.Readings()
        self._without = _Volumes()
        self._former: ledger_world.Former | None = None
        self._cache: dict[str, tuple[object, Any]] = {}
        self._feed: PollingFeed[CostSummary] = PollingFeed(self._snapshot, POLL_SECONDS, clock, key=in_cents)

    @property
    def feed(self) -> Feed[CostSummary]:
        """The cost bar's figures; a new one when a cent has changed."""
        return self._feed

    async def observe(self, snapshot: Snapshot[tuple[FleetRow, ...]]) -> None:
        """Record what a look at the fleet proves of when it began; what was not looked at is left as it was."""
        now = snapshot.taken_at
        self._missing = await self._left_out(snapshot.missing)
        found = await self._store.run(lambda _: self._machines.compare(snapshot.value, now))
        await self._write(found.due, partial(ledger_writes.write, look=found, now=now), self._machines)
        self._foreign = found.foreign
        if found.overdue or found.keys != self._machines.keys:
            await self._store.run(lambda connection: ledger_writes.write_gone(connection, found, snapshot, now))
        self._machines.done(found, now)
        await self._store.run(lambda connection: self._readings.write(connection, snapshot.value))
        if found.due:
            self._feed.refresh()

    async def _left_out(self, missing: Sequence[Problem]) -> tuple[str, ...]:
        """Return in words what a look did not reach; what is recorded there already stays in the figures."""
        held = await self._store.run(ledger_rows.places) if missing else frozenset()
        return tuple(dict.fromkeys(_unread(problem, held) for problem in missing))

    async def observe_volumes(self, snapshot: Snapshot[tuple[Volume, ...]] | None) -> None:
        """Record the volumes that cost by themselves, mounted or not; None where no provider has any."""
        if snapshot is None:
            return
        now = self._clock.now()
        found = await self._store.run(lambda _: self._volumes.compare(snapshot.value, now))
        self._without = _Volumes(found.foreign, not all(one.not_connected for one in snapshot.missing))
        await self._write(found.due, partial(ledger_writes.write_volumes, look=found, now=now), self._volumes)
        changed = found.keys != self._volumes.keys
        if found.overdue or changed:
            await self._store.run(lambda connection: ledger_writes.end_volumes(connection, found, snapshot, now))
        self._volumes.done(found, now)
        if found.due or changed:
            self._feed.refresh()

    async def enter_world(self, world: str) -> None:
        """Keep the ledger for this world of the sandbox alone; what a former one had is said to be left out."""
        now = self._clock.now()
        self._former = await self._store.run(lambda connection: ledger_world.enter(connection, world, now))

    async def _write(self, due: Sequence[ThingT], write: Callable[..., None], looks: Looks[ThingT]) -> None:
        """Write things a part at a time, so that others have the store in between."""
        for start in range(0, len(due), CHUNK):
            part = due[start : start + CHUNK]
            await self._store.run(partial(self._write_part, part=part, write=write, looks=looks))

    def _write_part(
        self, connection: sqlite3.Connection, part: Sequence[ThingT], write: Callable[..., None], looks: Looks[ThingT]
    ) -> None:
        write(connection, part)
        looks.wrote(part)

    async def now(self) -> CostSummary:
        """Return the figures at this moment."""
        return await self.summary()

    async def summary(self) -> CostSummary:
        """Return burn, today, this month (UTC) and its forecast, with what they leave out."""
        now = self._clock.now()
        day, month = ledger.day_of(now)[0], ledger.month_of(now)[0]
        budgets = dict(self._others.project_budgets())

        def make(connection: sqlite3.Connection) -> Sums:
            seen = ledger_rows.everything(connection)
            return sums_of(seen, ledger_rows.intervals_since(connection, month), day, month, budgets)

        name = f"figures {day} {sorted(budgets)}"
        sums = await self._store.run(lambda connection: self._kept(connection, name, make))
        kept = sums.all
        today, so_far = kept.at(now)
        balance, low = self._others.balance()
        return CostSummary(
            as_of=now,
            burn_per_hour=kept.burn,
            today=today,
            month=so_far,
            forecast=ledger.forecast(so_far, kept.burn, now),
            budget=self._others.budget(),
            excluded=(
                *self._missing,
                *self._without.missing(),
                *self._elsewhere(sums.profiles),
                *(self._former.words(now) if self._former else ()),
                *kept.excluded(self._foreign + self._without.foreign),
            ),
            estimated=kept.running > 0,
            running=kept.running,
            balance=balance,
            balance_low=low,
            known=self._machines.written is not None or so_far > 0,
            billed=self._others.billed(),
            projects=sums.budgets(budgets, now),
            unread=bool(self._missing) or self._without.partial,
        )

    def _elsewhere(self, profiles: Collection[tuple[str, str]]) -> tuple[str, ...]:
        """Say in which other accounts something goes on as it was last seen there."""
        others = sorted({profile for profile, provider in profiles if profile != self._others.whose(provider)})
        return tuple(f"changes in {f'profile {one}' if one else 'the default profile'}" for one in others)

    async def resources(self) -> tuple[TrackedResource, ...]:
        """Return every resource in the ledger, dearest first."""
        books = await self._read(None)
        own = books.of_each()
        found = [told(one, own[one.key]) for one in books.seen]
        return tuple(sorted(found, key=lambda one: (-one.accumulated, one.provider, one.id)))

    async def so_far(self) -> Mapping[str, Decimal]:
        """Return dollars per resource key ('provider/id'); what was never priced is absent."""
        now = self._clock.now()

        def work(connection: sqlite3.Connection) -> Mapping[str, Decimal]:
            sums, seen = self._kept(connection, "sums", ledger_writes.sums)
            return {one.key: sums.get(one.key, _ZERO) + carried(one, now) for one in seen if priced(one, sums)}

        return await self._store.run(work)

    async def report(
        self, dimension: str = "project", since: datetime | None = None, until: datetime | None = None
    ) -> CostReport:
        """Return what a stretch of time (this month so far) has cost, by UTC day and by a dimension or a tag."""
        cost_reports.check(dimension)
        start = since or ledger.month_of(self._clock.now())[0]
        books = await self._read(start)
        made = cost_reports.report(books, dimension, start, until or books.now)
        return cost_reports.with_budgets(made, books, self._others.project_budgets())

    async def by(self, dimension: str) -> tuple[tuple[str, str], ...]:
        """Return dollars this month by 'project', 'run', 'type' and so on, dearest first."""
        shares = (await self.report(dimension)).shares
        return tuple((one.name, str(cents(one.usd))) for one in shares if one.name or dimension != "run")

    async def run_cost(self, run_id: str) -> Decimal | None:
        """Return what a run has cost; None where nothing is known about it, or it never had a price."""
        books = await self._read(None)
        places = {span.resource for span in books.spans if span.run == run_id}
        priced = [one for one in books.intervals if one.resource in places and one.usd_per_hour is not None]
        return ledger.by_run(priced, books.spans).get(run_id)

    async def account(self, key: str) -> Fact[Account]:
        """Return what the ledger knows of one resource; unknown where it was never seen, or is nobody's to pay for."""
        now = self._clock.now()

        def work(connection: sqlite3.Connection) -> Fact[Account]:
            seen = ledger_rows.find(connection, key)
            if seen is None:
                return Unknown("the ledger has not seen it; machines of others are not recorded")
            intervals = [*ledger_rows.intervals_of(connection, key), *carried_on(seen, now)]
            states, spans = ledger_rows.states_of(connection, key), ledger_rows.spans(connection, key)
            return Known(account_of(Pages(seen, intervals, states, spans), now), seen.tracked.last_seen_at, "ledger")

        return await self._store.run(work)

    async def register(self, resource: TrackedResource) -> None:
        """Begin to track a resource; ResourceExists where it is tracked already."""
        seen = registered(resource, self._clock.now())

        def work(connection: sqlite3.Connection) -> None:
            if ledger_rows.find(connection, seen.key) is not None:
                raise ResourceExists(f"{seen.key} is tracked already")
            ledger_rows.record(connection, seen)

        await self._store.run(work)

    async def update_state(self, reference: str, state: ResourceState) -> None:
        """Record a state from now on; everything else stays. ResourceNotFound for an unknown resource."""
        await self._sight(reference, state)

    async def refresh(self, reference: str = "") -> None:
        """Record that a resource, or each one, is still as it was last seen."""
        for one in [await self._find(reference)] if reference else (await self._read(None)).seen:
            await self._sight(one.key, None)

    async def update_usage(self, reference: str, usage: ResourceUsage) -> None:
        """Append a reading to a resource's history, which keeps the newest 1000."""
        key = (await self._find(reference)).key
        await self._store.run(lambda connection: usage_rows.append(connection, key, usage))

    async def usage_history(self, reference: str) -> tuple[ResourceUsage, ...]:
        """Return a resource's readings, oldest first."""
        key = (await self._find(reference)).key
        return await self._store.run(lambda connection: usage_rows.history(connection, key))

    async def get_running(self) -> tuple[TrackedResource, ...]:
        """Return what runs or starts."""
        wanted = (ResourceState.RUNNING, ResourceState.STARTING)
        return tuple(one for one in await self.resources() if one.state in wanted)

    async def get_by_tag(self, key: str, value: str | None = None) -> tuple[TrackedResource, ...]:
        """Return what carries a tag, with this value where one is given."""
        found = [(one, dict(one.tags)) for one in await self.resources()]
        return tuple(one for one, tags in found if key in tags and value in (None, tags[key]))

    async def get_by_id(self, reference: str) -> TrackedResource:
        """Return the resource with this key or id; ResourceNotFound otherwise."""
        found = await self._find(reference)
        books = await self._read(None)
        return told(found, books.of_each()[found.key])

    async def exists(self, reference: str) -> bool:
        """Return whether a resource is tracked."""
        return any(reference in (one.key, one.tracked.id) for one in (await self._read(None)).seen)

    async def remove(self, reference: str) -> None:
        """Forget a resource with its money; ResourceNotFound where there is none."""
        key = (await self._find(reference)).key
        await self._store.run(lambda connection: ledger_rows.forget(connection, key))

    async def total_cost(self) -> Decimal:
        """Return the dollars of everything in the ledger."""
        return ledger.accumulated((await self._read(None)).intervals)

    async def _sight(self, reference: str, state: ResourceState | None) -> None:
        now = self._clock.now()
        key = (await self._find(reference)).key

        def work(connection: sqlite3.Connection) -> None:
            before = ledger_rows.find(connection, key)
            if before is not None:
                ledger_rows.record(connection, again(before, before.tracked.state, now))
                if state is not None and state is not before.tracked.state:
                    ledger_rows.record(connection, again(before, state, now))

        await self._store.run(work)

    async def _find(self, reference: str) -> Seen:
        def work(connection: sqlite3.Connection) -> Seen:
            found = [one for one in ledger_rows.everything(connection) if reference in (one.key, one.tracked.id)]
            if not found:
                raise ResourceNotFound(f"{reference} is not tracked")
            return found[0]

        return await self._store.run(work)

    async def _read(self, start: datetime | None) -> Books:
        now = self._clock.now()

        def work(connection: sqlite3.Connection) -> Books:
            seen = tuple(ledger_rows.everything(connection))
            intervals = ledger_rows.intervals_since(connection, start)
            intervals += [part for one in seen for part in carried_on(one, now)]
            table = {one.key: one for one in seen}
            intervals = [part for part in intervals if not counted_apart(part, table[part.resource])]
            begun = ledger_rows.begun(connection) or min((one.start for one in intervals), default=None)
            return Books(now, seen, tuple(intervals), tuple(ledger_rows.spans(connection)), begun)

        return await self._store.run(work)

    async def _snapshot(self) -> Snapshot[CostSummary]:
        summary = await self.summary()
        return Snapshot(summary, summary.as_of)

    def _kept(self, connection: sqlite3.Connection, name: str, make: Callable[[sqlite3.Connection], T]) -> T:
        """Return what was made before, as long as nobody has written to the file since."""
        other = connection.execute("PRAGMA data_version").fetchone()[0]
        version = (name, other, connection.total_changes)
        kind = name.partition(" ")[0]
        if kind not in self._cache or self._cache[kind][0] != version:
            self._cache[kind] = (version, make(connection))
        made: T = self._cache[kind][1]
        return made


def _is_foreign(ownership: Ownership) -> bool:
    return ownership is Ownership.FOREIGN


def _unread(problem: Problem, held: Collection[str]) -> str:
    """Return what could not be looked at, in short; `held` are the places whose machines the figures go on with."""
    if problem.not_connected:
        return f"{problem.not_connected} (not connected)"
    place = problem.scope.rpartition("/")[2] or problem.what
    return f"changes in {place}" if problem.scope in held else place
