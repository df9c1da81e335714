"""The launch as visible steps: machine, SSH, code, data, training, detached; then, if asked, its end and clean-up.

`ActionService` calls it for confirmed launch plans. Each step leaves the world in a state that the next start of the
program can see: a machine with our tags, a run in the register, a detached supervisor on the host.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.instance import Instance
from runctl_tui.domain.launch import LaunchRequest, launch_tokens
from runctl_tui.domain.plan import StepState
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import TrainingJob, TrainingSession, TrainingStatus
from runctl_tui.domain.safety.money import over_any_cap
from runctl_tui.services.errors import (
    AgentError,
    HostError,
    NoCapacity,
    Refused,
    TrainctlError,
)
from runctl_tui.services.launch.ending import Ending
from runctl_tui.services.launch.parts import Made, PipelineParts, left_behind, result_of, steps
from runctl_tui.services.launch.reach import reach, through
from runctl_tui.services.training.request import new_run_id, start_request

if TYPE_CHECKING:
    from runctl_tui.domain.plan import JobView
    from runctl_tui.services.jobs import JobHandle, StepHandle
    from runctl_tui.services.training.agent_client import AgentClient
    from runctl_tui.services.training.agent_values import StartRequest

BOOT_SECONDS: Final = 300.0
INSTALL_SECONDS: Final = 3600.0
GRACE_SECONDS: Final = 30.0
POLL: Final = 0.5


class LaunchPipeline:
    """Carries confirmed launches out."""

    def __init__(self, parts: PipelineParts) -> None:
        self._parts = parts

    async def launch(self, request: LaunchRequest, job: JobHandle) -> str:
        """Launch and return words about the result; a failure says what is left and what it costs."""
        job.announce(steps(request))
        made = Made(run_id=new_run_id(self._parts.clock.now(), self._parts.rng) if request.job else "")
        try:
            await self._machine(request, job, made)
            if request.job is not None:
                await self._train(request.job, job, made)
            if request.terminate_after:
                await Ending(self._parts).finish(job, made)
        except TrainctlError as error:
            if made.created and (request.terminate_after or job.cancelled):
                left = not await self._undo(job, made)
            else:
                left = made.created
            if left:
                raise left_behind(error, made) from error
            raise
        return result_of(request, made)

    async def take_up(self, view: JobView, job: JobHandle) -> str:
        """Wait for the end of an interrupted launch's run as it did, and terminate its machine."""
        return await Ending(self._parts).take_up(view, job)

    async def stop_run(self, run_id: str, job: JobHandle) -> str:
        """Stop a run: TERM, and KILL after the grace period."""
        async with job.step(f"stop:{run_id}", f"stop {run_id}: TERM, then KILL after the grace period") as step:
            session = await self._parts.runs.find(run_id)
            agent = await self._parts.runs.agent_of(session)
            step.progress(detail=f"waiting up to {GRACE_SECONDS:.0f} s for a checkpoint")
            status = await agent.stop(run_id, GRACE_SECONDS)
            step.progress(detail=f"exit code {status.exit_code}")
        return f"{run_id} is {status.status.value}"

    async def _machine(self, request: LaunchRequest, job: JobHandle, made: Made) -> None:
        parts = self._parts
        if request.options is None:
            made.instance = (await parts.fleet.find(request.instance_key)).instance
            job.set(instance_id=made.instance.id)
            return
        options = replace(request.options, run=made.run_id)
        provider = parts.registry.get(options.provider)
        first, second = launch_tokens(job.id)
        job.check()
        async with job.step("create") as step:
            try:
                instance = await provider.create_resource(options, first)
            except NoCapacity as error:
                if options.market is not Market.SPOT:
                    raise
                await self._may_fall_back(request, job, error)
                on_demand = replace(options, market=Market.ON_DEMAND, spot_max_price=None)
                instance = await provider.create_resource(on_demand, second)
                step.progress(detail="no spot capacity: on demand instead")
            made.instance, made.created = instance, True
            job.set(instance_id=instance.id)
            step.progress(detail=instance.id)
        job.check()
        async with job.step("running") as step:
            made.instance = await self._until_running(instance, step, job)

    async def _may_fall_back(self, request: LaunchRequest, job: JobHandle, error: NoCapacity) -> None:
        """Return where the launch may go on at the on-demand price; raise the error where it may not."""
        if request.spot_fallback is not None:
            if request.spot_fallback:
                return
            raise error
        assert request.options is not None
        full = await self._parts.supplies.on_demand(request.options)
        if reason := over_any_cap(full, self._parts.policy()):
            what = "No spot capacity, and nothing was bought on demand"
            raise Refused(what, reason.text, reason.offer, code=reason.code)
        question = await self._parts.supplies.fallback_question(request.options, full, error)
        if not await job.ask(question):
            raise Refused("The launch was given up", error.why or error.what, "choose another zone, type or market")

    async def _until_running(self, instance: Instance, step: StepHandle, job: JobHandle) -> Instance:
        provider = self._parts.registry.get(instance.provider)
        deadline = self._parts.clock.monotonic() + BOOT_SECONDS
        while instance.state is not ResourceState.RUNNING:
            if instance.state in (ResourceState.TERMINATED, ResourceState.TERMINATING, ResourceState.STOPPED):
                raise HostError(f"{instance.id} ended while it was starting", instance.state_reason)
            if self._parts.clock.monotonic() > deadline:
                raise HostError(f"{instance.id} does not start", f"still {instance.state.value} after 5 minutes")
            job.check()
            step.progress(detail=f"{instance.id} {instance.state.value}")
            await self._parts.sleep(POLL)
            instance = await provider.get_resource_status(instance.id, instance.region)
        step.progress(detail=instance.public_ip or instance.id)
        return instance

    async def _train(self, wanted: TrainingJob, job: JobHandle, made: Made) -> None:
        parts, run_id = self._parts, made.run_id
        job.check()
        async with job.step("ssh") as step:
            agent = await reach(self._parts, step, job, made)
        instance = made.machine
        if instance.market is Market.LOCAL:
            wanted = parts.here.apply(wanted)
        job.check()
        async with job.step("code") as step:
            project_dir = await through(
                parts, step, job, made, lambda: parts.supplies.send_code(wanted, instance, agent.host, step)
            )
        job.check()
        if wanted.data_source or wanted.resume_from:
            async with job.step("data") as step:
                bring = partial(parts.supplies.bring_data, wanted, run_id, instance, agent, step)
                wanted = await through(parts, step, job, made, bring)
            job.check()
        region = await parts.supplies.region_of(wanted.output_dest)
        made.session = self._session(run_id, wanted, instance, project_dir)
        await parts.runs.remember(made.session)
        job.set(run_id=run_id)
        await job.written()  # whoever settles this launch after a crash finds its run by that
        async with job.step("deps") as step:
            request = start_request(run_id, wanted, project_dir, region, self._meta(made.session))
            await through(parts, step, job, made, lambda: self._start(request, agent, made))
            await self._until_installed(agent, run_id, step, job, made)
        async with job.step("training") as step:
            step.progress(detail=f"{wanted.script} {' '.join(wanted.args)}".strip())
        async with job.step("detached") as step:
            if wanted.output_dest:
                parts.relay()
            step.progress(detail=f"{run_id} goes on without this program")

    async def _start(self, request: StartRequest, agent: AgentClient, made: Made) -> None:
        """Have the agent start the run; one that it refuses is written down as failed."""
        try:
            await agent.start(request)
        except AgentError as error:
            assert made.session is not None
            if error.code == "run_exists":  # it was started before the link was lost: nobody else has this id
                made.started = True
                return
            made.session = replace(
                made.session, status=TrainingStatus.FAILED, ended_at=self._parts.clock.now(), reason=str(error)
            )
            await self._parts.runs.remember(made.session)
            raise
        made.started = True

    def _meta(self, session: TrainingSession) -> dict[str, str]:
        return {
            "name": session.name,
            "project": session.project,
            "owner": session.owner,
            "instance_id": session.instance_id,
        }

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

    async def _until_installed(
        self, agent: AgentClient, run_id: str, step: StepHandle, job: JobHandle, made: Made
    ) -> None:
        deadline = self._parts.clock.monotonic() + INSTALL_SECONDS
        while self._parts.clock.monotonic() < deadline:
            job.check()
            (status,) = await through(self._parts, step, job, made, lambda: agent.status([run_id]))
            if status.started_at is None and (status.phase == "failed" or status.lost):
                raise HostError(
                    f"The run {run_id} did not start", status.reason, f"its log: runctl-tui runs logs {run_id}"
                )
            if status.phase not in ("starting", "installing"):
                step.progress(detail="")
                return
            step.progress(detail=status.phase)
            await self._parts.sleep(POLL)
        raise HostError(f"The dependencies of {run_id} are not installed after an hour", "", "look at its log")

    async def _undo(self, job: JobHandle, made: Made) -> bool:
        """Terminate what this launch made where nothing can be lost; False where it stays, which a failed step says."""
        if made.gone:
            return True
        try:
            async with job.step("cleanup", "Clean up what was made") as step:
                await self._clean_up(job, made)
                step.progress(detail=f"{made.machine.id} is terminated again")
        except TrainctlError:
            return False
        return True

    async def _clean_up(self, job: JobHandle, made: Made) -> None:
        try:
            await self._end_run(job, made)
            await self._parts.terminate(made.key)
        except TrainctlError as refusal:
            raise HostError(f"{made.machine.id} stays and costs money", str(refusal)) from refusal

    async def _end_run(self, job: JobHandle, made: Made) -> None:
        """End a run that was cancelled before it was detached, and write down one that never began."""
        if made.session is None or made.session.status.ended:
            return
        detached = any(one.id == "detached" and one.state is StepState.DONE for one in job.view.steps)
        if made.started and job.cancelled and not detached:
            await (await self._parts.hosts.agent(made.machine)).stop(made.session.id, 5)
        elif not made.started:
            ended = replace(made.session, status=TrainingStatus.CANCELLED, ended_at=self._parts.clock.now())
            await self._parts.runs.remember(replace(ended, reason="it never began", heard_at=ended.ended_at))
