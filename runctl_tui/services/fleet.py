"""The fleet: every machine with its price, its money so far and its runs. Implements `ports.Fleet`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.instance import Instance, Market
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import ResourceNotFound, TrainctlError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.facts import Fact
    from runctl_tui.domain.money import Price
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.services.machines import MachineList
    from runctl_tui.services.ports import Feed, ProviderRegistry
    from runctl_tui.services.prices import PriceBook
    from runctl_tui.services.runs.register import RunRegister
    from runctl_tui.services.tracker import ResourceTracker

    Rows = Snapshot[tuple[FleetRow, ...]]

NOT_YET: Final = Unknown("not asked yet")
PRICE_SECONDS: Final = 300.0
"""How long a type's price serves before it is asked again."""


class FleetBook:
    """Joins what providers, price book, tracker and run register say about machines."""

    feed: Feed[tuple[FleetRow, ...]]
    """Set by the composition root, which knows the feed's pace."""

    def __init__(
        self,
        registry: ProviderRegistry,
        machines: MachineList,
        prices: Callable[[], PriceBook | None],
        tracker: ResourceTracker,
        runs: RunRegister,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._machines = machines
        self._prices = prices
        self._tracker = tracker
        self._runs = runs
        self._clock = clock
        self._priced: dict[tuple[str, str, str, Market], tuple[float, Fact[Price]]] = {}

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
        listed = await self._machines.now()
        prices = await asyncio.gather(*(self._price(machine) for machine in listed.value))
        runs = await self._runs_by_machine()
        rows = []
        for machine, price in zip(listed.value, prices, strict=True):
            disks = self._disks(machine)
            rows.append(FleetRow(machine, price, disks, None, runs.get(machine.id, ()), note=note(machine, disks)))
        snapshot = Snapshot(tuple(rows), listed.taken_at, listed.scope, listed.missing)
        await self._tracker.observe(snapshot)
        money = await self._tracker.so_far()
        return replace(snapshot, value=tuple(replace(row, so_far=money.get(row.key)) for row in rows))

    async def find(self, reference: str) -> FleetRow:
        """Return the machine with this key, id or unique name."""
        rows = (await self.now()).value
        exact = [row for row in rows if reference in (row.key, row.instance.id)]
        found = exact or [row for row in rows if reference and row.instance.name == reference and alive(row.instance)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(row.instance.id for row in found)
            raise ValidationError(f"{reference!r} is the name of more than one machine", ids, "name one by its id")
        raise ResourceNotFound(f"There is no machine {reference!r}", "", "list them: runctl-tui instances list")

    async def describe(self, key: str) -> Mapping[str, object]:
        """Return the provider's own words about one machine."""
        row = await self.find(key)
        return await self._registry.get(row.instance.provider).describe(row.instance.id, row.instance.region)

    async def _bare(self) -> Rows:
        listed = await self._machines.now()
        rows = tuple(FleetRow(machine, NOT_YET, None, None) for machine in listed.value)
        return Snapshot(rows, listed.taken_at, listed.scope, listed.missing)

    async def _price(self, machine: Instance) -> Fact[Price]:
        key = (machine.provider, machine.region, machine.type, machine.market)
        known = self._priced.get(key)
        if known is None or self._clock.monotonic() - known[0] > PRICE_SECONDS:
            provider = self._registry.get(machine.provider)
            try:
                fact = await provider.estimate_cost(machine.region, machine.type, machine.market)
            except TrainctlError as error:
                fact = Unknown(str(error))
            known = (self._clock.monotonic(), fact)
            self._priced[key] = known
        return known[1]

    def _disks(self, machine: Instance) -> Decimal | None:
        total = Decimal(0)
        prices = self._prices()
        if prices is None:
            return total if not machine.disks else None
        for disk in machine.disks:
            fact = prices.disk_month(machine.region, disk.type, disk.size_gib)
            if isinstance(fact, Unknown):
                return None
            total += fact.value
        return total

    async def _runs_by_machine(self) -> dict[str, tuple[TrainingSession, ...]]:
        latest = self._runs.feed.latest
        found: dict[str, tuple[TrainingSession, ...]] = {}
        for session in latest.value if latest else await self._runs.remembered():
            found[session.instance_id] = (*found.get(session.instance_id, ()), session)
        return found


def alive(machine: Instance) -> bool:
    """Tell whether a machine still exists for the purpose of naming it."""
    return machine.state not in (ResourceState.TERMINATED, ResourceState.TERMINATING)


def note(machine: Instance, disks_per_month: Decimal | None) -> str:
    """Return the remark that a machine deserves."""
    if machine.state is ResourceState.STOPPED and disks_per_month:
        return f"disk keeps costing ${disks_per_month:.0f}/mo"
    if machine.parent:
        return f"managed by {machine.parent}"
    return ""
