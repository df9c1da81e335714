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


class AskedRuns(WritingRuns, Protocol):
    """The register that also asks the host of one run."""

    async def find(self, reference: str) -> TrainingSession:
        """One run as its host tells it now, or as it was heard last."""


@dataclass(frozen=True, slots=True)
class Heritage:
    """What runs have, or are about to have, where something is to be changed."""

    checkpoints: tuple[Checkpoint, ...]
    at_work: tuple[str, ...] = ()
    """Runs that have not ended and upload there."""


@dataclass(frozen=True, slots=True)
class Heirlooms:
    """Asks about the checkpoints of the runs that write where something is to be changed, and of no others."""

    runs: AskedRuns
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

    async def at_work(self, folders: Sequence[str]) -> tuple[str, ...]:
        """Return the runs that have not ended and write within, or around, one of the folders."""
        known = await self.runs.writing_at(folders) if folders else ()
        within = [run for run in known if (own := folder_of(run)) and any(_overlap(own, each) for each in folders)]
        now = await asyncio.gather(*(self._now(run) for run in within if not run.status.ended))
        return tuple(run.id for run in now if not run.status.ended)

    async def _now(self, run: TrainingSession) -> TrainingSession:
        try:
            return await self.runs.find(run.id)
        except TrainctlError:
            return run  # nobody has heard that it ended


def folder_of(run: TrainingSession) -> str:
    """Return the address below which a run uploads; empty: it uploads nowhere."""
    try:
        return address(*run_prefix(run.output_dest, run.id)) if run.output_dest else ""
    except (TrainctlError, ValueError):
        return ""


def writes_among(run: TrainingSession, addresses: Sequence[str]) -> bool:
    """Tell whether a run writes its files to one of the addresses."""
    folder = folder_of(run)
    return bool(folder) and any(each.startswith(folder) for each in addresses)


def newest_among(checkpoints: Iterable[Checkpoint], addresses: Sequence[str]) -> tuple[str, ...]:
    """Return the newest checkpoint in S3 of each run that has a file among the addresses."""
    stored = tuple(one for one in checkpoints if one.s3.location and one.s3.state in _THERE)
    return _hit(newest_checkpoints(stored), addresses)


def checkpoints_among(checkpoints: Iterable[Checkpoint], addresses: Sequence[str]) -> tuple[str, ...]:
    """Return every checkpoint that has a file among the addresses."""
    return _hit([one for one in checkpoints if one.s3.location], addresses)


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


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
