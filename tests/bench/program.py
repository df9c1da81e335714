"""One program in a pseudo-terminal with a stopwatch: when what was seen, and what it cost."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Program:
    """A running program; times are seconds since it was started, bytes are what it wrote to the terminal."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], size: tuple[int, int] = (120, 40)) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.seen = bytearray()
        self.first_byte: float | None = None
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, *argv], stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=dict(environment),
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def until(self, mark: str, seconds: float = 60) -> float:
        """Return when the mark was first written."""
        wanted = mark.encode()
        while wanted not in self.seen:
            if time.monotonic() - self._started > seconds:
                raise TimeoutError(f"{mark!r} was not shown within {seconds} s")
            self._read(0.002)
        return time.monotonic() - self._started

    def until_asking(self, cloud: socket.socket, seconds: float = 60) -> float:
        """Return when the program first called a cloud that listens there and answers nothing."""
        while not select.select([cloud], [], [], 0)[0]:
            if time.monotonic() - self._started > seconds:
                raise TimeoutError(f"the cloud was not asked within {seconds} s")
            self._read(0.002)
        return time.monotonic() - self._started

    def settle(self, quiet: float = 0.3, seconds: float = 10) -> int:
        """Wait until nothing was written for a while and return the bytes written meanwhile."""
        count, last, begun = 0, time.monotonic(), time.monotonic()
        while time.monotonic() - last < quiet and time.monotonic() - begun < seconds:
            if read := self._read(0.02):
                count, last = count + read, time.monotonic()
        return count

    def idle(self, seconds: float) -> int:
        """Return the bytes written in so many seconds."""
        count, begun = 0, time.monotonic()
        while time.monotonic() - begun < seconds:
            count += self._read(0.05)
        return count

    def keys(self, key: str, times: int) -> tuple[float, int]:
        """Press a key so often, one at a time, and return the seconds of processor and the bytes of one."""
        before, count = self.work(), 0
        for _ in range(times):
            os.write(self._master, key.encode())
            count += self.settle(quiet=0.03)
        return (self.work() - before) / times, count // times

    def quit(self, key: str = "\x11") -> float:
        """Press the key that quits and return how long the end took."""
        begun = time.monotonic()
        os.write(self._master, key.encode())
        while self._process.poll() is None:
            self._read(0.002)
            if time.monotonic() - begun > 20:
                raise TimeoutError("it does not quit")
        return time.monotonic() - begun

    def close(self) -> None:
        """End the program if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _read(self, seconds: float) -> int:
        if not select.select([self._master], [], [], seconds)[0]:
            return 0
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return 0
        if data and self.first_byte is None:
            self.first_byte = time.monotonic() - self._started
        self.seen += data
        return len(data)

    def work(self) -> float:
        """Return the seconds of processor that the program has used."""
        tasks = Path(f"/proc/{self._process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


@contextlib.contextmanager
def running(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[Program]:
    """Run a program for the length of a block."""
    program = Program(argv, environment)
    try:
        yield program
    finally:
        program.close()
