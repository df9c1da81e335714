"""What the S3 screen says about one object: facts, preview and raw words, ready to be drawn; pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runctl_tui import modals
from runctl_tui.domain.objects import EntryKind, ObjectEntry, ObjectFacts, Preview
from runctl_tui.domain.text import SafeText, safe, safe_line, safe_lines
from runctl_tui.modals.words import age, size

if TYPE_CHECKING:
    from runctl_tui.widgets.facts import Fact

_BINARY_SHOWN = 256
"""Bytes of a binary object that are shown."""


def entry_facts(entry: ObjectEntry, now: datetime) -> tuple[Fact, ...]:
    """Return what the listing alone tells."""
    if entry.kind is EntryKind.BUCKET:
        return (
            modals.fact("bucket", entry.bucket, "$strong"),
            modals.fact("region", entry.region or "unknown"),
            modals.fact("made", _moment(entry.modified_at, now)),
        )
    if entry.kind is EntryKind.FOLDER:
        return (modals.fact("folder", entry.address, "$strong"), modals.fact("", "enter opens it"))
    return (
        modals.fact("object", entry.address, "$strong"),
        modals.fact("size", _bytes(entry.size)),
        modals.fact("modified", _moment(entry.modified_at, now)),
        modals.fact("class", entry.storage_class),
        modals.fact("etag", entry.etag),
    )


def head_facts(facts: ObjectFacts, now: datetime) -> tuple[Fact, ...]:
    """Return what S3 says about an object."""
    rows = [
        modals.fact("object", f"s3://{facts.bucket}/{facts.key}", "$strong"),
        modals.fact("size", _bytes(facts.size)),
        modals.fact("modified", _moment(facts.modified_at, now)),
        modals.fact("class", facts.storage_class),
        modals.fact("type", facts.content_type or "not told"),
        modals.fact("etag", facts.etag),
        modals.fact("version", facts.version_id or "the bucket keeps none"),
    ]
    rows += [modals.fact(name, value) for name, value in sorted(facts.metadata.items())]
    return tuple(rows)


def preview_lines(preview: Preview) -> list[SafeText]:
    """Return the two ends of an object as lines, or the first bytes of one that is no text."""
    if not preview.size:
        return [safe("(empty)")]
    if preview.binary:
        shown = preview.head[:_BINARY_SHOWN]
        rows = [shown[start : start + 16] for start in range(0, len(shown), 16)]
        dump = [
            safe_line(f"{16 * number:08x}  {row.hex(' '):<47}  {_printable(row)}") for number, row in enumerate(rows)
        ]
        return [safe(f"binary, {_bytes(preview.size)}; its first {len(shown)} bytes:"), safe(""), *dump]
    lines = safe_lines(preview.head.decode(errors="replace"))
    if preview.tail:
        left_out = size(preview.skipped) if preview.skipped else "nothing"
        lines += [safe(""), safe(f"···  {left_out} left out  ···"), safe("")]
        lines += safe_lines(preview.tail.decode(errors="replace"))
    return lines


def raw_lines(facts: ObjectFacts) -> list[SafeText]:
    """Return S3's own words."""
    return safe_lines(json.dumps(facts.raw, indent=2, default=str, ensure_ascii=False))


def _bytes(count: int | None) -> str:
    if count is None:
        return "unknown"
    return f"{count:,} bytes" if count < 1000 else f"{size(count)}  ({count:,} bytes)"


def _moment(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "unknown"
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {age(moment, now)} ago"


def _printable(row: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
