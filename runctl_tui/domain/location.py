"""Where data lies, in the grammar that people type: a path, `s3://bucket/key`, `i-…:/path`, a run's id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runctl_tui.domain.text import quoted
from runctl_tui.domain.validation import bucket, instance_id, is_run_id, object_key

_INSTANCE: Final = r"(i-[^:/]*):(/.*)"


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
            name, _, key = text[5:].partition("/")
            return cls(LocationKind.S3, object_key(key), bucket(name))
        if match := re.fullmatch(_INSTANCE, text, re.DOTALL):
            return cls(LocationKind.INSTANCE, match[2], instance_id(match[1]))
        if is_run_id(text):
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
