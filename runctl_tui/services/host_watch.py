"""What hosts are doing, live, over the one connection to each. Implements `ports.Hosts`."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.host import HostReading
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import HostLinkLost, HostUnreachable, ResourceNotFound
from runctl_tui.services.feed import StreamFeed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.instance import Instance
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.machines import MachineList

RETRY_SECONDS: Final = 1.0
"""Seconds until a broken stream is begun anew, at first."""


class HostWatch:
    """Watches machines: one stream per machine while somebody looks, none while nobody does."""

    def __init__(self, machines: MachineList, hosts: HostBook, clock: Clock) -> None:
        self._machines = machines
        self._hosts = hosts
        self._clock = clock
        self._feeds: dict[str, StreamFeed[HostReading]] = {}

    def feed(self, key: str) -> StreamFeed[HostReading]:
        """Return the one feed of a machine."""
        if key not in self._feeds:
            self._feeds[key] = StreamFeed(
                lambda: self._stream(key), RETRY_SECONDS, self._clock, empty=HostReading(key=key)
            )
        return self._feeds[key]

    async def now(self, key: str) -> Snapshot[HostReading]:
        """Measure one machine once."""
        machine = await self._machine(key)
        agent = await self._hosts.agent(machine)
        return self._told(machine, key, await agent.host_now())

    async def _stream(self, key: str) -> AsyncGenerator[Snapshot[HostReading], None]:
        machine = await self._machine(key)
        try:
            agent = await self._hosts.agent(machine)
            async with aclosing(agent.watch()) as readings:
                async for reading in readings:
                    yield self._told(machine, key, reading)
        except (HostUnreachable, HostLinkLost) as error:
            raise _named(error, machine.name or machine.id) from error

    def _told(self, machine: Instance, key: str, reading: HostReading) -> Snapshot[HostReading]:
        name = machine.name or machine.id
        return Snapshot(replace(reading, key=key, name=name), self._clock.now(), (key,))

    async def _machine(self, key: str) -> Instance:
        for machine in (await self._machines.now()).value:
            if key == machine.key:
                return machine
        raise ResourceNotFound(f"There is no machine {key}", "", "1 Instances lists those that there are")


def _named(error: HostUnreachable | HostLinkLost, name: str) -> HostUnreachable | HostLinkLost:
    """Return an error that names the machine; the address that was tried stands with the reasons."""
    if name in error.what:
        return error
    lost = isinstance(error, HostLinkLost)
    what = f"The link to {name} was lost" if lost else f"{name} cannot be reached"
    why = error.why if lost else str(error)
    return type(error)(what, why, error.todo, code=error.code)
