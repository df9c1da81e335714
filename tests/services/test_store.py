"""The state file under every misfortune."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runctl_tui.services import schema
from runctl_tui.services import store as store_module
from runctl_tui.services.errors import StateError
from runctl_tui.services.store import FILE_NAME, Store
from tests.fakes import FakeClock

ROOT = Path(__file__).resolve().parents[2]


def files(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Store]:
    store = Store(folder, FakeClock())
    try:
        yield store
    finally:
        store.close()
        store.join()


def put(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO usage (resource, at, reading) VALUES ('a', 1, '{}')")


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM usage").fetchone()[0])


async def test_what_is_written_is_there_next_time(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        await store.run(put)
    with opened(tmp_path / "state") as store:
        assert await store.run(count) == 1
        assert store.durable
        assert store.problems == ()


async def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        await store.run(put)
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
    assert set(modes.values()) == {0o600}, modes


async def test_a_failed_piece_of_work_leaves_nothing(tmp_path: Path) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        put(connection)
        raise StateError("no")

    with opened(tmp_path) as store:
        with pytest.raises(StateError):
            await store.run(broken)
        assert await store.run(count) == 0


async def test_a_newer_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = (tmp_path / FILE_NAME).read_bytes()
    with opened(tmp_path) as store, pytest.raises(StateError, match="newer"):
        await store.run(count)
    assert (tmp_path / FILE_NAME).read_bytes()[100:] == before[100:]


async def test_a_damaged_file_is_set_aside_and_said_so(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database at all" * 100)
    with opened(tmp_path) as store:
        assert await store.run(count) == 0
        assert store.durable
        (problem,) = store.problems
    assert problem.code == "state.damaged"
    (kept,) = files(tmp_path, f"{FILE_NAME}.damaged-*")
    assert kept.read_bytes().startswith(b"not a database")
    assert str(kept) in problem.todo


async def test_a_folder_that_cannot_be_written_is_answered_from_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with opened(tmp_path / "file" / "state") as store:
        await store.run(put)
        assert await store.run(count) == 1
        assert not store.durable
        assert store.problems[0].code == "state.memory"


async def test_a_disk_that_fills_up_keeps_the_figures(tmp_path: Path) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
        connection.execute(f"PRAGMA max_page_count = {pages}")

    def big(connection: sqlite3.Connection) -> None:
        for _ in range(200):
            connection.execute("INSERT INTO usage (resource, at, reading) VALUES ('b', 1, ?)", ("x" * 1000,))

    with opened(tmp_path) as store:
        await store.run(put)
        await store.run(fill)
        await store.run(big)
        assert not store.durable
        assert store.problems[0].code == "state.memory"
        assert await store.run(count) == 201


async def test_an_older_file_is_migrated_with_a_copy_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as store:
        await store.run(put)
    monkeypatch.setattr("runctl_tui.services.store.MIGRATIONS", (*schema.MIGRATIONS, "ALTER TABLE usage ADD note TEXT"))
    with opened(tmp_path) as store:
        assert await store.run(count) == 1
        await store.run(lambda connection: connection.execute("UPDATE usage SET note = 'new'"))
    (copy,) = files(tmp_path, f"state-v{len(schema.MIGRATIONS)}-*.db")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert count(connection) == 1
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(schema.MIGRATIONS)


WRITER = """
import asyncio, sys
from pathlib import Path
from runctl_tui.services.store import Store
from runctl_tui.services.system_clock import SystemClock

async def main() -> None:
    store = Store(Path(sys.argv[1]), SystemClock())
    for _ in range(50):
        await store.run(lambda c: c.execute("INSERT INTO usage (resource, at, reading) VALUES ('p', 1, '{}')"))
    store.close()
    store.join()

asyncio.run(main())
"""


async def test_several_processes_write_at_once(tmp_path: Path) -> None:
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(tmp_path), cwd=ROOT) for _ in range(3)
    ]
    assert [await writer.wait() for writer in writers] == [0, 0, 0]
    with opened(tmp_path) as store:
        assert await store.run(count) == 150


async def test_work_after_the_end_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        await store.run(count)
    with pytest.raises(StateError, match="closed"):
        await store.run(count)


async def test_a_row_is_on_the_disk_when_it_counts_and_readers_do_not_wait(tmp_path: Path) -> None:
    def asked(file: sqlite3.Connection) -> list[object]:
        return [file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]

    with opened(tmp_path) as store:
        assert await store.run(asked) == [2, "wal"]  # FULL, and a log that is written ahead


async def test_a_file_that_another_program_keeps_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_BUSY_MS", 50)
    with opened(tmp_path) as store, contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as other:
        await store.run(put)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError) as caught:
            await store.run(put)
        other.rollback()
        assert await store.run(count) == 1
    assert caught.value.code == "state.busy"
    assert "locked" not in str(caught.value)
    assert caught.value.todo.endswith(f"fuser {tmp_path / FILE_NAME}")
