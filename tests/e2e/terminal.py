"""A real program in a real pseudo-terminal, seen through a terminal emulator: what the end-to-end tests drive."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import pyte

KEYS: Final[Mapping[str, str]] = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "backspace": "\x7f",
    "end": "\x1b[F",
    "home": "\x1b[H",
}
REACTION_S: Final = 1.0
"""How long a key that draws nothing is waited for."""


class Terminal:
    """One program, its screen and its keyboard; everything waits for what a person would see."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], size: tuple[int, int] = (120, 36), cwd: str = "."
    ) -> None:
        self.columns, self.rows = size
        self._screen = pyte.Screen(self.columns, self.rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = bytearray()
        self._open = True
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.rows, self.columns, 0, 0))
        self._process = subprocess.Popen(
            list(argv),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={"TERM": "xterm-256color", "LANG": "C.UTF-8", **environment},
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the terminal under the program."""
        if self._open:
            os.close(self._master)
        self._open = False

    def signal(self, number: int) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    @property
    def stopped(self) -> bool:
        """Whether job control holds the program."""
        return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    @property
    def modes(self) -> list[object]:
        """How the terminal treats keys and lines."""
        return termios.tcgetattr(self._master)[:4]

    def wipe(self) -> None:
        """Clear the screen, as another program does that used it meanwhile."""
        self._drain(0)
        self._screen.reset()

    @property
    def text(self) -> str:
        """What is on the screen now."""
        self._drain(0)
        return "\n".join(line.rstrip() for line in self._screen.display)

    def line_with(self, text: str) -> str:
        """Return the first line of the screen that holds the text."""
        return next(line for line in self.text.splitlines() if text in line)

    @property
    def cursor_line(self) -> str:
        """The line on which the terminal's cursor stands: that of the field being typed into."""
        self._drain(0)
        return self._screen.display[self._screen.cursor.y].rstrip()

    def press(self, *keys: str) -> None:
        """Press keys by name, each once the last was answered; one character is itself, `ctrl+x` works for letters."""
        for key in keys:
            before = len(self.raw)
            self._write(self._code(key))
            for _ in self._ticks(REACTION_S):
                if len(self.raw) > before:
                    break
            self.settle()

    def settle(self, quiet: float = 0.08) -> None:
        """Read until nothing has been drawn for a moment."""
        seen = -1
        while seen != len(self.raw):
            seen = len(self.raw)
            self._drain(quiet)

    def type(self, text: str) -> None:
        """Type text as fast as a quick person, one key after the other."""
        for character in text:
            self._write(character)
            self._drain(0.01)

    def send(self, data: bytes) -> None:
        """Send bytes as they are, without waiting for an answer."""
        os.write(self._master, data)

    def click_every(self, text: str) -> None:
        """Click on a text wherever the screen shows it."""
        for row, line in enumerate(self.text.splitlines(), 1):
            for found in re.finditer(re.escape(text), line):
                place = f"{found.start() + 2};{row}"
                self.send(f"\x1b[<0;{place}M\x1b[<0;{place}m".encode())
        self.settle()

    def wait(self, *texts: str, seconds: float = 60) -> str:
        """Wait until the screen shows all of the texts and return the screen; fails with the screen otherwise."""
        return self._until(lambda screen: all(text in screen for text in texts), f"no {texts!r}", seconds)

    def drain(self, seconds: float) -> None:
        """Read what the program draws for a while, as a person waits."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._drain(left)

    def gone(self, text: str, seconds: float = 60) -> str:
        """Wait until the screen no longer shows the text."""
        return self._until(lambda screen: text not in screen, f"still {text!r}", seconds)

    def ended(self, seconds: float = 30) -> int:
        """Wait for the program's end and return its exit status."""
        for _ in self._ticks(seconds):
            if self._process.poll() is not None:
                self._drain(0)
                return self._process.returncode
        raise AssertionError(f"still running after {seconds} s\n{self.text}")

    def until(self, holds: Callable[[str], bool], what: str, seconds: float = 60) -> str:
        """Wait until the screen satisfies a condition and return it."""
        return self._until(holds, f"not {what}", seconds)

    def _until(self, holds: Callable[[str], bool], complaint: str, seconds: float) -> str:
        for _ in self._ticks(seconds):
            if holds(screen := self.text):
                return screen
        raise AssertionError(f"{complaint} after {seconds} s; the screen shows:\n{self.text}")

    def _ticks(self, seconds: float) -> Iterator[None]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            yield
            self._drain(0.05)
        yield

    def _code(self, key: str) -> str:
        if key.startswith("ctrl+") and len(key) == 6:
            return chr(ord(key[-1].upper()) & 0x1F)
        return KEYS.get(key, key)

    def _write(self, text: str) -> None:
        os.write(self._master, text.encode())

    def _drain(self, seconds: float) -> None:
        while self._open and select.select([self._master], [], [], seconds)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            if not data:
                return
            self.raw += data
            self._stream.feed(data)
            seconds = 0
