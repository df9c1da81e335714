"""Everything known about one volume or snapshot, in sections; pure, used by the two screens' detail dialogs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from runctl_tui import modals
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.text import safe
from runctl_tui.domain.volume_shapes import settled
from runctl_tui.modals.words import age, money, number
from runctl_tui.screens.columns.volumes import of_words, owner_cell, snapshot_state, volume_state

if TYPE_CHECKING:
    from runctl_tui.domain.volume import Attachment, Volume, VolumeSnapshot
    from runctl_tui.widgets.facts import Fact as Line


def volume_sections(row: Volume, snapshots: tuple[VolumeSnapshot, ...], now: datetime) -> tuple[modals.Section, ...]:
    """Return volume, attachments, snapshots and tags."""
    shape = settled(row.shape)
    about = (
        modals.fact("id", row.id),
        modals.fact("state", volume_state(row).text, volume_state(row).style),
        modals.fact("shape", shape.words),
        modals.fact("where", f"{row.provider} {row.zone}"),
        modals.fact("encrypted", _yes(row.encrypted)),
        modals.fact(
            "made", f"{age(row.created_at, now)} ago" + (f" from {row.snapshot_id}" if row.snapshot_id else "")
        ),
        modals.fact("costs", price_words(row.usd_per_month)),
        modals.fact("whose", owner_cell(row).text),
    )
    attached = tuple(_attachment(each, now) for each in row.attachments)
    own = tuple(_snapshot(each, now) for each in snapshots)
    return (
        modals.Section(safe("Volume"), about),
        modals.Section(safe("Attached to"), attached or _none("nothing; it costs the same")),
        modals.Section(safe("Snapshots"), own or _none("none: what is on it exists once")),
        modals.Section(safe("Tags"), _tags(row.tags)),
    )


def snapshot_sections(row: VolumeSnapshot, volume: Volume | None, now: datetime) -> tuple[modals.Section, ...]:
    """Return snapshot, its volume, and tags."""
    about = (
        modals.fact("id", row.id),
        modals.fact("state", snapshot_state(row).text, snapshot_state(row).style),
        modals.fact("of", f"{volume.name}  {volume.id}" if volume else of_words(row)),
        *([modals.fact("copied from", f"{row.copy_of} in {row.copied_from}")] if row.copy_of else []),
        modals.fact("size", f"{number(row.size_gib)} GiB at most"),
        modals.fact("where", f"{row.provider} {row.region}"),
        modals.fact("encrypted", _yes(row.encrypted)),
        modals.fact("begun", f"{age(row.started_at, now)} ago"),
        modals.fact("costs", f"at most {price_words(row.usd_per_month)}"),
        modals.fact("described", row.description or "-"),
        modals.fact("whose", owner_cell(row).text),
    )
    return modals.Section(safe("Snapshot"), about), modals.Section(safe("Tags"), _tags(row.tags))


def price_words(fact: Fact[Decimal]) -> str:
    """Return dollars per month with where they come from."""
    if isinstance(fact, Known):
        return f"{money(fact.value)}/mo ({fact.source})"
    return f"unknown: {fact.reason}"


def volume_fields(row: Volume) -> tuple[tuple[str, str], ...]:
    """Return what can be copied from a volume: (name, value)."""
    held = row.attachment
    pairs = (
        ("id", row.id),
        ("name", row.name),
        ("zone", row.zone),
        ("machine", held.instance_id if held else ""),
        ("device", held.device if held else ""),
        ("made from", row.snapshot_id),
    )
    return tuple((name, value) for name, value in pairs if value)


def snapshot_fields(row: VolumeSnapshot) -> tuple[tuple[str, str], ...]:
    """Return what can be copied from a snapshot: (name, value)."""
    pairs = (("id", row.id), ("name", row.name), ("volume", row.volume_id), ("region", row.region))
    return tuple((name, value) for name, value in pairs if value)


def _attachment(each: Attachment, now: datetime) -> Line:
    dies = {True: "dies with the machine", False: "stays when the machine goes", None: "unknown whether it stays"}
    words = f"{each.device}  {each.state} {age(each.attached_at, now)} ago · {dies[each.delete_on_termination]}"
    return modals.fact(each.host, f"{words} · {each.instance_id}")


def _snapshot(each: VolumeSnapshot, now: datetime) -> Line:
    state = snapshot_state(each)
    cost = (
        "price unknown" if isinstance(each.usd_per_month, Unknown) else f"at most {money(each.usd_per_month.value)}/mo"
    )
    return modals.fact(each.name or each.id, f"{state.text} · {age(each.started_at, now)} ago · {cost} · {each.id}")


def _tags(tags: tuple[tuple[str, str], ...]) -> tuple[Line, ...]:
    return tuple(modals.fact(key, value) for key, value in tags) or _none("none")


def _none(words: str) -> tuple[Line, ...]:
    return (modals.fact("", words, "$muted"),)


def _yes(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
