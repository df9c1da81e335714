"""The verbs `host` and `watch`: everything about the host at this moment, once or every two seconds."""

import os
import time
from typing import Dict, List, Tuple

from .basics import BEAT_EVERY, Json
from .exchange import emit
from .gpus import gpu_memory
from .mounts import Disks
from .process_table import ProcessTable
from .vitals import Vitals, busy_percent, core_times, disk_bytes, interfaces

FIRST_AFTER = 0.5
"""Seconds over which the first figures are measured."""


class HostReader:
    """Measures the host; processor time and rates are those since the last sample."""

    def __init__(self) -> None:
        self.vitals, self.table, self.disks = Vitals(), ProcessTable(), Disks()
        self.cores, self.net, self.io = core_times(), interfaces(), disk_bytes()
        self.at = time.time()

    def sample(self) -> Json:
        """Return everything now."""
        vitals = self.vitals.sample()
        rows, total = self.table.sample(gpu_memory(vitals["gpus"]))
        cores, net, io, now = core_times(), interfaces(), disk_bytes(), time.time()
        seconds = max(0.01, now - self.at)
        answer: Json = {
            "vitals": vitals, "processes": rows, "processes_total": total, "disks": self.disks.sample(),
            "cores": [busy_percent(*pair) for pair in zip(self.cores, cores)],  # noqa: B905 - strict needs Python 3.10
            "interfaces": rates(self.net, net, seconds), "uid": os.getuid(),
            "disk_read_per_s": max(0.0, (io[0] - self.io[0]) / seconds),
            "disk_written_per_s": max(0.0, (io[1] - self.io[1]) / seconds),
        }  # fmt: skip
        self.cores, self.net, self.io, self.at = cores, net, io, now
        return answer


def rates(before: Dict[str, Tuple[int, int]], now: Dict[str, Tuple[int, int]], seconds: float) -> List[Json]:
    """Return what each interface has received and sent per second."""
    found = []
    for name in sorted(now):
        old = before.get(name, now[name])
        received, sent = (max(0.0, (now[name][side] - old[side]) / seconds) for side in (0, 1))
        found.append({"name": name, "received_per_s": received, "sent_per_s": sent})
    return found


def verb_host(request: Json) -> Json:
    """Measure the host for half a second."""
    reader = HostReader()
    time.sleep(FIRST_AFTER)
    return {"host": reader.sample()}


def verb_watch(request: Json) -> None:
    """Send everything about the host every two seconds, until nobody listens."""
    reader, wait = HostReader(), FIRST_AFTER
    while True:
        time.sleep(wait)
        began = time.time()
        emit({"frame": "host", "host": reader.sample()})
        wait = max(0.1, BEAT_EVERY - (time.time() - began))
