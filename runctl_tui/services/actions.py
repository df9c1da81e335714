"""`ActionService`: the one way to change anything, for one item or many, for screens, headless use and the sandbox.

Plan, verdict, confirmation, lock, strong re-read, journal, one call, verified state.
"""

from __future__ import annotations

import contextlib
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

from runctl_tui.domain.launch import LaunchRequest, no_end
from runctl_tui.domain.marks import MarkRequest, kind_of
from runctl_tui.domain.objects import CopyRequest, DeleteRequest
from runctl_tui.domain.plan import Confirmation, Operation, Plan, Step, Target
from runctl_tui.domain.run_uploads import RunUpload
from runctl_tui.domain.safety import SafetyFacts
from runctl_tui.domain.safety.cleanup import already_done
from runctl_tui.domain.states import IN_S3, MARKING, ON_PROCESSES, ON_UPLOADS, STORAGE
from runctl_tui.domain.volume import VolumeChange
from runctl_tui.services.action_calls import end_state, entry_for
from runctl_tui.services.action_checks import (
    LAUNCHING,
    check_confirmation,
    check_policy,
    check_still,
    check_unchanged,
    with_cap,
)
from runctl_tui.services.action_facts import launch_lock
from runctl_tui.services.action_parts import ActionParts as ActionParts
from runctl_tui.services.action_plans import (
    call_steps,
    effect_of,
    launch_effect,
    launch_operation,
    launch_parameters,
    plan_of,
)
from runctl_tui.services.clean_up import check_step, clean_up
from runctl_tui.services.errors import (
    CloudProviderError,
    PlanChanged,
    Refused,
    TrainctlError,
    Unsupported,
    ValidationError,
)
from runctl_tui.services.jobs import HANDED_OVER, JobHandle, Work
from runctl_tui.services.launch.parts import LAST
from runctl_tui.services.mark_actions import MarkActions
from runctl_tui.services.process_actions import ProcessActions
from runctl_tui.services.run_uploads import RunUploads
from runctl_tui.services.storage.desk import StorageDesk
from runctl_tui.services.upload_actions import UploadActions, lock_names_of
from runctl_tui.services.volume_actions import VolumeActions

Batch: TypeAlias = list[SafetyFacts]
_REMEMBERED: Final = 32
"""Launch requests whose plans may still be confirmed."""
STALE: Final = timedelta(seconds=2)
"""How long what was seen of a target holds until its call; where others come before it, that may be minutes."""
_ON_MACHINES: Final = frozenset({Operation.START, Operation.STOP, Operation.TERMINATE})


class ActionService:
    """Implements `ports.Actions`."""

    def __init__(self, parts: ActionParts) -> None:
        self._parts = parts
        self._facts = parts.facts
        self._requests: OrderedDict[str, LaunchRequest] = OrderedDict()

    async def plan(self, operation: Operation, references: Sequence[str]) -> Plan:
        """Freeze what an operation on these keys or run ids would do, with its verdict."""
        if operation in STORAGE:
            return await self.plan_volume(VolumeChange(operation, tuple(references)))
        if operation in MARKING:
            kind = kind_of(references[0]) if references else ""
            return await self.plan_marks(MarkRequest(operation, kind, tuple(references)))
        if operation is Operation.RUN_UPLOAD:
            return await self.plan_upload(RunUpload(tuple(references)))
        return (await self._plan(operation, dict.fromkeys(references)))[0]

    async def plan_launch(self, request: LaunchRequest) -> Plan:
        """Freeze a launch, a start of training on a machine, or a resume."""
        plan, _ = await self._plan_launch(request, None)
        self._requests[plan.hash] = request
        while len(self._requests) > _REMEMBERED:
            self._requests.popitem(last=False)
        return plan

    async def plan_volume(self, change: VolumeChange) -> Plan:
        """Freeze a change of volumes or snapshots."""
        return (await self._storage.plan(change, None))[0]

    async def plan_marks(self, request: MarkRequest) -> Plan:
        """Freeze a claim, a protection or a date of deletion."""
        return (await self._marks.plan(request, None))[0]

    async def plan_upload(self, request: RunUpload) -> Plan:
        """Freeze what bringing runs' checkpoints to S3 would send, and where to."""
        return (await self._run_uploads.plan(request, {}))[0]

    async def plan_storage(self, request: CopyRequest | DeleteRequest) -> Plan:
        """Freeze what a change in S3 would do, or a download."""
        return await self._objects.plan(request)

    async def commit(self, plan: Plan, confirmation: Confirmation) -> str:
        """Carry a confirmed plan out as a job and return its id; Refused or PlanChanged where it may not."""
        if plan.operation in IN_S3:
            return await self._objects.commit(plan, confirmation)
        check_confirmation(plan, confirmation)
        check_policy(plan, confirmation, self._facts.policy())
        if plan.parts:
            return self._start_clean_up(plan, confirmation)
        request = self._requests.get(plan.hash)
        if request is None and plan.operation in LAUNCHING:
            raise PlanChanged("this launch is not known any more", "", "make its plan again")
        held = self._hold(plan, request)
        try:
            fresh, batch = await self._again(plan, request)
            check_unchanged(plan, fresh, confirmation)
            request = None if request is None else with_cap(request, confirmation)
            steps = self._steps(plan)
            return self._parts.jobs.start(plan.effect, steps, self._work(plan, request, batch, held))
        except BaseException:
            held.close()
            raise

    async def decline(self, plan: Plan, error: TrainctlError | None = None, answer: Confirmation | None = None) -> None:
        """Forget a plan that nobody confirmed."""
        self._requests.pop(plan.hash, None)

    async def take_up(self, job_id: str) -> str:
        """Go on with a launch that was interrupted while it waited for its run, as a job whose id is returned."""
        view = self._parts.jobs.view(job_id)
        if not view.can_be_taken_up:
            why = view.result if view.code == HANDED_OVER else "it does not wait for the end of a run"
            raise Refused(f"{view.title}: not taken up", why, "see its steps")
        if reason := self._facts.policy().read_only:
            raise Refused(f"{view.title}: not taken up", f"read-only: {reason}", code="ro_mode")
        held = contextlib.ExitStack()
        held.enter_context(self._parts.locks.hold(f"waiting for {view.run_id}", view.title))

        async def work(job: JobHandle) -> str:
            with held:
                return await self._parts.executor.take_up(view, job)

        last = {one.id for one in LAST}
        steps = (*(one for one in view.steps if one.id not in last), *LAST)
        return self._parts.jobs.start(f"{view.title}, taken up", steps, work, of=view)

    @property
    def _objects(self) -> StorageDesk:
        if self._parts.storage is None:
            raise Unsupported("there is no object store here")
        return self._parts.storage

    async def _plan(self, operation: Operation, planned: Mapping[str, str | None]) -> tuple[Plan, Batch]:
        """Plan for references, each with the account that an earlier plan was made for, or None."""
        if not planned:
            raise ValidationError(f"nothing to {operation.value}", "", "name at least one machine or run")
        if operation in LAUNCHING or operation in IN_S3 | MARKING | {Operation.CLEAN_UP}:
            raise ValidationError(f"{operation.value} needs a request of its own")
        if operation in ON_PROCESSES:
            batch, fleet_size = await self._processes.look(operation, planned), None
        elif operation in ON_UPLOADS:
            batch, fleet_size = await self._uploads.look(operation, planned), None
        else:
            batch = [await self._look(operation, one, account) for one, account in planned.items()]
            fleet_size = len((await self._facts.fleet.now()).value) if len(batch) > 3 else None
        verdict = self._parts.safety.judge_batch(operation, batch, fleet_size)
        effect = "; ".join(effect_of(operation, facts) for facts in batch)
        return plan_of(operation, batch, verdict, effect), batch

    async def _look(self, operation: Operation, reference: str, planned_account: str | None) -> SafetyFacts:
        if operation is Operation.RUN_STOP:
            return await self._facts.run(operation, await self._facts.evidence.run(reference), planned_account)
        return await self._facts.instance(operation, await self._facts.fleet.find(reference), planned_account)

    async def _plan_launch(self, request: LaunchRequest, planned_account: str | None) -> tuple[Plan, Batch]:
        operation = launch_operation(request)
        if request.options is not None:
            falls_back = request.spot_fallback is True
            facts = await self._facts.launch(operation, request.options, planned_account, falls_back)
        elif request.instance_key:
            facts = await self._look(operation, request.instance_key, planned_account)
        else:
            raise ValidationError("a launch needs a machine", "", "choose a type, or a machine that exists")
        wrong = no_end(request.job.script, request.job.output_dest) if request.job else no_end("", "")
        if request.terminate_after and wrong:
            raise ValidationError("the machine cannot be terminated when its run has ended", wrong)
        name = f' "{facts.target.name}"' if facts.target.name else ""
        effect = launch_effect(request, f"{facts.target.id}{name}")
        verdict = self._parts.safety.judge(operation, facts)
        return plan_of(operation, [facts], verdict, effect, launch_parameters(request)), [facts]

    async def _again(self, plan: Plan, request: LaunchRequest | None) -> tuple[Plan, Batch]:
        """Make the plan again from strong reads, for the account it was made for."""
        if plan.operation in STORAGE:
            return await self._storage.again(plan)
        if plan.operation in MARKING:
            return await self._marks.again(plan)
        if request is not None:
            return await self._plan_launch(request, plan.account)
        if plan.operation is Operation.RUN_UPLOAD:
            return await self._run_uploads.again(plan)
        accounts = dict(plan.accounts)
        planned = {_reference(one): accounts.get(one.provider, plan.account) for one in plan.targets}
        return await self._plan(plan.operation, planned)

    def _hold(self, plan: Plan, request: LaunchRequest | None) -> contextlib.ExitStack:
        """Take the lock of every resource of the plan, in one order everywhere."""
        held = contextlib.ExitStack()
        try:
            in_storage = plan.operation in STORAGE
            for name in sorted(self._storage.locks(plan) if in_storage else lock_names(plan, request)):
                held.enter_context(self._parts.locks.hold(name, plan.effect))
        except BaseException:
            held.close()
            raise
        return held

    def _work(self, plan: Plan, request: LaunchRequest | None, batch: Batch, held: contextlib.ExitStack) -> Work:
        async def work(job: JobHandle) -> str:
            with held:
                todo = [one for one in batch if already_done(plan.operation, one) is None]
                if not todo:
                    return plan.effect
                if request is None:
                    return await self._change_all(plan, todo, job)
                (resource,) = lock_names(plan, request)
                launch = self._parts.executor.launch
                return await self._parts.caller.execute(
                    entry_for(plan, todo[0].target, resource, job.id), lambda: launch(request, job)
                )

        return work

    def _start_clean_up(self, plan: Plan, confirmation: Confirmation) -> str:
        async def work(job: JobHandle) -> str:
            return await clean_up(plan, confirmation, self._do, job)

        steps = [step for part in plan.parts for step in (check_step(part), *self._steps(part))]
        return self._parts.jobs.start(plan.effect, steps, work)

    async def _do(self, part: Plan, confirmation: Confirmation, job: JobHandle) -> str:
        """Carry one part of a plan out: held, looked at again, changed."""
        with contextlib.ExitStack() as held:
            async with job.step(check_step(part).id):
                check_policy(part, confirmation, self._facts.policy())
                for name in lock_names(part, None):
                    held.enter_context(self._parts.locks.hold(name, part.effect))
                fresh, batch = await self._anew(part)
                check_unchanged(part, fresh, confirmation)
            todo = [one for one in batch if already_done(fresh.operation, one) is None]
            return await self._change_all(fresh, todo, job) if todo else fresh.effect

    async def _anew(self, part: Plan) -> tuple[Plan, Batch]:
        """Make a plan of a part again from strong reads, also where its own is not remembered any more."""
        if part.operation in STORAGE:
            change = VolumeChange(part.operation, tuple(target.key for target in part.targets))
            return await self._storage.plan(change, part.account)
        return await self._again(part, None)

    @property
    def _storage(self) -> VolumeActions:
        if self._parts.volumes is None:
            raise Unsupported("there are no volumes here")
        return self._parts.volumes

    @property
    def _marks(self) -> MarkActions:
        if self._parts.marks is None:
            raise Unsupported("nothing here has tags")
        return self._parts.marks

    @property
    def _processes(self) -> ProcessActions:
        if self._parts.processes is None:
            raise Unsupported("there are no hosts here")
        return self._parts.processes

    @property
    def _uploads(self) -> UploadActions:
        if self._parts.uploads is None:
            raise Unsupported("there is no object store here")
        return self._parts.uploads

    @property
    def _run_uploads(self) -> RunUploads:
        if self._parts.run_uploads is None:
            raise Unsupported("there is no object store here")
        return self._parts.run_uploads

    def _steps(self, plan: Plan) -> tuple[Step, ...]:
        if plan.operation in STORAGE:
            return self._storage.steps(plan)
        if plan.operation in ON_PROCESSES:
            return self._processes.steps(plan)
        if plan.operation in ON_UPLOADS:
            return self._uploads.steps(plan)
        if plan.operation in MARKING:
            return self._marks.steps(plan)
        if plan.operation is Operation.RUN_UPLOAD:
            return self._run_uploads.steps(plan)
        if plan.operation not in _ON_MACHINES:
            return ()
        return call_steps(plan, f"{{name}} is {end_state(plan.operation).value}")

    async def _change(self, plan: Plan, facts: SafetyFacts, job: JobHandle) -> str:
        target = facts.target
        if plan.operation in STORAGE:
            return await self._storage.carry_out(plan, target, facts, job)
        if plan.operation in ON_PROCESSES:
            return await self._processes.end(plan, target, job)
        if plan.operation in ON_UPLOADS:
            return await self._uploads.abort(plan, target, facts, job)
        if plan.operation in MARKING:
            return await self._marks.carry_out(plan, target, facts, job)
        if plan.operation is Operation.RUN_UPLOAD:
            return await self._run_uploads.send(plan, facts, job)
        if target.kind != "run":
            job.set(instance_id=target.id)
            return await self._parts.caller.change(plan, target, job)
        job.set(run_id=target.id)
        entry = entry_for(plan, target, target.id, f"op-{uuid.uuid4().hex}")
        return await self._parts.caller.execute(entry, lambda: self._parts.executor.stop_run(target.id, job))

    async def _change_all(self, plan: Plan, todo: Sequence[SafetyFacts], job: JobHandle) -> str:
        """Change each target, one call each; one that fails does not keep the others from being tried."""
        results: list[str] = []
        errors: list[TrainctlError] = []
        for facts in todo:
            job.check()
            try:
                fresh = await self._still(plan, facts)
                results.append(await self._change(plan, fresh, job))
            except TrainctlError as error:
                errors.append(error)
        if len(errors) == 1 and len(todo) == 1:
            raise errors[0]
        if errors:
            what = f"{len(errors)} of {len(todo)} failed"
            raise CloudProviderError(what, "; ".join([*map(str, errors), *results]), code="partly-failed")
        return "; ".join(results)

    async def _still(self, plan: Plan, facts: SafetyFacts) -> SafetyFacts:
        """Return the facts about a target whose turn has come, seen anew where they have aged."""
        target = facts.target
        if self._facts.clock.now() - facts.at <= STALE:
            return facts
        if plan.operation in STORAGE:
            fresh = await self._storage.look(plan, target)
        elif plan.operation in MARKING:
            fresh = await self._marks.look(plan, target)
        elif plan.operation is Operation.RUN_UPLOAD:
            fresh = await self._run_uploads.look(plan, target)
        else:
            account = dict(plan.accounts).get(target.provider, plan.account)
            _, (fresh,) = await self._plan(plan.operation, {_reference(target): account})
        check_still(plan.operation, facts, fresh, self._parts.safety)
        return fresh


def _reference(target: Target) -> str:
    """Return what a plan names a target by."""
    return target.id if target.kind == "run" else target.key


def lock_names(plan: Plan, request: LaunchRequest | None) -> tuple[str, ...]:
    """Return the names under which a plan's resources are locked and journaled."""
    if request is not None and request.options is not None:
        return (launch_lock(request.options),)
    if plan.operation in ON_UPLOADS:
        return lock_names_of(plan.targets)
    return tuple(_reference(one) for one in plan.targets)
