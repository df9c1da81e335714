"""The columns of the S3 screen: buckets, folders and objects in one table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from runctl_tui.domain.objects import EntryKind, ObjectEntry
from runctl_tui.domain.text import EMPTY
from runctl_tui.modals.words import UNKNOWN, size
from runctl_tui.screens.columns.words import cell
from runctl_tui.widgets.columns import Cell, Column

_RECENT = timedelta(days=180)


def object_columns(
    now: Callable[[], datetime], place: Callable[[], tuple[str, str]]
) -> tuple[Column[ObjectEntry], ...]:
    """Return the columns; `place` tells bucket and prefix, which are in the title line already."""

    def among_buckets() -> bool:
        return not place()[0]

    def in_bucket() -> bool:
        return bool(place()[0])

    def name(row: ObjectEntry) -> Cell:
        text = row.name_below(place()[1])
        return cell(text) if row.kind is EntryKind.OBJECT else cell(f"{text.rstrip('/')}/", "$strong bold")

    def sort_name(row: ObjectEntry) -> str:
        return row.key or row.bucket

    def modified(row: ObjectEntry) -> Cell:
        return cell(when(row.modified_at, now())) if row.modified_at else cell(EMPTY)

    return (
        Column("name", "NAME", name, 24, priority=100, wide=40, flexible=True, sort_key=sort_name),
        Column(
            "size", "SIZE", _size, 9, "right", 90, sort_key=lambda row: row.size, descending=True,
            applies=in_bucket,
        ),
        Column(
            "modified", "MODIFIED", modified, 12, priority=80,
            sort_key=lambda row: row.modified_at, descending=True, applies=in_bucket,
        ),
        Column(
            "made", "MADE", modified, 12, priority=80,
            sort_key=lambda row: row.modified_at, descending=True, applies=among_buckets,
        ),
        Column("region", "REGION", _region, 14, priority=70, sort_key=lambda row: row.region, applies=among_buckets),
        Column("class", "CLASS", lambda row: cell(row.storage_class.lower()), 11, priority=60, wide=14,
               sort_key=lambda row: row.storage_class, applies=in_bucket),
    )  # fmt: skip


def when(moment: datetime, now: datetime) -> str:
    """Return a time as ls does: with hour and minute if recent, else with the year; UTC."""
    moment = moment.astimezone(UTC)
    old = now - moment > _RECENT
    return f"{moment:%d %b  %Y}" if old else f"{moment:%d %b %H:%M}"


def _region(row: ObjectEntry) -> Cell:
    return cell(row.region or UNKNOWN, "" if row.region else "$warn")


def _size(row: ObjectEntry) -> Cell:
    return cell(size(row.size)) if row.kind is EntryKind.OBJECT else cell(EMPTY)
