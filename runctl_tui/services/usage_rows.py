"""Usage readings in the state file: the newest 1000 of each resource."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.run import GpuReading, ResourceUsage
from runctl_tui.services.store import to_micros

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow

KEPT: Final = 1000


class Readings:
    """Writes what hosts were doing down, each reading once; used in the store's thread alone."""

    def __init__(self) -> None:
        self._written: dict[str, datetime] = {}

    def write(self, connection: sqlite3.Connection, rows: Iterable[FleetRow]) -> None:
        """Append the readings of these machines that are new."""
        for row in rows:
            if row.usage is not None and self._written.get(row.key) != row.usage.timestamp:
                append(connection, row.key, row.usage)
                self._written[row.key] = row.usage.timestamp


def append(connection: sqlite3.Connection, key: str, usage: ResourceUsage) -> None:
    """Add a reading and drop the oldest beyond those that are kept."""
    text = json.dumps(asdict(usage), default=str)
    connection.execute(
        "INSERT INTO usage (resource, at, reading) VALUES (?, ?, ?)", (key, to_micros(usage.timestamp), text)
    )
    connection.execute(
        "DELETE FROM usage WHERE resource = ? AND id <= "
        "(SELECT id FROM usage WHERE resource = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
        (key, key, KEPT),
    )


def history(connection: sqlite3.Connection, key: str) -> tuple[ResourceUsage, ...]:
    """Return a resource's readings, oldest first."""
    rows = connection.execute("SELECT reading FROM usage WHERE resource = ? ORDER BY id", (key,))
    return tuple(_reading(json.loads(row["reading"])) for row in rows)


def _reading(raw: dict[str, Any]) -> ResourceUsage:
    raw["timestamp"] = datetime.fromisoformat(raw["timestamp"])
    raw["gpus"] = tuple(GpuReading(**gpu) for gpu in raw["gpus"])
    return ResourceUsage(**raw)
