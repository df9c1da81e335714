"""Finding and ending the processes of a sandbox host, detached ones included, by the marks in their environment."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from runctl_tui.sandbox.environment import FOLDER_MARK, INSTANCE_MARK

PROC: Final = Path("/proc")
POLL_S: Final = 0.02


def of_sandbox(folder: Path, instance_id: str | None = None, *, having: str = "", without: str = "") -> set[int]:
    """Return the processes of one instance of the sandbox in `folder`, or of all of its instances.

    `having` and `without` name variables: only processes with the one and without the other count.
    """
    wanted = {f"{FOLDER_MARK}={folder}"}
    if instance_id is not None:
        wanted.add(f"{INSTANCE_MARK}={instance_id}")
    reader = _environments if (PROC / "self" / "environ").exists() else _environments_by_ps
    found = set()
    for pid, variables in reader():
        names = {each.partition("=")[0] for each in variables}
        fits = (not having or having in names) and (not without or without not in names)
        if wanted <= variables and fits:
            found.add(pid)
    return found - {os.getpid()}


def end(find: Callable[[], set[int]], *, grace_s: float) -> bool:
    """Send TERM, wait, then KILL until `find` returns nothing; True when nothing is left."""
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 2.0)):
        deadline = time.monotonic() + patience_s
        told: set[int] = set()
        while alive := find():
            for pid in alive - told if number == signal.SIGTERM else alive:
                _send(pid, number)
            told |= alive
            if time.monotonic() >= deadline:
                break
            time.sleep(POLL_S)
        else:
            return True
    return not find()


def send_to_group(leader: int, number: int) -> None:
    """Signal a process group, or its leader where the group is already gone."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        _send(leader, number)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _environments() -> Iterator[tuple[int, set[str]]]:
    for entry in os.scandir(PROC):
        if not entry.name.isdigit():
            continue
        try:
            raw = (PROC / entry.name / "environ").read_bytes()
        except OSError:
            continue
        if raw:
            yield int(entry.name), set(raw.decode(errors="replace").split("\0"))


def _environments_by_ps() -> Iterator[tuple[int, set[str]]]:
    listing = subprocess.run(["ps", "axeww", "-o", "pid=,command="], capture_output=True, check=False)
    for line in listing.stdout.decode(errors="replace").splitlines():
        pid, _, command = line.strip().partition(" ")
        if pid.isdigit():
            yield int(pid), set(command.split())
