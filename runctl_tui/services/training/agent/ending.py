"""The verbs `stop` and `forget`: the end of a run, and of what the host keeps about it."""

import os
import shutil
import signal
import time

from .basics import TICK, Json, Refused, utc
from .fields import number, text_field
from .files import read_json, write_file, write_json
from .processes import signal_group
from .run_folder import Run
from .status import status_of


def verb_stop(request: Json) -> Json:
    """Ask for a run's end and wait for it: TERM, the grace in seconds, then KILL; once ended it changes nothing."""
    run = Run(request.get("run_id", "")).require()
    grace = max(0.0, number(request, "grace", 30))
    if run.alive():
        if not os.path.exists(run.path("stop.json")):
            reason = text_field(request, "reason", "stopped on request")
            write_json(run.path("stop.json"), {"requested_at": utc(), "grace": grace, "reason": reason, "by": "person"})
        deadline = time.time() + grace + 15
        while run.alive() and run.supervisor() and time.time() < deadline:
            time.sleep(TICK)
        if run.alive() and not run.starting():
            stop_orphan(run, grace)
    return status_of(run)


def stop_orphan(run: Run, grace: float) -> None:
    """Stop a command whose supervisor is dead, and write its end down in the supervisor's place."""
    pgid = run.command()
    signal_group(pgid, signal.SIGTERM)
    deadline = time.time() + grace
    while run.command() and time.time() < deadline:
        time.sleep(TICK)
    killed = bool(run.command())
    if killed:
        signal_group(pgid, signal.SIGKILL)
    code = 128 + int(signal.SIGKILL if killed else signal.SIGTERM)
    end = {"phase": "exited", "exit_code": code, "reason": "stopped on request after its supervisor had died"}
    write_json(run.path("state.json"), dict(run.state(), stop=read_json(run.path("stop.json")), ended_at=utc(), **end))
    write_file(run.path("exit_code"), "%d\n" % code)


def verb_forget(request: Json) -> Json:
    """Delete the folder of a run that has ended; its project and checkpoints stay."""
    run = Run(request.get("run_id", "")).require()
    if run.alive():
        raise Refused("run_active", "run %s has not ended" % run.run_id, "stop it first")
    shutil.rmtree(run.folder)
    return {"run_id": run.run_id}
