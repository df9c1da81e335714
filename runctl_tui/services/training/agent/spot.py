"""Sees that a spot instance is about to be taken away; the uploader has it watch in a thread."""

import json
import os
import threading
import time

from .basics import utc
from .files import write_json
from .metadata import Metadata
from .run_folder import Run
from .web import Http

SPOT_EVERY = 5.0


class SpotWatch:
    """Asks for a run's end, and lets the uploader know, when the instance's interruption is announced."""

    def __init__(self, run: Run, metadata: Metadata) -> None:
        self.run, self.metadata = run, metadata
        self.noticed = threading.Event()

    def watch(self) -> None:
        """Stop the run when its spot instance is about to be taken away."""
        while not self.noticed.is_set() and os.path.isdir(self.run.folder):
            try:
                text = None if self.metadata.off else self.metadata.get("/latest/meta-data/spot/instance-action")
            except (OSError, Http):
                text = None
            if text:
                self.obey(text)
                return
            time.sleep(SPOT_EVERY)

    def obey(self, text: str) -> None:
        """Write the interruption down and ask the supervisor for the end of the run."""
        try:
            notice = json.loads(text)
        except ValueError:
            notice = {"action": text.strip()}
        stop = {"requested_at": utc(), "grace": 30, "reason": "spot interruption", "by": "spot", "notice": notice}
        if self.run.alive() and not os.path.exists(self.run.path("stop.json")):
            write_json(self.run.path("stop.json"), stop)
        self.noticed.set()
