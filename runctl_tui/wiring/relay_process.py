"""Starts the detached relay of a state folder, with the options that this program was started with."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from runctl_tui import paths

if TYPE_CHECKING:
    from pathlib import Path

    from runctl_tui.options import Options

_LOG: Final = logging.getLogger(__name__)
_DETACH: Final = 'log=$1; shift; umask 077; "$@" </dev/null >"$log" 2>&1 &'


def relay_command(options: Options) -> list[str]:
    """Return the command line of the relay that serves what these options show."""
    folder = str(paths.state_dir(options.state_dir or None))
    words = [sys.executable, "-m", "runctl_tui", "--state-dir", folder]
    words += ["--sandbox"] if options.sandbox else []
    words += ["--profile", options.profile] if options.profile else []
    words += ["--config", options.config_file] if options.config_file else []
    for region in options.regions:
        words += ["--region", region]
    return [*words, *(["--read-only"] if options.read_only else []), "relay"]


def start_relay(options: Options, log: Path) -> None:
    """Start the relay in a session of its own, so that it outlives this program; a failure is only logged."""
    command = ["/bin/sh", "-c", _DETACH, "sh", str(log), *relay_command(options)]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, start_new_session=True, check=True, timeout=5)
    except (OSError, subprocess.SubprocessError) as error:
        _LOG.warning("the relay could not be started: %s", error)
