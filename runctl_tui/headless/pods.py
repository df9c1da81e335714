"""The noun `pods`: what `instances` does, about RunPod's pods alone."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Final

from runctl_tui.domain.fleet import FleetRow
from runctl_tui.headless import runs
from runctl_tui.headless.confirm import add_confirmation_flags
from runctl_tui.headless.instances import add_common_verbs, create, find
from runctl_tui.headless.launching import add_machine_flags
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_target, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.ports_services import Services

PROVIDER: Final = "runpod"


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    add_common_verbs(verbs, "POD", PROVIDER)
    parser = add_noun(verbs, "create", "create a pod")
    add_machine_flags(parser, PROVIDER)
    add_confirmation_flags(parser, launches=True)
    parser.set_defaults(handler=create, needs=Needs.SERVICES)
    parser = add_noun(verbs, "logs", "print the log of a pod's newest training run, else what its container prints")
    add_target(parser, "instance", metavar="POD")
    runs.add_log_flags(parser)
    parser.set_defaults(handler=logs, needs=Needs.SERVICES, only=PROVIDER)


async def logs(services: Services, call: Call) -> Reply:
    """The log of the pod's newest run; what its container prints where nothing was ever trained on it."""
    runs.check_tail(call)
    row = await find(services, call, call.args.instance)
    if not row.runs:
        return await _printed(services, call, row)
    args = argparse.Namespace(**{**vars(call.args), "run": row.runs[0].id})
    return await runs.logs(services, dataclasses.replace(call, args=args))


async def _printed(services: Services, call: Call, row: FleetRow) -> Reply:
    """What the container printed last; with --follow until it ends or somebody interrupts."""
    if call.args.follow:
        async for line in services.fleet.logs(row.key):
            call.console.out_line(line)
        return Reply({"pod": row.instance.id})
    lines = [line async for line in services.fleet.logs(row.key, follow=False)]
    return Reply({"pod": row.instance.id, "lines": runs.print_log(call, lines)})
