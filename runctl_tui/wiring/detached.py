"""Starts detached processes of this program, with the options that it was started with: relay and kept tunnels."""

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


def own_command(options: Options, *noun: str) -> list[str]:
    """Return the command line of this program with the same options and another noun."""
    folder = str(paths.state_dir(options.state_dir or None))
    words = [sys.executable, "-m", "runctl_tui", "--state-dir", folder]
    words += ["--sandbox"] if options.sandbox else []
    words += ["--profile", options.profile] if options.profile else []
    words += ["--config", options.config_file] if options.config_file else []
    for region in options.regions:
        words += ["--region", region]
    return [*words, *(["--read-only"] if options.read_only else []), *noun]


def start_detached(log: Path, command: list[str]) -> None:
    """Start a process in a session of its own, so that it outlives this program; a failure is only logged."""
    detached = ["/bin/sh", "-c", _DETACH, "sh", str(log), *command]
    try:
        subprocess.run(detached, stdin=subprocess.DEVNULL, start_new_session=True, check=True, timeout=5)
    except (OSError, subprocess.SubprocessError) as error:
        _LOG.warning("%s could not be started: %s", command[-1], error)
