"""The verbs of `s3` that change: `cp`, `mv` and `sync` act at once, `rm` and `sync --delete` by plan and hash."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from runctl_tui.domain.objects import CopyRequest, DeleteRequest, NamePattern, address, split_address
from runctl_tui.domain.plan import Confirmation, Level, Plan
from runctl_tui.domain.problem import Problem
from runctl_tui.headless import s3_uploads
from runctl_tui.headless.confirm import (
    add_confirmation_flags,
    as_data,
    command_for,
    decide,
    describe,
    dry_data,
    show,
    unchanged,
)
from runctl_tui.headless.follow import carry_out, job_reply
from runctl_tui.headless.parser import Nouns, Parser, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.headless.s3_streams import STREAM, check_streams, read_input, write_output
from runctl_tui.services.errors import ValidationError, refusal
from runctl_tui.services.ports_services import Services

_COPIES = {
    "cp": "copy a file or object, from or to S3 or inside it",
    "mv": "copy, then remove the source",
    "sync": "copy what is new or differs, from one folder to another",
}
SKIPPED = 2
"""The AWS CLI's exit code where it left something out."""
_DRY_RUN = ("--dryrun", "--dry-run")
"""The AWS CLI's word, and ours."""


class _Pattern(argparse.Action):
    """Keeps includes and excludes in the order in which they were given, because the last match decides."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        found = NamePattern(self.dest == "include", str(values))
        namespace.patterns = (*getattr(namespace, "patterns", ()), found)


def register(verbs: Nouns[Parser]) -> None:
    """Add the verbs."""
    for verb, words in _COPIES.items():
        parser = add_noun(verbs, verb, words)
        stream = ", or - for standard {}put" if verb == "cp" else ""
        words = f"a path, or s3://bucket/key{stream}"
        parser.add_argument("source", metavar="SOURCE", help=words.format("in"))
        parser.add_argument("destination", metavar="DESTINATION", help=words.format("out"))
        if verb != "sync":
            parser.add_argument("--recursive", action="store_true", help="everything below a folder")
        else:
            parser.add_argument("--delete", action="store_true", help="also delete there what the source has not")
        links = parser.add_mutually_exclusive_group()
        links.add_argument("--follow-symlinks", action="store_true", help="upload what links to files lead to")
        links.add_argument("--no-follow-symlinks", action="store_true", help="leave links out, and say so (default)")
        _add_patterns(parser)
        add_confirmation_flags(parser, dry_run=_DRY_RUN)
        parser.set_defaults(handler=copy, needs=Needs.SERVICES)
    parser = add_noun(verbs, "rm", "delete an object, or everything below a folder")
    parser.add_argument("address", metavar="S3URI", help="s3://bucket/key, or s3://bucket/folder/ with --recursive")
    parser.add_argument("--recursive", action="store_true", help="everything below the folder, and nothing beside it")
    _add_patterns(parser)
    add_confirmation_flags(parser, dry_run=_DRY_RUN)
    parser.set_defaults(handler=remove, needs=Needs.SERVICES)
    s3_uploads.register(verbs, _DRY_RUN)


async def copy(services: Services, call: Call) -> Reply:
    """Copy, move or sync; '-' is standard input or output, through a file so that nothing is sent or told by halves."""
    source, destination = call.args.source, call.args.destination
    if STREAM not in (source, destination):
        return await _copy(services, call, source, destination)
    check_streams(call)
    with TemporaryDirectory() as folder:
        if source == STREAM:
            file = Path(folder, "standard-input")
            await asyncio.to_thread(read_input, file)
            return await _copy(services, call, str(file), destination)
        file = Path(folder, "standard-output")
        reply = await _copy(services, call, source, str(file))
        await asyncio.to_thread(write_output, file)
        return replace(reply, text="")


async def _copy(services: Services, call: Call, source: str, destination: str) -> Reply:
    """Act at once unless something is deleted, or a checkpoint or protected bucket is in the way."""
    args = call.args
    syncing = args.verb == "sync"
    request = CopyRequest(
        source,
        destination,
        recursive=syncing or args.recursive,
        move=args.verb == "mv",
        changed_only=syncing,
        delete=syncing and args.delete,
        follow_links=args.follow_symlinks,
        patterns=getattr(args, "patterns", ()),
    )
    plan = await services.actions.plan_storage(request)
    if args.dry_run:
        return _dry(call, plan)
    if request.delete:
        return await _by_plan(services, call, plan)
    if plan.verdict.forbidden:
        raise refusal(plan)
    why = "; ".join(reason.text for reason in plan.verdict.reasons)
    if plan.verdict.level > Level.YES:
        if not (args.plan_hash or args.force or call.console.interactive):
            raise ValidationError(f"{plan.effect}: not done", why, command_for(call, plan))
        return await _by_plan(services, call, plan)
    if plan.verdict.level is Level.YES and not args.yes:
        raise ValidationError(f"{plan.effect}: not done", why, "add --yes if that is meant")
    confirmation = Confirmation(
        plan.hash, yes=args.yes, name=args.confirm_name, acknowledged=frozenset(args.ack), reason=args.reason
    )
    return _done(job_reply(await carry_out(services, call, plan, confirmation), plan), plan)


async def remove(services: Services, call: Call) -> Reply:
    """Delete by plan and hash."""
    try:
        bucket, key = split_address(call.args.address)
    except ValueError as error:
        raise ValidationError(str(error), todo="such as s3://my-bucket/folder/file") from None
    patterns = getattr(call.args, "patterns", ())
    if call.args.recursive:
        prefix = key if not key or key.endswith("/") else f"{key}/"
        request = DeleteRequest(bucket, prefixes=(prefix,), patterns=patterns)
    elif not key:
        raise ValidationError(f"{address(bucket)} is a bucket", todo="name an object, or add --recursive")
    else:
        request = DeleteRequest(bucket, keys=(key,))
    plan = await services.actions.plan_storage(request)
    return _dry(call, plan) if call.args.dry_run else await _by_plan(services, call, plan)


async def _by_plan(services: Services, call: Call, plan: Plan) -> Reply:
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return show(call, plan)
    return _done(job_reply(await carry_out(services, call, plan, confirmation), plan), plan)


def _done(reply: Reply, plan: Plan) -> Reply:
    """Add what was left out, which the exit code tells too."""
    return replace(reply, missing=_skipped(plan), exit_code=SKIPPED if plan.skipped else 0)


def _dry(call: Call, plan: Plan) -> Reply:
    data = {"dryrun": True, **dry_data(call), "plan": as_data(plan), "plan_hash": plan.hash}
    return Reply(data, f"(dryrun) {describe(plan)}\n\n{unchanged(call)}", _skipped(plan))


def _skipped(plan: Plan) -> tuple[Problem, ...]:
    """Return each key that could not be a file, with why."""
    return tuple(Problem("s3.skipped", f"skipped {name!r}", why) for name, why in plan.skipped)


def _add_patterns(parser: Parser) -> None:
    parser.add_argument(
        "--include", metavar="PATTERN", action=_Pattern, help="take these names in again; the last match decides"
    )
    parser.add_argument("--exclude", metavar="PATTERN", action=_Pattern, help="leave these names out, such as '*.log'")
