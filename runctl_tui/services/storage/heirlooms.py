"""Which addresses in S3 belong to checkpoints of known runs, and which of those are a run's newest there; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.safety.facts import newest_checkpoints
from runctl_tui.domain.states import CopyState

_THERE = frozenset({CopyState.PRESENT, CopyState.VERIFIED, CopyState.UPLOADING, CopyState.UNKNOWN})


def newest_among(checkpoints: Iterable[Checkpoint], addresses: Sequence[str]) -> tuple[str, ...]:
    """Return the newest checkpoint in S3 of each run that has a file among the addresses."""
    stored = tuple(one for one in checkpoints if one.s3.location and one.s3.state in _THERE)
    return _hit(newest_checkpoints(stored), addresses)


def replaced_among(checkpoints: Iterable[Checkpoint], addresses: Sequence[str]) -> tuple[str, ...]:
    """Return every checkpoint that has a file among the addresses."""
    return _hit([one for one in checkpoints if one.s3.location], addresses)


def _hit(checkpoints: Iterable[Checkpoint], addresses: Sequence[str]) -> tuple[str, ...]:
    """A checkpoint is one object, or everything below its address."""
    exact = {one.s3.location.rstrip("/"): one.s3.location for one in checkpoints}
    found: dict[str, None] = {}
    for each in addresses if exact else ():
        whole = each
        while len(whole) > len("s3://"):
            if whole in exact:
                found[exact[whole]] = None
                break
            whole = whole.rpartition("/")[0]
    return tuple(found)
