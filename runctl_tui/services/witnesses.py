"""Tell what became of operations that no provider keeps a state of: runs and processes on hosts, objects in S3.

The journal asks them about rows whose end nobody saw; an error means that it cannot be told now: the row stays open.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from runctl_tui.domain.objects import SCHEME, split_address
from runctl_tui.domain.states import Operation, TrainingStatus
from runctl_tui.services.errors import HostError, ResourceNotFound, StateError
from runctl_tui.services.journal_rows import JournalState

if TYPE_CHECKING:
    from runctl_tui.domain.objects import ObjectEntry, ObjectFacts, TransferItem
    from runctl_tui.domain.plan import JobView
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.services.journal_rows import Row
    from runctl_tui.services.settling import Settled, Witness

MOST_PLACES: Final = 1000
"""Addresses of a deletion that its row keeps; of more, nobody looks after all of them."""
MOST_ARRIVALS: Final = 200
"""Objects of a copy that its row keeps; each is looked at."""
_SILENT: Final = frozenset({TrainingStatus.UNREACHABLE, TrainingStatus.UNKNOWN})
_DELETE_AGAIN: Final = "delete it again"
_COPY_AGAIN: Final = "do it again: that changes nothing where it is done"


class AskedRuns(Protocol):
    """The part of the register that is asked."""

    async def find(self, reference: str) -> TrainingSession:
        """One run as its host tells it now."""


class AskedObjects(Protocol):
    """The part of an object store that is asked."""

    def pages(
        self, bucket: str, prefix: str = "", *, recursive: bool = False
    ) -> AsyncIterator[tuple[ObjectEntry, ...]]:
        """What lies below a prefix."""

    async def head(self, bucket: str, key: str) -> ObjectFacts:
        """One object; ResourceNotFound where there is none."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Looks at hosts and into S3."""

    runs: AskedRuns
    view: Callable[[str], JobView]
    """Returns a job; ResourceNotFound where there is none."""
    objects: Callable[[], AskedObjects]
    runs_there: Callable[[str], Awaitable[bool]]
    """Tells whether a process, named by its reference, is still at work; ResourceNotFound where its machine is gone."""

    def by_operation(self) -> dict[Operation, Witness]:
        """Return who is asked about which operation."""
        return {
            Operation.RUN_STOP: self.stopped,
            Operation.RUN_START: self.started,
            Operation.RUN_RESUME: self.started,
            Operation.S3_DELETE: self.deleted,
            Operation.S3_COPY: self.arrived,
            Operation.S3_MOVE: self.arrived,
            Operation.PROCESS_END: self.ended,
            Operation.PROCESS_KILL: self.ended,
        }

    async def stopped(self, row: Row) -> Settled:
        """Tell whether a run was stopped."""
        run = await self._run(row.entry.resource)
        if run is None:
            return JournalState.FAILED, "nobody knows of it any more"
        if run.status in _SILENT:
            return JournalState.FAILED, "its host does not answer: whether it stopped is not known"
        return (JournalState.VERIFIED if run.status.ended else JournalState.FAILED), f"it is {run.status.value}"

    async def started(self, row: Row) -> Settled:
        """Tell whether a job began a run; the row's token is the job's id."""
        try:
            run = await self._run(self.view(row.entry.token).run_id)
        except ResourceNotFound:
            run = None
        if run is None:
            return JournalState.FAILED, "no run was begun"
        if run.status in _SILENT:
            return JournalState.FAILED, f"the host of {run.id} does not answer: whether it was begun is not known"
        if run.heard_at is not None:
            return JournalState.VERIFIED, f"{run.id} is {run.status.value}"
        if run.status.ended:
            return JournalState.FAILED, f"{run.id} is {run.status.value}: its host never knew of it"
        return row.state, f"the host of {run.id} does not know of it yet"

    async def deleted(self, row: Row) -> Settled:
        """Tell how far a deletion in S3 came."""
        places = places_of(row.entry.token)
        if not places:
            return JournalState.FAILED, f"the program ended in the middle; {_DELETE_AGAIN}"
        left = [place for place in places if await _is_there(self.objects(), place)]
        if not left:
            return JournalState.VERIFIED, "it is gone"
        return JournalState.FAILED, f"{len(left)} of {len(places)} are still there, {left[0]} first; {_DELETE_AGAIN}"

    async def arrived(self, row: Row) -> Settled:
        """Tell how far a copy or a move came."""
        found = arrivals_of(row.entry.token)
        if found is None:
            return JournalState.FAILED, f"the program ended in the middle; {_COPY_AGAIN}"
        left = [target for source, target, size in found.items if not await self._has_come(source, target, size, found)]
        many = len(found.items)
        if not left:
            return JournalState.VERIFIED, f"all {many} are there"
        return JournalState.FAILED, f"{len(left)} of {many} are not done, {left[0]} first; {_COPY_AGAIN}"

    async def _has_come(self, source: str, target: str, size: int, found: Arrivals) -> bool:
        if await _size_of(self.objects, target) != size:
            return False
        return not found.move or await _size_of(self.objects, source) is None

    async def ended(self, row: Row) -> Settled:
        """Tell whether a process has ended."""
        try:
            there = await self.runs_there(row.entry.resource)
        except ResourceNotFound:
            return JournalState.VERIFIED, "its machine is gone"
        except HostError as error:
            return JournalState.FAILED, f"whether it has ended is not known: {error}"
        return (JournalState.FAILED, "it is still there") if there else (JournalState.VERIFIED, "it has ended")

    async def _run(self, run_id: str) -> TrainingSession | None:
        try:
            return await self.runs.find(run_id) if run_id else None
        except ResourceNotFound:
            return None


def token_of(places: Sequence[str]) -> str:
    """Return what the row of a deletion keeps, the objects and folders that it is about; nothing of too many."""
    wanted = [place for place in places if place.startswith(SCHEME)]
    return json.dumps(wanted) if 0 < len(wanted) == len(places) <= MOST_PLACES else ""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a copy or a move was about: source, target and size of each."""

    items: tuple[tuple[str, str, int], ...]
    move: bool


def arrivals_token(items: Sequence[TransferItem], move: bool) -> str:
    """Return what the row of a copy or a move keeps; nothing of too many, nor where nobody could tell later.

    What a copy replaces may be as large as what comes; after a move the source is gone, which tells.
    """
    told = [(item.source, item.target, item.size) for item in items]
    tells = move or not any(item.replaces for item in items)
    return json.dumps({"items": told, "move": move}) if tells and 0 < len(told) <= MOST_ARRIVALS else ""


def arrivals_of(token: str) -> Arrivals | None:
    """Return what a row keeps of a copy; None where it keeps nothing."""
    if not token.startswith("{"):
        return None
    told = json.loads(token)
    return Arrivals(tuple((source, target, size) for source, target, size in told["items"]), told["move"])


def places_of(token: str) -> tuple[str, ...]:
    """Return the addresses that a row keeps; none where it keeps none."""
    return tuple(json.loads(token)) if token.startswith("[") else ()


async def _is_there(objects: AskedObjects, place: str) -> bool:
    bucket, key = split_address(place)
    try:
        if key and not key.endswith("/"):
            await objects.head(bucket, key)
            return True
        async for page in objects.pages(bucket, key, recursive=True):
            if page:
                return True
    except ResourceNotFound:
        return False
    return False


async def _size_of(objects: Callable[[], AskedObjects], place: str) -> int | None:
    """Return the bytes of an object, or of a file of this machine; None where there is none."""
    if not place.startswith(SCHEME):
        return await asyncio.to_thread(_size_here, place)
    try:
        return (await objects().head(*split_address(place))).size
    except ResourceNotFound:
        return None


def _size_here(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} cannot be looked at", error.strerror or str(error), "look at its folder") from error
