"""Waits until commands run on a machine that boots, or whose link is lost for a while; used by the launch pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from runctl_tui.domain.plan import LINK_LOST, NOT_YET
from runctl_tui.domain.resource import ResourceState
from runctl_tui.services.errors import HostLinkLost, HostUnreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

    from runctl_tui.domain.instance import Instance
    from runctl_tui.services.job_handle import JobHandle, StepHandle
    from runctl_tui.services.launch.parts import Made, PipelineParts
    from runctl_tui.services.training.agent_client import AgentClient

SSH_SECONDS: Final = 300.0
"""A machine that has just started may need minutes; one that runs already gets a fifth of it."""
LINK_SECONDS: Final = 600.0
"""How long a link that was there once is waited for."""
PAUSE: Final = 0.5

T = TypeVar("T")


async def through(
    parts: PipelineParts, step: StepHandle, job: JobHandle, made: Made, work: Callable[[], Awaitable[T]]
) -> T:
    """Return what some work on the machine does, done again where the link was lost meanwhile, which the step says.

    The work must stand being done twice. HostUnreachable or HostLinkLost when patience ends.
    """
    lost_at: float | None = None
    while True:
        try:
            return await work()
        except (HostUnreachable, HostLinkLost):
            lost_at = parts.clock.monotonic() if lost_at is None else lost_at
            if parts.clock.monotonic() - lost_at > LINK_SECONDS:
                raise
        words = f"{LINK_LOST} since {parts.clock.now():%H:%M:%S} UTC, tried again"
        await reach(parts, step, job, made, (lost_at + LINK_SECONDS, words))
        step.progress(detail="the link is back")


async def reach(
    parts: PipelineParts, step: StepHandle, job: JobHandle, made: Made, patience: tuple[float, str] | None = None
) -> AgentClient:
    """Return the agent of the machine; HostUnreachable or HostLinkLost when patience ends or it no longer runs.

    `patience`: until when on the clock that only goes forward, and what is said meanwhile.
    """
    from tenacity import AsyncRetrying, retry_if_exception_type, wait_fixed

    booting = parts.clock.monotonic() + (SSH_SECONDS if made.created else SSH_SECONDS / 5)
    deadline, words = patience or (booting, f"{NOT_YET}, tried since {parts.clock.now():%H:%M:%S} UTC")
    if patience is not None:
        step.progress(detail=words)

    async def ask() -> AgentClient:
        agent = await parts.hosts.agent(made.machine)
        await agent.vitals()
        step.progress(detail=made.machine.public_ip)
        return agent

    async def pause(seconds: float) -> None:
        job.check()
        await parts.sleep(seconds)
        provider = parts.registry.get(made.machine.provider)
        made.instance = await provider.get_resource_status(made.machine.id, made.machine.region)
        _check_running(made.machine)

    trying = AsyncRetrying(
        retry=retry_if_exception_type((HostUnreachable, HostLinkLost)),
        wait=wait_fixed(PAUSE),
        stop=lambda _: parts.clock.monotonic() > deadline,
        before_sleep=lambda state: step.progress(detail=f"{words}: {_why(state)}"),
        sleep=pause,
        reraise=True,
    )
    _check_running(made.machine)
    return await trying(ask)


def _check_running(machine: Instance) -> None:
    if machine.state is not ResourceState.RUNNING:
        what = f"{machine.name or machine.id} is {machine.state.value}"
        raise HostUnreachable(what, machine.state_reason, "start it first")


def _why(state: RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome else None
    return (error.why or error.what) if isinstance(error, HostUnreachable | HostLinkLost) else ""
