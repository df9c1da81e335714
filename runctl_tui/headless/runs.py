"""The noun `runs`: training runs on every host that was ever used."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from runctl_tui.domain.checkpoint import Checkpoint, CopyState
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.run_uploads import RunUpload
from runctl_tui.headless import output
from runctl_tui.headless.confirm import add_confirmation_flags, decide, show
from runctl_tui.headless.follow import attend, carry_out, job_reply
from runctl_tui.headless.launching import (
    add_machine_flags,
    add_training_flags,
    launch,
    machine_options,
    training_job,
)
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply, listed
from runctl_tui.headless.rows import run_row
from runctl_tui.services.errors import ResourceNotFound, ValidationError
from runctl_tui.services.ports_services import Services

_COLUMNS = {
    "ID": "id",
    "NAME": "name",
    "STATUS": "status",
    "ON": "instance_id",
    "STEP": "at",
    "LOSS": "loss",
    "ETA": "eta",
    "TOOK": "took",
    "CHECKPOINTS": "checkpoints",
    "EXIT": "exit",
}
_HELD = (CopyState.PRESENT, CopyState.VERIFIED)


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    parser = add_noun(verbs, "list", "list every run, newest first")
    parser.set_defaults(handler=list_all, needs=Needs.SERVICES)
    parser = add_noun(verbs, "show", "say everything about one run")
    parser.add_argument("run", metavar="RUN", help="id, beginning of an id, or unique name")
    parser.set_defaults(handler=show_one, needs=Needs.SERVICES)
    parser = add_noun(verbs, "logs", "print a run's log")
    parser.add_argument("run", metavar="RUN", help="id, beginning of an id, or unique name")
    add_log_flags(parser)
    parser.set_defaults(handler=logs, needs=Needs.SERVICES)
    _register_changes(verbs)


def add_log_flags(parser: Parser) -> None:
    """Add how much of a log is wanted."""
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run has ended")
    parser.add_argument("--tail", metavar="N", type=int, help="only the last N lines")


def _register_changes(verbs: Nouns[Parser]) -> None:
    parser = add_noun(verbs, "start", "start a run on a machine, new or existing, and leave it running")
    parser.add_argument("script", metavar="SCRIPT", help="script below the project's folder; its arguments follow '--'")
    parser.set_defaults(handler=start, needs=Needs.SERVICES, takes_rest=True)
    add_machine_flags(parser)
    add_training_flags(parser)
    add_confirmation_flags(parser, launches=True)
    parser = add_noun(verbs, "stop", "stop a run: TERM first, so that it can write a checkpoint")
    parser.add_argument("runs", metavar="RUN", nargs="+", help="id, beginning of an id, or unique name")
    add_confirmation_flags(parser)
    parser.set_defaults(handler=stop, needs=Needs.SERVICES)
    parser = add_noun(verbs, "upload", "bring what a run has written to S3, of an ended run too")
    parser.add_argument("runs", metavar="RUN", nargs="+", help="id, beginning of an id, or unique name")
    parser.add_argument(
        "--to", metavar="S3", default="", help="s3://bucket/prefix for a run without a place of its own"
    )
    add_confirmation_flags(parser)
    parser.set_defaults(handler=upload, needs=Needs.SERVICES)
    parser = add_noun(verbs, "resume", "go on from a run's newest checkpoint as a new run")
    parser.add_argument("run", metavar="RUN", help="id, beginning of an id, or unique name")
    parser.add_argument("--on", metavar="INSTANCE", default="", help="another machine; default: the same one")
    parser.add_argument("--resume", metavar="CHECKPOINT", default="", help="a checkpoint's name or location")
    add_machine_flags(parser)
    add_confirmation_flags(parser, launches=True)
    parser.set_defaults(handler=resume, needs=Needs.SERVICES)


async def list_all(services: Services, call: Call) -> Reply:
    """Every run."""
    snapshot = await services.runs.now()
    now = services.clock.now()
    rows = [run_row(run, now) for run in snapshot.value]
    shown = [_shown(row) for row in rows]
    return listed(snapshot, rows, output.table(shown, _COLUMNS, "no runs"))


async def show_one(services: Services, call: Call) -> Reply:
    """One run."""
    run = await services.runs.find(call.args.run)
    row = run_row(run, services.clock.now())
    data = {**row, "args": run.args, "uploads": run.uploads, "host_dir": run.host_dir, "heard_at": run.heard_at}
    return Reply(data, output.facts((key.replace("_", " "), value) for key, value in data.items() if key != "uploads"))


async def logs(services: Services, call: Call) -> Reply:
    """A run's log, once or until the run has ended."""
    check_tail(call)
    run = await services.runs.find(call.args.run)
    if call.args.follow:
        ended = await attend(services, call, run.id, call.console.out_line)
        data = {"run": ended.id, "status": ended.status, "exit_code": ended.exit_code}
        return Reply(data)
    lines = (await services.runs.log(run.id)).decode("utf-8", "replace").splitlines()
    return Reply({"run": run.id, "status": run.status, "lines": print_log(call, lines)})


def check_tail(call: Call) -> None:
    """Raise ValidationError where --tail is no number of lines."""
    if call.args.tail is not None and call.args.tail < 1:
        raise ValidationError("--tail takes a number of lines, 1 or more")


def print_log(call: Call, lines: Sequence[str]) -> Sequence[str]:
    """Print the lines of a log that --tail asks for, and return them."""
    lines = lines[-call.args.tail :] if call.args.tail else lines
    if not call.console.json:
        for line in lines:
            call.console.out_line(line)
    return lines


async def start(services: Services, call: Call) -> Reply:
    """Start a run and leave it running."""
    return await launch(services, call, await run_request(services, call, call.args.script))


async def run_request(services: Services, call: Call, script: str) -> LaunchRequest:
    """Return the launch that SCRIPT with `--on` or `--type` means."""
    job = await training_job(services, call, script)
    if call.args.on:
        if call.args.type:
            raise ValidationError("--on names an existing machine and --type a new one", todo="use one of them")
        return LaunchRequest(instance_key=(await services.fleet.find(call.args.on)).key, job=job)
    options = dataclasses.replace(machine_options(call, services), name=job.name, project=job.project)
    return LaunchRequest(options=options, job=job, spot_fallback=call.args.on_demand_fallback)


async def stop(services: Services, call: Call) -> Reply:
    """Stop runs."""
    ids = [(await services.runs.find(reference)).id for reference in call.args.runs]
    plan = await services.actions.plan(Operation.RUN_STOP, ids)
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return show(call, plan)
    return job_reply(await carry_out(services, call, plan, confirmation), plan)


async def upload(services: Services, call: Call) -> Reply:
    """Bring what runs have written to S3."""
    ids = [(await services.runs.find(reference)).id for reference in call.args.runs]
    plan = await services.actions.plan_upload(RunUpload(tuple(ids), call.args.to))
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return show(call, plan)
    return job_reply(await carry_out(services, call, plan, confirmation), plan)


async def resume(services: Services, call: Call) -> Reply:
    """Go on from a checkpoint, on the same machine, another one, or a new one."""
    args = call.args
    run = await services.runs.find(args.run)
    if args.on and args.type:
        raise ValidationError("--on names an existing machine and --type a new one", todo="use one of them")
    same = run.machine_key
    key = "" if args.type else (await services.fleet.find(args.on)).key if args.on else same
    checkpoint = await _checkpoint_location(services, run, args.resume, on_the_same_host=key == same)
    known = services.launcher.defaults().job
    again = run.job_again(known.project_root if known else "")
    job = dataclasses.replace(again, resume_from=checkpoint, parent=run.id, name=args.name or run.name)
    if key:
        return await launch(services, call, LaunchRequest(instance_key=key, job=job))
    options = machine_options(call, services)
    return await launch(services, call, LaunchRequest(options=options, job=job, spot_fallback=args.on_demand_fallback))


async def _checkpoint_location(services: Services, run: TrainingSession, wanted: str, *, on_the_same_host: bool) -> str:
    if "/" in wanted:
        return wanted
    held = (await services.checkpoints.now(run.id)).value
    for checkpoint in held:
        location = _location(checkpoint, on_the_same_host)
        if location and wanted in ("", checkpoint.name, str(checkpoint.step)):
            return location
    known = ", ".join(checkpoint.name for checkpoint in held[:8])
    where = "" if on_the_same_host else " in S3, where another machine could read it"
    raise ResourceNotFound(
        f"{run.id}: no checkpoint{f' {wanted!r}' if wanted else ''}{where}",
        f"there are: {known}" if known else "it has none",
        f"'runctl-tui checkpoints list --run {run.id}' shows where each copy is",
    )


def _location(checkpoint: Checkpoint, on_the_same_host: bool) -> str:
    if on_the_same_host and checkpoint.host.state in _HELD:
        return checkpoint.host.location
    return checkpoint.s3.location if checkpoint.s3.state in _HELD else ""


def _shown(row: output.Row) -> output.Row:
    step, total, took, eta = row["step"], row["total_steps"], row["age_seconds"], row["eta_seconds"]
    at = "" if step is None else f"{step}/{total}" if total else str(step)
    return {
        **row,
        "at": at,
        "took": output.duration(took) if isinstance(took, int) else "",
        "eta": output.duration(eta) if isinstance(eta, float | int) else "",
        "loss": "" if row["loss"] is None else row["loss"],
        "exit": "" if row["exit_code"] is None else row["exit_code"],
    }
