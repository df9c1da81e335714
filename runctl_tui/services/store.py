"""The state file: one SQLite database in the state folder, written by one thread per process.

Ledger, journal and jobs share it. Several processes may use it at once; every piece of work is one transaction that is
on the disk when it returns. A file that is damaged is set aside, a full disk is answered from memory, both said so.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.problem import Problem
from runctl_tui.services.errors import StateError
from runctl_tui.services.schema import MIGRATIONS

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

FILE_NAME: Final = "state.db"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BUSY_MS: Final = 5_000
_OUT_OF_SPACE: Final = ("full", "disk i/o", "readonly", "read-only", "unable to open")


def to_micros(moment: datetime) -> int:
    """Return microseconds since 1970, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Return the UTC moment of `to_micros`."""
    return _EPOCH + timedelta(microseconds=micros)


class Store:
    """Runs pieces of work on the state file, in the order in which they come, off the event loop."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._problems: list[Problem] = []
        self._durable = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the state file, in words; known after the first piece of work."""
        return tuple(self._problems)

    @property
    def durable(self) -> bool:
        """Whether what is written survives this process; known after the first piece of work."""
        return self._durable

    async def run(self, work: Work[T]) -> T:
        """Run the work as one transaction; StateError where the file is of a newer version or cannot be used."""
        if self._closed:
            raise StateError("the state file is closed")
        self._start()
        done: Future[T] = Future()
        self._queue.put(lambda: self._serve_one(work, done))
        return await asyncio.wrap_future(done)

    def close(self) -> None:
        """Take no more work and end the thread after what is queued; waits for nothing."""
        self._closed = True
        self._queue.put(None)

    def join(self, timeout: float = 5.0) -> None:
        """Wait until everything queued before `close` is written."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="state-file", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        while (call := self._queue.get()) is not None:
            call()
        if self._connection is not None:
            self._connection.close()

    def _serve_one(self, work: Work[T], done: Future[T]) -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            done.set_result(self._transact(work))
        except BaseException as error:  # noqa: BLE001 (carried to whoever awaits the future)
            done.set_exception(error)

    def _transact(self, work: Work[T]) -> T:
        if self._connection is None:
            self._connection = self._open()
        try:
            return _transaction(self._connection, work)
        except sqlite3.DatabaseError as error:
            if self._durable and _no_space(error):
                self._go_on_in_memory(error)
                return _transaction(self._connection, work)
            raise self._failed("the state file could not be used", error) from error

    def _open(self) -> sqlite3.Connection:
        path = self.folder / FILE_NAME
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _opening(self.folder):
                connection = self._open_file(path)
            self._durable = True
        except OSError as error:
            return self._in_memory(error)
        except sqlite3.OperationalError as error:
            if not _no_space(error):
                raise self._failed("the state file cannot be opened", error) from error
            return self._in_memory(error)
        return connection

    def _open_file(self, path: Path) -> sqlite3.Connection:
        try:
            return self._prepare(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            self._set_aside(path, error)
            return self._prepare(path)

    def _prepare(self, path: Path) -> sqlite3.Connection:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
        connection = _connect(str(path))
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("its pages contradict each other")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(MIGRATIONS):
            why = f"it has version {version}, this program knows {len(MIGRATIONS)}"
            raise StateError("the state file is of a newer program", why, "update runctl-tui, or use --state-dir")
        if 0 < version < len(MIGRATIONS):
            self._back_up(connection, version)
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")

    def _back_up(self, connection: sqlite3.Connection, version: int) -> None:
        path = self.folder / f"state-v{version}-{self._stamp()}.db"
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with contextlib.closing(sqlite3.connect(path)) as copy:
            connection.backup(copy)

    def _set_aside(self, path: Path, error: sqlite3.DatabaseError) -> None:
        kept = path.with_name(f"{path.name}.damaged-{self._stamp()}")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{path}{suffix}", f"{kept}{suffix}")
        self._problems.append(
            Problem(
                "state.damaged", "the state file was damaged", str(error), f"it was kept as {kept}; a new one began"
            )
        )

    def _in_memory(self, error: Exception) -> sqlite3.Connection:
        self._durable = False
        todo = f"make room in {self.folder} and start again; nothing that needs the journal is possible until then"
        self._problems.append(Problem("state.memory", "nothing can be written to the state folder", str(error), todo))
        connection = _connect(":memory:")
        self._migrate(connection)
        return connection

    def _go_on_in_memory(self, error: Exception) -> None:
        """Keep what could be read of the file in memory, so that the figures stay while the disk is full."""
        file = self._connection
        self._connection = self._in_memory(error)
        if file is not None:
            with contextlib.suppress(sqlite3.DatabaseError):
                file.backup(self._connection)
            file.close()

    def _failed(self, what: str, error: sqlite3.DatabaseError) -> StateError:
        """Return what to tell of an error of SQLite that is no full disk."""
        if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            why = f"another program has kept it to itself for {_BUSY_MS / 1000:g} seconds"
            return StateError(
                what, why, f"try again; which one it is: fuser {self.folder / FILE_NAME}", code="state.busy"
            )
        return StateError(what, str(error), f"look at {self.folder / FILE_NAME}")

    def _stamp(self) -> str:
        return self._clock.now().strftime("%Y%m%dT%H%M%S%f")


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_MS / 1000)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _transaction(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return result


def _no_space(error: sqlite3.DatabaseError) -> bool:
    return any(words in str(error).lower() for words in _OUT_OF_SPACE)


@contextlib.contextmanager
def _opening(folder: Path) -> Iterator[None]:
    """Let one process at a time open, mend or migrate the file."""
    handle = os.open(folder / "state.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
