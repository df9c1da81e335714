"""Hosts behind SSH: one verified connection per machine, shared by everybody, made again when it was lost.

`SshPool` is made once by the wiring; providers give it `SshTarget`s and everybody else gets `HostSession`s.
"""

from __future__ import annotations

import asyncio
import shlex
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain import validation
from runctl_tui.services.errors import HostError, HostLinkLost, HostUnreachable, TrainctlError, ValidationError
from runctl_tui.services.hosts.openssh import shell_command
from runctl_tui.services.hosts.session import READ_SIZE, Pipe, PipedHost
from runctl_tui.services.hosts.trust import ChangedKey, TrustStore, UnknownKey

if TYPE_CHECKING:
    from runctl_tui.services.ports import SshTarget

ExpectedKeys = Callable[["SshTarget"], Awaitable[Sequence[str]]]
"""Asks the provider which keys a machine shows, its console output for example; none when it cannot say."""


@dataclass(frozen=True, slots=True)
class SshOptions:
    """Times in seconds, and how much one connection may carry."""

    connect_timeout: float = 10
    login_timeout: float = 20
    keepalive_interval: float = 15
    keepalive_count: int = 3
    """So many unanswered keep-alives end a connection."""
    channels: int = 8
    """OpenSSH's server allows 10 sessions per connection by default."""


DEFAULTS: Final = SshOptions()


async def no_expected_keys(target: SshTarget) -> Sequence[str]:
    """Know of no key: the person decides."""
    return ()


class SshPool:
    """The SSH hosts in use, by resource id."""

    def __init__(
        self, trust: TrustStore, expected_keys: ExpectedKeys = no_expected_keys, options: SshOptions = DEFAULTS
    ) -> None:
        self.trust = trust
        self.expected_keys = expected_keys
        self.options = options
        self._hosts: dict[str, SshHost] = {}

    def host(self, target: SshTarget) -> SshHost:
        """Return the host of a target; a machine whose address changed gets a new connection."""
        known = self._hosts.get(target.resource_id)
        if known is not None and known.target == target:
            return known
        if known is not None:
            known.abort()
        self._hosts[target.resource_id] = SshHost(target, self)
        return self._hosts[target.resource_id]

    def jump(self, target: SshTarget) -> SshHost | None:
        """Return the jump host of a target, a host like any other whose key is trusted under its own name."""
        if not target.jump:
            return None
        try:
            user, name, port = validation.ssh_parts(target.jump)
        except ValueError as error:
            raise ValidationError(f"{target.jump!r} is no jump host", str(error)) from None
        jump = type(target)(f"jump-{name}:{port}", name, port, user or target.user, target.key_files)
        return self.host(jump)

    async def close(self) -> None:
        """Let go of every host at once, without waiting for any."""
        self.abort()

    def abort(self) -> None:
        """Let go of every host at once; a connection whose loop is closed is gone already."""
        for host in self._hosts.values():
            with suppress(RuntimeError):
                host.abort()
        self._hosts.clear()


class SshHost(PipedHost):
    """One machine behind SSH."""

    def __init__(self, target: SshTarget, pool: SshPool) -> None:
        super().__init__()
        if not target.host or target.host.startswith("-") or any(character.isspace() for character in target.host):
            raise ValidationError(f"{target.host!r} is no host's address")
        self.target = target
        self._pool = pool
        self._connection: Any = None
        self._connecting = asyncio.Lock()
        self._aborts = 0
        self._channels = asyncio.Semaphore(pool.options.channels)

    @property
    def resource_id(self) -> str:
        """The machine's id, under which its key is trusted."""
        return self.target.resource_id

    def shell_argv(self, line: str = "") -> tuple[str, ...]:
        """The command that gives a person a shell there, or has one run a line: OpenSSH where there is one."""
        jump = self._pool.jump(self.target)
        return shell_command(self.target, self._pool.trust.path, jump.target if jump else None, line)

    @asynccontextmanager
    async def forward(self, remote_port: int) -> AsyncIterator[int]:
        """Make a port of the machine's loopback interface reachable on ours; gives the local port."""
        connection = await self.connection()
        with self._link_errors():
            listener = await connection.forward_local_port("127.0.0.1", 0, "127.0.0.1", remote_port)
        try:
            yield listener.get_port()
        finally:
            listener.close()
            await listener.wait_closed()

    async def dial(self, port: int) -> tuple[Any, Any]:
        """Return reader and writer of a new connection to a port of the machine's loopback interface."""
        import asyncssh

        connection = await self.connection()
        with self._link_errors():
            try:
                reader, writer = await connection.open_connection("127.0.0.1", port)
            except asyncssh.ChannelOpenError as error:
                if connection.is_closed():
                    raise
                what = f"Nothing answers on port {port} of {self.resource_id}"
                raise HostError(what, error.reason, "start it there first", code="host.port") from error
        return reader, writer

    async def linked(self) -> Callable[[], Awaitable[None]]:
        """Connect where needed, and return what waits until that connection has ended."""
        connection = await self.connection()
        wait: Callable[[], Awaitable[None]] = connection.wait_closed
        return wait

    async def connection(self) -> Any:
        """Return the shared asyncssh connection, made when there is none; raises what makes that impossible."""
        async with self._connecting:
            if self._connection is None or self._connection.is_closed():
                aborts = self._aborts
                made = await self._connect()
                if aborts != self._aborts:  # nobody would ever close what arrives after the end
                    made.abort()
                    raise HostLinkLost(f"The link to {self.target.host} was given up", "while it was being made")
                self._connection = made
            return self._connection

    def abort(self) -> None:
        """Drop the connection at once, also one that is only being made."""
        self._aborts += 1
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    async def close(self) -> None:
        """Let go of the machine without waiting for it."""
        self.abort()

    @asynccontextmanager
    async def _open(self, argv: Sequence[str]) -> AsyncIterator[Pipe]:
        async with self._channels:
            process = await self._start(shlex.join(argv))
            try:
                yield SshPipe(process)
            finally:
                process.close()

    async def _start(self, command: str) -> Any:
        """Run a command; a connection that proves dead before the command was sent is made anew once."""
        import asyncssh

        connection = await self.connection()
        sent: list[Any] = []
        with self._link_errors():
            try:
                return await _process(connection, command, sent)
            except (asyncssh.ChannelOpenError, ConnectionError, asyncssh.DisconnectError):
                if not connection.is_closed():
                    connection.abort()
                if sent:
                    raise
        connection = await self.connection()
        with self._link_errors():
            return await _process(connection, command, sent)

    async def _connect(self) -> Any:
        import asyncssh

        jump = self._pool.jump(self.target)
        tunnel = await jump.connection() if jump else None
        await self._settle_trust(tunnel)
        keys = self._trusted_keys()
        options = self._pool.options
        try:
            with self._connect_errors():
                return await asyncssh.connect(
                    self.target.host,
                    self.target.port,
                    username=self.target.user,
                    client_keys=list(self.target.key_files) or (),
                    known_hosts=(keys, [], []),
                    tunnel=tunnel,
                    config=[],
                    agent_forwarding=False,
                    utf8_decode_errors="replace",
                    connect_timeout=options.connect_timeout,
                    login_timeout=options.login_timeout,
                    keepalive_interval=options.keepalive_interval,
                    keepalive_count_max=options.keepalive_count,
                )
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed) as error:
            raise ChangedKey(self._pool.trust, self.resource_id, await self._shown_key(tunnel)) from error

    def _trusted_keys(self) -> list[Any]:
        """Return the keys that are trusted for this machine; a line that is none is said, and trusts nothing."""
        import asyncssh

        trust = self._pool.trust
        try:
            return [asyncssh.import_public_key(key) for key in trust.keys(self.resource_id)]
        except asyncssh.KeyImportError as error:
            what = f"The trusted key of {self.resource_id} cannot be read"
            delete = shlex.join(("sed", "-i.old", f"/^{self.resource_id} /d", str(trust.path)))
            todo = f"delete its line, and compare the fingerprint anew: {delete}"
            raise HostError(what, f"{trust.path}: {error}", todo, code="host.trust") from error

    async def _settle_trust(self, tunnel: Any) -> None:
        """Return when some key is trusted; else take the provider's word, or raise with the key that is shown."""
        if self._pool.trust.keys(self.resource_id):
            return
        try:
            expected = await self._pool.expected_keys(self.target)
        except TrainctlError:
            expected = ()
        if expected:
            self._pool.trust.accept(self.resource_id, expected)
            return
        shown = await self._shown_key(tunnel)
        if not shown:
            raise HostUnreachable(f"{self.target.host} shows no host key", "it may still be booting", "try again")
        raise UnknownKey(self._pool.trust, self.resource_id, shown)

    async def _shown_key(self, tunnel: Any) -> str:
        """Return the key that the host shows, without logging in."""
        import asyncssh

        with self._connect_errors():
            async with asyncio.timeout(self._pool.options.connect_timeout):
                key = await asyncssh.get_server_host_key(
                    self.target.host, self.target.port, tunnel=tunnel if tunnel is not None else (), config=[]
                )
        return key.export_public_key().decode("ascii").strip() if key is not None else ""

    @contextmanager
    def _connect_errors(self) -> Iterator[None]:
        """Turn what can go wrong on connecting into our errors, the host key's own matters left as they are."""
        import asyncssh

        where = f"{self.target.user}@{self.target.host}:{self.target.port}"
        try:
            yield
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
            raise
        except asyncssh.PermissionDenied as error:
            todo = "check the user name and the key file; a machine that boots may need another minute"
            raise HostError(f"{where} refused the login", error.reason, todo, code="host.auth") from error
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            todo = "name another key file, or load the key into an SSH agent"
            raise HostError("An SSH key file cannot be used", str(error), todo, code="host.key-file") from error
        except FileNotFoundError as error:
            todo = "check ssh key settings"
            raise HostError("An SSH key file is not there", str(error), todo, code="host.key-file") from error
        except TimeoutError as error:
            what, why = f"{where} did not answer in time", "nothing came from it"
            raise HostUnreachable(what, why, "is it running? is port 22 open?") from error
        except (OSError, asyncssh.Error) as error:
            raise HostUnreachable(f"{where} cannot be reached", str(error), "is it running and booted?") from error

    @contextmanager
    def _link_errors(self) -> Iterator[None]:
        import asyncssh

        try:
            yield
        except (OSError, asyncssh.Error) as error:
            raise HostLinkLost(f"The link to {self.target.host} was lost", str(error), "try again") from error


async def _process(connection: Any, command: str, sent: list[Any]) -> Any:
    """Start a command as asyncssh's own `create_process` does, and note it in `sent` before it goes on its way."""
    import asyncssh

    def session() -> Any:  # made when the channel is open, just before the command is sent
        sent.append(command)
        return asyncssh.SSHClientProcess()

    _, process = await connection.create_session(session, command, encoding=None)
    await process.redirect(asyncssh.PIPE, asyncssh.PIPE, asyncssh.PIPE)
    return process


class SshPipe:
    """A remote command as a `Pipe`."""

    def __init__(self, process: Any) -> None:
        self._process = process

    async def write(self, data: bytes) -> None:
        """Write to standard input, waiting while it is full."""
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    def write_eof(self) -> None:
        """Close standard input."""
        self._process.stdin.write_eof()

    async def read(self) -> bytes:
        """Return the next piece of standard output, empty at its end and when the link ends."""
        return await self._piece(self._process.stdout)

    async def read_error(self) -> bytes:
        """Return the next piece of standard error, empty at its end and when the link ends."""
        return await self._piece(self._process.stderr)

    async def wait(self) -> int | None:
        """Return the exit status; None when the link ended before the command did."""
        await self._process.wait_closed()
        if self._process.exit_signal:
            name = f"SIG{self._process.exit_signal[0]}"
            return 128 + int(getattr(signal, name, signal.SIGKILL))
        status = self._process.exit_status
        return int(status) if status is not None else None

    async def _piece(self, reader: Any) -> bytes:
        import asyncssh

        try:
            return bytes(await reader.read(READ_SIZE))
        except (OSError, asyncssh.Error):
            return b""
