"""All checkpoints of all runs, asked from their hosts and from S3. Implements `ports.Checkpoints`."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.checkpoints.join import StoredFile, by_name, joined, stored_copy
from runctl_tui.services.errors import HostError, TrainctlError
from runctl_tui.services.training.agent.checkpoint_names import format_of, step_of
from runctl_tui.services.training.request import run_prefix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.services.aws.s3 import S3Store
    from runctl_tui.services.ports import Feed
    from runctl_tui.services.runs.register import RunRegister
    from runctl_tui.services.training.agent_values import CheckpointEntry

    Poll = Callable[[], Awaitable[Snapshot[tuple[Checkpoint, ...]]]]
    MakeFeed = Callable[[Poll], Feed[tuple[Checkpoint, ...]]]

HOST_TIMEOUT: Final = 15.0
"""Seconds that one host may take to list a run's checkpoints."""
RUNS_AT_ONCE: Final = 8
RECENT_RUNS: Final = 50
"""Runs that are asked about when all checkpoints are wanted."""


class CheckpointBook:
    """Joins host and S3 copies; remembers what hosts said, for when they are away."""

    def __init__(self, runs: RunRegister, store: Callable[[], S3Store], clock: Clock, make_feed: MakeFeed) -> None:
        self._runs = runs
        self._store = store
        self._clock = clock
        self._make_feed = make_feed
        self._feeds: dict[str, Feed[tuple[Checkpoint, ...]]] = {}
        self._sums: dict[tuple[str, str], str] = {}
        self._gate = asyncio.Semaphore(RUNS_AT_ONCE)

    def feed(self, run_id: str = "") -> Feed[tuple[Checkpoint, ...]]:
        """Return the live checkpoints of one run, or of all."""
        if run_id not in self._feeds:
            self._feeds[run_id] = self._make_feed(partial(self.now, run_id))
        return self._feeds[run_id]

    async def now(self, run_id: str = "") -> Snapshot[tuple[Checkpoint, ...]]:
        """Read them once, newest run first, newest checkpoint first."""
        if run_id:
            sessions: Sequence[TrainingSession] = [await self._runs.find(run_id)]
        else:
            latest = self._runs.feed.latest or await self._runs.now()
            sessions = latest.value[:RECENT_RUNS]
        parts = await asyncio.gather(*(self._of_run(session) for session in sessions))
        found = [checkpoint for checkpoints, _ in parts for checkpoint in checkpoints]
        missing = [problem for _, problems in parts for problem in problems]
        return Snapshot(tuple(found), self._clock.now(), tuple(session.id for session in sessions), tuple(missing))

    async def _of_run(self, session: TrainingSession) -> tuple[list[Checkpoint], list[Problem]]:
        async with self._gate:
            (entries, host_problem), (files, s3_problem) = await asyncio.gather(
                self._on_host(session), self._in_s3(session)
            )
        copies = {
            name: stored_copy(self._address(session, name), rows, entries.get(name)) for name, rows in files.items()
        }
        for name, entry in entries.items():
            copies.setdefault(name, stored_copy("", (), entry))
        if s3_problem is not None:
            copies = {name: CheckpointCopy(CopyState.UNKNOWN) for name in {*entries, *copies}}
        describe = {name: (step_of(name), format_of(name, _paths(name, rows))) for name, rows in files.items()}
        found = joined(session.id, entries, copies, self._runs.mirror(session.id).series, describe)
        return found, [problem for problem in (host_problem, s3_problem) if problem is not None]

    async def _on_host(self, session: TrainingSession) -> tuple[dict[str, CheckpointEntry], Problem | None]:
        try:
            async with asyncio.timeout(HOST_TIMEOUT):
                agent = await self._runs.agent_of(session)
                entries = await agent.checkpoints(session.id)
        except TimeoutError:
            return {}, HostError(f"{session.instance_id} took too long to list checkpoints").to_problem(
                scope=session.id
            )
        except TrainctlError as error:
            return {}, None if session.status.ended else error.to_problem(scope=session.id)
        return {entry.name: entry for entry in entries if entry.format != "marker"}, None

    async def _in_s3(self, session: TrainingSession) -> tuple[dict[str, list[StoredFile]], Problem | None]:
        if not session.output_dest:
            return {}, None
        bucket, prefix = run_prefix(session.output_dest, session.id)
        prefix += "checkpoints/"
        files = []
        try:
            async for page in self._store().list(bucket, prefix):
                for item in page:
                    name = item.key[len(prefix) :].partition("/")[0]
                    checksum = await self._checksum(bucket, item.key, item.etag)
                    files.append(StoredFile(item.key, name, item.size, item.modified_at, item.etag, checksum))
        except TrainctlError as error:
            return {}, error.to_problem(scope=session.id)
        return dict(by_name(files)), None

    async def _checksum(self, bucket: str, key: str, etag: str) -> str:
        """Return the checksum that the uploader recorded with an object; asked once per object and version."""
        known = (f"{bucket}/{key}", etag)
        if known not in self._sums:
            head = await self._store().head(bucket, key)
            self._sums[known] = head.metadata.get("runctl-sha256", "")
        return self._sums[known]

    @staticmethod
    def _address(session: TrainingSession, name: str) -> str:
        bucket, prefix = run_prefix(session.output_dest, session.id)
        return f"s3://{bucket}/{prefix}checkpoints/{name}"


def _paths(name: str, files: Sequence[StoredFile]) -> list[str]:
    """Return the files' paths below the checkpoint folder, as the agent names them."""
    return [file.key[file.key.rindex(f"/{name}") + 1 :] for file in files]
