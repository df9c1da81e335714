"""The terminal driver: bytes that are no UTF-8 never deafen the app, a lost terminal ends it; used by the app."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import signal
import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Iterator
from queue import Empty, Full
from time import monotonic
from typing import IO, TYPE_CHECKING, Any, Final

from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

from runctl_tui.widgets.pastes import PasteGuard

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual._xterm_parser import XTermParser
    from textual.driver import Driver
    from textual.message import Message

READ_BYTES: Final = 4096
POLL_SECONDS: Final = 0.1
TERMINAL_LOST: Final = 129
"""Exit code after the terminal went away, as a shell reports SIGHUP."""


def driver_class() -> type[Driver] | None:
    """Return the driver for this platform, for `App(driver_class=...)`; None lets Textual choose."""
    return None if sys.platform == "win32" else RobustDriver


class LenientWriter(WriterThread):
    """Drops output once the terminal is gone or does not read, instead of stopping the whole program."""

    def __init__(self, file: IO[str], lost: Callable[[], None]) -> None:
        super().__init__(file)
        self._lost = lost
        self._gone = threading.Event()

    def write(self, text: str) -> None:
        """Queue text; dropped when the terminal is gone."""
        while not self._gone.is_set():
            try:
                self._queue.put(text, timeout=POLL_SECONDS)
                return
            except Full:
                continue

    def run(self) -> None:
        """Write until told to stop or the terminal is gone."""
        try:
            super().run()
        except (OSError, ValueError):
            self._gone.set()
            self._drain()
            self._lost()

    def stop(self) -> None:
        """End the thread, without waiting for a terminal that is gone."""
        if not self._gone.is_set():
            super().stop()

    def _drain(self) -> None:
        while True:
            try:
                self._queue.get_nowait()
            except Empty:
                return


class RobustDriver(LinuxDriver):
    """Textual's driver with a forgiving decoder, an end on hang-up, and a writer that cannot block for ever."""

    def start_application_mode(self) -> None:
        """Start, and take hang-ups as a wish to leave."""
        self._loop = asyncio.get_running_loop()
        super().start_application_mode()  # type: ignore[no-untyped-call] # Textual leaves it unannotated
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, lambda *_: self._terminal_lost())
        self._loop.add_signal_handler(signal.SIGTSTP, self._sigtstp_application)
        self._loop.add_signal_handler(signal.SIGCONT, self._take_back)
        usual = self._writer_thread
        if usual is not None and self._file is not None:
            usual.stop()
            self._writer_thread = LenientWriter(self._file, self._terminal_lost)
            self._writer_thread.start()

    def _take_back(self) -> None:
        """Draw everything anew after a stop: whoever had the terminal meanwhile drew over it and set it otherwise."""
        if not self._auto_restart:
            return
        if not self._must_signal_resume:  # stopped by force, without any chance to give the terminal back
            self.suspend_application_mode()
        self.resume_application_mode()
        self._app.refresh(layout=True)

    def run_input_thread(self) -> None:
        """Read keys until told to stop; what is no UTF-8 becomes the replacement character, the end means leave."""
        from textual._xterm_parser import XTermParser

        parser, guard = XTermParser(self._debug), PasteGuard()
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            ready, _, _ = select.select([self.fileno], [], [], POLL_SECONDS)
            if ready:
                data = self._read()
                if not data:
                    self._terminal_lost()
                    return
                self._pass_on(parser, guard.passed(decode(data), monotonic()))
            elif missed := guard.overdue(monotonic()):
                self._pass_on(parser, missed)
            for message in parser.tick():
                self.process_message(message)

    def _read(self) -> bytes:
        """Return what was typed; nothing once the terminal is gone."""
        try:
            return os.read(self.fileno, READ_BYTES)
        except InterruptedError:
            return self._read()
        except OSError as error:
            if error.errno in (errno.EIO, errno.EBADF, errno.ENXIO):
                return b""
            raise

    def _pass_on(self, parser: XTermParser, text: str) -> None:
        """Hand decoded text on as events."""
        messages: Iterator[Message] = iter(parser.feed(text)) if text else iter(())
        for message in messages:
            self.process_message(message)

    def _terminal_lost(self, *_: Any) -> None:
        """Leave the program in order."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: self._app.exit(return_code=TERMINAL_LOST))
