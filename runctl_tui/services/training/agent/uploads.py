"""The verbs `uploader` and `send`, and what keeps a run's uploader going; supervisor and relay's verbs use it."""

import fcntl
import os
import signal
import time
from typing import Optional

from .basics import TICK, Json, Refused
from .fields import object_field, s3_place
from .files import open_private, read_json, write_json
from .processes import detach, record_process, recorded_alive
from .run_folder import Run
from .status import upload_summary

END_SECONDS = 10.0


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
    deadline = time.time() + END_SECONDS
    pid = recorded_alive(run.path("uploader"))
    if pid:
        os.kill(pid, signal.SIGTERM)
    while recorded_alive(run.path("uploader")) and time.time() < deadline:
        time.sleep(TICK)


def verb_send(request: Json) -> Json:
    """Have all of a run's files brought to S3, of an ended run too: `s3` is the place, `there` what it has by now.

    `there` maps names below the run's folder in S3 to [size, sha256]; what was sent and is not there is sent again.
    """
    run = Run(request.get("run_id", "")).require()
    place, there = s3_place(request), object_field(request, "there")
    if place is None:
        raise Refused("bad_request", "s3 needs a bucket")
    give_place(run, place)
    end_uploader(run)
    look_anew(run, there)
    return {"pid": start_uploader(run), "uploads": upload_summary(run)}


def give_place(run: Run, place: Json) -> None:
    """Write down where a run's files go; a run that has a place keeps it."""
    record = run.request()
    own: Optional[Json] = record.get("s3")
    if own and (own["bucket"], own["prefix"].strip("/")) != (place["bucket"], place["prefix"].strip("/")):
        raise Refused("other_place", "run %s is uploaded to s3://%s/%s" % (run.run_id, own["bucket"], own["prefix"]))
    if not own:
        write_json(run.path("run.json"), dict(record, s3=place))


def look_anew(run: Run, there: Json) -> None:
    """Forget that files were sent which S3 does not have as they were sent, and try at once what had failed."""
    with open_private(run.path("uploader.lock")) as lock:
        take(lock.fileno())
        uploads = read_json(run.path("uploads.json"))
        files = uploads.get("files", {})
        kept = {
            name: dict(row, next_try=0)
            for name, row in files.items()
            if row["state"] != "done" or there.get(name) == [row["signature"][0], row.get("sha256")]
        }
        if kept != files:
            write_json(run.path("uploads.json"), dict(uploads, files=kept, state="uploading"))


def take(lock: int) -> None:
    """Take the uploader's lock, which one that is about to end may hold for a moment."""
    deadline = time.time() + END_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if time.time() > deadline:
                raise Refused("uploader_busy", "the uploader of the run does not end", "try again") from None
            time.sleep(TICK)
