"""Watches a run's checkpoints arrive in S3: rate, time left, and why nothing moves; uploads of runs wait with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.durations import in_two_units
from runctl_tui.domain.sizes import byte_words
from runctl_tui.domain.states import CopyState
from runctl_tui.services.errors import HostError, Refused, TrainctlError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runctl_tui.domain.checkpoint import Checkpoint
    from runctl_tui.domain.clock import Clock
    from runctl_tui.services.jobs import JobHandle, StepHandle
    from runctl_tui.services.ports import Checkpoints
    from runctl_tui.services.training.agent_client import AgentClient
    from runctl_tui.services.training.agent_values import RunStatus

NAP: Final = 2.0
STALL_SECONDS: Final = 900.0
"""How long nothing may arrive before it is said that nothing does."""
FAILING_SECONDS: Final = 60.0
"""The same where the host says that sending fails: it has tried several times by then."""
GOES_ON: Final = "its host goes on with it: checkpoints list tells how far it is"
_HELD: Final = (CopyState.PRESENT, CopyState.WRITING, CopyState.UNKNOWN)


@dataclass(slots=True)
class _Moved:
    """How far it was when something last moved."""

    left: int
    at: float
    begun: float
    """When it was first looked."""
    most: int
    """The bytes that were left then."""

    def hear(self, left: int, now: float) -> None:
        """Take note of what is left."""
        if left != self.left:
            self.left, self.at = left, now

    def words(self, now: float) -> str:
        """Return rate and time left; empty while nothing is known."""
        rate = (self.most - self.left) / (now - self.begun) if now > self.begun else 0.0
        return f", {byte_words(rate)}/s, {in_two_units(self.left / rate)} left" if rate > 0 and self.left else ""


class Arrivals:
    """Waits for named checkpoints of one run."""

    def __init__(
        self,
        agent: AgentClient,
        checkpoints: Checkpoints,
        relay: Callable[[], None],
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._agent = agent
        self._checkpoints = checkpoints
        self._relay = relay
        self._clock = clock
        self._sleep = sleep

    async def wait(self, run_id: str, wanted: Mapping[str, int], step: StepHandle, job: JobHandle) -> str:
        """Return in words that all of `wanted`, sizes by name, are verified in S3; HostError where nothing moves."""
        total, now = sum(wanted.values()), self._clock.monotonic()
        moved = _Moved(total, now, now, total)
        while True:
            if job.cancelled:
                raise Refused("no more is waited for", GOES_ON, code="cancelled")
            status, found = await self._look(run_id, step)
            if found is not None:
                safe = [name for name in wanted if name in found and found[name].safe_in_s3]
                left = [one for name, one in found.items() if name in wanted and _may_come(one)]
                if not left and safe:
                    step.progress(1.0, f"{len(safe)} of {len(wanted)}")
                    return f"{_many(len(safe))} of {run_id} verified in S3"
                if not left:
                    raise HostError(f"The checkpoints of {run_id} are gone", "its host has none of them any more")
                moved.hear(self._bytes_left(status, sum(wanted[one.name] for one in left)), self._clock.monotonic())
                words = f"{len(safe)} of {_many(len(wanted))}, {byte_words(total - moved.left)} of {byte_words(total)}"
                step.progress((total - moved.left) / total if total else None, words + self._tail(status, moved))
            self._check(run_id, status, moved)
            await self._sleep(NAP)

    async def _look(self, run_id: str, step: StepHandle) -> tuple[RunStatus | None, Mapping[str, Checkpoint] | None]:
        """Return what the host and S3 say now; a look that fails is no failure of the upload."""
        try:
            statuses = await self._agent.status([run_id])
            snapshot = await self._checkpoints.now(run_id)
        except TrainctlError as error:
            step.progress(detail=f"could not look: {error}")
            return None, None
        status = statuses[0] if statuses else None
        if status is not None and status.uploads.waiting:
            self._relay()
        return status, {one.name: one for one in snapshot.value if one.run_id == run_id}

    def _bytes_left(self, status: RunStatus | None, at_most: int) -> int:
        """Return what is still to be sent of what is wanted; the host may know of parts that have arrived."""
        return at_most if status is None or not status.bytes_left else min(at_most, status.bytes_left)

    def _tail(self, status: RunStatus | None, moved: _Moved) -> str:
        if status is not None and status.uploads.waiting:
            return f", {status.uploads.waiting}"
        return moved.words(self._clock.monotonic())

    def _check(self, run_id: str, status: RunStatus | None, moved: _Moved) -> None:
        """Raise HostError where nothing has moved for too long."""
        still = self._clock.monotonic() - moved.at
        failing = status is not None and status.uploads.failed > 0
        if still <= (FAILING_SECONDS if failing else STALL_SECONDS):
            return
        why = "its host says that sending fails" if failing else "nothing has arrived for 15 minutes"
        told = status.upload_error if status is not None and failing else ""
        raise HostError(f"Not every checkpoint of {run_id} is in S3", f"{why}{': ' + told if told else ''}", GOES_ON)


def _may_come(one: Checkpoint) -> bool:
    """Tell whether a checkpoint is not there yet and its host still has it, or may have it."""
    return not one.safe_in_s3 and one.host.state in _HELD


def _many(number: int) -> str:
    return f"{number} checkpoint{'' if number == 1 else 's'}"
