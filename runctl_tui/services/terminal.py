"""Runs another program in our own terminal, such as a shell on a host; screens and `instances ssh` use it."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from runctl_tui.services.errors import Unsupported

if TYPE_CHECKING:
    from runctl_tui.services.ports import ShellCommand


async def run_in_terminal(command: ShellCommand) -> int:
    """Run a program to its end and return its exit status; an interrupt key is for it alone."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    process = None
    try:
        process = await asyncio.create_subprocess_exec(*command.argv, env={**os.environ, **command.environment})
        return exit_code(await process.wait())
    except OSError as error:
        raise cannot_start(command, error) from error
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGHUP)  # a shell that somebody types into ignores TERM
            process.terminate()


async def run_captured(command: ShellCommand) -> tuple[int, bytes, bytes]:
    """Run a program without input and return exit status, standard output and standard error."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command.argv,
            env={**os.environ, **command.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise cannot_start(command, error) from error
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
    return exit_code(process.returncode or 0), out, err


def exit_code(status: int) -> int:
    """Return what a shell would call a status: 128 plus the signal's number for a death by signal."""
    return status if status >= 0 else 128 - status


def cannot_start(command: ShellCommand, error: OSError) -> Unsupported:
    """Return the error about a program that could not be started."""
    return Unsupported("a shell", f"{command.argv[0]}: {error.strerror}", "install it, or mend PATH")
