"""All checkpoints of all runs, asked from their hosts and from S3. Implements `ports.Checkpoints`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.checkpoints.join import Sides, StoredFile, by_name, joined, stored_copy
from runctl_tui.services.errors import HostError, TrainctlError, Unsupported
from runctl_tui.services.training.agent.checkpoint_names import format_of, step_of
from runctl_tui.services.training.request import run_prefix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.services.aws.s3 import S3Store
    from runctl_tui.services.checkpoints.folders import CheckpointFolders
    from runctl_tui.services.ports import Feed
    from runctl_tui.services.runs.register import RunRegister
    from runctl_tui.services.training.agent_values import CheckpointEntry

    Poll = Callable[[], Awaitable[Snapshot[tuple[Checkpoint, ...]]]]
    MakeFeed = Callable[[Poll], Feed[tuple[Checkpoint, ...]]]

HOST_TIMEOUT: Final = 15.0
"""Seconds that one host may take to list a run's checkpoints."""
RUNS_AT_ONCE: Final = 8
HEADS_AT_ONCE: Final = 8
SUMS_KEPT: Final = 20_000
"""Checksums that are remembered."""
RECENT_RUNS: Final = 50
"""Runs that are asked about when all checkpoints are wanted."""


class CheckpointBook:
    """Joins host and S3 copies; remembers what hosts said, for when they are away."""

    def __init__(
        self,
        runs: RunRegister,
        store: Callable[[], S3Store],
        clock: Clock,
        make_feed: MakeFeed,
        folders: CheckpointFolders | None = None,
    ) -> None:
        self._runs = runs
        self._store = store
        self._clock = clock
        self._make_feed = make_feed
        self._folders = folders
        self._feeds: dict[str, Feed[tuple[Checkpoint, ...]]] = {}
        self._sums: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._told: OrderedDict[str, dict[str, CheckpointEntry]] = OrderedDict()
        self._gate = asyncio.Semaphore(RUNS_AT_ONCE)
        self._heads = asyncio.Semaphore(HEADS_AT_ONCE)

    def feed(self, run_id: str = "") -> Feed[tuple[Checkpoint, ...]]:
        """Return the live checkpoints of one run, or of all."""
        if run_id not in self._feeds:
            self._feeds[run_id] = self._make_feed(partial(self.now, run_id))
        return self._feeds[run_id]

    async def look_into(self, folder: str) -> str:
        """Show what lies in a folder of this machine too, and return its whole path."""
        if self._folders is None:
            raise Unsupported("folders of this machine are not looked into here")
        return await self._folders.add(folder)

    async def now(self, run_id: str = "") -> Snapshot[tuple[Checkpoint, ...]]:
        """Read them once, newest run first, newest checkpoint first."""
        if run_id:
            sessions: Sequence[TrainingSession] = [await self._runs.find(run_id)]
            unseen: Sequence[Problem] = ()
        else:
            latest = self._runs.feed.latest or await self._runs.now()
            sessions = latest.value[:RECENT_RUNS]
            unseen = [
                problem for problem in latest.missing if "/" in problem.scope
            ]  # places; silent hosts say so below
        parts = await asyncio.gather(*(self._of_run(session) for session in sessions))
        found = [checkpoint for checkpoints, _ in parts for checkpoint in checkpoints]
        missing = [*unseen, *(problem for _, problems in parts for problem in problems)]
        if self._folders is not None and not run_id:
            here = {session.id for session in sessions if session.provider == "local"}
            taken = [one.host.location for one in found if one.run_id in here]
            kept, unread = await self._folders.now(taken)
            found, missing = [*found, *kept], [*missing, *unread]
        return Snapshot(tuple(found), self._clock.now(), tuple(session.id for session in sessions), tuple(missing))

    async def _of_run(self, session: TrainingSession) -> tuple[list[Checkpoint], list[Problem]]:
        async with self._gate:
            host, (files, s3_problem) = await asyncio.gather(self._on_host(session), self._in_s3(session))
        copies = {name: self._copy(session, name, rows, host.entries.get(name)) for name, rows in files.items()}
        for name, entry in host.entries.items():
            copies.setdefault(name, stored_copy("", (), entry))
        if s3_problem is not None:
            copies = {name: CheckpointCopy(CopyState.UNKNOWN) for name in {*host.entries, *copies}}
        described = {
            name: (step_of(name), format_of(name, [file.path for file in rows]), len(rows))
            for name, rows in files.items()
        }
        sides = Sides(host.entries, copies, described, host.others)
        losses = await asyncio.to_thread(self._losses, session.id, sides)
        problems = [problem for problem in (host.problem, s3_problem) if problem is not None]
        return joined(session.id, sides, losses), problems

    def _losses(self, run_id: str, sides: Sides) -> Mapping[int, float | None]:
        steps = {step for name in sides.names if (step := sides.step(name)) is not None}
        return self._runs.mirrors.of(run_id).losses(steps) if steps else {}

    def _copy(
        self, session: TrainingSession, name: str, rows: Sequence[StoredFile], entry: CheckpointEntry | None
    ) -> CheckpointCopy:
        bucket, prefix = run_prefix(session.output_dest, session.id)
        address = f"s3://{bucket}/{prefix}checkpoints/{name}"
        return stored_copy(address, rows, entry, complete=session.uploads.complete)

    async def _on_host(self, session: TrainingSession) -> HostSide:
        try:
            async with asyncio.timeout(HOST_TIMEOUT):
                agent = await self._runs.agent_of(session)
                entries = await agent.checkpoints(session.id)
        except TimeoutError:
            error: TrainctlError = HostError(f"{session.instance_id} took too long to list checkpoints")
        except TrainctlError as raised:
            error = raised
        else:
            told = {entry.name: entry for entry in entries if entry.format != "marker"}
            self._told[session.id] = told
            while len(self._told) > RECENT_RUNS:
                self._told.popitem(last=False)
            return HostSide(told)
        if await self._is_gone(session):
            self._told.pop(session.id, None)
            return HostSide({})
        problem = None if _told_its_end(session) else error.to_problem(scope=session.id)
        return HostSide(self._told.get(session.id, {}), CopyState.UNKNOWN, problem)

    async def _is_gone(self, session: TrainingSession) -> bool:
        """Tell whether a run's machine is known to be no more, and its disks with it."""
        try:
            return await self._runs.machine_is_gone(session)
        except TrainctlError:
            return False

    async def _in_s3(self, session: TrainingSession) -> tuple[Mapping[str, list[StoredFile]], Problem | None]:
        if not session.output_dest:
            return {}, None
        try:
            bucket, prefix = run_prefix(session.output_dest, session.id)
            return by_name(await self.stored(bucket, f"{prefix}checkpoints/")), None
        except TrainctlError as error:
            return {}, error.to_problem(scope=session.id)

    async def stored(self, bucket: str, prefix: str) -> tuple[StoredFile, ...]:
        """Return what lies below a prefix, with the checksums that uploaders recorded."""
        items = [item async for page in self._store().list(bucket, prefix) for item in page]
        sums = await asyncio.gather(*(self._checksum(bucket, item.key, item.etag) for item in items))
        return tuple(
            StoredFile(item.key[len(prefix) :], item.size, item.modified_at, checksum)
            for item, checksum in zip(items, sums, strict=True)
            if not item.key.endswith("/")
        )

    async def _checksum(self, bucket: str, key: str, etag: str) -> str:
        """Return the checksum that the uploader recorded with an object; asked once per object and version."""
        version = (f"{bucket}/{key}", etag)
        if version not in self._sums:
            async with self._heads:
                head = await self._store().head(bucket, key)
            self._sums[version] = head.metadata.get("runctl-sha256", "")
            while len(self._sums) > SUMS_KEPT:
                self._sums.popitem(last=False)
        return self._sums.get(version, "")


def _told_its_end(session: TrainingSession) -> bool:
    """Tell whether the host was heard after the run had ended, so that it has nothing new to say."""
    ended, heard = session.ended_at, session.heard_at
    return session.status.ended and ended is not None and heard is not None and heard >= ended


@dataclass(frozen=True, slots=True)
class HostSide:
    """What a host says about a run's checkpoints, or said last."""

    entries: Mapping[str, CheckpointEntry]
    others: CopyState = CopyState.ABSENT
    """Its copies of what it did not name."""
    problem: Problem | None = None
