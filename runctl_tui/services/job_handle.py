"""What the work of a job sees of it: steps, questions, whether it was cancelled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.plan import JobView, Step, StepState
from runctl_tui.services.errors import Refused
from runctl_tui.services.redaction import redacted
from runctl_tui.services.retrying import Onlooker, watched

Work: TypeAlias = Callable[["JobHandle"], Awaitable[str]]
"""What a job does; what it returns is the job's result in words."""


class StepHandle:
    """One running step: tells how far it is."""

    def __init__(self, job: JobHandle, step_id: str, began: float) -> None:
        self._job = job
        self._id = step_id
        self._began = began

    def progress(self, done: float | None = None, detail: str | None = None) -> None:
        """Show a share between 0 and 1, a detail, or both."""
        share = None if done is None else min(max(done, 0.0), 1.0)
        whole_seconds = float(int(self._job.since(self._began)))
        self._job.change_step(self._id, done=share, detail=detail, seconds=whole_seconds)


class JobHandle:
    """What the work of a job sees of it."""

    def __init__(
        self,
        view: JobView,
        clock: Clock,
        changed: Callable[[JobView], None],
        written: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`written` returns once what was told so far is on the disk."""
        self._written = written
        self._view = view
        self._clock = clock
        self._changed = changed
        self._answer: asyncio.Future[bool] | None = None
        self._cancelled = False

    @property
    def id(self) -> str:
        """The job's id; also the token that makes its creating call idempotent."""
        return self._view.id

    @property
    def view(self) -> JobView:
        """How it stands."""
        return self._view

    @property
    def cancelled(self) -> bool:
        """Whether a person asked it to stop; the work looks between its calls."""
        return self._cancelled

    def check(self) -> None:
        """Raise Refused ('cancelled') where a person asked it to stop."""
        if self._cancelled:
            raise Refused("cancelled", "a person asked for it", code="cancelled")

    def set(self, *, run_id: str | None = None, instance_id: str | None = None) -> None:
        """Tell which run and which instance it is about."""
        self._show(
            replace(
                self._view,
                run_id=self._view.run_id if run_id is None else run_id,
                instance_id=self._view.instance_id if instance_id is None else instance_id,
            )
        )

    async def written(self) -> None:
        """Return once what was told so far is on the disk, so that the next program knows it too."""
        if self._written is not None:
            await self._written()

    def announce(self, steps: Sequence[Step]) -> None:
        """Show the steps that are still to come."""
        known = {one.id for one in self._view.steps}
        self._show(replace(self._view, steps=(*self._view.steps, *(one for one in steps if one.id not in known))))

    @contextlib.asynccontextmanager
    async def step(self, step_id: str, title: str = "") -> AsyncIterator[StepHandle]:
        """Mark a step running, then done or failed; one that was not announced is added at the end."""
        if all(one.id != step_id for one in self._view.steps):
            self._show(replace(self._view, steps=(*self._view.steps, Step(step_id, title or step_id))))
        began = self._clock.monotonic()
        self.change_step(step_id, state=StepState.RUNNING, seconds=0.0)
        try:
            step = StepHandle(self, step_id, began)
            with watched(Onlooker(lambda words: step.progress(detail=words), self.check)):
                yield step
        except BaseException as error:
            words = "cancelled" if isinstance(error, asyncio.CancelledError) else str(error)
            self.change_step(step_id, state=StepState.FAILED, detail=words, seconds=self.since(began))
            raise
        self.change_step(step_id, state=StepState.DONE, seconds=self.since(began))

    def skip(self, step_id: str, detail: str = "") -> None:
        """Mark a step that is not needed."""
        self.change_step(step_id, state=StepState.SKIPPED, detail=detail)

    async def ask(self, question: str) -> bool:
        """Show a question and wait for a person; a cancelled job answers no."""
        if self._cancelled:
            return False
        self._answer = asyncio.get_running_loop().create_future()
        self._show(replace(self._view, question=question))
        try:
            return await self._answer
        finally:
            self._answer = None
            self._show(replace(self._view, question=""))

    def answer(self, yes: bool) -> None:
        """Answer the question that it waits with; without one nothing happens."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(yes)

    def cancel(self) -> None:
        """Ask it to stop after its present call."""
        self._cancelled = True
        self.answer(False)

    def end(self, ok: bool, result: str, code: str = "") -> None:
        """Tell how it ended, with the error's code where it did badly; steps that never began are skipped."""
        steps = tuple(
            replace(one, state=StepState.SKIPPED) if one.state is StepState.WAITING and not ok else one
            for one in self._view.steps
        )
        ended = replace(self._view, steps=steps, ended_at=self._clock.now(), ok=ok, result=redacted(result), code=code)
        self._show(replace(ended, question=""))

    def since(self, began: float) -> float:
        """Return the seconds since a moment of the clock that only goes forward."""
        return self._clock.monotonic() - began

    def change_step(
        self,
        step_id: str,
        *,
        state: StepState | None = None,
        detail: str | None = None,
        done: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """Change what a step shows; what is None stays."""
        told = None if detail is None else redacted(detail)
        given = {"state": state, "detail": told, "done": done, "seconds": seconds}
        steps = tuple(_changed(one, given) if one.id == step_id else one for one in self._view.steps)
        if steps != self._view.steps:
            self._show(replace(self._view, steps=steps))

    def _show(self, view: JobView) -> None:
        self._view = view
        self._changed(view)


def _changed(step: Step, given: Mapping[str, object]) -> Step:
    return replace(step, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # the names are those of its one caller
