"""The verb `instances ssh`: a shell on a machine, or one command there with its own streams and exit code."""

from __future__ import annotations

import sys

from runctl_tui.headless.parser import UsageError
from runctl_tui.headless.reply import Call, Reply
from runctl_tui.services.ports_services import Services
from runctl_tui.services.terminal import run_captured, run_in_terminal


async def ssh(services: Services, call: Call) -> Reply:
    """Lend the terminal to a shell, or run what follows '--'; the exit code is the shell's or the command's."""
    if not call.rest and not (call.console.interactive and sys.stdout.isatty()):
        raise UsageError("a shell needs a terminal", todo="put a command after '--': instances ssh ID -- nvidia-smi")
    row = await services.fleet.find(call.args.instance)
    command = await services.shells.command(row.key, call.rest)
    if not call.console.json:
        return Reply(None, exit_code=await run_in_terminal(command))
    status, out, err = await run_captured(command)
    texts = {"stdout": out.decode("utf-8", "replace"), "stderr": err.decode("utf-8", "replace")}
    return Reply({"instance_id": row.instance.id, "exit_code": status, **texts}, exit_code=status)
