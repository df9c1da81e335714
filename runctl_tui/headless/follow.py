"""Staying with a job or a run until it ends: steps and log lines go to standard error."""

from __future__ import annotations

import asyncio
import codecs
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from runctl_tui.domain.objects import SCHEME, address, parent_of, split_address
from runctl_tui.domain.plan import Confirmation, JobView, Plan, Step, StepState
from runctl_tui.domain.run import LogChunk, TrainingSession, TrainingStatus
from runctl_tui.domain.states import IN_S3, ON_PROCESSES, ON_SNAPSHOTS, ON_UPLOADS, STORAGE, Operation
from runctl_tui.headless import output
from runctl_tui.headless.console import GoesOn
from runctl_tui.headless.reply import Call, Reply
from runctl_tui.services.errors import ResourceNotFound, StateError, TrainctlError
from runctl_tui.services.ports_services import Services

_SIGNS = {StepState.RUNNING: "◐", StepState.DONE: "✓", StepState.FAILED: "✗", StepState.SKIPPED: "–"}


async def carry_out(
    services: Services,
    call: Call,
    plan: Plan,
    confirmation: Confirmation,
    fallback: bool | None = None,
    on_view: Callable[[JobView], None] = lambda view: None,
) -> JobView:
    """Commit a confirmed plan and stay until its job ended well; raises what it failed with.

    `fallback` answers the job's question where nobody can be asked; `on_view` hears every view.
    """
    job_id = await services.actions.commit(plan, confirmation)
    call.console.afterwards[:] = [GoesOn(f"job {job_id} was begun", "'runctl-tui' shows under Tasks what became of it")]
    last: JobView | None = None
    said: dict[str, str] = {}
    asked = ""

    def undo() -> bool:
        if last is None or last.run_id:
            return False  # training has begun: it goes on without us
        services.jobs.cancel(job_id)
        call.console.progress(
            "asked to stop after the present step and to undo what was made; ctrl+c again leaves it as it is"
        )
        return True

    with undone_by_interrupt(undo):
        async for view in services.jobs.watch(job_id):
            last = view
            _say_steps(call, view, said)
            _note_what_goes_on(call, view)
            on_view(view)
            if view.question and view.question != asked:
                services.jobs.answer(job_id, await _answer(call, view.question, fallback))
            asked = view.question
            if view.ended_at is not None:
                break
    return ended_well(last, listing(plan))


@contextmanager
def undone_by_interrupt(undo: Callable[[], bool]) -> Iterator[None]:
    """Let the first ctrl+c undo; where nothing is to be undone, and from the second on, it ends the program."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    loop = asyncio.get_running_loop()

    def heard(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        loop.call_soon_threadsafe(lambda: undo() or before(number, frame))

    signal.signal(signal.SIGINT, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def listing(plan: Plan) -> str:
    """Return the command that lists what a plan is about."""
    operation, target = plan.operation, plan.targets[0] if plan.targets else None
    if operation in IN_S3:
        places = (split_address(each.id) for each in plan.targets if each.id.startswith(SCHEME))
        bucket, key = next(places, ("", ""))
        return f"s3 ls {shlex.quote(address(bucket, parent_of(key)))}" if bucket else "s3 ls"
    if operation in ON_UPLOADS:
        return "s3 uploads"
    if operation in ON_PROCESSES:
        return "processes"
    if operation is Operation.RUN_UPLOAD:
        return "checkpoints list"
    if operation in (Operation.RUN_START, Operation.RUN_STOP, Operation.RUN_RESUME):
        return "runs list"
    if operation in STORAGE:
        return "snapshots list" if operation in ON_SNAPSHOTS else "volumes list"
    return "pods list" if target is not None and target.provider == "runpod" else "instances list"


def ended_well(view: JobView | None, look: str) -> JobView:
    """Return the job's last view; raises with the failed step's words where it did not end well."""
    if view is None:
        raise StateError("the job vanished", "its progress was never told", f"look at 'runctl-tui {look}'")
    if view.ok:
        return view
    failed = next((step for step in view.steps if step.state is StepState.FAILED), None)
    why = view.result or (failed.detail if failed else "") or "it did not say why"
    where = f" at '{failed.title}'" if failed else ""
    todo = f"'runctl-tui {look}' lists what is there now"
    raise TrainctlError(f"{view.title} failed{where}", why, todo, code=view.code)


def job_reply(view: JobView, plan: Plan) -> Reply:
    """Return what a carried-out plan is answered with."""
    data = {
        "job_id": view.id,
        "result": view.result,
        "instance_id": view.instance_id,
        "run_id": view.run_id,
        "plan_hash": plan.hash,
        "steps": [{"id": s.id, "title": s.title, "state": s.state, "seconds": s.seconds} for s in view.steps],
    }
    ids = output.facts([("instance", view.instance_id), ("run", view.run_id)])
    return Reply(data, "\n".join(filter(None, (view.result or "done", ids))))


@dataclass(slots=True)
class LogLines:
    """Chunks of bytes become whole lines; a chunk that was already seen is not repeated."""

    write: Callable[[str], None]
    offset: int = 0
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
    )
    _rest: str = ""

    def take(self, chunk: LogChunk) -> None:
        """Pass the chunk's new part on, line by line."""
        if chunk.restarted:
            self.end()
            self.offset = chunk.offset
        known = max(self.offset - chunk.offset, 0)
        self.offset = max(self.offset, chunk.offset + len(chunk.data))
        *lines, self._rest = (self._rest + self._decoder.decode(chunk.data[known:])).split("\n")
        for line in lines:
            self.write(line)

    def end(self) -> None:
        """Pass on what came without an end of line."""
        if self._rest:
            self.write(self._rest)
        self._rest = ""


async def attend(services: Services, call: Call, run_id: str, write: Callable[[str], None]) -> TrainingSession:
    """Follow a run's log until the run has ended; returns its last state."""
    lines = LogLines(write)
    session = await services.runs.find(run_id)
    link = ""
    async for update in services.runs.follow(run_id):
        if update.chunk is not None:
            lines.take(update.chunk)
        if update.link != link:
            link = update.link
            call.console.progress(link or "the link is back")
        session = update.session or session
        if session.status.ended:
            break
    if session.status.ended:
        lines.take(LogChunk(0, await services.runs.log(run_id)))
    lines.end()
    return session


class LogStream:
    """Follows the run of a job beside the job, from the moment at which the run has started."""

    def __init__(self, services: Services, call: Call) -> None:
        self._services = services
        self._call = call
        self._news = asyncio.Event()
        self._job_ended = False
        self._task: asyncio.Task[TrainingSession] | None = None

    def hear(self, view: JobView) -> None:
        """Take note of the job's progress; begins to follow when it names its run."""
        self._job_ended = view.ended_at is not None
        self._news.set()
        if view.run_id and self._task is None:
            self._task = asyncio.create_task(self._follow(view.run_id))

    async def ended(self) -> TrainingSession:
        """Return the run's last state once it has ended; StateError where the job never named one."""
        if self._task is None:
            raise StateError("the launch ended without a run", todo="look at 'runctl-tui runs list'")
        return await self._task

    def cancel(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()

    async def _follow(self, run_id: str) -> TrainingSession:
        while not (self._job_ended or await self._started(run_id)):
            await self._news.wait()
            self._news.clear()
        return await attend(self._services, self._call, run_id, self._call.console.log_line)

    async def _started(self, run_id: str) -> bool:
        try:
            run = await self._services.runs.find(run_id)
        except ResourceNotFound:
            return False
        return run.status is TrainingStatus.RUNNING or run.status.ended


def _say_steps(call: Call, view: JobView, said: dict[str, str]) -> None:
    for step in view.steps:
        now = f"{step.state} {step.detail if step.waits else ''}"
        if step.state in _SIGNS and said.get(step.id, "").rstrip() != now.rstrip():
            said[step.id] = now
            call.console.progress(_step_words(step))


def _step_words(step: Step) -> str:
    time = f"  {step.seconds:.1f} s" if step.seconds is not None and step.state is not StepState.RUNNING else ""
    return f"{_SIGNS[step.state]} {step.title}{f': {step.detail}' if step.detail else ''}{time}"


def _note_what_goes_on(call: Call, view: JobView) -> None:
    if view.instance_id:
        what = f"instance {view.instance_id} may be running and costing money"
        call.console.afterwards[:] = [GoesOn(what, "'runctl-tui instances list' shows it")]
    if view.run_id:
        look = f"'runctl-tui runs logs {view.run_id} -f' follows it"
        call.console.afterwards[1:] = [GoesOn(f"run {view.run_id} goes on by itself", look)]


async def _answer(call: Call, question: str, fallback: bool | None) -> bool:
    if fallback is None and call.console.interactive:
        return (await call.console.ask(f"{question} [y/N]")).strip().lower() in ("y", "yes")
    call.console.progress(f"{question}: {'yes' if fallback else 'no'}")
    return bool(fallback)
