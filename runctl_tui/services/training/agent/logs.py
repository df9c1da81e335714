"""The verbs `read` and `follow`: a run's log in frames, with its status and the host's vitals in between."""

import os
import time
from typing import IO

from .basics import BEAT_EVERY, MIB, TICK, Json, Refused
from .exchange import emit
from .fields import number
from .run_folder import Run
from .status import status_of
from .vitals import Vitals

FRAME = 256 * 1024


def open_log(run: Run) -> IO[bytes]:
    """Open a run's log for reading."""
    try:
        return open(run.log, "rb", buffering=0)
    except OSError as error:
        raise Refused("no_log", "the log of %s cannot be read: %s" % (run.run_id, error)) from error


def verb_read(request: Json) -> None:
    """Answer with one frame of the log from an offset; a negative offset counts from the end."""
    run = Run(request.get("run_id", "")).require()
    offset, limit = int(number(request, "offset", 0)), int(number(request, "limit", MIB))
    with open_log(run) as log:
        stat = os.fstat(log.fileno())
        renewed = request.get("inode") not in (None, 0, stat.st_ino) or offset > stat.st_size
        start = 0 if renewed else (max(0, stat.st_size + offset) if offset < 0 else offset)
        log.seek(start)
        body = log.read(max(0, min(limit, stat.st_size - start)))
    emit({"ok": True, "offset": start, "size": stat.st_size, "inode": stat.st_ino, "truncated": renewed}, body)


def verb_follow(request: Json) -> None:
    """Send the log from an offset, with a status and vitals every two seconds, until the run has ended."""
    run = Run(request.get("run_id", "")).require()
    offset, inode = int(number(request, "offset", 0)), int(number(request, "inode", 0))
    vitals, told = Vitals(run.checkpoint_dir()), 0.0
    with open_log(run) as log:
        stat = os.fstat(log.fileno())
        if inode not in (0, stat.st_ino) or offset > stat.st_size:
            offset, renewed = 0, True
        else:
            offset, renewed = max(0, stat.st_size + offset) if offset < 0 else offset, False
        emit({"ok": True, "frame": "open", "offset": offset, "inode": stat.st_ino, "truncated": renewed})
        log.seek(offset)
        while True:
            over = run.ended()
            body = log.read(FRAME)
            if body:
                emit({"frame": "log", "offset": offset, "inode": stat.st_ino}, body)
                offset += len(body)
            last = over and not body
            if last or time.time() - told >= BEAT_EVERY:
                told = time.time()
                emit({"frame": "status", "status": status_of(run), "vitals": vitals.sample()})
            if last:
                emit({"frame": "end", "offset": offset, "inode": stat.st_ino})
                return
            if not body:
                time.sleep(TICK)
