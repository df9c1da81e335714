"""S3 objects whose contents do not live in memory: kept in a file, or made when they are read."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from moto.s3.models import FakeKey

from runctl_tui.sandbox.cloud import ACCOUNT

PART: Final = 8 * 1024 * 1024
"""Objects from this size on have the ETag of a multipart upload with parts of this size."""


class _ColdKey(FakeKey):
    """An object that knows its size and ETag without its content."""

    def __init__(self, name: str, bucket: str, size: int, etag: str | None, version: str | None = None) -> None:
        super().__init__(
            name,
            b"",
            ACCOUNT,
            "us-east-1",
            etag=etag,
            bucket_name=bucket,
            version_id=version,
            is_versioned=version not in (None, "null"),
        )
        self.contentsize = size

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A listing of versions copies every object: the copy must not read the content."""
        twin: Self = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.disposed = True
        return twin


class FileKey(_ColdKey):
    """An object whose content is a file in the sandbox's folder."""

    path = Path()

    @property
    def value(self) -> bytes:
        """The whole content."""
        return self.path.read_bytes() if self.path != Path() else b""

    @value.setter
    def value(self, new_value: bytes) -> None:
        """Content is set by `path` alone; moto's constructor sets an empty one."""


class MadeKey(_ColdKey):
    """An object of the seeded world whose content is made from a pattern when it is read."""

    @property
    def value(self) -> bytes:
        """The whole content."""
        return made_content(self.contentsize)

    @value.setter
    def value(self, new_value: bytes) -> None:
        """Content follows from the size; moto's constructor sets an empty one."""

    @property
    def etag(self) -> str:
        """The ETag that S3 would have given."""
        return f'"{made_etag(self.contentsize)}"'


def made_part(number: int, size: int) -> MadeKey:
    """Return a part of an upload whose content is made from a pattern; moto calls a part by its number."""
    return MadeKey(number, "", size, None)  # type: ignore[arg-type]  # as moto does


@cache
def _pattern() -> bytes:
    line = b"the sandbox made this object: every byte of it can be read, copied and checked. "
    return (line * (PART // len(line) + 1))[:PART]


def made_content(size: int) -> bytes:
    """Return the content of a made object of this size."""
    whole, rest = divmod(size, PART)
    return _pattern() * whole + _pattern()[:rest]


@cache
def made_etag(size: int) -> str:
    """Return the ETag of a made object: MD5, or MD5 of the parts' MD5s for large ones."""
    if size < PART:
        return hashlib.md5(_pattern()[:size], usedforsecurity=False).hexdigest()
    whole, rest = divmod(size, PART)
    digests = [_whole_part_digest()] * whole
    if rest:
        digests.append(hashlib.md5(_pattern()[:rest], usedforsecurity=False).digest())
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


@cache
def _whole_part_digest() -> bytes:
    return hashlib.md5(_pattern(), usedforsecurity=False).digest()
