"""The noun `pods`: what `instances` does, about RunPod's pods alone."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
from typing import Final

from runctl_tui.domain.fleet import FleetRow
from runctl_tui.headless import runs
from runctl_tui.headless.confirm import add_confirmation_flags
from runctl_tui.headless.instances import add_common_verbs, create, find
from runctl_tui.headless.launching import add_machine_flags
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_target, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.ports import Services

PROVIDER: Final = "runpod"
QUIET_SECONDS: Final = 5.0
"""After which a container that prints nothing is taken to have been heard to its end."""


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
    row = await find(services, call, call.args.instance)
    if not row.runs:
        return await _printed(services, call, row)
    args = argparse.Namespace(**{**vars(call.args), "run": row.runs[0].id})
    return await runs.logs(services, dataclasses.replace(call, args=args))


async def _printed(services: Services, call: Call, row: FleetRow) -> Reply:
    """What the container printed, until it is quiet for a while; with --follow until interrupted."""
    lines: list[str] = []
    patience = None if call.args.follow else QUIET_SECONDS
    async with contextlib.aclosing(services.fleet.logs(row.key)) as printed:  # type: ignore[type-var]  # a generator
        with contextlib.suppress(TimeoutError, StopAsyncIteration):
            while True:
                async with asyncio.timeout(patience):
                    line = await anext(printed)
                if call.args.follow:
                    call.console.out_line(line)
                else:
                    lines.append(line)
    lines = lines[-call.args.tail :] if call.args.tail else lines
    if not call.console.json:
        for line in lines:
            call.console.out_line(line)
    return Reply({"pod": row.instance.id, "lines": lines})
