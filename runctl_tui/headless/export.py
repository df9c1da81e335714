"""The noun `export`: the rows of a list as a file for spreadsheets, programs, browsers or notes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final, cast

from runctl_tui.domain.sheet import SheetFormat, sheet_of, written
from runctl_tui.headless import output
from runctl_tui.headless.absent import without_absent
from runctl_tui.headless.parser import Nouns, Parser, UsageError, add_noun, check_leftovers, global_flag, noun_parser
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.ports_services import Services

VIEWS: Final = {
    "instances": ("instances", "list"),
    "pods": ("pods", "list"),
    "volumes": ("volumes", "list"),
    "snapshots": ("snapshots", "list"),
    "runs": ("runs", "list"),
    "checkpoints": ("checkpoints", "list"),
    "resources": ("resources", "list"),
    "costs": ("cost", "--by", "project"),
}
"""What can be exported, and the command whose rows it is."""


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun."""
    parser = add_noun(nouns, name, help_text)
    words = f"one of: {', '.join(VIEWS)}; flags of its list follow '--'"
    parser.add_argument("view", metavar="VIEW", choices=VIEWS, help=words)
    formats = [form.value for form in SheetFormat]
    words = "csv, json, html or md; default: what FILE ends in, else csv"
    parser.add_argument("--format", choices=formats, default="", metavar="FORMAT", help=words)
    parser.add_argument("--output", metavar="FILE", default="", help="a new file; without it standard output")
    parser.set_defaults(handler=export, needs=Needs.SERVICES, takes_rest=True)


async def export(services: Services, call: Call) -> Reply:
    """Ask for the rows as the list itself would, and write them with their time and scope."""
    form = _format(call)
    listed = await _listed(services, call)
    rows, excluded = _parts(call.args.view, listed.data)
    sheet = dataclasses.replace(
        sheet_of(call.args.view, rows, services.clock.now()),
        scope=listed.scope,
        missing=(*(problem.what for problem in listed.missing), *excluded),
    )
    text = written(sheet, form)
    if not call.args.output:
        return Reply({"format": form, "text": text}, text.removesuffix("\n"), listed.missing)
    path = call.folder / call.args.output
    await services.exports.write_to(path, text)
    data = {"file": str(path), "format": form, "rows": len(rows)}
    return Reply(data, f"{path}: {len(rows)} rows written", listed.missing)


def _parts(view: str, data: object) -> tuple[list[output.Row], list[str]]:
    """Return the rows of a list's answer as JSON has them, what is absent marked, and what its sums leave out."""
    facts = data if isinstance(data, dict) else {"rows": data, "excluded": ()}
    rows = [without_absent(view, row) for row in cast(list[output.Row], facts["rows"])]
    return rows, cast(list[str], output.plain(facts["excluded"]))


def _format(call: Call) -> SheetFormat:
    ending = Path(call.args.output).suffix.removeprefix(".").lower()
    if call.args.format:
        return SheetFormat(call.args.format)
    return SheetFormat(ending) if ending in [form.value for form in SheetFormat] else SheetFormat.CSV


async def _listed(services: Services, call: Call) -> Reply:
    """Call the list with its own flags."""
    words = VIEWS[call.args.view]
    if flag := global_flag(call.rest):
        todo = f"put it before '--': runctl-tui export {call.args.view} {flag} …"
        raise UsageError(f"{flag} is a global flag, and what follows '--' is for the list alone", todo=todo)
    parser = noun_parser(words[0])
    args, leftovers = parser.parse_known_args([*words, *call.rest])
    check_leftovers(parser, words[0], leftovers)
    if getattr(args, "watch", False):
        raise UsageError("--watch goes on, and a file ends", todo="export without it")
    reply: Reply = await args.handler(services, dataclasses.replace(call, args=args, rest=()))
    return reply
