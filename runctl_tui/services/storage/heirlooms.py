"""Which addresses in S3 belong to checkpoints of known runs, and which of those are a run's newest there."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.objects import address
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.safety.facts import newest_checkpoints
from runctl_tui.domain.states import CopyState
from runctl_tui.services.errors import StateError, TrainctlError
from runctl_tui.services.ports import Checkpoints
from runctl_tui.services.training.request import run_prefix

_THERE = frozenset({CopyState.PRESENT, CopyState.VERIFIED, CopyState.UPLOADING})


class WritingRuns(Protocol):
    """The part of the register that knows whose files lie where."""

    async def writing_at(self, addresses: Collection[str]) -> tuple[TrainingSession, ...]:
        """Return all known runs, those that write at these addresses among them; raises where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Heirlooms:
    """Asks about the checkpoints of the runs that write where something is to be changed, and of no others."""

    runs: WritingRuns
    checkpoints: Checkpoints

    async def near(self, addresses: Sequence[str]) -> tuple[Checkpoint, ...]:
        """Return the checkpoints of every run with a file among the addresses; raises where one cannot be told."""
        known = await self.runs.writing_at(addresses) if addresses else ()
        runs = [run for run in known if writes_among(run, addresses)]
        snapshots = await asyncio.gather(*(self.checkpoints.now(run.id) for run in runs))
        found = tuple(one for snapshot in snapshots for one in snapshot.value)
        for one in found:
            if one.s3.state is CopyState.UNKNOWN:
                raise StateError(f"the copies of run {one.run_id} in S3 could not be listed")
        return found


def writes_among(run: TrainingSession, addresses: Sequence[str]) -> bool:
    """Tell whether a run writes its files to one of the addresses."""
    if not run.output_dest:
        return False
    try:
        folder = address(*run_prefix(run.output_dest, run.id))
    except (TrainctlError, ValueError):
        return False
    return any(each.startswith(folder) for each in addresses)


def newest_among(checkpoints: Iterable[Checkpoint], addresses: Sequence[str]) -> tuple[str, ...]:
    """Return the newest checkpoint in S3 of each run that has a file among the addresses."""
    stored = tuple(one for one in checkpoints if one.s3.location and one.s3.state in _THERE)
    return _hit(newest_checkpoints(stored), addresses)


def checkpoints_among(checkpoints: Iterable[Checkpoint], addresses: Sequence[str]) -> tuple[str, ...]:
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
