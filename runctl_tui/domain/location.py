"""Where data lies, in the grammar that people type: a path, `s3://bucket/key`, `i-…:/path`, a run's id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runctl_tui.domain.text import quoted

_INSTANCE: Final = r"(i-[0-9a-f]{8,17}):(/.*)"
_BUCKET: Final = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_IPV4: Final = r"\d+\.\d+\.\d+\.\d+"
_RUN: Final = r"r-[0-9a-z][0-9a-z-]{5,39}"


class LocationKind(StrEnum):
    """Which system holds the data."""

    LOCAL = "local"
    S3 = "s3"
    INSTANCE = "instance"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class DataLocation:
    """One place; `container` is the bucket, instance or run, `path` the key or path in it."""

    kind: LocationKind
    path: str
    container: str = ""

    @classmethod
    def parse(cls, text: str) -> DataLocation:
        """Return the location that the text names; ValueError says what is wrong with it."""
        if not text or "\0" in text:
            raise ValueError("a location must not be empty or hold a NUL byte")
        if text.startswith("s3://"):
            bucket, _, key = text[5:].partition("/")
            return cls(LocationKind.S3, key, check_bucket(bucket))
        if match := re.fullmatch(_INSTANCE, text):
            return cls(LocationKind.INSTANCE, match[2], match[1])
        if re.fullmatch(_RUN, text):
            return cls(LocationKind.RUN, "", text)
        if re.match(r"[a-z][a-z0-9+.-]*://", text):
            raise ValueError(f"{quoted(text)}: only s3:// addresses are understood")
        return cls(LocationKind.LOCAL, text)

    def __str__(self) -> str:
        match self.kind:
            case LocationKind.S3:
                return f"s3://{self.container}/{self.path}"
            case LocationKind.INSTANCE:
                return f"{self.container}:{self.path}"
            case LocationKind.RUN:
                return self.container
            case LocationKind.LOCAL:
                return self.path


def check_bucket(name: str) -> str:
    """Return the bucket's name where S3 would accept it; ValueError otherwise."""
    if not re.fullmatch(_BUCKET, name) or ".." in name or re.fullmatch(_IPV4, name):
        raise ValueError(
            f"{quoted(name)} is no bucket name: 3 to 63 lower-case letters, digits, dots and hyphens, no address"
        )
    return name
