"""The verb `process`: a close look at some processes, whether one still lives, and a signal to exactly one."""

import os
import signal
import time
from typing import Dict, List, Optional

from .basics import Json, Refused
from .fields import text_field
from .gpus import gpu_memory, gpus
from .guarding import guard_of
from .process_table import MARK, ProcessTable, Seen, process, variable

MEASURED_OVER = 0.3
"""Seconds over which processor time is measured."""
CHILDREN = 5
"""Those that are named."""
SIGNALS = {"TERM": signal.SIGTERM, "KILL": signal.SIGKILL}


def verb_process(request: Json) -> Json:
    """Look at processes, tell whether one lives, or send it a signal: what `do` says."""
    task = text_field(request, "do", "look")
    if task == "look":
        return {"processes": looks(request.get("processes") or []), "uid": os.getuid()}
    pid, start = whole(request, "pid", 1), whole(request, "start", 0)
    if task == "state":
        seen = here(pid)
        return {"state": seen.state if seen is not None and seen.start == start else ""}
    if task not in SIGNALS:
        raise Refused("bad_request", "do must be look, state, TERM or KILL")
    return {"sent": send(pid, start, SIGNALS[task])}


def looks(wanted: List[Json]) -> List[Json]:
    """Return a close look at each process that is wanted by its number, and by its start where that is known."""
    table = ProcessTable()
    time.sleep(MEASURED_OVER)
    everyone = {seen.pid: seen for seen in table.measured()}
    children: Dict[int, List[Seen]] = {}
    for seen in everyone.values():
        children.setdefault(seen.parent, []).append(seen)
    on_gpu = gpu_memory(gpus()[0])
    found = []
    for each in wanted:
        pid, start = whole(each, "pid", 1), None if each.get("start") is None else whole(each, "start", 0)
        one = everyone.get(pid) or here(pid)
        found.append(look(pid, start, one, table, {"on_gpu": on_gpu, "children": children.get(pid, [])}))
    return found


def look(pid: int, start: Optional[int], seen: Optional[Seen], table: ProcessTable, more: Json) -> Json:
    """Return what one process is, what guards it, and which processes it has begun."""
    answer: Json = {"pid": pid, "process": None, "instead": "", "guard": "", "children": [], "children_total": 0}
    if seen is None:
        return answer
    if start is not None and seen.start != start:
        return dict(answer, instead=seen.name)
    guard, run_id = guard_of(seen)
    row = dict(table.rows([seen], more["on_gpu"])[0], run_id=run_id)
    names = ["%d %s" % (child.pid, child.name) for child in more["children"][:CHILDREN]]
    return dict(answer, process=row, guard=guard, children=names, children_total=len(more["children"]))


def send(pid: int, start: int, number: int) -> bool:
    """Send a signal to exactly this process; False where it has ended already.

    A handle is taken before the last look, so that a number that is given again meanwhile is never meant.
    """
    handle = handle_of(pid)
    try:
        seen = here(pid)
        if seen is None:
            return False
        if seen.start != start:
            raise Refused("process_other", "process %d is another one now: %s" % (pid, seen.name), "look again")
        guard = guard_of(seen)[0]
        if guard:
            raise Refused("process_" + guard, "process %d is not ended: %s" % (pid, guard.replace("_", " ")))
        if handle >= 0:
            signal.pidfd_send_signal(handle, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return False
    finally:
        if handle >= 0:
            os.close(handle)
    return True


def handle_of(pid: int) -> int:
    """Return a descriptor that means this process and no later one, -1 where Python or the kernel has none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def here(pid: int) -> Optional[Seen]:
    """Return a living process of this host, also one of the kernel."""
    mine, seen = os.environ.get(MARK, ""), process(pid)
    return None if seen is None or (mine and variable(pid, MARK) != mine) else seen


def whole(request: Json, name: str, least: int) -> int:
    """Return a whole number of the request."""
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise Refused("bad_request", "%s must be a whole number of at least %d" % (name, least))
    return value
