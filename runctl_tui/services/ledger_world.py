"""The ledger belongs to one world of the sandbox: what it knows of a former one is put out of the figures, and said.

A world that was damaged, or whose files were removed, is followed by a new one, whose machines have other ids and a
past of their own: those of the former one are certain to be gone. Used by the tracker, in the store's thread.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from runctl_tui.domain import ledger
from runctl_tui.domain.instance import HERE
from runctl_tui.domain.money import cents, dollars
from runctl_tui.services import ledger_rows

_WORLD: Final = "ledger.world"
_FORMER: Final = "ledger.former"


@dataclass(frozen=True, slots=True)
class Former:
    """What a former world had cost in the month in which it went."""

    usd: Decimal
    month: datetime

    def words(self, now: datetime) -> tuple[str, ...]:
        """Say what is in no figure; what was spent in an earlier month is in none of this one's anyway."""
        return (f"{dollars(self.usd)} of a former sandbox world",) if self.month == ledger.month_of(now)[0] else ()


def enter(connection: sqlite3.Connection, world: str, now: datetime) -> Former | None:
    """Keep the ledger for this world alone; return what a former one had cost, if one was left out."""
    before = _read(connection, _WORLD)
    if before not in (None, world):
        month = ledger.month_of(now)[0]
        _write(connection, _FORMER, {"usd": str(_leave(connection, month)), "month": month.isoformat()})
    if before != world:
        _write(connection, _WORLD, world)
    found = _read(connection, _FORMER)
    if not isinstance(found, dict):
        return None
    return Former(Decimal(found["usd"]), datetime.fromisoformat(found["month"]))


def _leave(connection: sqlite3.Connection, month: datetime) -> Decimal:
    """Forget what the clouds of the former world had; return what that had cost this month."""
    gone = {one.key for one in ledger_rows.everything(connection) if one.key != HERE}
    spent = [one for one in ledger_rows.intervals_since(connection, month) if one.resource in gone]
    usd = ledger.accumulated(ledger.clip(spent, month, max((one.end for one in spent), default=month)))
    for key in gone:
        ledger_rows.forget(connection, key)
    ledger_rows.forget_volume_places(connection)
    return cents(usd)


def _read(connection: sqlite3.Connection, name: str) -> object:
    row = connection.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
    found: object = json.loads(row["value"]) if row else None
    return found


def _write(connection: sqlite3.Connection, name: str, value: object) -> None:
    connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, json.dumps(value)))
