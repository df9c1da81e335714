"""One SSH listener on the loopback interface per running instance: keys, commands, terminals, files, tunnels."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import asyncssh

from runctl_tui.sandbox.pumps import Foreground

LOOPBACK: Final = "127.0.0.1"
LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
LOGINS: Final = frozenset({"ubuntu", "ec2-user", "root"})
PASSED_ON: Final = ("LANG", "LC_")
"""What a client may set in the environment, as sshd's usual configuration allows."""

AuthorizedKeys = Callable[[], list[str]]
"""Returns the public keys (OpenSSH format) that may log in now."""


class _Login(asyncssh.SSHServer):
    def __init__(self, listener: HostListener) -> None:
        self._listener = listener
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        if self._listener.cut:
            conn.abort()
            return
        self._connection = conn
        self._listener.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._listener.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username in LOGINS and self._listener.knows(key)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return dest_host in LOOPBACK_NAMES


class _Files(asyncssh.SFTPServer):
    """Tells OpenSSH's scp that all went well, which it takes for a failure when left out."""

    def exit(self) -> None:
        self.channel.exit(0)


class HostListener:
    """The SSH server of one running instance."""

    def __init__(self, home: Path, environment: Mapping[str, str], authorized: AuthorizedKeys) -> None:
        self._home = home
        self._environment = environment
        self._authorized = authorized
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._port: int | None = None
        self._until = 0.0
        self.connections: set[asyncssh.SSHServerConnection] = set()

    @property
    def port(self) -> int:
        """The port that it listens on, or did; other threads ask while it is being closed."""
        if self._port is None:
            raise RuntimeError("the listener is not open")
        return self._port

    @property
    def cut(self) -> bool:
        """Whether the link is cut at this moment."""
        return asyncio.get_running_loop().time() < self._until

    async def open(self, host_key: Path) -> None:
        """Start listening on a free port of the loopback interface."""
        self._acceptor = await asyncssh.create_server(
            lambda: _Login(self),
            LOOPBACK,
            0,
            server_host_keys=[str(host_key)],
            process_factory=self._run,
            sftp_factory=self._files,
            encoding=None,
            line_editor=False,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            login_timeout=20,
            server_version="OpenSSH_sandbox",
        )
        self._port = self._acceptor.get_port()

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        self._drop()

    def cut_for(self, seconds: float) -> int:
        """Drop every connection and refuse new ones for a while; returns how many were dropped."""
        self._until = asyncio.get_running_loop().time() + seconds
        return self._drop()

    def knows(self, key: asyncssh.SSHKey) -> bool:
        """Whether the instance's key pair holds this key."""
        for line in self._authorized():
            try:
                if asyncssh.import_public_key(line).public_data == key.public_data:
                    return True
            except asyncssh.KeyImportError:
                continue
        return False

    def _drop(self) -> int:
        dropped = list(self.connections)
        for connection in dropped:
            connection.abort()
        self.connections.clear()
        return len(dropped)

    def _files(self, channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return _Files(channel, chroot=os.fsencode(self._home))

    async def _run(self, channel: asyncssh.SSHServerProcess[bytes]) -> None:
        wished = {name: value for name, value in channel.env.items() if name.startswith(PASSED_ON)}
        environment = {**self._environment, **wished}
        try:
            await Foreground(channel).run(shell_argv(channel.command), environment, self._home)
        except OSError as error:
            channel.stderr.write(f"sandbox: {error.strerror}\n".encode())
            channel.exit(255)


def shell_argv(command: str | None) -> list[str]:
    """Return the argument list of a login shell, or of a shell that runs one command."""
    shell = shutil.which("bash") or "/bin/sh"
    return [shell, "-i"] if command is None else [shell, "-c", command]


def host_key(path: Path) -> str:
    """Return the public half of the host key at `path`, making the key first where it is missing."""
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(key.export_private_key("openssh"))
    return asyncssh.read_private_key(str(path)).export_public_key("openssh").decode().strip()
