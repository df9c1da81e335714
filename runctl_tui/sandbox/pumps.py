"""Moves bytes between an SSH channel and a real process with back-pressure, and says how the process ended.

The pumps are explicit because redirection by the SSH library loses the tail of standard input and closes the
whole connection under back-pressure. Used by `sshd`.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, cast

import asyncssh

from runctl_tui.sandbox.processes import send_to_group

CHUNK: Final = 64 * 1024
IDLE_S: Final = 0.3
"""How long an inherited but silent output may stay open after the process has ended."""
HANGUP_S: Final = 1.0
"""How long a process may go on after its channel is gone."""
TAKE_TERMINAL: Final = (
    "import fcntl,os,sys,termios;fcntl.ioctl(0,termios.TIOCSCTTY,0);os.execvp(sys.argv[1],sys.argv[1:])"
)
"""A fresh interpreter takes the controlling terminal: doing it between fork and exec is unsafe with threads."""


class Output:
    """One direction from the process to the channel."""

    def __init__(self, source: asyncio.StreamReader, sink: asyncssh.SSHWriter[bytes]) -> None:
        self._source = source
        self._sink = sink
        self._waiting = False
        self.moved = 0

    async def run(self) -> None:
        """Copy until the process closes its end or the channel is gone."""
        while True:
            self._waiting = True
            try:
                data = await self._source.read(CHUNK)
            except OSError:
                return  # a pseudo-terminal ends with an error where a pipe ends with nothing
            self._waiting = False
            if not data:
                return
            self.moved += len(data)
            try:
                self._sink.write(data)
                await self._sink.drain()
            except (OSError, asyncssh.Error):
                return

    @property
    def silent(self) -> bool:
        """Whether the pump has nothing in hand and waits for the process."""
        return self._waiting


class Foreground:
    """One command on a channel, from its start to its exit status."""

    def __init__(self, channel: asyncssh.SSHServerProcess[bytes]) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[int] = self._loop.create_future()
        self._process: subprocess.Popen[bytes]
        self._stdin: asyncio.StreamWriter | None = None
        self._terminal: int | None = None
        self._outputs: list[Output] = []
        self._transports: list[asyncio.BaseTransport] = []

    async def run(self, argv: Sequence[str], environment: Mapping[str, str], home: Path) -> None:
        """Run the command to its end, or end it when the channel goes away."""
        env = dict(environment)
        terminal_type = self._channel.get_terminal_type()
        if terminal_type:
            env["TERM"] = terminal_type
            await self._start_on_terminal(argv, env, home)
        else:
            await self._start_on_pipes(argv, env, home)
        threading.Thread(target=self._wait, name=f"wait-{self._process.pid}", daemon=True).start()
        stdin = asyncio.create_task(self._feed())
        outputs = [asyncio.create_task(output.run()) for output in self._outputs]
        gone = asyncio.create_task(self._channel.wait_closed())
        try:
            ends: set[asyncio.Future[Any]] = {self._exit, gone}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._exit.done():
                await self._drain(outputs, gone)
                self._report(self._exit.result())
            else:
                await self._hang_up()
        finally:
            for task in (stdin, gone, *outputs):
                task.cancel()
            self._close()

    async def _start_on_pipes(self, argv: Sequence[str], env: Mapping[str, str], home: Path) -> None:
        self._process = subprocess.Popen(  # noqa: ASYNC220 - asyncio's own loses output that a job inherits
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=home,
            start_new_session=True,
        )
        self._stdin = await self._writer(cast("IO[bytes]", self._process.stdin))
        for source, sink in (
            (self._process.stdout, self._channel.stdout),
            (self._process.stderr, self._channel.stderr),
        ):
            self._outputs.append(Output(await self._reader(cast("IO[bytes]", source)), sink))

    async def _start_on_terminal(self, argv: Sequence[str], env: Mapping[str, str], home: Path) -> None:
        ours, theirs = pty.openpty()
        self._terminal = ours
        self._resize(self._channel.get_terminal_size())
        try:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - as above
                [sys.executable, "-ISc", TAKE_TERMINAL, *argv],
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                env=env,
                cwd=home,
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        self._stdin = await self._writer(os.fdopen(os.dup(ours), "wb", buffering=0))
        self._outputs.append(
            Output(await self._reader(os.fdopen(os.dup(ours), "rb", buffering=0)), self._channel.stdout)
        )

    async def _reader(self, pipe: IO[bytes]) -> asyncio.StreamReader:
        reader = asyncio.StreamReader(limit=CHUNK)
        transport, _ = await self._loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        self._transports.append(transport)
        return reader

    async def _writer(self, pipe: IO[bytes]) -> asyncio.StreamWriter:
        transport, protocol = await self._loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
        self._transports.append(transport)
        return asyncio.StreamWriter(transport, protocol, None, self._loop)

    async def _feed(self) -> None:
        """Copy what the client sends; window changes and signals arrive between the bytes."""
        while self._stdin is not None:
            try:
                data = await self._channel.stdin.read(CHUNK)
            except asyncssh.TerminalSizeChanged as change:
                self._resize(change.term_size)
                continue
            except asyncssh.BreakReceived:
                send_to_group(self._process.pid, signal.SIGINT)
                continue
            except asyncssh.SignalReceived as received:
                self._signal(received.signal)
                continue
            if not data:
                self._end_of_input()
                return
            try:
                self._stdin.write(data)
                await self._stdin.drain()
            except OSError:
                self._stdin = None

    def _end_of_input(self) -> None:
        if self._stdin is not None and self._terminal is None:
            self._stdin.close()
        elif self._stdin is not None:
            self._stdin.write(b"\x04")

    def _signal(self, name: str) -> None:
        number = getattr(signal, f"SIG{name}", None)
        if number is not None:
            send_to_group(self._process.pid, number)

    def _resize(self, size: tuple[int, int, int, int]) -> None:
        if self._terminal is not None:
            columns, rows, width, height = size
            packed = struct.pack("HHHH", rows, columns, width, height)
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, packed)

    async def _drain(self, outputs: list[asyncio.Task[None]], gone: asyncio.Task[None]) -> None:
        """Hand over what the process left in its pipes, without waiting for jobs that merely hold them open."""
        pending: set[asyncio.Task[Any]] = set(outputs)
        while pending and not gone.done():
            before = sum(output.moved for output in self._outputs)
            _, pending = await asyncio.wait(pending, timeout=IDLE_S)
            idle = before == sum(output.moved for output in self._outputs)
            if idle and all(output.silent for output in self._outputs):
                return

    async def _hang_up(self) -> None:
        """End the process as a terminal does that is hung up; jobs that ignore that, or left, go on."""
        send_to_group(self._process.pid, signal.SIGHUP)
        try:
            await asyncio.wait_for(asyncio.shield(self._exit), HANGUP_S)
        except TimeoutError:
            try:
                os.kill(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _report(self, status: int) -> None:
        try:
            if status < 0:
                self._channel.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
            else:
                self._channel.exit(status)
        except (OSError, asyncssh.Error):
            pass

    def _wait(self) -> None:
        status = self._process.wait()
        try:
            self._loop.call_soon_threadsafe(self._settle, status)
        except RuntimeError:
            pass  # the loop is closed: nobody waits for the status any more

    def _settle(self, status: int) -> None:
        if not self._exit.done():
            self._exit.set_result(status)

    def _close(self) -> None:
        for transport in self._transports:
            transport.close()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None
