"""Unfinished multipart uploads in S3: begun, and neither completed nor aborted; their parts are paid for until then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.objects import SCHEME, address, last_part, split_address
from runctl_tui.domain.sizes import byte_words

QUIET_AFTER: Final = timedelta(hours=24)
"""An upload to which nothing was added for so long is not under way any more."""
LEFT_AFTER: Final = timedelta(days=7)
"""An upload to which nothing was added for so long was left behind."""
PROVIDER: Final = "aws"
UPLOAD: Final = "upload"
_MARK: Final = "#"
_UNASKED: Final = Unknown("nobody asked")


@dataclass(frozen=True, slots=True)
class UploadedParts:
    """What has arrived of an upload."""

    count: int
    size: int
    """Bytes."""
    newest_at: datetime | None = None
    """When the last of them came; None: there is none."""

    @property
    def words(self) -> str:
        """Return '3 parts (48.0 MB)'."""
        return f"{self.count:,} part{'' if self.count == 1 else 's'} ({byte_words(self.size)})"


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """One unfinished upload, and what is known about who began it and who may be writing it."""

    bucket: str
    key: str
    """Exact and untrusted."""
    upload_id: str
    region: str = ""
    started_at: datetime | None = None
    initiator: str = ""
    """ARN or canonical id of whoever began it; untrusted; empty: not told."""
    storage_class: str = "STANDARD"
    parts: Fact[UploadedParts] = _UNASKED
    usd_per_month: Fact[Decimal] = _UNASKED
    ours: bool = False
    """Whether these credentials began it, or a run of ours writes there."""
    by: str = ""
    """Who began it, in words."""
    writers: Fact[tuple[str, ...]] = _UNASKED
    """What may be sending it right now, in words."""
    bucket_tags: Fact[tuple[tuple[str, str], ...]] = _UNASKED

    @property
    def address(self) -> str:
        """Where the object would be: 's3://bucket/key'."""
        return address(self.bucket, self.key)

    @property
    def id(self) -> str:
        """What it is known by: the address and the upload's own id, which tells two uploads of one key apart."""
        return f"{self.address}{_MARK}{self.upload_id}"

    @property
    def reference(self) -> str:
        """What plans are made by: 'aws/s3://bucket/key#ID'."""
        return f"{PROVIDER}/{self.id}"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return last_part(self.key) or self.key

    @property
    def active_at(self) -> datetime | None:
        """When something was last added to it; None where that is not known."""
        if self.started_at is None or isinstance(self.parts, Unknown):
            return None
        return max(self.started_at, self.parts.value.newest_at or self.started_at)

    def quiet_for(self, wanted: timedelta, now: datetime) -> bool:
        """Tell whether it is certain that nothing was added to it for so long."""
        return self.active_at is not None and now - self.active_at >= wanted

    @property
    def size(self) -> int | None:
        """Bytes that have arrived; None: unknown."""
        return self.parts.value.size if isinstance(self.parts, Known) else None


def upload_reference(bucket: str, key: str, upload_id: str) -> str:
    """Return what plans about an upload are made by."""
    return UnfinishedUpload(bucket, key, upload_id).reference


def split_upload(reference: str) -> tuple[str, str, str]:
    """Return bucket, key and upload id of a reference; ValueError where it is none."""
    place, _, upload_id = reference.removeprefix(f"{PROVIDER}/").rpartition(_MARK)
    if not place.startswith(SCHEME) or not upload_id:
        raise ValueError(f"{reference!r} names no unfinished upload")
    bucket, key = split_address(place)
    if not key:
        raise ValueError(f"{reference!r} names no key")
    return bucket, key, upload_id
