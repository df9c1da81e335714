"""What can be done about objects: the action menu, the requests behind its words, and what a field may hold; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from runctl_tui import modals
from runctl_tui.domain.objects import (
    CopyRequest,
    DeleteRequest,
    EntryKind,
    ObjectEntry,
    address,
    last_part,
    split_address,
)
from runctl_tui.domain.text import EMPTY, SafeText, safe

LIFETIMES: Final = (("900", "15 minutes"), ("3600", "1 hour"), ("43200", "12 hours"), ("604800", "7 days"))
"""How long a presigned URL may live."""


def object_menu(rows: Sequence[ObjectEntry], bucket: str, lock: str) -> tuple[modals.PickItem, ...]:
    """Return the verbs, grey with the reason where they cannot be used."""
    what = _what(rows)
    none = EMPTY if rows else safe("nothing here")
    buckets = safe("a bucket is not handled whole") if any(row.kind is EntryKind.BUCKET for row in rows) else none
    one = buckets or (EMPTY if len(rows) == 1 else safe("one at a time"))
    single = one or (EMPTY if rows[0].kind is EntryKind.OBJECT else safe("only an object"))
    locked = safe(lock)
    inside = EMPTY if bucket else safe("open a bucket first")
    return (
        modals.PickItem("download", safe("Download…"), what, one),
        modals.PickItem("upload", safe("Upload a file or folder here…"), EMPTY, locked or inside),
        modals.PickItem("copy", safe("Copy to…"), what, locked or one),
        modals.PickItem("move", safe("Move to…"), what, locked or one),
        modals.PickItem("presign", safe("Presign: a URL that reads it…"), what, single),
        modals.PickItem("location", safe("Copy location"), what, none),
        modals.PickItem("unfinished", safe("Unfinished uploads here"), safe("" if bucket else "of all buckets")),
        modals.PickItem("delete", safe("Delete…"), what, locked or buckets),
    )


def deletion_of(rows: Sequence[ObjectEntry]) -> DeleteRequest:
    """Return the request to delete rows of one bucket: objects by their key, folders with everything below."""
    keys = tuple(row.key for row in rows if row.kind is EntryKind.OBJECT)
    prefixes = tuple(row.key for row in rows if row.kind is EntryKind.FOLDER)
    return DeleteRequest(rows[0].bucket, keys, prefixes)


def download_of(row: ObjectEntry, path: str) -> CopyRequest:
    """Return the request to bring an object or folder here."""
    return CopyRequest(row.address, path, recursive=row.kind is EntryKind.FOLDER)


def copy_of(row: ObjectEntry, target: str, move: bool) -> CopyRequest:
    """Return the request to copy or move an object or folder inside S3."""
    return CopyRequest(row.address, target, recursive=row.kind is EntryKind.FOLDER, move=move)


def download_path(row: ObjectEntry) -> str:
    """Suggest where to put it: the current folder, under its own name."""
    return f"./{safe(last_part(row.key))}" + ("/" if row.kind is EntryKind.FOLDER else "")


def upload_target(bucket: str, prefix: str, path: str, is_folder: bool) -> str:
    """Return where a file or folder goes: below the prefix under its own name."""
    name = path.rstrip("/").rpartition("/")[2]
    return address(bucket, f"{prefix}{name}" + ("/" if is_folder else ""))


def wrong_address(text: str) -> str:
    """Return what is wrong with an address in S3."""
    try:
        _, key = split_address(text)
    except ValueError:
        return "write s3://bucket/key"
    return "" if key else "write a key or folder after the bucket"


def wrong_path(text: str) -> str:
    """Return what is wrong with a path."""
    if not text:
        return "write a path"
    return "write a path on this machine" if text.startswith("s3://") else ""


def _what(rows: Sequence[ObjectEntry]) -> SafeText:
    if len(rows) == 1:
        return safe(last_part(rows[0].key) or rows[0].bucket)
    return safe(f"{len(rows):,} marked") if rows else EMPTY
