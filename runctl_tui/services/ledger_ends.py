"""Until when what has changed is certain to have been as it was: a call of ours that was accepted, else the last look.

Works inside the transaction that writes a sighting; used by the ledger's rows.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime
from typing import Final

from runctl_tui.domain.ledger import Sighting, restarted
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.journal_rows import JournalState
from runctl_tui.services.store import from_micros, to_micros

_ENDS: Final = (Operation.STOP, Operation.TERMINATE, Operation.VOLUME_DELETE)
_AT_WORK: Final = (ResourceState.STARTING, ResourceState.RUNNING)


def with_ends(
    connection: sqlite3.Connection, before: Sighting, current: Sighting, looked: datetime | None
) -> tuple[Sighting, Sighting]:
    """Return both sightings, the earlier one as late as it is certain, the later one with its end where that is known.

    `looked` is the last look that saw it as it was, which may be later than what was written of it. What the provider
    tells of an end goes before what we know of our own calls.
    """
    if not before.differs(current):
        return before, current
    calls = _accepted(connection, before, current)
    again = restarted(before, current)
    since = current.launched_at if again and current.launched_at is not None else before.at
    if current.stopped_at is None and current.state not in _AT_WORK:
        kept = None if again else before.stopped_at
        current = replace(current, stopped_at=next((at for at in calls if at > since), kept))
    if again:
        certain = next((at for at in calls if at <= since), looked)
    else:
        certain = looked if current.stopped_at is None else None
    if certain is not None:
        certain = min(certain, current.at, since if again else current.at)
        before = replace(before, at=max(before.at, certain))
    return before, current


def _accepted(connection: sqlite3.Connection, before: Sighting, current: Sighting) -> list[datetime]:
    """Return when calls that end it were accepted between two sightings; sent, where the answer was lost."""
    rows = connection.execute(
        f"SELECT j.op_id, e.state, e.at FROM journal j JOIN journal_events e ON e.op_id = j.op_id"
        f" WHERE j.resource = ? AND j.operation IN ({', '.join('?' * len(_ENDS))}) AND j.state <> ? ORDER BY e.id",
        (before.resource, *(one.value for one in _ENDS), JournalState.FAILED.value),
    )
    moments: dict[str, int] = {}
    states: dict[str, str] = {}
    for row in rows:
        answered = row["state"] == JournalState.ACKED and states.get(row["op_id"]) == JournalState.SENT
        if answered or row["state"] == JournalState.SENT:
            moments[row["op_id"]] = row["at"]
        states[row["op_id"]] = row["state"]
    first, last = to_micros(before.at), to_micros(current.at)
    return [from_micros(at) for at in sorted(moments.values()) if first < at < last]
