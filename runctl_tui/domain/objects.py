"""Objects in S3: buckets, what lies below a prefix, one object's facts, and what is asked to be done with them.

A key is exact and untrusted: nothing here strips, joins or compares it in any way but whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from runctl_tui.domain.states import Operation

SCHEME: Final = "s3://"
EDGE: Final = 64 * 1024
"""Bytes that are fetched of each end of an object, at most, to look into it."""
_TEXT_CONTROLS: Final = frozenset(b"\t\n\r\x0c\x1b\x08")


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket."""

    name: str
    region: str = ""
    """Empty where it could not be told."""
    created_at: datetime | None = None


class EntryKind(StrEnum):
    """What a row of a listing is."""

    BUCKET = "bucket"
    FOLDER = "folder"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """One row of a listing."""

    kind: EntryKind
    bucket: str
    key: str
    """The whole key; of a folder its prefix with the slash; empty for a bucket."""
    size: int | None = None
    modified_at: datetime | None = None
    storage_class: str = ""
    etag: str = ""
    region: str = ""
    """Of a bucket; empty where it could not be told."""

    @property
    def id(self) -> str:
        """What the row is known by: its kind too, because a folder's prefix may be an object's key."""
        return f"{self.kind.value}:{self.address}"

    @property
    def address(self) -> str:
        """Where it lies: 's3://bucket/key'."""
        return address(self.bucket, self.key)

    def name_below(self, prefix: str) -> str:
        """Return what follows a prefix; the bucket's name where there is no key."""
        return self.key[len(prefix) :] or self.key or self.bucket


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What S3 says about one object."""

    bucket: str
    key: str
    size: int
    etag: str
    modified_at: datetime
    storage_class: str = "STANDARD"
    content_type: str = ""
    version_id: str = ""
    """Empty where the bucket keeps no versions."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, object] = field(default_factory=dict)
    """S3's own words, ready for JSON."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The two ends of an object."""

    size: int
    head: bytes
    tail: bytes = b""
    """Empty where the head is all of it, or the object is binary."""

    @property
    def skipped(self) -> int:
        """Bytes between the two ends."""
        return self.size - len(self.head) - len(self.tail)

    @property
    def binary(self) -> bool:
        """Whether it is no text."""
        return looks_binary(self.head)


@dataclass(frozen=True, slots=True)
class NamePattern:
    """One `--include` or `--exclude`; of several that match, the last decides."""

    include: bool
    pattern: str


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """Objects of one bucket that somebody wants gone."""

    bucket: str
    keys: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    """Everything below each; an empty one is the whole bucket."""
    patterns: tuple[NamePattern, ...] = ()
    """Which names below a prefix are meant; none: all."""


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """Files or objects that somebody wants somewhere else; one of the two ends at least is in S3."""

    source: str
    """A path, or 's3://bucket/key'."""
    destination: str
    recursive: bool = False
    """Everything below the source."""
    move: bool = False
    """The source goes away once its copy is there."""
    changed_only: bool = False
    """Leave out what is there already, with the same size and not older."""
    delete: bool = False
    """Delete what the destination has and the source has not."""
    follow_links: bool = False
    """Take what links to files below a local source lead to, wherever that is."""
    patterns: tuple[NamePattern, ...] = ()

    @property
    def operation(self) -> Operation:
        """Whether the source stays."""
        return Operation.S3_MOVE if self.move else Operation.S3_COPY


@dataclass(frozen=True, slots=True)
class TransferItem:
    """One file or object and where it goes."""

    source: str
    target: str
    size: int
    name: str
    """Its name below the source, untrusted."""
    entry: ObjectEntry | None = None
    """The source as it was listed, where it is an object."""
    replaces: bool = False
    """Whether something is there already."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """One file on this machine as it was planned."""

    name: str
    """Below its folder, untrusted."""
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class LocalDeletion:
    """Files below one folder of this machine that somebody wants gone."""

    folder: str
    """Its real path."""
    files: tuple[LocalFile, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that change when any file comes, goes or changes."""
        rows = sorted((file.name, file.size, file.modified_ns) for file in self.files)
        return hashlib.sha256(repr(rows).encode(errors="surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a copy request comes to."""

    request: CopyRequest
    items: tuple[TransferItem, ...]
    unchanged: int = 0
    """Left out, because they are there already."""
    surplus: tuple[ObjectEntry, ...] = ()
    """Objects at the destination that the source does not have, where they are asked to go."""
    surplus_here: LocalDeletion | None = None
    """The same where the destination is a folder of this machine."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Names that are left out, each with why."""
    open_to: str = ""
    """Who else can change what lands in the folder of this machine; nothing where nobody can."""

    @property
    def size(self) -> int:
        """Bytes of all items."""
        return sum(item.size for item in self.items)

    @property
    def replaced(self) -> tuple[TransferItem, ...]:
        """The items that replace something."""
        return tuple(item for item in self.items if item.replaces)

    @property
    def changes_cloud(self) -> bool:
        """Whether S3 is another afterwards; a plain download changes nothing there."""
        return self.request.destination.startswith(SCHEME) or self.request.move


@dataclass(frozen=True, slots=True)
class ObjectChangeFacts:
    """What the rules judge about a change in S3."""

    count: int
    versioning: Versioning | None
    """Of the bucket in which something goes or is replaced; None: it could not be told."""
    newest: tuple[str, ...] = ()
    """Newest checkpoints of known runs that would go away."""
    replaced: tuple[str, ...] = ()
    """Checkpoints of known runs that would be replaced."""
    leaving: tuple[str, ...] = ()
    """Checkpoints of known runs that would go away, the newest among them."""
    newest_replaced: tuple[str, ...] = ()
    """Newest checkpoints of known runs that would be replaced."""
    written: tuple[str, ...] = ()
    """Runs at work whose own folders would be swept."""
    replacing: int = 0
    """Objects that would be replaced, whatever they are."""


@dataclass(frozen=True, slots=True)
class Versioning:
    """What a bucket does with what is deleted or replaced."""

    status: str = "Off"
    """Enabled, Suspended or Off."""
    locked: str = ""
    """What keeps objects from being deleted: Object Lock, MFA delete; empty: nothing does."""

    @property
    def keeps(self) -> bool:
        """Whether a deleted object can be brought back."""
        return self.status == "Enabled"


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a delete request comes to: every object, read page by page to the end."""

    bucket: str
    objects: tuple[ObjectEntry, ...]

    @property
    def size(self) -> int:
        """Bytes of all objects."""
        return sum(entry.size or 0 for entry in self.objects)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that change when any object comes, goes or changes."""
        rows = sorted((entry.key, entry.etag) for entry in self.objects)
        return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def address(bucket: str, key: str = "") -> str:
    """Return 's3://bucket/key'."""
    return f"{SCHEME}{bucket}/{key}"


def split_address(text: str) -> tuple[str, str]:
    """Return bucket and key of 's3://bucket/key', the key exactly as it stands; ValueError where it is none."""
    if not text.startswith(SCHEME) or not text[len(SCHEME) :].partition("/")[0]:
        raise ValueError(f"{text!r} is no address such as s3://bucket/key")
    bucket, _, key = text[len(SCHEME) :].partition("/")
    return bucket, key


def parent_of(prefix: str) -> str:
    """Return the prefix one level up; that of the bucket is empty."""
    return prefix[: prefix[:-1].rfind("/") + 1]


def last_part(key: str) -> str:
    """Return the last part of a key or prefix, without a slash at its end."""
    return key.rstrip("/").rpartition("/")[2] or key


def kept_by(name: str, patterns: Iterable[NamePattern]) -> bool:
    """Tell whether a name passes the patterns; '*' matches slashes too, and the last match decides."""
    kept = True
    for each in patterns:
        if fnmatchcase(name, each.pattern):
            kept = each.include
    return kept


def looks_binary(content: bytes) -> bool:
    """Tell whether bytes are no text: a NUL, many control characters, or no UTF-8 (a cut last letter is forgiven)."""
    if b"\0" in content:
        return True
    controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in content)
    if controls * 50 > len(content):
        return True
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.start < len(content) - 3
    return False
