"""The verbs `status` and `sweep`: all that is known about runs."""

import os
import time
from typing import Optional

from .basics import Json, utc
from .checkpoints import left_unfinished, own_entries
from .fields import text_list
from .files import read_json
from .own_load import own_vitals
from .processes import boot_id, recorded_alive
from .run_folder import Run, all_runs

UNSENT = ("pending", "uploading", "waiting", "failed")
"""States of files that are still to be sent."""


def checkpoint_summary(run: Run) -> Json:
    """Return how many checkpoints a run has and which is the newest."""
    entries = [entry for entry in own_entries(run) if entry["format"] != "marker" and not left_unfinished(entry)]
    newest = (
        max(entries, key=lambda entry: (entry["step"] is not None, entry["step"] or 0, entry["mtime"]))
        if entries
        else None
    )
    names = ("name", "step", "size", "mtime")
    return {"count": len(entries), "newest": {name: newest[name] for name in names} if newest else None}


def upload_summary(run: Run) -> Json:
    """Return how many checkpoint files are where on their way to S3."""
    uploads = read_json(run.path("uploads.json"))
    rows = [row for path, row in uploads.get("files", {}).items() if path.startswith("checkpoints/")]
    counts = {state: sum(row["state"] == state for row in rows) for state in ("pending", "done", "failed", "waiting")}
    return {
        "state": uploads.get("state", "off"), "pending": counts["pending"] + counts["waiting"], "done": counts["done"],
        "failed": counts["failed"], "waiting_for_urls": counts["waiting"], "note": uploads.get("note", ""),
        "bytes_left": sum(row["signature"][0] - row.get("sent", 0) for row in rows if row["state"] in UNSENT),
        "error": next((row["error"] for row in rows if row["state"] == "failed"), ""),
        "uploader_alive": bool(recorded_alive(run.path("uploader"))),
    }  # fmt: skip


def status_of(run: Run) -> Json:
    """Return all that is known about a run."""
    # A run that ends meanwhile writes its state with the exit code in it, then its processes go: read backwards.
    starting, supervisor, command = run.starting(), run.supervisor(), run.command()
    written = run.exit_code()
    state = run.state()
    code = state.get("exit_code", written)
    alive = code is None and bool(supervisor or command or starting)
    try:
        heartbeat: Optional[float] = max(0.0, time.time() - os.stat(run.path("heartbeat")).st_mtime)
    except OSError:
        heartbeat = None
    try:
        log = os.stat(run.log)
        log_size, log_inode = log.st_size, log.st_ino
    except OSError:
        log_size, log_inode = 0, 0
    phase = state.get("phase", "starting" if code is None else "exited")
    return {
        "run_id": run.run_id, "phase": phase, "reason": state.get("reason", ""), "alive": alive,
        "supervised": bool(supervisor), "pid": command or None, "exit_code": code, "lost": code is None and not alive,
        "heartbeat_age": heartbeat, "log_size": log_size, "log_inode": log_inode,
        "created_at": state.get("created_at"), "started_at": state.get("running_at"), "ended_at": state.get("ended_at"),
        "stop": state.get("stop"), "checkpoints": checkpoint_summary(run), "uploads": upload_summary(run),
    }  # fmt: skip


def verb_status(request: Json) -> Json:
    """Return the status of the named runs, or of all."""
    wanted = request.get("run_ids")
    runs = all_runs() if wanted is None else [Run(name) for name in text_list(request, "run_ids")]
    present = [run for run in runs if os.path.isdir(run.folder)]
    missing = [run.run_id for run in runs if not os.path.isdir(run.folder)]
    return {"runs": [status_of(run) for run in present], "missing": missing, "boot_id": boot_id(), "time": utc()}


def verb_sweep(request: Json) -> Json:
    """Return every run of this host with the request it came from, and where wanted what the host is doing."""
    answer: Json = {"runs": [dict(status_of(run), request=run.request()) for run in all_runs()], "time": utc()}
    if request.get("measure"):
        answer["vitals"] = own_vitals()
    return answer
