"""The streams of a headless call: progress to standard error, questions only on a terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, TextIO

from runctl_tui.domain.text import safe, safe_line
from runctl_tui.services.errors import OutputLost, UserError
from runctl_tui.services.redaction import redacted


class GoesOn(NamedTuple):
    """Something that outlives this program, and how to see it."""

    what: str
    look: str


@dataclass(slots=True)
class Console:
    """Where words go; with `json` set, nobody is asked anything and standard output is left to the one object."""

    json: bool = False
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    afterwards: list[GoesOn] = field(default_factory=list)
    """What goes on when this program is interrupted; said then."""
    ends_by_interrupt: bool = False
    """Whether an interrupt is how the call ends when all is well."""

    @property
    def interactive(self) -> bool:
        """Whether somebody sits there who can be asked."""
        return not self.json and self.stdin.isatty() and self.stderr.isatty()

    def answer(self, text: str) -> None:
        """Write the answer, or a part of it; OutputLost where it cannot be written."""
        with written():
            print(text, file=self.stdout, flush=True)

    def progress(self, words: str) -> None:
        """Say what is going on."""
        print(safe(redacted(words), 2000), file=self.stderr, flush=True)

    def progress_text(self, text: str) -> None:
        """Say several lines that are safe already."""
        print(text, file=self.stderr, flush=True)

    def log_line(self, line: str) -> None:
        """Pass a line of a run's log on: to standard error, out of the way of the answer."""
        print(safe_line(line), file=self.stderr, flush=True)

    def out_line(self, line: str) -> None:
        """Pass a line of a run's log on as the answer; cleaned for a terminal, as it is for a pipe."""
        if self.json:
            self.log_line(line)
        else:
            self.answer(safe_line(line) if self.stdout.isatty() else line)

    async def ask(self, question: str) -> str:
        """Put a question on the terminal and return the answer; UserError when there is none."""
        print(safe(question, 2000), end=" ", file=self.stderr, flush=True)
        return await self.read_line()

    async def read_line(self) -> str:
        """Return the next line of standard input; UserError when there is none."""
        line = await _line(self.stdin)
        if not line:
            raise UserError("no answer", "the input ended", code="cancelled")
        return line.rstrip("\n")

    async def ask_secret(self, question: str) -> str:
        """Ask without showing what is typed."""
        import termios

        terminal = self.stdin.fileno()
        before = termios.tcgetattr(terminal)
        silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
        try:
            termios.tcsetattr(terminal, termios.TCSADRAIN, silent)
            return await self.ask(question)
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
            print(file=self.stderr, flush=True)


async def _line(stream: TextIO) -> str:
    """Wait for a line without a thread, so that an interrupt ends the wait at once."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(stream.fileno(), ready.set)
    except PermissionError:  # a file on a disk cannot be waited for, and need not be
        return stream.readline()
    try:
        await ready.wait()
    finally:
        loop.remove_reader(stream.fileno())
    return stream.readline()


@contextmanager
def written() -> Iterator[None]:
    """Say in words that standard output takes nothing; a pipe that nobody reads stays a BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        todo = "send it where there is room, and ask again"
        raise OutputLost("the output could not be written", error.strerror or str(error), todo) from None
