"""The verbs `claim`, `protect`, `unprotect` and `schedule` of machines, volumes and snapshots."""

from __future__ import annotations

from functools import partial

from runctl_tui.domain.figures import day
from runctl_tui.domain.marks import INSTANCE, MarkRequest, Way
from runctl_tui.domain.states import Operation
from runctl_tui.headless.confirm import add_confirmation_flags, decide, show
from runctl_tui.headless.flags import strictly
from runctl_tui.headless.follow import carry_out, job_reply
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_target
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.ports_services import Services

_WORDS = {
    Operation.CLAIM: "take over {} that runctl or somebody else made",
    Operation.PROTECT: "keep {} from being destroyed",
    Operation.UNPROTECT: "take a protection away; what had one can be destroyed a minute later",
    Operation.SCHEDULE: "mark {} for a deletion that somebody confirms when it is due",
    Operation.UNSCHEDULE: "take the date of a deletion away",
}


def register(verbs: Nouns[Parser], kind: str) -> None:
    """Add the verbs for one kind of things."""
    for operation, words in _WORDS.items():
        parser = add_noun(verbs, operation.verb, words.format(f"{kind}s"))
        add_target(parser, kind, many=True)
        if operation is Operation.SCHEDULE:
            help_text = "the day (UTC) after which it is due"
            parser.add_argument(
                "--after", dest="day", metavar="DATE", type=strictly(day), required=True, help=help_text
            )
        if operation in (Operation.PROTECT, Operation.UNPROTECT):
            _add_ways(parser, kind, dated=operation is Operation.PROTECT)
        add_confirmation_flags(parser)
        parser.set_defaults(handler=partial(mark, operation, kind), needs=Needs.SERVICES)


async def mark(operation: Operation, kind: str, services: Services, call: Call) -> Reply:
    """Plan, confirm and mark."""
    args = call.args
    when = getattr(args, "day", None)
    way = Way.UNTIL if operation is Operation.PROTECT and when else getattr(args, "way", None) or Way.TAG
    references = tuple(getattr(args, f"{kind}s"))
    plan = await services.actions.plan_marks(MarkRequest(operation, kind, references, way, when))
    confirmation = await decide(services.actions, call, plan)
    if confirmation is None:
        return show(call, plan)
    return job_reply(await carry_out(services, call, plan, confirmation), plan)


def _add_ways(parser: Parser, kind: str, *, dated: bool) -> None:
    ways = parser.add_mutually_exclusive_group()
    if dated:
        ways.add_argument("--until", dest="day", metavar="DATE", type=strictly(day), help="until a day (UTC), by a tag")
    else:
        words = "the day until which it is protected"
        ways.add_argument("--until", dest="way", action="store_const", const=Way.UNTIL, help=words)
    if kind == INSTANCE:
        for way in (Way.TERMINATION, Way.STOP):
            words = f"EC2's own {way.value} protection"
            ways.add_argument(f"--{way.value}", dest="way", action="store_const", const=way, help=words)
