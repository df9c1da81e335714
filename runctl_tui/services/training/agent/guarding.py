"""Which processes of the host are not ended from here, and why: the one judge, for a look and for a signal."""

import os
import re
from typing import List, Set, Tuple

from .basics import Refused
from .process_table import RUN, Seen, arguments, environment, owner, process, value_of
from .run_folder import Run, all_runs

OWN_FILE = re.compile(r"(agent-[0-9a-f]{8}\.pyz|runctl-tui)\Z")
OWN_PACKAGE = "runctl_tui"
PYTHON = re.compile(r"python[0-9.]*\Z")
WITH_VALUE = ("-X", "-W")
"""Options of Python that a value follows."""


def guard_of(seen: Seen) -> Tuple[str, str]:
    """Return in a word why a process is not ended, nothing where it may be, and the run that it belongs to."""
    if seen.kernel:
        return "kernel", ""
    if seen.pid == 1:
        return "first", ""
    if seen.pid in lineage(os.getpid()):
        return "carrier", ""
    uid = owner(seen.pid)
    if uid != os.getuid():
        return ("owner_unknown" if uid is None else "other_user"), ""
    if is_own_program(arguments(seen.pid)):
        return "program", value_of(RUN, environment(seen.pid) or "")
    return guard_of_run(seen)


def lineage(pid: int) -> Set[int]:
    """Return a process with all that it descends from."""
    found: Set[int] = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        seen = process(pid)
        pid = seen.parent if seen is not None else 0
    return found


def is_own_program(words: List[str]) -> bool:
    """Tell whether a command line is the agent's or the program's: interface, relay, tunnel, sandbox."""
    program = os.path.basename(words[0])
    if program == "runctl-tui":
        return True
    rest = iter(words[1:] if PYTHON.match(program) else [])
    for word in rest:
        if word == "-m":
            return next(rest, "").partition(".")[0] == OWN_PACKAGE
        if word in WITH_VALUE:
            next(rest, "")
        elif not word.startswith("-"):
            return bool(OWN_FILE.match(os.path.basename(word)))
    return False


def guard_of_run(seen: Seen) -> Tuple[str, str]:
    """Return the guard of a process that belongs to a run, or may belong to one, and the run."""
    variables = environment(seen.pid)
    if variables is None:
        return "run_unknown", ""
    run_id = value_of(RUN, variables)
    if not run_id:
        run_id = run_by_descent(seen)
        return ("run" if run_id else ""), run_id
    try:
        return ("run" if Run(run_id).require().alive() else ""), run_id
    except Refused:
        return "run_unknown", run_id


def run_by_descent(seen: Seen) -> str:
    """Return the living run whose processes this one descends from or is grouped with."""
    related = lineage(seen.pid)
    try:
        related |= {os.getpgid(seen.pid), os.getsid(seen.pid)}
    except OSError:
        return ""
    for run in all_runs():
        if related & ({run.supervisor(), run.command()} - {0}):
            return run.run_id
    return ""
