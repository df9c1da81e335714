"""What is asked for when a run's files shall be brought to S3, and where they would go."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from runctl_tui.domain.facts import Fact, Unknown

NO_PLACE: Final = "no_place"
"""The code of what keeps a run from being uploaded while nobody has said where to."""
_UNASKED: Final = Unknown("nobody asked")


@dataclass(frozen=True, slots=True)
class RunUpload:
    """Runs whose files shall be brought to S3, as a person asks for it."""

    runs: tuple[str, ...]
    """Ids, beginnings of ids, or unique names."""
    to: str = ""
    """s3://bucket/prefix for those that have no place yet; empty: the configured one."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a run's files go."""

    place: str
    """s3://bucket/prefix; a folder of the run's own lies below."""
    folder: str
    """The s3:// address of that folder."""
    region: str = ""
    own: bool = False
    """Whether the run has been going there all along."""
    usd_per_month: Fact[Decimal] = _UNASKED
    """What it costs to keep there what is not there yet."""
