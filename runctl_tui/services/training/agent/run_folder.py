"""One run's folder and what its files say; the supervisor, the uploader and every verb about runs use it."""

import os
import re
import time
from typing import List, Optional

from .basics import ROOT, Json, Refused
from .files import read_json, read_text
from .processes import recorded_alive

RUNS = os.path.join(ROOT, "runs")
START_GRACE = 15.0
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


class Run:
    """A run's folder and what its files say."""

    def __init__(self, run_id: str) -> None:
        if not isinstance(run_id, str) or not RUN_ID.match(run_id):
            raise Refused(
                "bad_run_id", "run_id %r is not a run id" % (run_id,), "letters, digits, dot, dash, underscore"
            )
        self.run_id = run_id
        self.folder = os.path.join(RUNS, run_id)
        self.log = self.path("log")

    def path(self, name: str) -> str:
        """Return the path of one of the run's files."""
        return os.path.join(self.folder, name)

    def require(self) -> "Run":
        """Return the run itself; raise when this host does not know it."""
        if not os.path.isdir(self.folder):
            raise Refused("unknown_run", "this host has no run %s" % self.run_id, "list them with the verb sweep")
        return self

    def request(self) -> Json:
        """Return the run as it was asked for, without values of variables."""
        return read_json(self.path("run.json"))

    def state(self) -> Json:
        """Return the last state that the supervisor wrote."""
        return read_json(self.path("state.json"))

    def exit_code(self) -> Optional[int]:
        """Return the exit code, 128 plus the signal's number for a death by signal; None while there is none."""
        text = read_text(self.path("exit_code")).strip()
        return int(text) if text.lstrip("-").isdigit() else None

    def supervisor(self) -> int:
        """Return the living supervisor's process number, else 0."""
        return recorded_alive(self.path("supervisor"))

    def command(self) -> int:
        """Return the living command's process number, else 0."""
        return recorded_alive(self.path("pid"))

    def starting(self) -> bool:
        """Tell whether the run was made so recently that its supervisor may not have written its number."""
        age = time.time() - os.stat(self.folder).st_mtime if os.path.isdir(self.folder) else START_GRACE
        return not os.path.exists(self.path("supervisor")) and age < START_GRACE

    def alive(self) -> bool:
        """Tell whether anything of the run, bar its uploader, still works."""
        return self.exit_code() is None and bool(self.starting() or self.supervisor() or self.command())

    def ended(self) -> bool:
        """Tell whether the run is over, lost ones included."""
        return not self.alive()

    def checkpoint_dir(self) -> str:
        """Return the absolute path of the folder in which the run leaves its checkpoints."""
        request = self.request()
        return os.path.join(request.get("project_dir", self.folder), request.get("checkpoint_dir") or "checkpoints")


def all_runs() -> List[Run]:
    """Return the runs of this host, oldest folder name first."""
    names = os.listdir(RUNS) if os.path.isdir(RUNS) else []
    return [Run(name) for name in sorted(names) if RUN_ID.match(name) and os.path.isdir(os.path.join(RUNS, name))]
