"""Everything known about one unfinished upload, and what may be done about it; pure, used by the Uploads screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from runctl_tui import modals
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.modals.words import age, money, number, size
from runctl_tui.screens.columns.uploads import sending

if TYPE_CHECKING:
    from runctl_tui.domain.uploads import UnfinishedUpload
    from runctl_tui.widgets.facts import Fact as Line


def upload_sections(row: UnfinishedUpload, now: datetime) -> tuple[modals.Section, ...]:
    """Return what it is, what has arrived, and whose it is."""
    where = (
        modals.fact("address", row.address, "$strong"),
        modals.fact("upload id", row.upload_id),
        modals.fact("region", row.region),
        modals.fact("class", row.storage_class),
    )
    whose = (
        modals.fact("begun by", row.by or "not told"),
        modals.fact("initiator", row.initiator or "not told"),
        modals.fact("sent by", sending(row) or "nothing that is known"),
    )
    return (
        modals.Section(safe("Unfinished upload"), where),
        modals.Section(safe("What has arrived"), _arrived(row, now)),
        modals.Section(safe("Whose it is"), whose),
    )


def upload_menu(rows: Sequence[UnfinishedUpload], lock: str) -> tuple[modals.PickItem, ...]:
    """Return the verbs, grey with the reason where they cannot be used."""
    what = safe(rows[0].name) if len(rows) == 1 else safe(f"{len(rows):,} marked") if rows else EMPTY
    none = EMPTY if rows else safe("nothing here")
    one = none or (EMPTY if len(rows) == 1 else safe("one at a time"))
    return (
        modals.PickItem("abort", safe("Abort…"), what, safe(lock) or none),
        modals.PickItem("folder", safe("Go to where it would be"), what, one),
        modals.PickItem("location", safe("Copy location"), what, none),
    )


def _arrived(row: UnfinishedUpload, now: datetime) -> tuple[Line, ...]:
    begun = modals.fact("begun", f"{age(row.started_at, now)} ago" if row.started_at else "not told")
    if isinstance(row.parts, Unknown):
        return begun, modals.fact("parts", f"unknown: {row.parts.reason}", "$warn")
    parts, month = row.parts.value, row.usd_per_month
    costs = f"unknown: {month.reason}" if isinstance(month, Unknown) else f"{money(month.value)} per month"
    last = f"{age(parts.newest_at, now)} ago" if parts.newest_at else "none has come"
    return (
        begun,
        modals.fact("last part", last),
        modals.fact("parts", f"{number(parts.count)}, {size(parts.size)}"),
        modals.fact("costs", costs),
    )
