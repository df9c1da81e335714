"""Pieces of work on the ledger for the store's thread; used by the tracker."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from runctl_tui.domain import ledger
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.volume import Volume
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS
from runctl_tui.services import ledger_rows
from runctl_tui.services.ledger_books import again, looked_at, run_spans
from runctl_tui.services.ledger_rows import Seen

T = TypeVar("T")


def write(connection: sqlite3.Connection, rows: Sequence[FleetRow], now: datetime) -> None:
    """Record lines of the fleet and when their runs began and ended."""
    for row in rows:
        ledger_rows.record(connection, ledger_rows.seen_in(row, now))
    ledger_rows.save_spans(connection, (span for row in rows for span in run_spans(row)))


def write_volumes(connection: sqlite3.Connection, volumes: Sequence[Volume], now: datetime) -> None:
    """Record volumes that cost by themselves.

    What a volume cost before it was seen counts where it was no machine's meanwhile: a network volume never is, and
    what another kind was is unknown to a ledger that has just begun only.
    """
    whole_past = ledger_rows.is_young(connection, now)
    for volume in volumes:
        known = volume if whole_past or volume.shape.type in NETWORK_LIMITS else replace(volume, created_at=None)
        ledger_rows.record(connection, ledger_rows.volume_in(known, now))


def write_gone(
    connection: sqlite3.Connection,
    keys: frozenset[str],
    snapshot: Snapshot[tuple[T, ...]],
    now: datetime,
    kind: str = ledger_rows.INSTANCE,
) -> None:
    """Record as gone what a look did not find although it looked there."""
    for key in ledger_rows.existing(connection, kind) - keys:
        one = ledger_rows.find(connection, key)
        if one is not None and looked_at(one.tracked, snapshot):
            ledger_rows.record(connection, again(one, ResourceState.TERMINATED, now))


def sums(connection: sqlite3.Connection) -> tuple[Mapping[str, Decimal], Sequence[Seen]]:
    """Return the recorded dollars per resource that has a price, and all resources."""
    seen = ledger_rows.everything(connection)
    priced_ones = (one for one in ledger_rows.intervals_since(connection) if one.usd_per_hour is not None)
    return ledger.by_label(priced_ones, {one.key: one.key for one in seen}), seen
