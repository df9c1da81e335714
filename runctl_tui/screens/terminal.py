"""Lends the terminal to another program, such as a shell on a host, and takes it back."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from runctl_tui.services.errors import Unsupported

if TYPE_CHECKING:
    from runctl_tui.services.ports import ShellCommand


async def lend_terminal(app: App[Any], command: ShellCommand, heading: str) -> int:
    """Run a program in the terminal and return its exit status; our feeds and jobs go on meanwhile."""
    try:
        with app.batch_update(), app.suspend():
            print(heading, flush=True)
            status = await _run(command)
    except SuspendNotSupported as error:
        raise Unsupported("a shell", "this terminal cannot be lent", "open another terminal") from error
    app.refresh(layout=True)
    return status


async def _run(command: ShellCommand) -> int:
    """Run it; an interrupt key is for it alone."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    process = None
    try:
        process = await asyncio.create_subprocess_exec(*command.argv, env={**os.environ, **command.environment})
        return await process.wait()
    except OSError as error:
        raise Unsupported("a shell", f"{command.argv[0]}: {error.strerror}", "install it, or mend PATH") from error
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        if process is not None and process.returncode is None:
            process.terminate()
