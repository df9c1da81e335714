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
from runctl_tui.domain.volume import VOLUME, Volume
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS
from runctl_tui.services import ledger_rows
from runctl_tui.services.ledger_books import again, answered, run_spans
from runctl_tui.services.ledger_looks import Look, ThingT
from runctl_tui.services.ledger_rows import Seen

T = TypeVar("T")


def write(connection: sqlite3.Connection, rows: Sequence[FleetRow], look: Look[FleetRow], now: datetime) -> None:
    """Record lines of the fleet and when their runs began and ended."""
    for row in rows:
        seen = ledger_rows.seen_in(row, now, look.whose(row.instance.provider))
        ledger_rows.record(connection, seen, look.last_seen(row.key))
    ledger_rows.save_spans(connection, (span for row in rows for span in run_spans(row)))


def write_volumes(connection: sqlite3.Connection, volumes: Sequence[Volume], look: Look[Volume], now: datetime) -> None:
    """Record volumes that cost by themselves.

    What a volume cost before it was seen counts where it was no machine's meanwhile: a network volume never is, and
    another kind is taken to have been none until the first look at its region that was answered.
    """
    places = ledger_rows.volume_places(connection)
    for volume in volumes:
        profile = look.whose(volume.provider)
        late = bool(places & {_place(profile, volume.provider), _place(profile, volume.provider, volume.region)})
        known = replace(volume, created_at=None) if late and volume.shape.type not in NETWORK_LIMITS else volume
        ledger_rows.record(connection, ledger_rows.volume_in(known, now, profile), look.last_seen(volume.key))


def end_volumes(
    connection: sqlite3.Connection, look: Look[Volume], snapshot: Snapshot[tuple[Volume, ...]], now: datetime
) -> None:
    """Record the volumes that are gone, and where all of them are known from now on."""
    write_gone(connection, look, snapshot, now, VOLUME)
    asked = [scope.partition("/") for scope in snapshot.scope]
    seen = {(provider, region) for provider, _, region in asked if answered(provider, region, snapshot)}
    places = {_place(look.whose(provider), provider, region) for provider, region in seen}
    ledger_rows.save_volume_places(connection, places)


def _place(profile: str, provider: str, region: str = "") -> str:
    """Return what a place whose volumes are all known is called."""
    place = f"{provider}/{region}" if region else provider
    return f"{profile}@{place}" if profile else place


def write_gone(
    connection: sqlite3.Connection,
    look: Look[ThingT],
    snapshot: Snapshot[tuple[T, ...]],
    now: datetime,
    kind: str = ledger_rows.INSTANCE,
) -> None:
    """Record as gone what a look did not find although it looked there; what else is absent was there until lately."""
    for key in ledger_rows.existing(connection, kind) - look.keys:
        one, last = ledger_rows.find(connection, key), look.last_seen(key)
        if one is None or one.profile != look.whose(one.tracked.provider):
            continue
        if answered(one.tracked.provider, one.tracked.region, snapshot):
            ledger_rows.record(connection, again(one, ResourceState.TERMINATED, now), last)
        elif last is not None:
            ledger_rows.record(connection, again(one, one.sighting.state, last))


def sums(connection: sqlite3.Connection) -> tuple[Mapping[str, Decimal], Sequence[Seen]]:
    """Return the recorded dollars per resource that has a price, and all resources."""
    seen = ledger_rows.everything(connection)
    priced_ones = (one for one in ledger_rows.intervals_since(connection) if one.usd_per_hour is not None)
    return ledger.by_label(priced_ones, {one.key: one.key for one in seen}), seen
