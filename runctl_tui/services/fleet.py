"""The fleet: every machine with its price, its money so far and its runs. Implements `ports.Fleet`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from runctl_tui.domain.durations import in_a_word, in_one_unit
from runctl_tui.domain.facts import Fact, Unknown
from runctl_tui.domain.fleet import NOT_ASKED, FleetRow
from runctl_tui.domain.idleness import LOAD_SERVES, Work, idleness
from runctl_tui.domain.instance import ApiProtection, Instance
from runctl_tui.domain.money import dollars
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import ResourceNotFound, TrainctlError, ValidationError, unread
from runctl_tui.services.last_seen import LastSeen
from runctl_tui.services.runs.register import is_ours, may_be_asked
from runctl_tui.services.volume_prices import attached_month
from runctl_tui.services.volume_store import standing_volumes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.money import Price
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.services.machines import MachineList
    from runctl_tui.services.ports import Feed, ProviderRegistry
    from runctl_tui.services.prices import PriceBook
    from runctl_tui.services.runs.register import RunRegister
    from runctl_tui.services.standing import Standing
    from runctl_tui.services.tracker import ResourceTracker

    Rows = Snapshot[tuple[FleetRow, ...]]

NOT_YET: Final = Unknown("not asked yet")
PRICE_SECONDS: Final = 300.0
"""How long a type's price serves before it is asked again."""
RETRY_SECONDS: Final = 15.0
"""When a price that nobody knew is asked for again."""
PRICE_PATIENCE: Final = 10.0
"""Seconds that one price may take before its rows are shown without it."""
A_MINUTE: Final = timedelta(minutes=1)
NOT_OURS: Final = "only hosts of yours are asked"
PriceKey: TypeAlias = tuple[str, str, str, Market]


@dataclass(frozen=True, slots=True)
class FleetParts:
    """What the fleet is joined from."""

    registry: ProviderRegistry
    machines: MachineList
    prices: Callable[[], PriceBook | None]
    tracker: ResourceTracker
    runs: RunRegister
    clock: Clock


class FleetBook:
    """Joins what providers, price book, tracker and run register say about machines."""

    feed: Feed[tuple[FleetRow, ...]]
    """Set by the composition root, which knows the feed's pace."""

    def __init__(self, parts: FleetParts, warnings: Callable[[], bool] = lambda: True) -> None:
        self._parts = parts
        self._warnings = warnings
        self._priced: dict[PriceKey, tuple[float, Fact[Price]]] = {}
        self._last_seen = LastSeen()

    async def poll(self) -> Rows:
        """Read the fleet for the feed: machines at once, prices and money as far as they are known."""
        if self.feed.latest is None:
            self.feed_push(await self._bare())
        return await self.now()

    def feed_push(self, rows: Rows) -> None:
        """Show rows before they are complete."""
        push = getattr(self.feed, "push", None)
        if push is not None:
            push(rows)

    async def now(self) -> Rows:
        """Read it once, whole, and let the tracker take note of it."""
        listed = await self._parts.machines.now()
        asked = {price_key(machine) for machine in listed.value}
        prices, standing = await asyncio.gather(self._price_all(asked), standing_volumes(self._parts.registry))
        runs = await self._runs_by_machine()
        plain = (FleetRow(one, prices[price_key(one)], self._disks(one), None) for one in listed.value)
        snapshot = listed.holding(tuple(self._with_runs(row, runs) for row in plain))
        await self._parts.tracker.observe(snapshot)
        await self._parts.tracker.observe_volumes(_not_with_a_machine(standing, listed.value))
        money = await self._parts.tracker.so_far()
        filled, now = self._last_seen.fill(snapshot), self._parts.clock.now()
        told = (row if row.seen_at is None else self._with_runs(row, runs) for row in filled.value)
        rows = (replace(row, so_far=money.get(row.key), note=self._note(row, now)) for row in told)
        return filled.holding(tuple(rows))

    async def find(self, reference: str) -> FleetRow:
        """Return the machine with this key, id or unique name."""
        snapshot = await self.now()
        rows = [row for row in snapshot.value if row.seen_at is None]
        exact = [row for row in rows if reference in (row.key, row.instance.id)]
        found = exact or [row for row in rows if reference and row.instance.name == reference and alive(row.instance)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(row.instance.id for row in found)
            raise ValidationError(f"{reference!r} is the name of more than one machine", ids, "name one by its id")
        if snapshot.missing:
            raise unread(f"Whether there is a machine {reference!r} could not be read", snapshot.missing)
        raise ResourceNotFound(f"There is no machine {reference!r}", "", "list them: runctl-tui instances list")

    async def describe(self, key: str) -> Mapping[str, object]:
        """Return the provider's own words about one machine."""
        row = await self.find(key)
        return await self._parts.registry.get(row.instance.provider).describe(row.instance.id, row.instance.region)

    async def protections(self, key: str) -> Fact[ApiProtection]:
        """Return the provider's own locks on one machine; unknown where they cannot be read."""
        try:
            machine = (await self.find(key)).instance
            return await self._parts.registry.get(machine.provider).protections(machine.id, machine.region)
        except TrainctlError as error:
            return Unknown(str(error))

    async def logs(self, reference: str, follow: bool = True) -> AsyncIterator[str]:
        """Yield what a machine itself printed last, live where followed; Unsupported where nobody tells."""
        machine = (await self.find(reference)).instance
        async for line in self._parts.registry.get(machine.provider).logs(machine.id, follow):
            yield line

    async def _bare(self) -> Rows:
        listed = await self._parts.machines.now()
        rows = tuple(FleetRow(machine, NOT_YET, None, None) for machine in listed.value)
        return listed.holding(rows)

    async def _price_all(self, keys: Collection[PriceKey]) -> Mapping[PriceKey, Fact[Price]]:
        """Return the price of each kind of machine, each asked once in a while whatever the size of the fleet."""
        now = self._parts.clock.monotonic()
        due = [key for key in keys if key not in self._priced or now >= self._priced[key][0]]
        for key, fact in zip(due, await asyncio.gather(*(self._price(key) for key in due)), strict=True):
            self._priced[key] = (now + (RETRY_SECONDS if isinstance(fact, Unknown) else PRICE_SECONDS), fact)
        for gone in self._priced.keys() - set(keys):
            if now >= self._priced[gone][0]:
                del self._priced[gone]
        return {key: self._priced[key][1] for key in keys}

    async def _price(self, key: PriceKey) -> Fact[Price]:
        provider, region, type_name, market = key
        try:
            async with asyncio.timeout(PRICE_PATIENCE):
                return await self._parts.registry.get(provider).estimate_cost(region, type_name, market)
        except TimeoutError:
            return Unknown("nobody told its price in time")
        except TrainctlError as error:
            return Unknown(str(error))

    def _disks(self, machine: Instance) -> Decimal | None:
        total = Decimal(0)
        own = [disk for disk in machine.disks if not disk.apart]
        prices = self._parts.prices()
        if prices is None:
            return total if not own else None
        for disk in own:
            if disk.usd_per_month:
                total += Decimal(disk.usd_per_month)
                continue
            fact = attached_month(prices, machine.region, disk)
            if isinstance(fact, Unknown):
                return None
            total += fact.value
        return total

    async def _runs_by_machine(self) -> dict[str, list[TrainingSession]]:
        latest = self._parts.runs.feed.latest
        found: dict[str, list[TrainingSession]] = {}
        for session in latest.value if latest else await self._parts.runs.remembered():
            found.setdefault(session.machine_key, []).append(session)
        return found

    def _with_runs(self, row: FleetRow, runs: Mapping[str, Sequence[TrainingSession]]) -> FleetRow:
        word = self._parts.runs.told.get(row.key)
        usage, unknown = word.usage if word else None, self._runs_unknown(row.instance)
        return replace(row, runs=tuple(runs.get(row.key, ())), usage=usage, runs_unknown=unknown)

    def _note(self, row: FleetRow, now: datetime) -> str:
        if row.seen_at is not None:
            silence = now - row.seen_at
            return f"not seen for {in_a_word(silence.total_seconds())}" if silence >= A_MINUTE else "not seen now"
        return note(row, now if self._warnings() else None)

    def _runs_unknown(self, machine: Instance) -> str:
        """Return why the runs of a machine are not known; empty where its host told them a moment ago."""
        if machine.state is ResourceState.RUNNING and not is_ours(machine):
            return NOT_OURS
        word = self._parts.runs.told.get(machine.key)
        if word is None:
            return NOT_ASKED
        age = self._parts.clock.now() - word.at
        return f"not told for {in_one_unit(age.total_seconds())}" if age > LOAD_SERVES else word.silence


def _not_with_a_machine(standing: Standing | None, machines: Iterable[Instance]) -> Standing | None:
    """Return the volumes that no machine is seen with: a machine's disks are counted with it."""
    if standing is None:
        return None
    taken = {disk.volume_id for machine in machines for disk in machine.disks if not disk.apart}
    return replace(standing, value=tuple(one for one in standing.value if one.id not in taken))


def price_key(machine: Instance) -> PriceKey:
    """Return what decides a machine's price."""
    return machine.provider, machine.region, machine.type, machine.market


def alive(machine: Instance) -> bool:
    """Tell whether a machine still exists for the purpose of naming it."""
    return machine.state not in (ResourceState.TERMINATED, ResourceState.TERMINATING)


def note(row: FleetRow, now: datetime | None) -> str:
    """Return the remark that a machine deserves; `now` is None where warnings are not wanted."""
    machine = row.instance
    if now is not None:
        if machine.state is ResourceState.STOPPED and row.disks_per_month:
            return f"disk costs ${row.disks_per_month:.0f}/mo"
        if may_be_asked(machine) and (remark := idle_note(row, now)):
            return remark
    return f"managed by {machine.parent}" if machine.parent else ""


def idle_note(row: FleetRow, now: datetime) -> str:
    """Return for how long a machine has run for nothing and what it cost meanwhile, or that nobody can tell."""
    judged = idleness(row, now)
    if judged is None or judged.since is None or judged.work is Work.BUSY:
        return ""
    if judged.work is Work.UNKNOWN:
        return "" if row.runs_unknown == NOT_ASKED else "idle or not is unknown"
    words = f"idle {in_a_word((now - judged.since).total_seconds())}"
    if judged.spent is None:
        return words
    return f"{words}, {dollars(judged.spent) if judged.spent < 10 else f'${judged.spent:,.0f}'}"
