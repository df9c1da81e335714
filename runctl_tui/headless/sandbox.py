"""The noun `sandbox`: the embedded cloud of the state folder in use."""

from __future__ import annotations

import argparse

from runctl_tui.domain.text import safe
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.errors import SandboxFailed
from runctl_tui.services.ports_services import Services


class _DryRun(argparse.Action):
    """Keeps even the sandbox from being started for a call that only says what it would do."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *rest: object) -> None:
        namespace.dry_run = True
        namespace.needs = Needs.ASLEEP


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    for verb, needs, words in (
        ("start", Needs.SERVICES, "start it and leave it running"),
        ("stop", Needs.ASLEEP, "end it now, with every process in it"),
        ("status", Needs.ASLEEP, "say whether it runs and what is in it"),
    ):
        parser = add_noun(verbs, verb, words)
        parser.set_defaults(handler=command, needs=needs, dry_run=False)
        if verb != "status":
            _add_dry_run(parser)
    parser = add_noun(verbs, "cut", "cut a machine's link for a while")
    parser.add_argument("instance", metavar="INSTANCE", help="id or name")
    parser.add_argument("seconds", metavar="SECONDS", type=float, help="how long")
    parser.set_defaults(handler=command, needs=Needs.SERVICES)
    _add_dry_run(parser)
    parser = add_noun(verbs, "interrupt", "give a spot machine its interruption notice")
    parser.add_argument("instance", metavar="INSTANCE", help="id or name")
    parser.add_argument("seconds", metavar="SECONDS", nargs="?", type=float, help="until it goes; default: 120")
    parser.set_defaults(handler=command, needs=Needs.SERVICES)
    _add_dry_run(parser)


def _add_dry_run(parser: Parser) -> None:
    parser.add_argument(
        "--dry-run", action=_DryRun, nargs=0, default=False, help="say what would be done, and do nothing"
    )


async def command(services: Services, call: Call) -> Reply:
    """Pass the words on to the sandbox."""
    if services.sandbox is None:
        raise SandboxFailed("there is no sandbox here", todo="pip install 'runctl-tui[sandbox]'")
    words = [call.args.verb]
    words += [call.args.instance] if "instance" in call.args else []
    seconds = getattr(call.args, "seconds", None)
    words += [] if seconds is None else [f"{seconds:g}"]
    if call.args.dry_run:
        said = " ".join(words)
        return Reply({"dry_run": True, "command": said}, f"the sandbox would {said}; nothing was done: --dry-run")
    answer = await services.sandbox.command(words)
    return Reply({"command": " ".join(words), "answer": answer}, safe(answer, 2000))
