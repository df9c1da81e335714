"""The ports of hosts, as screens and the command line see them; beside `ports.py`, which names them in `Services`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runctl_tui.domain.host import HostReading
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.services.feed_port import Feed


class Hosts(Protocol):
    """What machines are doing: processors, memory, disks, network, GPUs, processes."""

    def feed(self, key: str) -> Feed[HostReading]:
        """One machine, live; without `usage` before it was heard of, with its last figures when its link is lost."""

    async def now(self, key: str) -> Snapshot[HostReading]:
        """Measure one machine once, for half a second; HostUnreachable says why that is not possible."""


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """What to run in the terminal for a shell on a host."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


class Shells(Protocol):
    """Interactive shells on hosts."""

    async def command(self, key: str) -> ShellCommand:
        """What to run for a shell on this machine; HostUnreachable and Unsupported say why there is none."""
