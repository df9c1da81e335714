"""The launch as visible steps: machine, SSH, code, data, training, detached; then, if asked, its end and clean-up.

`ActionService` calls it for confirmed launch plans. Each step leaves the world in a state that the next start of the
program can see: a machine with our tags, a run in the register, a detached supervisor on the host.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.instance import Instance, Market
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.plan import Step
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingJob, TrainingSession, TrainingStatus
from runctl_tui.services.errors import HostError, HostUnreachable, NoCapacity, Refused, TrainctlError
from runctl_tui.services.training.request import new_run_id, start_request

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.plan import Plan
    from runctl_tui.services.host_book import HostBook
    from runctl_tui.services.jobs import JobHandle, StepHandle
    from runctl_tui.services.launch.supplies import Supplies
    from runctl_tui.services.ports import Fleet, ProviderRegistry
    from runctl_tui.services.runs.register import RunRegister
    from runctl_tui.services.training.agent_client import AgentClient

BOOT_SECONDS: Final = 300.0
SSH_SECONDS: Final = 300.0
INSTALL_SECONDS: Final = 3600.0
GRACE_SECONDS: Final = 30.0
POLL: Final = 0.5


@dataclass(frozen=True, slots=True)
class Launched:
    """What a launch made."""

    instance: Instance
    created: bool
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class PipelineParts:
    """What the pipeline works with."""

    registry: ProviderRegistry
    fleet: Fleet
    hosts: HostBook
    runs: RunRegister
    supplies: Supplies
    clock: Clock
    rng: random.Random
    owner: str
    terminate: Callable[[str], Awaitable[None]]
    """Terminates a machine that this launch made, through the one way to act."""
    relay: Callable[[], None]
    """Sees to it that the relay works, where hosts need presigned URLs."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def steps(request: LaunchRequest) -> tuple[Step, ...]:
    """Return the steps that a launch will go through."""
    titles: list[tuple[str, str]] = []
    if request.options is not None:
        titles += [("create", f"Create {request.options.type} in {request.options.region}"), ("running", "Running")]
    if request.job is not None:
        titles += [("ssh", "SSH up"), ("code", "Code synced")]
        titles += [("data", "Data in place")] if request.job.data_source or request.job.resume_from else []
        titles += [("deps", "Dependencies installed"), ("training", "Training started"), ("detached", "Detached")]
    if request.terminate_after:
        titles += [("ended", "Run ended"), ("kept", "Checkpoints verified in S3"), ("terminated", "Machine terminated")]
    return tuple(Step(name, title) for name, title in titles)


class LaunchPipeline:
    """Carries confirmed launches out."""

    def __init__(self, parts: PipelineParts) -> None:
        self._parts = parts

    async def execute(self, plan: Plan, request: LaunchRequest | None, job: JobHandle) -> str:
        """Do it and return words about the result; a failure says what is left and what it costs."""
        if request is None:
            return await self._stop_run(plan.targets[0].id, job)
        return await self._launch(request, job)

    async def _launch(self, request: LaunchRequest, job: JobHandle) -> str:
        job.announce(steps(request))
        launched: Launched | None = None
        try:
            launched = await self._machine(request, job)
            job.set(instance_id=launched.instance.id)
            if request.job is not None:
                launched = await self._train(request.job, launched, job)
            if request.terminate_after:
                await self._finish(launched, job)
            return self._result(launched, request)
        except (TrainctlError, asyncio.CancelledError):
            if launched is not None and launched.created and request.terminate_after:
                await self._clean_up(launched, job)
            raise

    async def _stop_run(self, run_id: str, job: JobHandle) -> str:
        job.set(run_id=run_id)
        async with job.step("stop", "TERM, then KILL after the grace period") as step:
            session = await self._parts.runs.find(run_id)
            agent = await self._parts.runs.agent_of(session)
            step.progress(detail=f"waiting up to {GRACE_SECONDS:.0f} s for a checkpoint")
            status = await agent.stop(run_id, GRACE_SECONDS)
            step.progress(detail=f"exit code {status.exit_code}")
        return f"{run_id} is {status.status.value}"

    async def _machine(self, request: LaunchRequest, job: JobHandle) -> Launched:
        parts = self._parts
        if request.options is None:
            row = await parts.fleet.find(request.instance_key)
            return Launched(row.instance, created=False)
        provider = parts.registry.get(request.options.provider)
        async with job.step("create") as step:
            try:
                instance = await provider.create_resource(request.options, job.id)
            except NoCapacity as error:
                if request.options.market is not Market.SPOT:
                    raise
                await self._may_fall_back(request, job, error)
                on_demand = replace(request.options, market=Market.ON_DEMAND, spot_max_price=None)
                instance = await provider.create_resource(on_demand, f"{job.id}-od")
                step.progress(detail="no spot capacity: on demand instead")
            step.progress(detail=instance.id)
        async with job.step("running") as step:
            instance = await self._until_running(instance, step)
        return Launched(instance, created=True)

    async def _may_fall_back(self, request: LaunchRequest, job: JobHandle, error: NoCapacity) -> None:
        """Return where the launch may go on at the on-demand price; raise the error where it may not."""
        if request.spot_fallback is not None:
            if request.spot_fallback:
                return
            raise error
        assert request.options is not None
        question = await self._parts.supplies.fallback_question(request.options, error)
        if not await job.ask(question):
            raise Refused("The launch was given up", error.why or error.what, "choose another zone, type or market")

    async def _until_running(self, instance: Instance, step: StepHandle) -> Instance:
        provider = self._parts.registry.get(instance.provider)
        deadline = self._parts.clock.monotonic() + BOOT_SECONDS
        while instance.state is not ResourceState.RUNNING:
            if instance.state in (ResourceState.TERMINATED, ResourceState.TERMINATING, ResourceState.STOPPED):
                raise HostError(f"{instance.id} ended while it was starting", instance.state_reason)
            if self._parts.clock.monotonic() > deadline:
                raise HostError(f"{instance.id} does not start", f"still {instance.state.value} after 5 minutes")
            step.progress(detail=f"{instance.id} {instance.state.value}")
            await self._parts.sleep(POLL)
            instance = await provider.get_resource_status(instance.id, instance.region)
        step.progress(detail=instance.public_ip or instance.id)
        return instance

    async def _train(self, wanted: TrainingJob, launched: Launched, job: JobHandle) -> Launched:
        parts = self._parts
        run_id = new_run_id(parts.clock.now(), parts.rng)
        async with job.step("ssh") as step:
            agent, instance = await self._reach(launched.instance, step)
        async with job.step("code") as step:
            project_dir = await parts.supplies.send_code(wanted, instance, agent.host, step)
        if wanted.data_source or wanted.resume_from:
            async with job.step("data") as step:
                wanted = await parts.supplies.bring_data(wanted, run_id, agent, step)
        session = self._session(run_id, wanted, instance, project_dir)
        await parts.runs.remember(session)
        job.set(run_id=run_id)
        async with job.step("deps") as step:
            meta = {"name": session.name, "project": session.project, "owner": parts.owner, "instance_id": instance.id}
            await agent.start(start_request(run_id, wanted, project_dir, parts.supplies.bucket_region, meta))
            await self._until_installed(agent, run_id, step)
        async with job.step("training") as step:
            step.progress(detail=f"{wanted.script} {' '.join(wanted.args)}".strip())
        async with job.step("detached") as step:
            parts.relay()
            step.progress(detail=f"{run_id} goes on without this program")
        return Launched(instance, launched.created, run_id)

    async def _reach(self, instance: Instance, step: StepHandle) -> tuple[AgentClient, Instance]:
        """Return the agent of a machine that has just started; its SSH server may need minutes."""
        parts = self._parts
        deadline = parts.clock.monotonic() + SSH_SECONDS
        while True:
            try:
                agent = await parts.hosts.agent(instance)
                await agent.vitals()
                step.progress(detail=instance.public_ip)
                return agent, instance
            except HostUnreachable as error:
                if parts.clock.monotonic() > deadline:
                    raise
                step.progress(detail=f"not yet: {error.why or error.what}")
            await parts.sleep(POLL)
            instance = await parts.registry.get(instance.provider).get_resource_status(instance.id, instance.region)

    def _session(self, run_id: str, job: TrainingJob, instance: Instance, project_dir: str) -> TrainingSession:
        return TrainingSession(
            id=run_id,
            name=job.name or job.script,
            project=job.project or instance.project,
            provider=instance.provider,
            instance_id=instance.id,
            region=instance.region,
            status=TrainingStatus.PREPARING,
            script=job.script,
            args=job.args,
            started_at=self._parts.clock.now(),
            host_dir=project_dir,
            checkpoint_dir=job.checkpoint_dir,
            output_dest=job.output_dest,
            parent=job.parent,
            owner=self._parts.owner,
            job=replace(job, secrets=tuple((name, "") for name, _ in job.secrets)),
        )

    async def _until_installed(self, agent: AgentClient, run_id: str, step: StepHandle) -> None:
        deadline = self._parts.clock.monotonic() + INSTALL_SECONDS
        while self._parts.clock.monotonic() < deadline:
            (status,) = await agent.status([run_id])
            if status.phase == "failed" or status.lost:
                raise HostError(
                    f"The run {run_id} did not start", status.reason, f"its log: runctl-tui runs logs {run_id}"
                )
            if status.phase not in ("starting", "installing"):
                return
            step.progress(detail=status.phase)
            await self._parts.sleep(POLL)
        raise HostError(f"The dependencies of {run_id} are not installed after an hour", "", "look at its log")

    async def _finish(self, launched: Launched, job: JobHandle) -> None:
        run_id = launched.run_id
        async with job.step("ended") as step:
            session = await self._until_ended(run_id, step)
        async with job.step("kept") as step:
            await self._until_kept(run_id, step)
        async with job.step("terminated") as step:
            if launched.created:
                await self._parts.terminate(f"{launched.instance.provider}/{launched.instance.id}")
                step.progress(detail=launched.instance.id)
            else:
                step.progress(detail="the machine was there before and stays")
        if session.status is not TrainingStatus.COMPLETED:
            raise HostError(
                f"The run {run_id} {session.status.value}", session.reason, "its log and checkpoints are kept"
            )

    async def _until_ended(self, run_id: str, step: StepHandle) -> TrainingSession:
        while True:
            session = await self._parts.runs.find(run_id)
            if session.status.ended:
                step.progress(detail=session.reason or session.status.value)
                return session
            progress = session.progress
            step.progress(detail=f"step {progress.step}" if progress.step is not None else session.status.value)
            if progress.step is not None and progress.total_steps:
                step.progress(progress.step / progress.total_steps)
            await self._parts.sleep(2.0)

    async def _until_kept(self, run_id: str, step: StepHandle) -> None:
        while True:
            uploads = (await self._parts.runs.find(run_id)).uploads
            if uploads.failed:
                raise HostError(
                    f"{uploads.failed} checkpoints of {run_id} could not be uploaded", "", "the machine stays as it is"
                )
            if not uploads.pending:
                step.progress(detail=f"{uploads.done} files")
                return
            step.progress(detail=uploads.waiting or f"{uploads.done} of {uploads.done + uploads.pending} files")
            await self._parts.sleep(1.0)

    async def _clean_up(self, launched: Launched, job: JobHandle) -> None:
        """Terminate what this launch made where nothing can be lost; say what stays where something could."""
        key = f"{launched.instance.provider}/{launched.instance.id}"
        async with job.step("cleanup", "Clean up what was made") as step:
            try:
                await asyncio.shield(self._parts.terminate(key))
                step.progress(detail=f"{launched.instance.id} is terminated again")
            except TrainctlError as refusal:
                step.progress(detail=f"{launched.instance.id} stays and costs money: {refusal}")

    @staticmethod
    def _result(launched: Launched, request: LaunchRequest) -> str:
        if request.terminate_after:
            return f"{launched.run_id} ended, its checkpoints are in S3, {launched.instance.id} is terminated"
        if launched.run_id:
            return f"{launched.run_id} trains on {launched.instance.id}"
        return f"{launched.instance.id} is running"
