"""Runs whose machine is off or gone, found by what their uploaders left in S3: `run.json` and `state.json`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.validation import is_run_id
from runctl_tui.services.errors import ResourceNotFound, TrainctlError
from runctl_tui.services.runs.sessions import archived
from runctl_tui.services.training.agent_words import status_of_phase
from runctl_tui.services.training.request import run_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from runctl_tui.domain.clock import Clock
    from runctl_tui.services.aws.s3 import S3Store

Place: TypeAlias = tuple[str, str]
"""Bucket, and the prefix of a run's own folder with its slash."""
NEWEST: Final = 50
"""Runs that are read; older ones are left where they are."""
SMALL: Final = 64 * 1024
LOG_LIMIT: Final = 8 * 1024 * 1024
"""Bytes at the end of a log that are fetched."""
LOOK_EVERY: Final = 60.0
"""Seconds between two looks for ended runs."""
PATIENCE: Final = 5.0
"""Seconds that one look may take; what is not there by then is found at the next."""


class RunArchive:
    """Reads the runs below one address in S3."""

    def __init__(self, store: Callable[[], S3Store], bucket: str, prefix: str, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._looked_at = float("-inf")
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._read: set[str] = set()

    async def ended(self, known: Collection[str]) -> tuple[TrainingSession, ...]:
        """Return the ended runs that nobody here knows; each is read once, and none where S3 does not answer.

        S3 is asked once a minute; calls in between return nothing.
        """
        now = self._clock.monotonic()
        if not self._bucket or now - self._looked_at < LOOK_EVERY:
            return ()
        self._looked_at = now
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._look(known)
        except (TimeoutError, TrainctlError):
            return ()

    async def log(self, session: TrainingSession, start: int) -> tuple[int, bytes]:
        """Return a run's log as its uploader left it, and its offset: `start`, or later where that is too far back."""
        bucket, prefix = run_prefix(session.output_dest, session.id)
        try:
            stored = await self._store().head(bucket, f"{prefix}log")
            if stored.size <= start:
                return start, b""
            start = max(stored.size - LOG_LIMIT, start)
            return start, await self._store().get_range(bucket, f"{prefix}log", start)
        except TrainctlError:
            return start, b""

    async def at(self, folders: Mapping[str, Place]) -> tuple[list[TrainingSession], list[str]]:
        """Return the ended runs whose records lie in these folders, and the ids of those that are still at work.

        A folder without a record is nobody's; raises where S3 does not tell.
        """
        found = await asyncio.gather(*(self._recorded(run_id, *place) for run_id, place in folders.items()))
        sessions = [session for session in found if session is not None]
        return [one for one in sessions if one.status.ended], [one.id for one in sessions if not one.status.ended]

    async def _look(self, known: Collection[str]) -> tuple[TrainingSession, ...]:
        names = [name for name in await self._store().folders(self._bucket, self._prefix) if is_run_id(name)]
        new = [name for name in sorted(names, reverse=True)[:NEWEST] if name not in known and name not in self._read]
        found = await asyncio.gather(*(self._ended(name) for name in new))
        self._read.update(session.id for session in found if session is not None)
        return tuple(session for session in found if session is not None)

    async def _ended(self, run_id: str) -> TrainingSession | None:
        try:
            session = await self._recorded(run_id, self._bucket, f"{self._prefix}{run_id}/")
        except TrainctlError:
            return None  # it is looked at again
        return session if session is not None and session.status.ended else None

    async def _recorded(self, run_id: str, bucket: str, folder: str) -> TrainingSession | None:
        """Return a run by its own record; None where there is none, or somebody else's file of that name."""
        try:
            request, state = await asyncio.gather(
                self._json(bucket, f"{folder}run.json"), self._json(bucket, f"{folder}state.json")
            )
            status = status_of_phase(str(state["phase"]), str((state.get("stop") or {}).get("by", "")))
            return archived(run_id, request, state, status)
        except (ResourceNotFound, ValueError, KeyError, TypeError, AttributeError):
            return None

    async def _json(self, bucket: str, key: str) -> dict[str, Any]:
        value = json.loads(await self._store().get_range(bucket, key, 0, SMALL))
        if not isinstance(value, dict):
            raise ValueError(f"{key} is no object")
        return value


def folders_of_runs(addresses: Iterable[str]) -> dict[str, Place]:
    """Return where runs keep their files, by id, as far as addresses in S3 lead through folders named like runs."""
    from runctl_tui.domain.objects import split_address  # no first row needs it

    found: dict[str, Place] = {}
    for each in addresses:
        bucket, key = split_address(each)
        path = ""
        for name in key.split("/")[:-1]:
            path += f"{name}/"
            if is_run_id(name):
                found.setdefault(name, (bucket, path))
    return found
