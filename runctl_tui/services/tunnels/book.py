"""All tunnels: those of this program, and those kept in processes of their own. Implements `ports.Tunnels`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.figures import LAST_PORT
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.tunnel import FIRST_PORT, LOOPBACK, Tunnel, TunnelState
from runctl_tui.services.errors import HostError, ResourceNotFound, Unsupported, ValidationError
from runctl_tui.services.hosts.ssh import SshHost
from runctl_tui.services.tunnels.forwarder import Forwarder, Link, Way, free_port
from runctl_tui.services.tunnels.kept import KeptRequest, KeptTunnels

if TYPE_CHECKING:
    from pathlib import Path

    from runctl_tui.domain.clock import Clock
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.hosts.ssh import SshPool
    from runctl_tui.services.ports import Fleet
    from runctl_tui.services.ports_feed import Feed

BEAT: Final = 0.5
"""Seconds between two looks of a kept tunnel's process."""
LOCK_TRIES: Final = 6
"""Who lists tunnels holds their locks for a moment."""
PATIENCE: Final = 12 * 3600.0
"""Seconds without a link after which a kept tunnel ends."""
BEGUN_WITHIN: Final = 30.0
"""Seconds within which a kept tunnel's process says that it is at work."""


@dataclass(frozen=True, slots=True)
class TunnelParts:
    """What the book needs of the rest."""

    fleet: Fleet
    hosts: HostBook
    pool: SshPool
    clock: Clock
    folder: Path
    """Of kept tunnels."""
    begin: Callable[[str, Path], None]
    """Starts the process of a kept tunnel, with the file that it writes to."""
    environment: Mapping[str, str]
    user: str
    """Who we are on this machine."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class TunnelBook:
    """Opens, lists and ends tunnels."""

    feed: Feed[tuple[Tunnel, ...]]
    """Set by the composition root, which knows the feed's pace."""

    def __init__(self, parts: TunnelParts) -> None:
        self._parts = parts
        self._own: dict[str, Forwarder] = {}
        self._kept = KeptTunnels(parts.folder)

    @property
    def gateway(self) -> str:
        """How ssh comes here from the machine at which a person sits; nothing where that is this one."""
        words = self._parts.environment.get("SSH_CONNECTION", "").split()
        if len(words) != 4:
            return ""
        return ("" if words[3] == "22" else f"-p {words[3]} ") + f"{self._parts.user}@{words[2]}"

    async def poll(self) -> Snapshot[tuple[Tunnel, ...]]:
        """Look at all of them."""
        return Snapshot(await self.now(), self._parts.clock.now())

    async def now(self) -> tuple[Tunnel, ...]:
        """Return all of them, newest first."""
        kept = await asyncio.to_thread(self._kept.all)
        own = [forwarder.tunnel for forwarder in self._own.values()]
        return tuple(sorted((*own, *kept), key=lambda one: (one.since, one.id), reverse=True))

    async def open(self, key: str, remote_port: int, local_port: int = 0, *, keep: bool = False) -> Tunnel:
        """Open a tunnel to a port of a machine."""
        check_ports(remote_port, local_port)
        row = await self._parts.fleet.find(key)
        host = await self._host(row.key)
        port = local_port or await free_port(wished_port(remote_port, host))
        if port == remote_port and is_here(host):
            raise ValidationError(f"Port {port} would lead to itself", "that host shares this machine's ports")
        name = row.instance.name or row.instance.id
        made = f"t-{remote_port}-{secrets.token_hex(3)}"
        tunnel = Tunnel(made, row.key, name, remote_port, port, self._parts.clock.now(), keep)
        return await (self._open_kept(tunnel, host) if keep else self._open_own(tunnel))

    async def close(self, tunnel_id: str) -> Tunnel:
        """End a tunnel."""
        found = next((one for one in await self.now() if one.id == tunnel_id), None)
        if found is None:
            raise ResourceNotFound(f"There is no tunnel {tunnel_id}", "", "list them: runctl-tui tunnels list")
        if tunnel_id in self._own:
            self._own.pop(tunnel_id).close()
        else:
            await self._end_kept(tunnel_id)
        self.feed.refresh()
        return found

    async def hold(self, tunnel_id: str) -> None:
        """Be the process of a kept tunnel: forward until it is closed or its machine's key is not the trusted one."""
        request = self._kept.request(tunnel_id)
        if request is None:
            raise ResourceNotFound(f"There is no tunnel {tunnel_id}")
        for _ in range(LOCK_TRIES):
            with self._kept.held(tunnel_id) as ours:
                if ours:
                    await self._serve(request)
                    break
            await self._parts.sleep(BEAT)
        if self._kept.request(tunnel_id) is None:
            self._kept.forget(tunnel_id)

    def abort(self) -> None:
        """End those of this program at once."""
        for forwarder in self._own.values():
            forwarder.close()
        self._own.clear()

    async def _open_own(self, tunnel: Tunnel) -> Tunnel:
        async def link() -> Link:
            return await self._host(tunnel.machine)

        forwarder = Forwarder(tunnel, Way(link, self._parts.sleep))
        await forwarder.open()
        self._own[tunnel.id] = forwarder
        self.feed.refresh()
        return forwarder.tunnel

    async def _open_kept(self, tunnel: Tunnel, host: SshHost) -> Tunnel:
        """Hand a tunnel to a process of its own; what trusts the host's key has been settled here."""
        await host.connection()
        self._kept.ask(KeptRequest(tunnel, host.target))
        self._parts.begin(tunnel.id, self._kept.log(tunnel.id))
        for _ in range(int(BEGUN_WITHIN / BEAT)):
            await self._parts.sleep(BEAT)
            told = next((one for one in await self.now() if one.id == tunnel.id), None)
            if told is not None and told.state is not TunnelState.OPENING:
                break
        else:
            told = None
        if told is None or told.state is TunnelState.ENDED:
            await self._end_kept(tunnel.id)
            why = told.note if told else f"its process said nothing for {BEGUN_WITHIN:.0f} seconds"
            raise HostError(f"The tunnel to {tunnel.name} could not be kept", why, "open it without keeping it")
        self.feed.refresh()
        return told

    async def _serve(self, request: KeptRequest) -> None:
        async def link() -> Link:
            return self._parts.pool.host(request.target)

        forwarder = Forwarder(request.tunnel, Way(link, self._parts.sleep, PATIENCE))
        try:
            await forwarder.open()
        except (HostError, ValidationError) as error:
            self._kept.tell(_ended(forwarder.tunnel, str(error)))
            raise
        try:
            await self._tell_until_closed(forwarder)
        finally:
            forwarder.close()

    async def _tell_until_closed(self, forwarder: Forwarder) -> None:
        told: Tunnel | None = None
        while self._kept.request(forwarder.tunnel.id) is not None:
            if forwarder.tunnel != told:
                told = forwarder.tunnel
                self._kept.tell(told)
            if told.state is TunnelState.ENDED:
                return
            await self._parts.sleep(BEAT)

    async def _end_kept(self, tunnel_id: str) -> None:
        self._kept.forget(tunnel_id)
        for _ in range(20):
            with self._kept.held(tunnel_id) as ours:
                if ours:
                    break
            await self._parts.sleep(BEAT / 2)
        self._kept.forget(tunnel_id)

    async def _host(self, key: str) -> SshHost:
        host = await self._parts.hosts.session((await self._parts.fleet.find(key)).instance)
        if not isinstance(host, SshHost):
            what, todo = "A tunnel to this machine is not needed", f"open http://{LOOPBACK}:PORT/ as it is"
            raise Unsupported(what, "its ports are here", todo)
        return host


def check_ports(remote: int, local: int) -> None:
    """Raise ValidationError for numbers that are no ports, or that only the superuser may listen on."""
    if not 1 <= remote <= LAST_PORT:
        raise ValidationError(f"{remote} is no port", f"ports are 1 to {LAST_PORT}")
    if local and not FIRST_PORT <= local <= LAST_PORT:
        raise ValidationError(f"{local} cannot be the local port", f"those are {FIRST_PORT} to {LAST_PORT}")


def is_here(host: SshHost) -> bool:
    """Tell whether a host shares this machine's ports, as those of the sandbox do."""
    return host.target.host in ("127.0.0.1", "localhost", "::1")


def wished_port(remote: int, host: SshHost) -> int:
    """Return the local port to begin with: the same number where it can be."""
    if is_here(host):
        return remote + 10_000 if remote + 10_000 <= LAST_PORT else remote - 10_000
    return remote if remote >= FIRST_PORT else remote + 8000


def _ended(tunnel: Tunnel, why: str) -> Tunnel:
    return replace(tunnel, state=TunnelState.ENDED, note=why)
