"""The nouns `local` and `exec`: runs on this machine, with log, checkpoints and register like any other."""

from __future__ import annotations

import dataclasses

from runctl_tui.domain import validation
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.run import TrainingStatus
from runctl_tui.headless.confirm import add_confirmation_flags, decide, show
from runctl_tui.headless.flags import strictly
from runctl_tui.headless.follow import attend, carry_out, job_reply
from runctl_tui.headless.launching import add_training_flags, training_job
from runctl_tui.headless.parser import Nouns, Parser, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.errors import TrainctlError, ValidationError
from runctl_tui.services.ports_services import Services

_HERE = "local/local"


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add one of the two nouns."""
    parser = add_noun(nouns, name, help_text)
    if name == "exec":
        parser.add_argument(
            "script", metavar="COMMAND", nargs="?", default="", help="command; or put all of it after '--'"
        )
    else:
        parser.add_argument("script", metavar="SCRIPT", help="script; its arguments follow '--'")
    parser.add_argument("--name", metavar="NAME", type=strictly(validation.resource_name), help="name of the run")
    parser.add_argument("--project", metavar="NAME", default="", help="project it is counted to")
    parser.add_argument("--detach", action="store_true", help="return once it runs")
    add_training_flags(parser, elsewhere=False)
    add_confirmation_flags(parser, launches=True)
    parser.set_defaults(handler=run_here, needs=Needs.SERVICES, takes_rest=True)


async def run_here(services: Services, call: Call) -> Reply:
    """Run on this machine and stay until it has ended, unless told to detach."""
    script, arguments = call.args.script, call.rest
    if call.args.noun == "exec":
        call.args.launcher = "command"
        if not script:
            if not call.rest:
                raise ValidationError("no command", todo="runctl-tui exec COMMAND -- ARGUMENTS")
            script, arguments = call.rest[0], call.rest[1:]
    job = await training_job(services, dataclasses.replace(call, rest=arguments), script)
    request = LaunchRequest(instance_key=_HERE, job=job)
    plan = await services.actions.plan_launch(request)
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return show(call, plan)
    view = await carry_out(services, call, plan, confirmation)
    if call.args.detach or not view.run_id:
        return job_reply(view, plan)
    ended = await attend(services, call, view.run_id, call.console.out_line)
    if ended.status is not TrainingStatus.COMPLETED:
        raise TrainctlError(f"the run {ended.id} {ended.status}", ended.reason, f"'runs logs {ended.id}' has its log")
    return Reply({"run_id": ended.id, "status": ended.status, "exit_code": ended.exit_code})
