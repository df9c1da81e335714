"""The noun `audit`: who wanted to change what, on which verdict, and what came of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from runctl_tui.domain import figures
from runctl_tui.domain.audit import AuditEvent
from runctl_tui.headless import output
from runctl_tui.headless.flags import strictly
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.audit import broken

if TYPE_CHECKING:
    from runctl_tui.services.ports_services import Services

_COLUMNS = {"AT (UTC)": "when", "BY": "user", "EVENT": "event", "WHAT": "effect", "RESULT": "result"}
_LATEST = 100


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    parser = add_noun(verbs, "list", "list what was wanted, refused, cancelled and done, oldest first")
    parser.add_argument("--event", choices=[each.value for each in AuditEvent], help="only what became this")
    parser.add_argument("--about", metavar="TEXT", default="", help="only what names this: id, name, code, user")
    parser.add_argument(
        "--latest", metavar="N", type=strictly(figures.whole), default=_LATEST, help=f"how many ({_LATEST})"
    )
    parser.set_defaults(handler=list_all, needs=Needs.ASLEEP)
    parser = add_noun(verbs, "verify", "look whether a line was changed, put in or taken out")
    parser.set_defaults(handler=verify, needs=Needs.ASLEEP)


async def list_all(services: Services, call: Call) -> Reply:
    """The latest entries."""
    args, chain = call.args, await services.audit.read()
    found = [one for one in chain.entries if args.event in (None, one.event.value) and one.mentions(args.about)]
    rows: list[output.Row] = [asdict(one) for one in found[-args.latest :]]
    shown = [{**row, "when": f"{row['at']:%Y-%m-%d %H:%M:%S}"} for row in rows]
    return Reply(rows, output.table(shown, _COLUMNS, "nothing such was changed, refused or cancelled"))


async def verify(services: Services, _: Call) -> Reply:
    """Whether the chain holds; StateError where it does not."""
    chain = await services.audit.read()
    if chain.breaks:
        raise broken(chain, services.audit.path)
    count = len(chain.entries)
    return Reply({"entries": count, "intact": True}, f"{count} entries, each follows on the one before")
