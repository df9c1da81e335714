"""Plan, then yes: the protocol by which the command line changes anything.

Unconfirmed, a changing verb answers with its plan and changes nothing. It acts with `--yes --plan-hash HASH`
(with `--name` where data is destroyed, with `--ack CODE --reason TEXT` where reasons stand against it), or after the
same questions on a terminal; never with `--dry-run`.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from runctl_tui.domain.durations import in_one_unit
from runctl_tui.domain.figures import price
from runctl_tui.domain.plan import SHORTEST_REASON, Cited, Confirmation, Level, Plan, Severity, reason_given
from runctl_tui.domain.text import MAX_PLAN, safe
from runctl_tui.headless import output
from runctl_tui.headless.flags import strictly
from runctl_tui.headless.parser import PROGRAM
from runctl_tui.headless.reply import Call, Reply
from runctl_tui.services.errors import (
    PlanChanged,
    Refused,
    TrainctlError,
    UserError,
    ValidationError,
    refusal,
    unacknowledged,
)
from runctl_tui.services.ports import Actions

DRY_RUN: Final = ("--dry-run",)
_DRY_WORDS: Final = (*DRY_RUN, "--dryrun")
_SIGNS = {Severity.ALLOW: "·", Severity.WARN: "▲", Severity.BLOCK: "✗"}


def add_dry_run(parser: argparse._ActionsContainer, words: Sequence[str] = DRY_RUN) -> None:
    """Add the flag under which a changing verb only says what it would do."""
    parser.add_argument(*words, dest="dry_run", action="store_true", help="say what would be done, and do nothing")


def add_confirmation_flags(
    parser: argparse.ArgumentParser, *, launches: bool = False, dry_run: Sequence[str] = DRY_RUN
) -> None:
    """Add the flags that confirm a plan; for a launch `--name` is the new machine's own."""
    group = parser.add_argument_group("confirmation")
    add_dry_run(group, dry_run)
    group.add_argument("--yes", action="store_true", help="carry the plan out; needs --plan-hash")
    group.add_argument("--plan-hash", metavar="HASH", default="", help="hash of the plan that was shown")
    group.add_argument(
        "--cap", metavar="USD", type=strictly(price), help="dollars per hour accepted where the price is unknown"
    )
    names = ["--confirm-name"] if launches else ["--name", "--confirm-name"]
    group.add_argument(*names, dest="confirm_name", metavar="NAME", default="", help="name of what is destroyed")
    group.add_argument(
        "--ack", metavar="CODE", action="append", default=[], help="a reason against it that you know of; repeatable"
    )
    group.add_argument(
        "--reason", metavar="TEXT", default="", help="why it shall be done all the same; for the audit log"
    )
    group.add_argument("--force", action="store_true", help=argparse.SUPPRESS)


async def decide(actions: Actions, call: Call, plan: Plan, words: str = "") -> Confirmation | None:
    """Return the confirmation that flags or a person gave; None where nobody was asked, so that the plan is shown."""
    try:
        return await _decide(call, plan, words)
    except TrainctlError as error:
        asked_for = bool(call.args.yes or call.args.plan_hash or call.args.force)
        await actions.decline(plan, *((error, _said_by_flags(call)) if asked_for else ()))
        raise


async def _decide(call: Call, plan: Plan, words: str) -> Confirmation | None:
    args = call.args
    if args.force:
        raise _no_force(call, plan)
    if args.dry_run:
        return None
    if args.yes or args.plan_hash:
        return _by_flags(call, plan)
    if not call.console.interactive:
        return None
    call.console.progress_text("\n".join(filter(None, (describe(plan), words))))
    return await _by_questions(call, plan)


def show(call: Call, plan: Plan, extra: dict[str, object] | None = None, words: str = "") -> Reply:
    """Return the plan as the answer, with the command that would carry it out."""
    command = command_for(call, plan)
    data = {"plan": as_data(plan), "plan_hash": plan.hash, "confirm_with": command, **dry_data(call), **(extra or {})}
    ending = f"{unchanged(call)} To carry it out:\n  {command}" if command else unchanged(call)
    return Reply(data, "\n".join(filter(None, (describe(plan), words, "", ending))))


def dry_data(call: Call) -> dict[str, object]:
    """Return what an answer says about `--dry-run`: nothing where it was not given."""
    return {"dry_run": True, "yes_was_ignored": bool(getattr(call.args, "yes", False))} if call.args.dry_run else {}


def unchanged(call: Call) -> str:
    """Return the sentence that nothing was changed, and why although --yes was given."""
    if call.args.dry_run and getattr(call.args, "yes", False):
        return "Nothing was changed: --dry-run wins over --yes."
    return "Nothing was changed: --dry-run." if call.args.dry_run else "Nothing was changed."


def as_data(plan: Plan) -> dict[str, object]:
    """Return the plan for programs."""
    return {
        "operation": plan.operation,
        "effect": plan.effect,
        "targets": plan.targets,
        "reversibility": plan.reversibility,
        "usd_per_hour": plan.usd_per_hour,
        "price_unknown": plan.price_unknown,
        "account": plan.account,
        "who": plan.who,
        "made_at": plan.made_at,
        "allowed": not plan.verdict.forbidden,
        "needs": plan.verdict.level.name.lower(),
        "acknowledge": plan.verdict.to_acknowledge,
        "name_to_type": plan.name_to_type if plan.verdict.level >= Level.NAME else "",
        "reasons": [
            {"code": r.code, "severity": r.severity, "text": r.text, "facts": r.facts, "offer": r.offer}
            for r in plan.verdict.reasons
        ],
        "lines": plan.lines,
        "parameters": dict(plan.parameters),
        "skipped": [{"name": name, "why": why} for name, why in plan.skipped],
    }


def describe(plan: Plan) -> str:
    """Return the plan for a person."""
    lines = [f"Plan {plan.hash}: {safe(plan.effect, MAX_PLAN)}"]
    width = max((len(line.label) for line in plan.lines), default=0)
    lines += [f"  {safe(line.label):<{width}}  {safe(line.text, MAX_PLAN)}" for line in plan.lines]
    if len(plan.targets) > 1:
        lines += [f"  {'':<{width}}  {safe(target.id, MAX_PLAN)}" for target in plan.untold]
    if plan.price_unknown:
        lines.append("  price unknown: --cap USD says what you accept per hour")
    elif plan.usd_per_hour:
        day = output.dollars(plan.usd_per_hour * 24)
        lines.append(f"  {output.dollars(plan.usd_per_hour)} per hour, {day} per day")
    for reason in plan.verdict.reasons:
        lines.append(f"  {_SIGNS[reason.severity]} {safe(reason.text, 500)} [{safe(reason.code)}]")
        if reason.facts:
            lines.append(f"    rests on: {'; '.join(_cited(one, plan.made_at) for one in reason.facts)}")
        if reason.offer and (not plan.verdict.blocking or reason is plan.verdict.blocking[0]):
            lines.append(f"    do: {safe(reason.offer)}")
    return "\n".join(lines)


def _cited(one: Cited, now: datetime) -> str:
    if one.seen_at is None:
        return f"{safe(one.name)} unknown ({safe(one.unknown)})"
    return f"{safe(one.name)} ({safe(one.source)}, {in_one_unit((now - one.seen_at).total_seconds())} ago)"


def command_for(call: Call, plan: Plan) -> str:
    """Return the command that would carry the plan out; empty where nothing may."""
    if plan.verdict.forbidden:
        return ""
    words = [PROGRAM, *_said(call), "--yes", "--plan-hash", plan.hash]
    if plan.verdict.level >= Level.NAME:
        words += [_name_flag(call), plan.name_to_type]
    for code in plan.verdict.to_acknowledge:
        words += [] if code in call.args.ack else ["--ack", code]
    if plan.verdict.to_acknowledge and not reason_given(call.args.reason):
        words += ["--reason", "TEXT"]
    if plan.price_unknown and getattr(call.args, "cap", None) is None:
        words += ["--cap", "USD"]
    return shlex.join([*words, *(["--", *call.rest] if call.rest else [])])


def _said(call: Call) -> list[str]:
    """Return the words of this call but for those that confirm or hinder."""
    words = [word for word in call.argv if word not in ("--yes", "--force", *_DRY_WORDS)]
    if call.args.plan_hash and "--plan-hash" in words:
        at = words.index("--plan-hash")
        del words[at : at + 2]
    return [word for word in words if not word.startswith("--plan-hash=")]


def _name_flag(call: Call) -> str:
    """Return the flag that takes the name: a launch has a `--name` of another meaning."""
    return "--confirm-name" if hasattr(call.args, "name") else "--name"


def _by_flags(call: Call, plan: Plan) -> Confirmation:
    args = call.args
    if not (args.yes and args.plan_hash):
        raise ValidationError(
            "a plan is confirmed by --yes together with --plan-hash",
            todo=f"read the plan first: {command_for(call, plan) or 'the same command without --yes shows it'}",
        )
    if args.plan_hash != plan.hash:
        raise PlanChanged(
            f"the plan is not the one with the hash {args.plan_hash}",
            f"it now is {plan.hash}: {plan.effect}",
            "read the plan again: the same command without --yes",
        )
    if plan.verdict.forbidden:
        raise refusal(plan)
    confirmation = _said_by_flags(call)
    if not confirmation.acknowledges(plan.verdict):
        raise unacknowledged(plan, confirmation.acknowledged)
    if plan.verdict.level >= Level.NAME and args.confirm_name != plan.name_to_type:
        raise ValidationError(
            "this destroys data and needs the exact name",
            f"given: {args.confirm_name!r}" if args.confirm_name else "no name was given",
            f"add: {_name_flag(call)} {shlex.quote(plan.name_to_type)}",
        )
    if plan.price_unknown and args.cap is None:
        raise ValidationError("the price is unknown", todo="say what you accept per hour: --cap USD")
    return confirmation


def _said_by_flags(call: Call) -> Confirmation:
    args = call.args
    cap = getattr(args, "cap", None)
    return Confirmation(args.plan_hash, args.yes, args.confirm_name, cap, frozenset(args.ack), args.reason.strip())


def _no_force(call: Call, plan: Plan) -> Refused:
    """Return the answer to --force: nothing is forced, and what stands against it is acknowledged one by one."""
    if plan.verdict.forbidden:
        return refusal(plan)
    why = "; ".join(f"{one.text} [{one.code}]" for one in plan.verdict.blocking) or "nothing stands against it"
    return Refused("there is no --force", why, f"read the plan, then: {command_for(call, plan)}", code="force")


async def _by_questions(call: Call, plan: Plan) -> Confirmation:
    if plan.verdict.forbidden:
        raise refusal(plan)
    reason = await _ask_reason(call, plan) if plan.verdict.to_acknowledge else ""
    cap = getattr(call.args, "cap", None)
    if plan.price_unknown and cap is None:
        cap = await _ask_cap(call)
    name = ""
    match plan.verdict.level:
        case Level.NAME | Level.REASON:
            name = await call.console.ask(f"Type {plan.name_to_type} to go on:")
            agreed = name == plan.name_to_type
        case Level.YES:
            agreed = (await call.console.ask("Go on? [y/N]")).strip().lower() in ("y", "yes")
        case _:
            agreed = (await call.console.ask("Enter goes on, anything else does not:")) == ""
    if not agreed:
        raise UserError("cancelled", "nothing was changed", code="cancelled")
    return Confirmation(plan.hash, True, name, cap, frozenset(plan.verdict.to_acknowledge), reason)


async def _ask_reason(call: Call, plan: Plan) -> str:
    """Have every reason against the plan acknowledged, and return why it shall be done all the same."""
    for code in plan.verdict.to_acknowledge:
        texts = "; ".join(one.text for one in plan.verdict.blocking if one.code == code)
        if (await call.console.ask(f"{texts}. Go on all the same? [y/N]")).strip().lower() not in ("y", "yes"):
            raise UserError("cancelled", "nothing was changed", code="cancelled")
    reason = (await call.console.ask(f"Why all the same ({SHORTEST_REASON} characters or more)?")).strip()
    if not reason_given(reason):
        raise UserError("cancelled: no reason was given", "nothing was changed", code="cancelled")
    return reason


async def _ask_cap(call: Call) -> Decimal:
    text = await call.console.ask("The price is unknown. Dollars per hour that you accept:")
    try:
        return price(text)
    except ValueError as error:
        raise UserError(str(error), "nothing was changed", code="cancelled") from None
