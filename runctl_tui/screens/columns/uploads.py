"""The columns of the Uploads screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.uploads import UnfinishedUpload
from runctl_tui.modals.words import UNKNOWN, age, figure, number, size
from runctl_tui.screens.columns.objects import when
from runctl_tui.screens.columns.words import cell
from runctl_tui.widgets.columns import Cell, Column

Row = UnfinishedUpload


def upload_columns(
    now: Callable[[], datetime], place: Callable[[], tuple[str, str]]
) -> tuple[Column[UnfinishedUpload], ...]:
    """Return the columns; `place` tells bucket and prefix, which are in the title line already."""

    def name(row: Row) -> Cell:
        bucket, prefix = place()
        text = row.key.removeprefix(prefix) if bucket else f"{row.bucket}/{row.key}"
        return cell(text or row.key, "$strong")

    def begun(row: Row) -> Cell:
        return cell(when(row.started_at, now())) if row.started_at else cell(UNKNOWN, "$warn")

    return (
        Column("key", "KEY", name, 28, wide=48, priority=100, stays=True, flexible=True, sort_key=lambda row: row.key),
        Column("started", "STARTED", begun, 12, priority=55, sort_key=_started),
        Column(
            "age", "AGE", lambda row: cell(age(row.started_at, now())), 4, "right", 90, sort_key=_started, restless=True
        ),
        Column(
            "last", "LAST PART", lambda row: cell(age(row.active_at, now())), 9, "right", 60, sort_key=_active,
            restless=True,
        ),
        Column("parts", "PARTS", _parts, 5, "right", 80, sort_key=_count, descending=True),
        Column("size", "SIZE", _size, 9, "right", 85, sort_key=lambda row: row.size, descending=True),
        Column("month", "$/MO", _month, 8, "right", 95, sort_key=lambda row: _usd(row), descending=True),
        Column("by", "BY", _by, 10, wide=24, priority=92, sort_key=lambda row: row.by),
        Column("sending", "SENDER", lambda row: cell(sending(row), "$warn"), 8, wide=16, priority=40),
        Column("region", "REGION", lambda row: cell(row.region, "$muted"), 10, priority=30),
        Column("class", "CLASS", lambda row: cell(row.storage_class.lower(), "$muted"), 11, priority=20),
    )  # fmt: skip


def by_words(row: UnfinishedUpload) -> str:
    """Return who began an upload: the last part of an ARN says most."""
    return row.by.rpartition("/")[2] if row.by.startswith("arn:") else row.by or UNKNOWN


def sending(row: UnfinishedUpload) -> str:
    """Return what may be sending an upload now."""
    return ", ".join(row.writers.value) if isinstance(row.writers, Known) else UNKNOWN


def _by(row: Row) -> Cell:
    return cell(by_words(row), "" if row.ours else "$muted")


def _started(row: Row) -> float | None:
    return -row.started_at.timestamp() if row.started_at else None


def _active(row: Row) -> float | None:
    return -row.active_at.timestamp() if row.active_at else None


def _count(row: Row) -> int | None:
    return row.parts.value.count if isinstance(row.parts, Known) else None


def _parts(row: Row) -> Cell:
    count = _count(row)
    return cell(UNKNOWN, "$warn") if count is None else cell(number(count))


def _size(row: Row) -> Cell:
    return cell(size(row.size), "$warn" if row.size is None else "")


def _usd(row: Row) -> Decimal | None:
    return row.usd_per_month.value if isinstance(row.usd_per_month, Known) else None


def _month(row: Row) -> Cell:
    month: Fact[Decimal] = row.usd_per_month
    return cell(figure(month.value, 8), "$cost") if isinstance(month, Known) else cell(UNKNOWN, "$warn")
