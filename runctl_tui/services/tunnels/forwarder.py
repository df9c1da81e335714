"""One tunnel at work: its own port listens all the time, the link behind it is made again when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.domain.tunnel import LOOPBACK, Tunnel, TunnelState
from runctl_tui.services.errors import HostError, ResourceNotFound, StateError, TrainctlError, ValidationError

PIECE: Final = 64 * 1024
STEEP: Final = 12
FREE_PORTS: Final = 20
"""How many ports after the wanted one are tried before the system chooses."""


class Link(Protocol):
    """The way to a host, as a tunnel needs it; `SshHost` is one."""

    async def dial(self, port: int) -> tuple[Any, Any]:
        """Reader and writer of a new connection to a port of the host's loopback interface."""

    async def linked(self) -> Callable[[], Awaitable[None]]:
        """Connect where needed, and return what waits until the link has ended."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to get to the host, and how to wait."""

    link: Callable[[], Awaitable[Link]]
    """Raises ResourceNotFound when there is nothing to come back to."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    patience: float = math.inf
    """Seconds without a link after which nobody waits for it any more."""


async def free_port(wanted: int) -> int:
    """Return the wanted port where it is free, else one after it, else any that is free."""
    for port in [*range(wanted, min(wanted + FREE_PORTS, 65536)), 0]:
        with contextlib.suppress(OSError):
            server = await asyncio.start_server(_refuse, LOOPBACK, port)
            found = int(server.sockets[0].getsockname()[1])
            server.close()
            await server.wait_closed()
            return found
    raise StateError("No port of this machine is free", "", "close something that listens")


class Forwarder:
    """Carries connections to its port over to the host's."""

    def __init__(self, tunnel: Tunnel, way: Way) -> None:
        self._tunnel = tunnel
        self._way = way
        self._link: Link | None = None
        self._server: asyncio.Server | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._backoff = ExponentialBackoffPolicy(STEEP + 1, 1.0, maximum=30.0)

    @property
    def tunnel(self) -> Tunnel:
        """What it is at now."""
        return self._tunnel

    async def open(self) -> None:
        """Listen, and have the link once; raises what makes either impossible."""
        try:
            self._server = await asyncio.start_server(self._accept, LOOPBACK, self._tunnel.local_port)
        except OSError as error:
            raise _taken(self._tunnel.local_port, error) from error
        try:
            self._link = await self._way.link()
            ended = await self._link.linked()
        except BaseException:
            self.close()
            raise
        self._say(TunnelState.OPEN)
        self._keeper = asyncio.create_task(self._keep(ended))

    def close(self) -> None:
        """Stop at once."""
        if self._keeper is not None:
            self._keeper.cancel()
        self._end("")

    def _end(self, why: str) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        self._say(TunnelState.ENDED, why)

    async def _keep(self, ended: Callable[[], Awaitable[None]]) -> None:
        """Make the link again whenever it is lost; give up when there is no machine any more."""
        while True:
            await ended()
            self._say(TunnelState.LOST, "the link was lost")
            try:
                ended = await self._linked_again()
            except ResourceNotFound as error:
                self._end(str(error))
                return
            self._say(TunnelState.OPEN)

    async def _linked_again(self) -> Callable[[], Awaitable[None]]:
        """Try until there is a link; ResourceNotFound when nothing is left to try."""
        tries, waited = 0, 0.0
        while waited < self._way.patience:
            tries += 1
            wait = self._backoff.delay(min(tries, STEEP), 1.0) or 30.0
            await self._way.sleep(wait)
            waited += wait
            try:
                self._link = await self._way.link()
                return await self._link.linked()
            except ResourceNotFound:
                raise
            except TrainctlError as error:
                self._say(TunnelState.LOST, str(error))
        raise ResourceNotFound(f"no link for {self._way.patience / 3600:.0f} hours")

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._attend(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._count(connections=1, served=1)
        try:
            await self._carry(reader, writer)
        except TrainctlError as error:
            self._say(self._tunnel.state, str(error))
        finally:
            self._count(connections=-1)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._link is not None
        far_reader, far_writer = await self._link.dial(self._tunnel.remote_port)
        if self._tunnel.state is TunnelState.OPEN:
            self._say(TunnelState.OPEN)
        import asyncssh

        pumps = [
            asyncio.create_task(pump(reader, far_writer, lambda size: self._count(sent=size))),
            asyncio.create_task(pump(far_reader, writer, lambda size: self._count(received=size))),
        ]
        try:
            with contextlib.suppress(OSError, asyncssh.Error):
                await asyncio.gather(*pumps)
        finally:
            for each in pumps:
                each.cancel()
            far_writer.close()

    def _say(self, state: TunnelState, note: str = "") -> None:
        self._tunnel = replace(self._tunnel, state=state, note=note)

    def _count(self, *, connections: int = 0, served: int = 0, sent: int = 0, received: int = 0) -> None:
        before = self._tunnel
        self._tunnel = replace(
            before,
            connections=before.connections + connections,
            served=before.served + served,
            sent=before.sent + sent,
            received=before.received + received,
        )


async def pump(reader: Any, writer: Any, count: Callable[[int], None]) -> None:
    """Carry bytes one way until their end, which is handed on."""
    while data := await reader.read(PIECE):
        writer.write(data)
        count(len(data))
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _taken(port: int, error: OSError) -> TrainctlError:
    if error.errno == errno.EADDRINUSE:
        return ValidationError(f"Port {port} of this machine is taken", "", "leave the local port out, or name another")
    return HostError(f"Port {port} of this machine cannot be listened on", str(error), "name another local port")


def _refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
