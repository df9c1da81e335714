"""Shells and single commands on hosts. Implements `ports.Shells`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runctl_tui.services.hosts.ssh import SshHost
from runctl_tui.services.ports import ShellCommand

if TYPE_CHECKING:
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.hosts.local import LocalHost
    from runctl_tui.services.ports import Fleet


class HostShells:
    """Says what to run in the terminal for a shell or a command on a machine."""

    def __init__(self, fleet: Fleet, hosts: HostBook, local: LocalHost) -> None:
        self._fleet = fleet
        self._hosts = hosts
        self._local = local

    async def command(self, key: str, words: Sequence[str] = ()) -> ShellCommand:
        """Return the command; connecting once first settles which host key is trusted."""
        line = words[0] if len(words) == 1 else shlex.join(words)
        row = await self._fleet.find(key)
        host = await self._hosts.session(row.instance)
        if isinstance(host, SshHost):
            await host.connection()
            return ShellCommand(host.shell_argv(line), {})
        return ShellCommand(host.shell_argv(line), self._local.environment)
