"""The columns of the Volumes and Snapshots screens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Fact, Unknown
from runctl_tui.domain.instance import TAG_OWNER
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.volume import SnapshotState, VolumeState, month
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS, settled
from runctl_tui.modals.words import age, figure, number
from runctl_tui.screens.columns.words import cell
from runctl_tui.widgets.columns import Cell, Column

if TYPE_CHECKING:
    from runctl_tui.domain.volume import Volume, VolumeSnapshot

Now = Callable[[], datetime]
_STATES: Final = {
    VolumeState.CREATING: ("◐", "$state-starting"),
    VolumeState.AVAILABLE: ("○", "$state-stopped"),
    VolumeState.ATTACHING: ("◐", "$state-starting"),
    VolumeState.IN_USE: ("●", "$state-running"),
    VolumeState.DETACHING: ("◐", "$state-stopping"),
    VolumeState.DELETING: ("◐", "$state-stopping"),
    VolumeState.DELETED: ("·", "$state-ended"),
    VolumeState.ERROR: ("✗", "$state-failed"),
    VolumeState.UNKNOWN: ("?", "$state-unknown"),
}
_WHOLE: Final = {
    SnapshotState.PENDING: ("◐", "$state-starting"),
    SnapshotState.COMPLETED: ("✓", "$ok"),
    SnapshotState.ERROR: ("✗", "$state-failed"),
    SnapshotState.UNKNOWN: ("?", "$state-unknown"),
}


def volume_columns(now: Now) -> tuple[Column[Volume], ...]:
    """Return the columns of volumes; those of least priority are dropped first when the screen is narrow."""
    return (
        Column("name", "NAME", name_cell, 14, wide=21, priority=95, flexible=True, sort_key=_name),
        Column("state", "STATE", volume_state, 11, wide=12, priority=90, sort_key=lambda row: row.state.value),
        Column("type", "TYPE", lambda row: cell(row.shape.type), 12, priority=60, sort_key=_type),
        Column("gb", "GB", _size, 6, "right", 80, sort_key=lambda row: row.shape.size_gib, descending=True),
        Column("iops", "IOPS", _iops, 6, "right", 40, sort_key=_iops_number, descending=True),
        Column("mbs", "MB/s", _throughput, 5, "right", 35, sort_key=_throughput_number, descending=True),
        Column(
            "attached", "ATTACHED", _attached, 15, wide=18, priority=85, flexible=True,
            sort_key=lambda row: _attached(row).text, fact=lambda row: [each.instance_id for each in row.attachments],
        ),
        Column("device", "DEVICE", _device, 9, priority=30, sort_key=lambda row: _device(row).text),
        Column("zone", "ZONE", lambda row: cell(row.zone), 10, wide=11, priority=50, sort_key=lambda row: row.zone),
        Column(
            "snapshot", "LAST SNAP", lambda row: _last_snapshot(row, now()), 9, "right", 75, sort_key=_oldest,
            restless=True,
        ),
        Column("month", "$/MO", lambda row: _month(row.usd_per_month), 8, "right", 88, sort_key=_cost, descending=True),
        Column(
            "age", "AGE", lambda row: cell(age(row.created_at, now())), 4, "right", 20, sort_key=_newest_first,
            restless=True,
        ),
        Column("owner", "OWNER", lambda row: owner_cell(row), 10, priority=15),
    )  # fmt: skip


def snapshot_columns(now: Now, volume_names: Callable[[], dict[str, str]]) -> tuple[Column[VolumeSnapshot], ...]:
    """Return the columns of snapshots; `volume_names` gives a volume's name by its id."""

    def of(row: VolumeSnapshot) -> Cell:
        names = volume_names()
        if row.volume_id in names:
            return cell(names[row.volume_id] or row.volume_id)
        return cell(of_words(row), "$muted")

    return (
        Column("name", "NAME", name_cell, 14, wide=21, priority=95, flexible=True, sort_key=_name),
        Column("state", "STATE", snapshot_state, 13, wide=14, priority=90, sort_key=lambda row: row.state.value),
        Column("gb", "GB", lambda row: cell(number(row.size_gib)), 6, "right", 70, sort_key=_gib, descending=True),
        Column(
            "volume", "VOLUME", of, 16, wide=30, priority=85, flexible=True, sort_key=lambda row: of(row).text,
            fact=lambda row: row.volume_id,
        ),
        Column("region", "REGION", lambda row: cell(row.region), 10, priority=50, sort_key=lambda row: row.region),
        Column(
            "age", "AGE", lambda row: cell(age(row.started_at, now())), 4, "right", 80, sort_key=_newest_snapshot,
            restless=True,
        ),
        Column(
            "month", "$/MO MAX", lambda row: _month(row.usd_per_month), 9, "right", 75, sort_key=_cost, descending=True
        ),
        Column("owner", "OWNER", lambda row: owner_cell(row), 10, priority=30),
        Column(
            "description", "DESCRIPTION", lambda row: cell(row.description, "$muted"), 20, wide=40, priority=10,
            flexible=True,
        ),
    )  # fmt: skip


def volume_state(row: Volume) -> Cell:
    """Return a volume's state as symbol and word."""
    symbol, style = _STATES[row.state]
    return cell(f"{symbol} {row.state.value}", style)


def snapshot_state(row: VolumeSnapshot) -> Cell:
    """Return how far a snapshot is as symbol and word."""
    symbol, style = _WHOLE[row.state]
    return cell(f"{symbol} {row.stands}", style)


def of_words(row: VolumeSnapshot) -> str:
    """Return what a snapshot is of where no volume that is listed is its own."""
    if row.copy_of:
        return f"copy of {row.copy_of}, {row.copied_from}"
    return f"gone, {row.volume_id}" if row.volume_id else "not told"


def name_cell(row: Volume | VolumeSnapshot) -> Cell:
    """Return the name, or the id where there is none."""
    return cell(row.name or row.id, "$strong" if row.name else "")


def owner_cell(row: Volume | VolumeSnapshot) -> Cell:
    """Return whose it is."""
    words = {
        Ownership.OURS: "ours",
        Ownership.OTHER: dict(row.tags).get(TAG_OWNER, "another"),
        Ownership.RUNCTL: Ownership.RUNCTL.words,
        Ownership.FOREIGN: "foreign",
    }
    return cell(words[row.ownership], "" if row.ownership is Ownership.OURS else "$muted")


def _name(row: Volume | VolumeSnapshot) -> str:
    return (row.name or row.id).casefold()


def _type(row: Volume) -> str:
    return row.shape.type


def _size(row: Volume) -> Cell:
    return cell(number(row.shape.size_gib))


def _gib(row: VolumeSnapshot) -> int:
    return row.size_gib


def _iops_number(row: Volume) -> int | None:
    return settled(row.shape).iops


def _iops(row: Volume) -> Cell:
    value = _iops_number(row)
    return cell(number(value), "$muted" if value is None else "")


def _throughput_number(row: Volume) -> int | None:
    return settled(row.shape).throughput


def _throughput(row: Volume) -> Cell:
    value = _throughput_number(row)
    return cell(number(value), "$muted" if value is None else "")


def _attached(row: Volume) -> Cell:
    held = row.attachment
    if held is None:
        return cell("-", "$muted")
    more = f" +{len(row.attachments) - 1}" if len(row.attachments) > 1 else ""
    return cell(f"{held.host}{more}")


def _device(row: Volume) -> Cell:
    held = row.attachment
    return cell("-", "$muted") if held is None else cell(held.device)


def _last_snapshot(row: Volume, now: datetime) -> Cell:
    if row.shape.type in NETWORK_LIMITS:
        return cell("-", "$muted")
    if isinstance(row.last_snapshot, Unknown):
        return cell("?", "$warn")
    if row.last_snapshot.value is None:
        return cell("none", "$warn")
    return cell(f"{age(row.last_snapshot.value, now)} ago")


def _oldest(row: Volume) -> float | None:
    fact = row.last_snapshot
    if isinstance(fact, Unknown):
        return None
    return 0.0 if fact.value is None else fact.value.timestamp()


def _month(fact: Fact[Decimal]) -> Cell:
    amount = month(fact)
    return cell(figure(amount, 8), "$warn" if amount is None else "$cost")


def _cost(row: Volume | VolumeSnapshot) -> Decimal | None:
    return month(row.usd_per_month)


def _newest_first(row: Volume) -> float | None:
    return None if row.created_at is None else -row.created_at.timestamp()


def _newest_snapshot(row: VolumeSnapshot) -> float | None:
    return None if row.started_at is None else -row.started_at.timestamp()
