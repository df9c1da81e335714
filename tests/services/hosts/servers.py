"""SSH servers on the loopback interface for tests: one of asyncssh with a home folder per user, and OpenSSH's own."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runctl_tui.services.hosts.ssh import SshOptions, SshPool
from runctl_tui.services.hosts.trust import TrustStore
from runctl_tui.services.ports import SshTarget

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
QUICK = SshOptions(connect_timeout=5, login_timeout=5, keepalive_interval=1, keepalive_count=2)


@dataclass
class Embedded:
    """An asyncssh server that runs commands in one home folder."""

    home: Path
    port: int
    host_key: Any
    key_file: Path
    connections: list[Any] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    agents: list[str | None] = field(default_factory=list)
    """For each command where it could reach the client's agent, None where the client offers none."""
    opened: int = 0
    running: int = 0
    most: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a command was started."""

    def target(self, resource_id: str = "i-1") -> SshTarget:
        return SshTarget(resource_id, "127.0.0.1", self.port, "trainer", (str(self.key_file),))

    def public_key(self) -> str:
        return str(self.host_key.export_public_key().decode().strip())

    def cut(self) -> None:
        """Break every connection as a dead network would, without a word of farewell."""
        for connection in self.connections:
            connection.abort()
        self.connections.clear()


async def pump(reader: asyncio.StreamReader, writer: Any) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, BrokenPipeError):
        return


async def feed(process: Any, child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    try:
        while data := await process.stdin.read(65536):
            child.stdin.write(data)
            await child.stdin.drain()
    except Exception:  # noqa: BLE001 - whatever ends the input, the child shall see its end
        pass
    finally:
        child.stdin.close()


async def serve_command(server: Embedded, process: Any) -> None:
    server.commands.append(process.command)
    server.agents.append(process.channel.get_agent_path())
    server.busy.set()
    server.running += 1
    server.most = max(server.most, server.running)
    child = await asyncio.create_subprocess_exec(
        "sh", "-c", process.command, cwd=server.home, start_new_session=True,
        env={**os.environ, "HOME": str(server.home), **server.environment},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stderr is not None
    feeder = asyncio.create_task(feed(process, child))
    outputs = asyncio.gather(pump(child.stdout, process.stdout), pump(child.stderr, process.stderr))
    closed = asyncio.create_task(process.wait_closed())
    try:
        await asyncio.wait({outputs, closed}, return_when=asyncio.FIRST_COMPLETED)
        if outputs.done() and not closed.done():
            status = await child.wait()
            if status < 0:
                process.exit_with_signal({15: "TERM", 9: "KILL"}.get(-status, "INT"))
            else:
                process.exit(status)
    finally:
        server.running -= 1
        if child.returncode is None:
            os.killpg(child.pid, 9)
        for task in (feeder, outputs, closed):
            task.cancel()
        await asyncio.gather(feeder, outputs, closed, child.wait(), return_exceptions=True)


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def configured(folder: Path) -> int:
    """Prepare OpenSSH's server in a folder and return the port it will have."""
    made(folder).chmod(0o700)
    for name in ("host", "id"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    shutil.copy(folder / "id.pub", folder / "authorized")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"UsePAM no\nPidFile {folder}/pid\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"AllowTcpForwarding yes\nSetEnv AWS_EC2_METADATA_DISABLED=true\n"
    )
    made(Path("/run/sshd"))
    return port


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[Embedded]:
    """Run an asyncssh server with explicit pumps."""
    import asyncssh

    home, key_file = made(folder / "home"), folder / "id"
    host_key, user_key = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    user_key.write_private_key(key_file)
    key_file.chmod(0o600)
    authorized = asyncssh.import_authorized_keys(user_key.export_public_key().decode())
    asyncio.get_running_loop().set_task_factory(None)  # asyncssh's server side hangs with eager tasks
    server = Embedded(home, 0, host_key, key_file, environment={"AWS_EC2_METADATA_DISABLED": "true"})

    class Login(asyncssh.SSHServer):
        def connection_made(self, connection: Any) -> None:
            server.connections.append(connection)
            server.opened += 1

        def begin_auth(self, username: str) -> bool:
            return True

        def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
            return dest_host == "127.0.0.1"

    async def command(process: Any) -> None:
        task = asyncio.create_task(serve_command(server, process))
        server.tasks.add(task)
        task.add_done_callback(server.tasks.discard)
        await asyncio.wait({task})

    listener = await asyncssh.create_server(
        Login, "127.0.0.1", 0, server_host_keys=[host_key], authorized_client_keys=authorized,
        process_factory=command, encoding=None, allow_scp=False,
    )  # fmt: skip
    server.port = listener.get_port()
    try:
        yield server
    finally:
        server.cut()
        listener.close()
        await listener.wait_closed()
        await asyncio.gather(*server.tasks, return_exceptions=True)


@asynccontextmanager
async def openssh(folder: Path) -> AsyncIterator[SshTarget]:
    """Run OpenSSH's server as it is installed, on a port of its own."""
    assert SSHD is not None
    port = configured(folder)
    process = await asyncio.create_subprocess_exec(
        SSHD, "-D", "-e", "-f", str(folder / "config"), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await listening(port)
        user = os.environ.get("USER") or "root"
        yield SshTarget("i-sshd", "127.0.0.1", port, user, (str(folder / "id"),))
    finally:
        process.terminate()
        await process.wait()


async def listening(port: int) -> None:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise AssertionError("nothing listens")


def pool_for(server: Embedded, folder: Path, resource_id: str = "i-1") -> SshPool:
    """Return a pool that already trusts the server's key."""
    trust = TrustStore(folder / "known_hosts")
    trust.accept(resource_id, [server.public_key()])
    return SshPool(trust, options=QUICK)
