"""Jobs: long work in visible steps that can ask, be cancelled, and be told of after the program died.

`ActionService` starts them, executors work with a `JobHandle`, the Tasks screen and the launch dialog watch the board.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.plan import JobView, Step, StepState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import Refused, ResourceNotFound, TrainctlError
from runctl_tui.services.feed import Pace, PollingFeed
from runctl_tui.services.job_codec import from_json, to_json
from runctl_tui.services.job_handle import JobHandle, StepHandle, Work
from runctl_tui.services.locks import LockSet
from runctl_tui.services.ports import Feed
from runctl_tui.services.store import Store, to_micros
from runctl_tui.services.telemetry import working_on

_LOG: Final = logging.getLogger(__name__)
KEPT: Final = 200
"""Ended jobs that are remembered."""
HANDED_OVER: Final = "handed-over"
"""The code of an interrupted job with which another one goes on."""
INTERRUPTED: Final = "interrupted: the program ended before it did"
SHOWN_EVERY: Final = timedelta(seconds=2)
"""How often progress alone is written down, for the screens of other processes."""
LOOKS_EVERY: Final = 2.0
"""Seconds between two looks at what other processes have written, while somebody watches."""

__all__ = ["INTERRUPTED", "JobBoard", "JobHandle", "StepHandle", "Work", "new_id"]


class JobBoard:
    """All jobs of this process, and what earlier and other processes have written."""

    def __init__(
        self, store: Store, clock: Clock, locks: LockSet, who: str = "", pace: float | Pace = LOOKS_EVERY
    ) -> None:
        """`who` starts jobs here; what others write is looked for at the pace while the feed is watched."""
        self._who = who
        self._store = store
        self._clock = clock
        self._locks = locks
        self._owner = f"process-{uuid.uuid4().hex}"
        self._owner_lock: int | None = None
        self._feed: PollingFeed[tuple[JobView, ...]] = PollingFeed(self._look, pace, clock)
        self._views: dict[str, JobView] = {}
        self._seen = 0
        self._elsewhere: dict[str, str] = {}
        """Jobs at work in other processes -> the process that works on each."""
        self._interrupted: list[JobView] = []
        self._handles: dict[str, JobHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._dirty: set[str] = set()
        self._written: dict[str, datetime] = {}
        """When each job of this process was written last."""
        self._saver: asyncio.Task[None] | None = None
        self.on_end: Callable[[JobView], Awaitable[None]] = _nobody
        """Hears how each job ends, before anybody else does."""

    @property
    def feed(self) -> Feed[tuple[JobView, ...]]:
        """All jobs, newest first."""
        return self._feed

    @property
    def interrupted(self) -> tuple[JobView, ...]:
        """Those whose process had died, found so by `load`."""
        return tuple(self._interrupted)

    async def load(self) -> None:
        """Read what is written; jobs whose process has died are interrupted from now on."""
        await self._hear()
        self._interrupted = await self._bury()
        self._publish()

    def start(self, title: str, steps: Sequence[Step], work: Work, *, of: JobView | None = None) -> str:
        """Begin a job and return its id; what the work returns is its result, what it raises is told.

        An interrupted job that it is `of`, with the same run and machine, is not offered to be taken up again.
        """
        view = JobView(new_id(self._clock), title, tuple(steps), self._clock.now(), who=self._who)
        if of is not None:
            view = replace(view, run_id=of.run_id, instance_id=of.instance_id)
        handle = JobHandle(view, self._clock, self._show, self._saved)
        self._handles[view.id] = handle
        self._show(view)
        if of is not None:  # written in one transaction with the other, so that one of the two can be taken up
            self._show(replace(of, code=HANDED_OVER, result=f"taken up by {view.id}"))
        task = asyncio.get_running_loop().create_task(self._carry_out(handle, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return view.id

    def view(self, job_id: str) -> JobView:
        """Return a job; ResourceNotFound where there is none."""
        if job_id not in self._views:
            raise ResourceNotFound(f"there is no job {job_id}")
        return self._views[job_id]

    async def watch(self, job_id: str) -> AsyncIterator[JobView]:
        """Yield a job's views until it has ended; ResourceNotFound where there is no such job."""
        self.view(job_id)
        last: JobView | None = None
        async with contextlib.aclosing(self._feed.watch()) as changes:
            async for _ in changes:
                view = self.view(job_id)
                if view.ended_at is not None and self._saver is not None:
                    await asyncio.wait([self._saver])  # whoever hears of the end may end the program
                if view != last:
                    last = view
                    yield view
                if view.ended_at is not None:
                    return

    def answer(self, job_id: str, yes: bool) -> None:
        """Answer the question that a job waits with."""
        self._mine(job_id).answer(yes)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop after its present call and to undo what it made."""
        self._mine(job_id).cancel()

    async def drain(self) -> None:
        """Wait until every job has ended and is written; for headless use and tests."""
        while working := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(working)
        await self._saved()

    async def _saved(self) -> None:
        while self._saver is not None and not self._saver.done():
            await asyncio.gather(asyncio.shield(self._saver), return_exceptions=True)

    async def _carry_out(self, handle: JobHandle, work: Work) -> None:
        try:
            with working_on(handle.id):
                ended = True, await work(handle), ""
        except TrainctlError as error:
            ended = False, str(error) + (f"; {error.todo}" if error.todo else ""), error.code
        except asyncio.CancelledError:
            handle.end(False, INTERRUPTED, "interrupted")
            raise
        except BaseException as error:
            _LOG.exception("job %s failed", handle.id)
            words = f"a defect in this program: {type(error).__name__}; the log file says more"
            await self._end(handle, False, words, "defect")
            raise
        await self._end(handle, *ended)

    async def _end(self, handle: JobHandle, ok: bool, result: str, code: str) -> None:
        """Let a job end once that is written for good: whoever hears of the end may end the program."""
        await self.on_end(replace(self._views[handle.id], ok=ok, result=result, code=code))
        handle.end(ok, result, code)

    def _show(self, view: JobView) -> None:
        before = self._views.get(view.id)
        self._views[view.id] = view
        if before is None or _lasting(before) != _lasting(view) or self._is_stale(view.id):
            self._dirty.add(view.id)
            if self._saver is None or self._saver.done():
                self._saver = asyncio.get_running_loop().create_task(self._save())
        self._publish()

    def _is_stale(self, job_id: str) -> bool:
        """Return whether what other processes see of a job is so old that its progress is worth a writing."""
        written = self._written.get(job_id)
        return written is not None and self._clock.now() - written >= SHOWN_EVERY

    def _publish(self) -> None:
        newest = sorted(self._views.values(), key=lambda view: (view.started_at, view.id), reverse=True)
        self._feed.push(Snapshot(tuple(newest), self._clock.now()))

    async def _look(self) -> Snapshot[tuple[JobView, ...]]:
        """Return all jobs, with what other processes have written since the last look."""
        changed = await self._hear()
        if await self._bury() or changed or self._feed.latest is None:
            self._publish()
        latest = self._feed.latest
        return Snapshot(latest.value if latest else (), self._clock.now())

    async def _hear(self) -> bool:
        """Take in what was written since the last time, and return whether any of it is another process's."""
        since = self._seen
        rows = await self._store.run(lambda connection: _read_since(connection, since))
        others = [(row.owner, row.view) for row in rows if row.owner != self._owner and row.view is not None]
        for owner, view in others:
            self._views[view.id] = view
            if view.ended_at is None:
                self._elsewhere[view.id] = owner
            else:
                self._elsewhere.pop(view.id, None)
        self._seen = max([self._seen, *(row.number for row in rows)])
        return bool(others)

    async def _bury(self) -> list[JobView]:
        """Interrupt the jobs whose process has died meanwhile, and return them."""
        dead = {owner for owner in set(self._elsewhere.values()) if self._dead(owner)}
        if dead:
            await self._hear()  # its last words may have been written since the last look
        found = [(owner, job_id) for job_id, owner in self._elsewhere.items() if owner in dead]
        views = []
        for owner, job_id in found:
            views.append(_cut_short(self._views[job_id], self._clock.now()))
            self._views[job_id] = views[-1]
            del self._elsewhere[job_id]
            await self.on_end(views[-1])
            await self._write(views[-1:], owner)
        return views

    async def _save(self) -> None:
        """Write what has changed, as often as the file keeps up; a file that cannot be written costs no job."""
        while self._dirty:
            views = [self._views[job_id] for job_id in self._dirty]
            self._dirty.clear()
            try:
                await self._write(views, self._owner)
            except TrainctlError as error:
                _LOG.warning("jobs are not written down: %s", error)

    async def _write(self, views: Sequence[JobView], owner: str) -> None:
        """Write jobs, all or none."""
        if self._owner_lock is None:
            self._owner_lock = self._locks.take(self._owner)
        self._written |= dict.fromkeys((view.id for view in views), self._clock.now())
        rows = [
            (view.id, owner, to_micros(view.started_at), int(view.ended_at is not None), to_json(view))
            for view in views
        ]

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?)", rows)
            connection.execute(
                "DELETE FROM jobs WHERE ended AND id NOT IN (SELECT id FROM jobs ORDER BY started_at DESC LIMIT ?)",
                (KEPT,),
            )

        await self._store.run(work)

    def _dead(self, owner: str) -> bool:
        """Return whether the process that wrote a job is gone; a living one holds a lock of its own."""
        if owner == self._owner:
            return False
        handle = self._locks.take(owner)
        if handle is None:
            return False
        os.close(handle)
        self._locks.forget(owner)
        return True

    def _mine(self, job_id: str) -> JobHandle:
        self.view(job_id)
        if job_id not in self._handles:
            raise Refused(f"job {job_id} is not of this program", "another one works on it, or it has ended")
        return self._handles[job_id]


async def _nobody(view: JobView) -> None:
    """Nobody wants to hear how a job ended."""


def _cut_short(view: JobView, at: datetime) -> JobView:
    """Return the view of a job whose process has died."""
    steps = tuple(replace(one, state=StepState.FAILED) if one.state is StepState.RUNNING else one for one in view.steps)
    left = f"; {view.instance_id} may be there and cost" if view.instance_id else ""
    return replace(view, ended_at=at, ok=False, result=INTERRUPTED + left, code="interrupted", question="", steps=steps)


def _lasting(view: JobView) -> JobView:
    """Return the view without what changes many times a second."""
    return replace(view, steps=tuple(replace(one, done=None, seconds=None, detail="") for one in view.steps))


def new_id(clock: Clock) -> str:
    """Return an id that sorts by time and is never made twice."""
    return f"j-{to_micros(clock.now()):015x}{uuid.uuid4().hex[:8]}"


class _Row(NamedTuple):
    """One job as it was written, and by whom."""

    number: int
    """Grows with every writing of any job, because a row is replaced and never changed."""
    owner: str
    view: JobView | None
    """None where it is none of ours."""


def _read_since(connection: sqlite3.Connection, number: int) -> list[_Row]:
    query = "SELECT rowid, owner, view FROM jobs WHERE rowid > ? ORDER BY rowid DESC LIMIT ?"
    rows = connection.execute(query, (number, KEPT)).fetchall()
    return [_Row(row["rowid"], row["owner"], from_json(row["view"])) for row in rows]
