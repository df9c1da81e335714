"""The verb `uploader`, and what keeps a run's uploader going; the supervisor and the relay's verbs use it."""

import os
import signal
import time

from .basics import TICK, Json
from .processes import detach, record_process, recorded_alive
from .run_folder import Run
from .status import upload_summary


def start_uploader(run: Run) -> int:
    """Start a run's uploader unless it lives; returns its process number."""
    pid = recorded_alive(run.path("uploader"))
    if not pid:
        pid = detach("upload", run.run_id)
        record_process(run.path("uploader"), pid)
    return pid


def verb_uploader(request: Json) -> Json:
    """Start a run's uploader, after a reboot say; `restart` ends a living one first, for the new environment."""
    run = Run(request.get("run_id", "")).require()
    if request.get("restart"):
        end_uploader(run)
    return {"pid": start_uploader(run), "uploads": upload_summary(run)}


def end_uploader(run: Run) -> None:
    """End a run's uploader; what it had sent in parts is kept."""
    deadline = time.time() + 10
    pid = recorded_alive(run.path("uploader"))
    if pid:
        os.kill(pid, signal.SIGTERM)
    while recorded_alive(run.path("uploader")) and time.time() < deadline:
        time.sleep(TICK)
