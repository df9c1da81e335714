"""The verbs `resources cleanup` and `resources stop-all`: many things of ours by plan, never anybody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from runctl_tui.domain.candidates import left_uploads
from runctl_tui.domain.fleet import mine_at_work
from runctl_tui.domain.insights import CLEANED_UP, Insight
from runctl_tui.domain.plan import Operation, Plan
from runctl_tui.domain.problem import Problem
from runctl_tui.headless.confirm import add_confirmation_flags, decide, dry_data, show, unchanged
from runctl_tui.headless.follow import carry_out, job_reply
from runctl_tui.headless.parser import Nouns, Parser, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply, about, check_provider, require_sight
from runctl_tui.headless.resource_findings import findings
from runctl_tui.services.bulk import Bulk, LeftOut, plan_for_all
from runctl_tui.services.errors import PlanChanged, Refused, TrainctlError
from runctl_tui.services.ports_services import Services

_ORDER = (Operation.STOP, Operation.TERMINATE, Operation.VOLUME_DELETE, Operation.UPLOAD_ABORT)


def register(verbs: Nouns[Parser]) -> None:
    """Add the verbs."""
    parser = add_noun(verbs, "cleanup", "stop what is idle, delete unused volumes, abort old uploads: yours, by plan")
    add_confirmation_flags(parser)
    parser.set_defaults(handler=clean_up, needs=Needs.SERVICES)
    parser = add_noun(verbs, "stop-all", "stop every running machine of yours that may be stopped, by plan")
    parser.add_argument("--provider", metavar="PROVIDER", default="", help="only machines of this provider")
    add_confirmation_flags(parser)
    parser.set_defaults(handler=stop_all, needs=Needs.SERVICES)


async def stop_all(services: Services, call: Call) -> Reply:
    """Stop what is ours and runs; what may not be stopped is left out with the reason."""
    check_provider(services, call.args.provider)
    fleet = about(await services.fleet.now(), call.args.provider)
    require_sight(fleet, fleet.value)
    rows = mine_at_work(fleet.value, call.args.provider)
    bulk = await plan_for_all(services.actions, Operation.STOP, [row.key for row in rows])
    if bulk.plan is None:
        _check_known(call, ())
        if bulk.left_out:
            todo = "name one itself for what can be done about it: runctl-tui instances stop ID"
            raise Refused("nothing of yours may be stopped", bulk.why_not, todo, code="left-out")
        return Reply({"plan": None, **_rest(call, (bulk,))}, "nothing of yours is running", fleet.missing)
    confirmation = await decide(services.actions, call, bulk.plan)
    if confirmation is None:
        return replace(show(call, bulk.plan, _rest(call, (bulk,))), missing=fleet.missing)
    reply = job_reply(await carry_out(services, call, bulk.plan, confirmation), bulk.plan)
    return replace(reply, missing=fleet.missing)


async def clean_up(services: Services, call: Call) -> Reply:
    """Act on what `resources insights` found among our own things: one plan per operation, each by its own hash."""
    found, missing = await findings(services)
    wanted: dict[Operation, list[str]] = {operation: [] for operation in _ORDER}
    for one in found:
        if one.ours and one.kind in CLEANED_UP and one.operation in wanted:
            wanted[one.operation].append(one.reference)
    uploads, unread = await _left_uploads(services)
    wanted[Operation.UPLOAD_ABORT] += uploads
    missing = (*missing, *unread)
    bulks = [await plan_for_all(services.actions, operation, keys) for operation, keys in wanted.items() if keys]
    bulks.append(Bulk(None, _protected(found)))
    plans = [bulk.plan for bulk in bulks if bulk.plan is not None]
    chosen = _check_known(call, plans)
    done = [reply for plan in chosen if (reply := await _carried_out(services, call, plan)) is not None]
    if done:
        data = {"jobs": [reply.data for reply in done], **_rest(call, bulks)}
        return Reply(data, "\n".join(reply.text for reply in done), missing)
    shown = [show(call, plan) for plan in plans]
    text = "\n\n".join(reply.text for reply in shown) or f"nothing of yours is to be cleaned up. {unchanged(call)}"
    left_out = [f"  left out: {one.name}: {one.why}" for bulk in bulks if bulk.plan is None for one in bulk.left_out]
    data = {"plans": [reply.data for reply in shown], **_rest(call, bulks)}
    return Reply(data, "\n".join([text, *left_out]), missing)


async def _left_uploads(services: Services) -> tuple[list[str], tuple[Problem, ...]]:
    """Return the uploads that were left behind, and what could not be read; nothing of it keeps the rest back."""
    try:
        found = await services.uploads.now()
    except TrainctlError as error:
        return [], (error.to_problem(),)
    return [one.key for one in left_uploads(found.value, services.clock.now())], found.missing


def _protected(found: Sequence[Insight]) -> tuple[LeftOut, ...]:
    """Return what of ours no plan is made for because it is protected."""
    held = [one for one in found if one.ours and one.protected and one.kind in CLEANED_UP and one.operation is None]
    return tuple(LeftOut(one.reference, one.reference, one.text) for one in held)


async def _carried_out(services: Services, call: Call, plan: Plan) -> Reply | None:
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return None
    return job_reply(await carry_out(services, call, plan, confirmation), plan)


def _check_known(call: Call, plans: Sequence[Plan]) -> Sequence[Plan]:
    """Return the plans to ask about: all of them, or the one whose hash was given; PlanChanged where none has it."""
    wanted = "" if call.args.dry_run else call.args.plan_hash
    chosen = [plan for plan in plans if wanted in ("", plan.hash)]
    if wanted and not chosen:
        now = ", ".join(plan.hash for plan in plans)
        raise PlanChanged(
            f"no plan has the hash {wanted} now",
            f"there are: {now}" if now else "there is nothing to do any more",
            "read the plans again: the same command without --yes",
        )
    return chosen


def _rest(call: Call, bulks: Sequence[Bulk]) -> dict[str, object]:
    return {"left_out": [asdict(one) for bulk in bulks for one in bulk.left_out], **dry_data(call)}
