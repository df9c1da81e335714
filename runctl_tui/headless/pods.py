"""The noun `pods`: what `instances` does, about RunPod's pods alone."""

from __future__ import annotations

import argparse
import dataclasses

from runctl_tui.headless import runs
from runctl_tui.headless.confirm import add_confirmation_flags
from runctl_tui.headless.instances import add_common_verbs, create, find
from runctl_tui.headless.launching import add_machine_flags
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_target, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.errors import ResourceNotFound
from runctl_tui.services.ports import Services

PROVIDER = "runpod"


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    add_common_verbs(verbs, "POD", PROVIDER)
    parser = add_noun(verbs, "create", "create a pod")
    add_machine_flags(parser, PROVIDER)
    add_confirmation_flags(parser, launches=True)
    parser.set_defaults(handler=create, needs=Needs.SERVICES)
    parser = add_noun(verbs, "logs", "print the log of a pod's newest training run")
    add_target(parser, "instance", metavar="POD")
    runs.add_log_flags(parser)
    parser.set_defaults(handler=logs, needs=Needs.SERVICES, only=PROVIDER)


async def logs(services: Services, call: Call) -> Reply:
    """The log of the pod's newest run; ResourceNotFound where nothing was ever trained on it."""
    row = await find(services, call, call.args.instance)
    if not row.runs:
        raise ResourceNotFound(
            f"{row.instance.name or row.instance.id} has no training run",
            "a container's own output is kept by RunPod alone",
            f"train on it: runctl-tui runs start SCRIPT --on {row.instance.id}",
        )
    args = argparse.Namespace(**{**vars(call.args), "run": row.runs[0].id})
    return await runs.logs(services, dataclasses.replace(call, args=args))
