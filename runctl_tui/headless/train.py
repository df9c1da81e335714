"""The noun `train`: launch, train, keep every checkpoint in S3, terminate; the whole way in one command."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Final

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.plan import Confirmation, JobView, Operation, Plan
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingSession, TrainingStatus
from runctl_tui.headless import output
from runctl_tui.headless.confirm import add_confirmation_flags, decide, show
from runctl_tui.headless.follow import LogStream, carry_out, job_reply
from runctl_tui.headless.launching import (
    add_machine_flags,
    add_training_flags,
    default_key,
    default_words,
    preview_facts,
    preview_words,
    previewed,
)
from runctl_tui.headless.parser import Nouns, Parser, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.headless.runs import run_request
from runctl_tui.services.action_checks import given_with_launch
from runctl_tui.services.errors import MissingField, ResourceNotFound, StateError, TrainctlError
from runctl_tui.services.ports_services import Services

STALL_SECONDS: Final = 900.0
"""How long uploads may stand still before the command gives up waiting and leaves the machine as it is."""
_GONE: Final = (ResourceState.TERMINATING, ResourceState.TERMINATED)


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun."""
    parser = add_noun(nouns, name, help_text)
    parser.add_argument("script", metavar="SCRIPT", help="script below the project's folder; its arguments follow '--'")
    parser.add_argument("--keep", action="store_true", help="leave the machine that was made for it")
    parser.add_argument("--detach", action="store_true", help="return once training runs; the machine stays")
    add_machine_flags(parser)
    add_training_flags(parser)
    add_confirmation_flags(parser, launches=True)
    parser.set_defaults(handler=train, needs=Needs.SERVICES, takes_rest=True)


async def train(services: Services, call: Call) -> Reply:
    """The whole way; returns when the run has ended, its checkpoints are verified and its machine is gone."""
    args = call.args
    request = await run_request(services, call, args.script)
    if request.job is None or not request.job.output_dest:
        raise MissingField(
            "checkpoints would stay on one disk only: no bucket is configured",
            todo="set aws.s3_bucket, or give --checkpoints-out s3://BUCKET/PREFIX",
        )
    ours = request.options is not None and not args.keep and not args.detach
    request = dataclasses.replace(request, terminate_after=ours)
    preview = await previewed(services, call, request)
    plan, words = preview.plan, preview_words(preview, default_words(call, request))
    confirmation = await decide(services.actions, call, plan, words)
    if confirmation is None:
        return show(call, plan, preview_facts(preview, default_key(call, request)), words)
    if args.detach:
        return job_reply(await carry_out(services, call, plan, confirmation, request.spot_fallback), plan)
    return await _stay(services, call, plan, confirmation, request)


async def _stay(
    services: Services, call: Call, plan: Plan, confirmation: Confirmation, request: LaunchRequest
) -> Reply:
    stream = LogStream(services, call)
    try:
        view = await carry_out(services, call, plan, confirmation, request.spot_fallback, stream.hear)
        ended = await stream.ended()
    finally:
        stream.cancel()
    kept = await _verified(services, call, ended)
    gone = await _terminate(services, call, view.instance_id) if request.terminate_after else False
    call.console.afterwards.clear()
    return _outcome(plan, view, ended, kept, gone)


def _outcome(plan: Plan, view: JobView, ended: TrainingSession, kept: tuple[Checkpoint, ...], gone: bool) -> Reply:
    data = {
        "run_id": ended.id,
        "status": ended.status,
        "exit_code": ended.exit_code,
        "instance_id": view.instance_id,
        "terminated": gone,
        "checkpoints": [{"name": c.name, "step": c.step, "s3": c.s3.location} for c in kept],
        "plan_hash": plan.hash,
    }
    if ended.status is not TrainingStatus.COMPLETED:
        fate = "its machine was terminated" if gone else f"its machine {view.instance_id} still exists"
        raise TrainctlError(
            f"the run {ended.id} {ended.status}",
            f"{ended.reason or f'exit code {ended.exit_code}'}; {fate}",
            f"'runctl-tui runs logs {ended.id}' has its log",
            code=f"run.{ended.status}",
        )
    text = output.facts(
        [
            ("run", f"{ended.id} {ended.status}"),
            ("checkpoints", f"{len(kept)} verified in S3"),
            ("instance", f"{view.instance_id} {'terminated' if gone else 'left running'}"),
        ]
    )
    return Reply(data, text)


async def _verified(services: Services, call: Call, run: TrainingSession) -> tuple[Checkpoint, ...]:
    """Wait until every checkpoint is verified in S3; StateError when nothing moves any more."""
    feed = services.checkpoints.feed(run.id).watch()
    said = ""
    while True:
        try:
            snapshot = await asyncio.wait_for(anext(feed), STALL_SECONDS)
        except (TimeoutError, StopAsyncIteration):
            raise StateError(
                f"{run.id}: not every checkpoint reached S3, and nothing moves",
                said,
                "the machine was left as it is: 'runctl-tui checkpoints list' shows what is missing",
                code="checkpoints.unverified",
            ) from None
        waiting = [checkpoint for checkpoint in snapshot.value if not checkpoint.safe_in_s3]
        if not waiting and snapshot.complete:
            return snapshot.value
        words = f"{len(waiting)} of {len(snapshot.value)} checkpoints are not in S3 yet"
        if words != said:
            call.console.progress(words)
        said = words


async def _terminate(services: Services, call: Call, instance_id: str) -> bool:
    """Terminate the machine that this command made, by the same rules as by hand; True when it is gone."""
    try:
        row = await services.fleet.find(instance_id)
    except ResourceNotFound:
        return True
    if row.instance.state in _GONE:
        return True
    plan = await services.actions.plan(Operation.TERMINATE, [row.key])
    await carry_out(services, call, plan, given_with_launch(plan))
    return True
