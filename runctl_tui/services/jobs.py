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
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.plan import JobView, Step, StepState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.services.errors import Refused, ResourceNotFound, TrainctlError
from runctl_tui.services.feed import PushFeed
from runctl_tui.services.job_codec import from_json, to_json
from runctl_tui.services.job_handle import JobHandle, StepHandle, Work
from runctl_tui.services.locks import LockSet
from runctl_tui.services.ports import Feed
from runctl_tui.services.store import Store, to_micros

_LOG: Final = logging.getLogger(__name__)
KEPT: Final = 200
"""Ended jobs that are remembered."""
HANDED_OVER: Final = "handed-over"
"""The code of an interrupted job with which another one goes on."""
INTERRUPTED: Final = "interrupted: the program ended before it did"

__all__ = ["INTERRUPTED", "JobBoard", "JobHandle", "StepHandle", "Work", "new_id"]


class JobBoard:
    """All jobs of this process, and what earlier and other processes left written."""

    def __init__(self, store: Store, clock: Clock, locks: LockSet, who: str = "") -> None:
        """`who` starts jobs here."""
        self._who = who
        self._store = store
        self._clock = clock
        self._locks = locks
        self._owner = f"process-{uuid.uuid4().hex}"
        self._owner_lock: int | None = None
        self._feed: PushFeed[tuple[JobView, ...]] = PushFeed()
        self._views: dict[str, JobView] = {}
        self._interrupted: list[JobView] = []
        self._handles: dict[str, JobHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._dirty: set[str] = set()
        self._saver: asyncio.Task[None] | None = None

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
        rows = await self._store.run(_read_all)
        for owner, view in rows:
            if view.id in self._handles:
                continue
            if view.ended_at is None and self._dead(owner):
                view = _cut_short(view, self._clock.now())
                self._interrupted.append(view)
                await self._write(view, owner)
            self._views[view.id] = view
        self._publish()

    def start(self, title: str, steps: Sequence[Step], work: Work) -> str:
        """Begin a job and return its id; what the work returns is its result, what it raises is told."""
        view = JobView(new_id(self._clock), title, tuple(steps), self._clock.now(), who=self._who)
        handle = JobHandle(view, self._clock, self._show)
        self._handles[view.id] = handle
        self._show(view)
        task = asyncio.get_running_loop().create_task(self._carry_out(handle, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return view.id

    def view(self, job_id: str) -> JobView:
        """Return a job; ResourceNotFound where there is none."""
        if job_id not in self._views:
            raise ResourceNotFound(f"there is no job {job_id}")
        return self._views[job_id]

    def hand_over(self, job_id: str, successor: str) -> None:
        """Say that another job goes on with an interrupted one, so that it is not offered again."""
        self._show(replace(self.view(job_id), code=HANDED_OVER, result=f"taken up by {successor}"))

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
        while self._saver is not None and not self._saver.done():
            await asyncio.gather(self._saver, return_exceptions=True)

    async def _carry_out(self, handle: JobHandle, work: Work) -> None:
        try:
            result = await work(handle)
        except TrainctlError as error:
            handle.end(False, str(error) + (f"; {error.todo}" if error.todo else ""), error.code)
        except asyncio.CancelledError:
            handle.end(False, INTERRUPTED, "interrupted")
            raise
        except BaseException as error:
            _LOG.exception("job %s failed", handle.id)
            handle.end(False, f"a defect in this program: {type(error).__name__}; the log file says more", "defect")
            raise
        else:
            handle.end(True, result)

    def _show(self, view: JobView) -> None:
        before = self._views.get(view.id)
        self._views[view.id] = view
        if before is None or _lasting(before) != _lasting(view):
            self._dirty.add(view.id)
            if self._saver is None or self._saver.done():
                self._saver = asyncio.get_running_loop().create_task(self._save())
        self._publish()

    def _publish(self) -> None:
        newest = sorted(self._views.values(), key=lambda view: (view.started_at, view.id), reverse=True)
        self._feed.push(Snapshot(tuple(newest), self._clock.now()))

    async def _save(self) -> None:
        """Write what has changed, as often as the file keeps up; a file that cannot be written costs no job."""
        while self._dirty:
            views = [self._views[job_id] for job_id in self._dirty]
            self._dirty.clear()
            try:
                for view in views:
                    await self._write(view, self._owner)
            except TrainctlError as error:
                _LOG.warning("jobs are not written down: %s", error)

    async def _write(self, view: JobView, owner: str) -> None:
        if self._owner_lock is None:
            self._owner_lock = self._locks.take(self._owner)
        values = (view.id, owner, to_micros(view.started_at), int(view.ended_at is not None), to_json(view))

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?)", values)
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


def _cut_short(view: JobView, at: datetime) -> JobView:
    """Return the view of a job whose process has died."""
    steps = tuple(replace(one, state=StepState.FAILED) if one.state is StepState.RUNNING else one for one in view.steps)
    return replace(view, ended_at=at, ok=False, result=INTERRUPTED, code="interrupted", question="", steps=steps)


def _lasting(view: JobView) -> JobView:
    """Return the view without what changes many times a second."""
    return replace(view, steps=tuple(replace(one, done=None, seconds=None, detail="") for one in view.steps))


def new_id(clock: Clock) -> str:
    """Return an id that sorts by time and is never made twice."""
    return f"j-{to_micros(clock.now()):015x}{uuid.uuid4().hex[:8]}"


def _read_all(connection: sqlite3.Connection) -> list[tuple[str, JobView]]:
    rows = connection.execute("SELECT owner, view FROM jobs ORDER BY started_at DESC LIMIT ?", (KEPT,))
    return [(row["owner"], view) for row in rows for view in _views(row["view"])]


def _views(text: str) -> Iterator[JobView]:
    view = from_json(text)
    if view is not None:
        yield view
