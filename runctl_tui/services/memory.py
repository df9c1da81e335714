"""Small things kept in the state file as JSON. Implements `ports.Memory`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runctl_tui.services.store import Store


class StoredMemory:
    """One row per name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def recall(self) -> Mapping[str, object]:
        """Return everything that is kept; a row that is no JSON any more is left out."""

        def work(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            return [(row["name"], row["value"]) for row in connection.execute("SELECT name, value FROM kept")]

        return {name: value for name, text in await self._store.run(work) if (value := _read(text)) is not None}

    async def keep(self, name: str, value: object) -> None:
        """Write or forget one value."""

        def work(connection: sqlite3.Connection) -> None:
            if value is None:
                connection.execute("DELETE FROM kept WHERE name = ?", (name,))
            else:
                connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, json.dumps(value)))

        await self._store.run(work)


def _read(text: str) -> object:
    try:
        found: object = json.loads(text)
    except ValueError:
        return None
    return found
