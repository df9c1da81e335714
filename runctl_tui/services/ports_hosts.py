"""The ports of hosts, as screens and the command line see them; beside `ports.py`, which names them in `Services`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runctl_tui.domain.host import HostReading
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.domain.tunnel import Tunnel
    from runctl_tui.services.ports_feed import Feed


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
    """Shells and single commands on hosts; HostUnreachable and Unsupported say why there is none."""

    async def command(self, key: str, words: Sequence[str] = ()) -> ShellCommand:
        """What to run for a shell there, or for words: one is a line for its shell, several are a command as it is.

        Refused in read-only mode, because a shell can change anything.
        """

    async def reach(self, key: str) -> None:
        """Connect once, and do nothing there; errors as above."""


class Tunnels(Protocol):
    """Ports of hosts, made reachable on this machine's loopback interface."""

    @property
    def feed(self) -> Feed[tuple[Tunnel, ...]]:
        """All of this program and those that were kept, newest first."""

    @property
    def gateway(self) -> str:
        """'user@address', after '-p PORT' where need be, of this machine when one is logged in by SSH; or nothing."""

    async def now(self) -> tuple[Tunnel, ...]:
        """All of them, newest first."""

    async def open(self, key: str, remote_port: int, local_port: int = 0, *, keep: bool = False) -> Tunnel:
        """Open one; without a local port the same number or a free one is taken. ValidationError for a taken one.

        A kept one goes on in a process of its own when this program ends.
        """

    async def close(self, tunnel_id: str) -> Tunnel:
        """End one, and return what it was; ResourceNotFound where there is none."""

    async def hold(self, tunnel_id: str) -> None:
        """Be the process of a kept tunnel, until it is closed."""
