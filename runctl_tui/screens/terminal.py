"""Lends the terminal to another program, such as a shell on a host, and takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App, SuspendNotSupported

from runctl_tui.services.errors import Unsupported
from runctl_tui.services.terminal import run_in_terminal

if TYPE_CHECKING:
    from runctl_tui.services.ports import ShellCommand


async def lend_terminal(app: App[Any], command: ShellCommand, heading: str) -> int:
    """Run a program in the terminal and return its exit status; our feeds and jobs go on meanwhile."""
    try:
        with app.batch_update(), app.suspend():
            print(heading, flush=True)
            status = await run_in_terminal(command)
    except SuspendNotSupported as error:
        raise Unsupported("a shell", "this terminal cannot be lent", "open another terminal") from error
    app.refresh(layout=True)
    return status
