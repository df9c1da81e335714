"""Shells and single commands on hosts. Implements `ports.Shells`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from runctl_tui.services.errors import Refused
from runctl_tui.services.hosts.ssh import SshHost
from runctl_tui.services.ports import ShellCommand

if TYPE_CHECKING:
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.hosts.local import LocalHost
    from runctl_tui.services.hosts.session import HostSession
    from runctl_tui.services.ports import Fleet


class HostShells:
    """Says what to run in the terminal for a shell or a command on a machine."""

    def __init__(self, fleet: Fleet, hosts: HostBook, local: LocalHost, forbids: Callable[[], str]) -> None:
        self._fleet = fleet
        self._hosts = hosts
        self._local = local
        self._forbids = forbids

    async def command(self, key: str, words: Sequence[str] = ()) -> ShellCommand:
        """Return the command; connecting once first settles which host key is trusted. Refused in read-only mode."""
        if reason := self._forbids():
            why = f"read-only: {reason}, and a shell can change anything"
            raise Refused("no shell was opened", why, "look with: processes, runs logs", code="ro_mode")
        line = words[0] if len(words) == 1 else shlex.join(words)
        host = await self._reached(key)
        return ShellCommand(host.shell_argv(line), {} if isinstance(host, SshHost) else self._local.environment)

    async def reach(self, key: str) -> None:
        """Connect once, and do nothing there."""
        await self._reached(key)

    async def _reached(self, key: str) -> HostSession:
        row = await self._fleet.find(key)
        host = await self._hosts.session(row.instance)
        if isinstance(host, SshHost):
            await host.connection()
        return host
