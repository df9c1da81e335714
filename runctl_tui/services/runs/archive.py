"""Runs whose machine is off or gone, found by what their uploaders left in S3: `run.json` and `state.json`."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.run import TrainingSession, TrainingStatus
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.runs.sessions import archived
from runctl_tui.services.training.agent_words import status_of_phase
from runctl_tui.services.training.request import run_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from runctl_tui.domain.clock import Clock
    from runctl_tui.services.aws.s3 import S3Store

RUN_ID: Final = re.compile(r"r-[0-9a-z][0-9a-z-]{5,39}")
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

    async def _look(self, known: Collection[str]) -> tuple[TrainingSession, ...]:
        names = [name for name in await self._store().folders(self._bucket, self._prefix) if RUN_ID.fullmatch(name)]
        new = [name for name in sorted(names, reverse=True)[:NEWEST] if name not in known and name not in self._read]
        found = await asyncio.gather(*(self._session(name) for name in new))
        self._read.update(session.id for session in found if session is not None)
        return tuple(session for session in found if session is not None)

    async def _session(self, run_id: str) -> TrainingSession | None:
        try:
            request, state = await asyncio.gather(self._json(run_id, "run.json"), self._json(run_id, "state.json"))
            status = status_of_phase(str(state["phase"]), str((state.get("stop") or {}).get("by", "")))
            if status not in (TrainingStatus.COMPLETED, TrainingStatus.FAILED, TrainingStatus.CANCELLED):
                return None
            return archived(run_id, request, state, status)
        except (TrainctlError, ValueError, KeyError, TypeError, AttributeError):
            return None  # an upload that is not complete, or somebody else's file of that name

    async def _json(self, run_id: str, name: str) -> dict[str, Any]:
        content = await self._store().get_range(self._bucket, f"{self._prefix}{run_id}/{name}", 0, SMALL)
        value = json.loads(content)
        if not isinstance(value, dict):
            raise ValueError(f"{name} is no object")
        return value
