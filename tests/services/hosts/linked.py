"""Machines of a provider in memory behind a real SSH server, for services that work over the shared connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from runctl_tui.domain.instance import Instance
from runctl_tui.services.host_book import HostBook
from runctl_tui.services.hosts.local import LocalHost
from runctl_tui.services.machines import MachineList
from runctl_tui.services.ports import SshTarget
from runctl_tui.services.registry import Registry
from runctl_tui.services.system_clock import SystemClock
from tests.fakes import FakeProvider, an_instance
from tests.services.hosts.servers import Embedded, embedded, pool_for

BOX = an_instance()
KEY = f"fake/{BOX.id}"


class LinkedProvider(FakeProvider):
    """Machines that are all behind one SSH server."""

    server: Embedded

    async def ssh_target(self, instance: Instance) -> SshTarget | None:
        return self.server.target(instance.id)


@dataclass
class Linked:
    """One machine behind SSH, with what the services need to reach it."""

    server: Embedded
    provider: LinkedProvider
    machines: MachineList
    hosts: HostBook


@asynccontextmanager
async def linked(folder: Path) -> AsyncIterator[Linked]:
    """Run the server, and know its machine."""
    async with embedded(folder) as server:
        provider = LinkedProvider().add(BOX)
        assert isinstance(provider, LinkedProvider)
        provider.server = server
        registry = Registry()
        registry.register(provider)
        hosts = HostBook(registry, pool_for(server, folder, BOX.id), LocalHost(home=server.home))
        yield Linked(server, provider, MachineList(registry, SystemClock()), hosts)
        await hosts.close()
