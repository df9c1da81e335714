"""The one shape of 'a machine where commands run', and what the local and the SSH one have in common.

The agent client, the code sync and the shells use `HostSession`; nobody else runs commands on hosts.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from runctl_tui.domain.text import safe
from runctl_tui.services.errors import DataTransferError, HostError, HostLinkLost, ValidationError

READ_SIZE: Final = 256 * 1024
ERROR_TAIL: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command that ended left behind."""

    stdout: bytes
    stderr: bytes
    """The last 64 KiB of it."""
    exit_status: int
    """128 plus the signal's number for a death by signal."""


def last_words(errors: bytes) -> str:
    """Return the last line of standard error as it may be drawn; empty where there is none."""
    return safe(errors.decode("utf-8", "replace").strip().rpartition("\n")[2])


def why_it_ended(result: CommandResult) -> str:
    """Return why a command failed: its last words, or how it ended."""
    if words := last_words(result.stderr):
        return words
    died = result.exit_status - 128
    return f"it was ended by signal {died}" if 0 < died < 65 else f"it ended with {result.exit_status}, without a word"


class CommandStream(Protocol):
    """The standard output of a running command, in pieces as they come."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate until the command ends; raises HostLinkLost when the link ends first."""

    @property
    def exit(self) -> int | None:
        """The exit status, None until the iteration is over."""

    @property
    def stderr(self) -> bytes:
        """The last 64 KiB of standard error so far."""


class HostSession(Protocol):
    """A machine where commands run; every method raises HostErrors for what the way to it does."""

    @property
    def resource_id(self) -> str:
        """The machine's id, under which its key is trusted."""

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60,  # noqa: ASYNC109 - its end is a lost link
    ) -> CommandResult:
        """Run a command to its end; HostLinkLost after `timeout` seconds or when the link ends."""

    def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> AbstractAsyncContextManager[CommandStream]:
        """Run a command and read its output as it comes; leaving the context ends the command."""

    async def push_tar(self, chunks: AsyncIterator[bytes], into: str) -> None:
        """Unpack a tar stream into a folder, which is made; DataTransferError says why it failed."""

    async def home(self) -> str:
        """The home folder's absolute path."""

    def shell_argv(self, line: str = "") -> tuple[str, ...]:
        """The command that gives a person a shell there, or with a line has a shell there run it."""

    def forward(self, remote_port: int) -> AbstractAsyncContextManager[int]:
        """Make a port of the machine's loopback interface reachable on ours; gives the local port."""

    async def close(self) -> None:
        """Let go of the machine without waiting for it."""


class Pipe(Protocol):
    """A command that was started: its three streams and its end."""

    async def write(self, data: bytes) -> None:
        """Write to standard input, waiting while it is full."""

    def write_eof(self) -> None:
        """Close standard input."""

    async def read(self) -> bytes:
        """Return the next piece of standard output, empty at its end."""

    async def read_error(self) -> bytes:
        """Return the next piece of standard error, empty at its end."""

    async def wait(self) -> int | None:
        """Return the exit status; None when the link ended before the command did."""


def as_path(text: str) -> str:
    """Return a path as it is; ValidationError for an empty one and for NUL and line ends."""
    if not text or any(character in text for character in "\0\r\n"):
        raise ValidationError(f"{text!r} is no path", "it is empty or holds a NUL or a line end", "choose another name")
    return text


class Pumped:
    """Feeds a pipe's input and keeps the tail of its errors while its output is read."""

    def __init__(self, pipe: Pipe, stdin: AsyncIterator[bytes]) -> None:
        self._pipe = pipe
        self._errors = bytearray()
        self._exit: int | None = None
        self._feeder = asyncio.create_task(self._feed(stdin))
        self._listener = asyncio.create_task(self._listen())

    @property
    def exit(self) -> int | None:
        """The exit status, None until the iteration is over."""
        return self._exit

    @property
    def stderr(self) -> bytes:
        """The last part of standard error so far."""
        return bytes(self._errors)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self._pipe.read():
            yield data
        status = await self._pipe.wait()
        await self._listener
        if status is None:
            raise HostLinkLost("The link to the host was lost", "the command gave no exit status", "try again")
        if self._feeder.done() and not self._feeder.cancelled() and (error := self._feeder.exception()):
            raise error
        self._exit = status

    async def close(self) -> None:
        """End the two helpers."""
        for task in (self._feeder, self._listener):
            task.cancel()
        await asyncio.gather(self._feeder, self._listener, return_exceptions=True)

    async def _feed(self, stdin: AsyncIterator[bytes]) -> None:
        try:
            async for data in stdin:
                await self._pipe.write(data)
            self._pipe.write_eof()
        except (ConnectionError, HostLinkLost):
            # A command may end without reading all its input; its exit status tells whether that is an error.
            return

    async def _listen(self) -> None:
        while data := await self._pipe.read_error():
            self._errors += data
            del self._errors[:-ERROR_TAIL]


async def once(data: bytes) -> AsyncIterator[bytes]:
    """Yield one piece of input in parts that keep memory flat."""
    for start in range(0, len(data), READ_SIZE):
        yield data[start : start + READ_SIZE]


class PipedHost(ABC):
    """A host of which only the starting of a command differs; implements the rest of `HostSession`."""

    def __init__(self) -> None:
        self._home = ""

    @abstractmethod
    def _open(self, argv: Sequence[str]) -> AbstractAsyncContextManager[Pipe]:
        """Start a command; leaving the context ends it."""

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 60,  # noqa: ASYNC109 - its end is a lost link
    ) -> CommandResult:
        """Run a command to its end; HostLinkLost after `timeout` seconds or when the link ends."""
        return await self._collect(argv, once(stdin), timeout)

    @asynccontextmanager
    async def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> AsyncIterator[CommandStream]:
        """Run a command and read its output as it comes; leaving the context ends the command."""
        async with self._open(argv) as pipe:
            pumped = Pumped(pipe, once(stdin))
            try:
                yield pumped
            finally:
                await pumped.close()

    async def push_tar(self, chunks: AsyncIterator[bytes], into: str) -> None:
        """Unpack a tar stream into a folder, which is made; DataTransferError says why it failed."""
        script = 'mkdir -p -- "$1" && exec tar -xof - -C "$1"'
        result = await self._collect(("sh", "-c", script, "sh", as_path(into)), chunks, None)
        if result.exit_status:
            what = f"Nothing could be unpacked in {into}"
            raise DataTransferError(what, why_it_ended(result), "look at the disk's free space there")

    async def home(self) -> str:
        """The home folder's absolute path."""
        if not self._home:
            result = await self.run(("sh", "-c", 'printf %s "$HOME"'))
            told = result.stdout.decode("utf-8", "surrogateescape")
            if result.exit_status or not told.startswith("/") or any(character in told for character in "\0\r\n"):
                why = why_it_ended(result) if result.exit_status else "what it said is no folder"
                raise HostError(
                    "The host did not say where its home folder is", why, "does its shell print a greeting?"
                )
            self._home = told
        return self._home

    async def _collect(self, argv: Sequence[str], stdin: AsyncIterator[bytes], limit: float | None) -> CommandResult:
        """Run a command with streamed input and gather its output."""
        output = bytearray()
        try:
            async with asyncio.timeout(limit), self._open(argv) as pipe:
                pumped = Pumped(pipe, stdin)
                try:
                    async for data in pumped:
                        output += data
                finally:
                    await pumped.close()
        except TimeoutError as error:
            what, why = "The host took too long to answer", f"no end within {limit:g} seconds"
            raise HostLinkLost(what, why, "try again; look at the host's load", code="host.timeout") from error
        assert pumped.exit is not None
        return CommandResult(bytes(output), pumped.stderr, pumped.exit)
