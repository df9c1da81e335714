"""This machine as a host; the `local` provider's runs and the tests use it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from runctl_tui.services.errors import HostError
from runctl_tui.services.hosts.session import READ_SIZE, Pipe, PipedHost


class LocalHost(PipedHost):
    """Runs commands on this machine, with another home folder or more environment where asked."""

    def __init__(
        self,
        resource_id: str = "local",
        *,
        home: Path | None = None,
        environment: Mapping[str, str] | None = None,
        base: Callable[[], Mapping[str, str]] = lambda: os.environ,
    ) -> None:
        """Add `environment` to what `base` returns when a command starts: this program's own unless said otherwise."""
        super().__init__()
        self._base = base
        self._resource_id = resource_id
        self._folder = str(home or Path.home())
        self._environment = dict(environment or {}, HOME=self._folder)

    @property
    def resource_id(self) -> str:
        """The machine's id."""
        return self._resource_id

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of a command that starts now."""
        return {**self._base(), **self._environment}

    def shell_argv(self, line: str = "") -> tuple[str, ...]:
        """The command that gives a person a shell here, or with a line has a shell run it."""
        return ("/bin/sh", "-c", line) if line else (os.environ.get("SHELL") or "/bin/sh", "-l")

    @asynccontextmanager
    async def forward(self, remote_port: int) -> AsyncIterator[int]:
        """Give the port itself, since it is already here."""
        yield remote_port

    async def close(self) -> None:
        """Do nothing: there is no link."""

    @asynccontextmanager
    async def _open(self, argv: Sequence[str]) -> AsyncIterator[Pipe]:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._folder,
                env=self.environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise HostError(f"{argv[0]} could not be started here", str(error), "install it, or mend PATH") from error
        try:
            yield ProcessPipe(process)
        finally:
            await end(process)


async def end(process: asyncio.subprocess.Process) -> None:
    """End a command's whole group and reap it, so that nothing is left behind."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()


class ProcessPipe:
    """A local process as a `Pipe`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr

    async def write(self, data: bytes) -> None:
        """Write to standard input, waiting while it is full."""
        self._stdin.write(data)
        await self._stdin.drain()

    def write_eof(self) -> None:
        """Close standard input."""
        self._stdin.close()

    async def read(self) -> bytes:
        """Return the next piece of standard output, empty at its end."""
        return await self._stdout.read(READ_SIZE)

    async def read_error(self) -> bytes:
        """Return the next piece of standard error, empty at its end."""
        return await self._stderr.read(READ_SIZE)

    async def wait(self) -> int | None:
        """Return the exit status, 128 plus the number for a signal."""
        status = await self._process.wait()
        return status if status >= 0 else 128 - status
