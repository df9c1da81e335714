"""Tunnels through a real SSH server: bytes both ways, taken ports, lost links, and those that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.tunnel import Tunnel, TunnelState, gateway_command
from runctl_tui.services.errors import HostError, ResourceNotFound, Unsupported, ValidationError
from runctl_tui.services.feed import PollingFeed
from runctl_tui.services.ports import SshTarget
from runctl_tui.services.system_clock import SystemClock
from runctl_tui.services.tunnels import book as book_module
from runctl_tui.services.tunnels.book import TunnelBook, TunnelParts
from runctl_tui.services.tunnels.forwarder import free_port
from runctl_tui.services.tunnels.kept import GONE, KeptRequest, KeptTunnels
from tests.services.hosts.linked import BOX, KEY, Linked, linked
from tests.services.hosts.servers import pool_for


class OneMachine:
    """A fleet with what the provider lists."""

    def __init__(self, link: Linked) -> None:
        self.link = link

    async def find(self, reference: str) -> FleetRow:
        for machine in self.link.provider.machines.values():
            if reference in (f"fake/{machine.id}", machine.name):
                return FleetRow(machine, Unknown("not asked"), None, None)
        raise ResourceNotFound(f"There is no machine {reference}")


@dataclass
class Desk:
    """A book of tunnels, and the processes of kept ones, which are tasks here."""

    link: Linked
    folder: Path
    begun: list[asyncio.Task[None]] = field(default_factory=list)
    books: list[TunnelBook] = field(default_factory=list)
    dead: bool = False
    """Processes of kept tunnels never say anything."""

    def book(self, **environment: str) -> TunnelBook:
        pool = pool_for(self.link.server, self.folder, BOX.id)
        parts = TunnelParts(
            OneMachine(self.link), self.link.hosts, pool, SystemClock(), self.folder / "tunnels", self.begin,  # type: ignore[arg-type] # only `find` is used
            environment, "alice", sleep=lambda seconds: asyncio.sleep(min(seconds, 0.02)),
        )  # fmt: skip
        made = TunnelBook(parts)
        made.feed = PollingFeed(made.poll, 0.05, SystemClock(), empty=())
        self.books.append(made)
        return made

    def begin(self, tunnel_id: str, log: Path) -> None:
        if not self.dead:
            self.begun.append(asyncio.create_task(self.book().hold(tunnel_id)))

    async def close(self) -> None:
        for task in self.begun:
            task.cancel()
        await asyncio.gather(*self.begun, return_exceptions=True)
        for book in self.books:
            book.abort()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with linked(tmp_path) as link:
        made = Desk(link, tmp_path)
        yield made
        await made.close()


@asynccontextmanager
async def service() -> AsyncIterator[int]:
    """Something on the host that answers each line in capitals; gives its port."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.write(b"BYE")
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0, limit=2**23)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said(port: int, text: bytes = b"hello\n") -> bytes:
    """Send a line to a port of this machine and return everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def until(book: TunnelBook, right: Callable[[Tunnel], bool]) -> Tunnel:
    async with asyncio.timeout(15):
        while not [one for one in await book.now() if right(one)]:  # noqa: ASYNC110 - nothing signals a tunnel's changes
            await asyncio.sleep(0.02)
    return next(one for one in await book.now() if right(one))


async def test_bytes_go_both_ways_and_are_counted(desk: Desk) -> None:
    book = desk.book()
    async with service() as remote:
        tunnel = await book.open(BOX.name, remote)
        assert (tunnel.state, tunnel.machine, tunnel.name) == (TunnelState.OPEN, KEY, BOX.name)
        assert tunnel.local_port != remote
        assert tunnel.url == f"http://127.0.0.1:{tunnel.local_port}/"
        assert await said(tunnel.local_port) == b"HELLO\nBYE"
        big = b"x" * 3_000_000 + b"\n"
        assert await said(tunnel.local_port, big) == big.upper() + b"BYE"
        now = await until(book, lambda one: one.connections == 0)
        assert (now.served, now.sent, now.received) == (2, 3_000_007, 3_000_013)
    assert desk.link.server.opened == 1


async def test_only_this_machine_can_use_it(desk: Desk) -> None:
    book = desk.book()
    async with service() as remote:
        tunnel = await book.open(KEY, remote)
        server = book._own[tunnel.id]._server
        assert server is not None
        assert [one.getsockname()[0] for one in server.sockets] == ["127.0.0.1"]


async def test_a_taken_port_is_refused_when_named_and_avoided_when_not(desk: Desk) -> None:
    book = desk.book()
    async with service() as remote:
        with pytest.raises(ValidationError, match="lead to itself"):
            await book.open(KEY, remote, remote)
        first = await book.open(KEY, remote)
        with pytest.raises(ValidationError, match="taken"):
            await book.open(KEY, remote, first.local_port)
        second = await book.open(KEY, remote)
        assert len({remote, first.local_port, second.local_port}) == 3
        assert [one.id for one in await book.now()] == [second.id, first.id]


async def test_a_free_port_is_the_wanted_one_where_it_can_be() -> None:
    found = await free_port(0)
    assert await free_port(found) == found


async def test_closing_ends_it_at_once(desk: Desk) -> None:
    book = desk.book()
    async with service() as remote:
        tunnel = await book.open(KEY, remote)
        assert (await book.close(tunnel.id)).id == tunnel.id
        with pytest.raises(ConnectionRefusedError):
            await said(tunnel.local_port)
    assert await book.now() == ()
    with pytest.raises(ResourceNotFound):
        await book.close(tunnel.id)


async def test_nothing_on_the_port_is_said_and_forgotten_when_it_answers(desk: Desk) -> None:
    book = desk.book()
    remote = await free_port(0)
    tunnel = await book.open(KEY, remote)
    assert await said(tunnel.local_port) == b""
    now = (await book.now())[0]
    assert now.state is TunnelState.OPEN
    assert f"Nothing answers on port {remote}" in now.note
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", remote)
    async with server:
        await said(tunnel.local_port)
        assert (await book.now())[0].note == ""


async def test_a_lost_link_is_made_again_on_the_same_port(desk: Desk) -> None:
    book = desk.book()
    async with service() as remote:
        tunnel = await book.open(KEY, remote)
        reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.local_port)
        writer.write(b"first\n")
        assert await reader.readline() == b"FIRST\n"
        desk.link.server.cut()
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        await until(book, lambda one: one.state is TunnelState.OPEN and one.connections == 0)
        assert await said(tunnel.local_port) == b"HELLO\nBYE"
        assert desk.link.server.opened == 2


async def test_a_machine_that_is_gone_ends_its_tunnel_with_the_reason(desk: Desk) -> None:
    book = desk.book()
    tunnel = await book.open(KEY, 6006)
    desk.link.provider.machines.clear()
    desk.link.server.cut()
    now = await until(book, lambda one: one.state is TunnelState.ENDED)
    assert "no machine" in now.note
    with pytest.raises(ConnectionRefusedError):
        await said(tunnel.local_port)


async def test_wrong_ports_and_this_machine_are_refused(desk: Desk) -> None:
    book = desk.book()
    for remote, local in ((0, 0), (70000, 0), (6006, 80), (6006, 65536)):
        with pytest.raises(ValidationError):
            await book.open(KEY, remote, local)
    local_machine = replace(BOX, id="local-1", name="here")
    desk.link.provider.add(local_machine)
    original = desk.link.provider.ssh_target

    async def nowhere(instance: object) -> SshTarget | None:
        return None if instance == local_machine else await original(BOX)

    desk.link.provider.ssh_target = nowhere  # type: ignore[method-assign] # a fake's method
    with pytest.raises(Unsupported, match="not needed"):
        await book.open("here", 6006)


async def test_a_kept_tunnel_outlives_its_program_and_is_found_and_ended_by_another(desk: Desk) -> None:
    first = desk.book()
    async with service() as remote:
        tunnel = await first.open(KEY, remote, keep=True)
        assert (tunnel.kept, tunnel.state) == (True, TunnelState.OPEN)
        first.abort()
        other = desk.book()
        assert await said(tunnel.local_port) == b"HELLO\nBYE"
        found = await until(other, lambda one: one.served == 1 and one.connections == 0)
        assert (found.id, found.kept, found.received) == (tunnel.id, True, 9)
        await other.close(tunnel.id)
        with pytest.raises(ConnectionRefusedError):
            await said(tunnel.local_port)
        assert await other.now() == ()
        await asyncio.gather(*desk.begun)
        assert list((desk.folder / "tunnels").iterdir()) == []


async def test_a_kept_tunnel_whose_process_died_says_so_until_it_is_closed(desk: Desk) -> None:
    book = desk.book()
    async with service() as remote:
        tunnel = await book.open(KEY, remote, keep=True)
    desk.begun[0].cancel()
    await asyncio.gather(*desk.begun, return_exceptions=True)
    (now,) = await book.now()
    assert (now.state, now.note) == (TunnelState.ENDED, GONE)
    await book.close(tunnel.id)
    assert await book.now() == ()


async def test_a_kept_tunnel_that_never_begins_is_an_error_and_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_module, "BEGUN_WITHIN", 2.0)
    desk.dead = True
    book = desk.book()
    with pytest.raises(HostError, match="could not be kept"):
        await book.open(KEY, 6006, keep=True)
    assert await book.now() == ()
    assert list((desk.folder / "tunnels").iterdir()) == []


async def test_files_of_kept_tunnels_are_private_and_broken_ones_are_left_out(desk: Desk) -> None:
    kept = KeptTunnels(desk.folder / "tunnels")
    tunnel = Tunnel("t-1-abc", KEY, "box", 6006, 16006, SystemClock().now(), True)
    kept.ask(KeptRequest(tunnel, desk.link.server.target(BOX.id)))
    kept.tell(replace(tunnel, state=TunnelState.OPEN, note="x"))
    path = desk.folder / "tunnels" / "t-1-abc.request"
    assert path.stat().st_mode & 0o777 == 0o600
    request = kept.request("t-1-abc")
    assert request is not None
    assert (request.tunnel, request.target) == (tunnel, desk.link.server.target(BOX.id))
    (desk.folder / "tunnels" / "t-2-bad.request").write_text("{")
    (desk.folder / "tunnels" / "t-..bad.request").write_text("{}")
    assert [one.id for one in kept.all()] == ["t-1-abc"]


async def test_on_a_bastion_the_way_from_ones_own_machine_is_said(desk: Desk) -> None:
    tunnel = Tunnel("t-1", KEY, "box", 6006, 16006, SystemClock().now())
    near = desk.book(SSH_CONNECTION="198.51.100.9 50000 203.0.113.5 22").gateway
    assert gateway_command(tunnel, near) == "ssh -N -L 16006:127.0.0.1:16006 alice@203.0.113.5"
    assert desk.book(SSH_CONNECTION="198.51.100.9 50000 2001:db8::5 2222").gateway == "-p 2222 alice@2001:db8::5"
    assert desk.book().gateway == ""
