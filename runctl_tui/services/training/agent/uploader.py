"""The detached process that brings a run's files to S3 and stays until all are there."""

import fcntl
import os
import shutil
import threading
import time
from typing import Dict, List, Optional

from .basics import Json, utc
from .checkpoints import judge, own_entries
from .files import file_sha256, open_private, read_json, write_json
from .metadata import Credentials, Metadata
from .processes import record_process
from .run_folder import Run
from .s3 import Bucket
from .sending import Changed, Preempted, Sender
from .spot import SpotWatch
from .web import Http

SCAN_EVERY = 2.0
LOG_UPLOAD_EVERY = 60.0


class Uploader:
    """Brings a run's finished checkpoints, log and request to S3, and watches for the instance's interruption."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.request = run.request()
        self.s3 = self.request.get("s3")
        metadata = Metadata()
        self.credentials = Credentials(metadata)
        self.spot = SpotWatch(run, metadata)
        self.noticed = self.spot.noticed
        self.table: Dict[str, Json] = read_json(run.path("uploads.json")).get("files", {})
        self.seen: Dict[str, str] = {}
        self.note = ""
        self.log_sent, self.collected = time.time(), 0.0
        self.bucket: Optional[Bucket] = None
        if self.s3:
            endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
            self.bucket = Bucket(self.s3, endpoint, self.credentials.now)
        self.sender = Sender(run, self.bucket, self.noticed, self.save)

    def main(self) -> None:
        """Work until the run has ended and all is uploaded, or its folder is gone."""
        lock = open_private(self.run.path("uploader.lock"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        record_process(self.run.path("uploader"), os.getpid())
        threading.Thread(target=self.spot.watch, daemon=True).start()
        while os.path.isdir(self.run.folder):
            over = self.run.ended()
            try:
                if self.turn(over):
                    return
            except OSError as error:
                self.note = str(error)
            time.sleep(SCAN_EVERY if not self.noticed.is_set() else 0.2)

    def turn(self, over: bool) -> bool:
        """Look once and upload what is due; returns whether nothing is left to do."""
        if not self.s3:
            return over
        self.collect(over)
        self.upload_due(over)
        rows = self.table.values()
        done = over and all(row["state"] in ("done", "gone") for row in rows)
        self.save("done" if done else "")
        return done

    def save(self, state: str = "") -> None:
        """Write uploads.json."""
        rows = list(self.table.values())
        if not state and any(row["state"] == "waiting" for row in rows):
            state = "waiting for credentials or relay"
        elif not state:
            state = "uploading" if any(row["state"] in ("pending", "failed", "uploading") for row in rows) else "idle"
        value = {"state": state, "files": self.table, "note": self.note, "updated_at": utc(), "s3": self.s3}
        if os.path.isdir(self.run.folder):
            write_json(self.run.path("uploads.json"), value)

    def key(self, name: str) -> str:
        """Return the S3 key of one of the run's files."""
        return "/".join(part for part in ((self.s3 or {})["prefix"].strip("/"), self.run.run_id, name) if part)

    def collect(self, over: bool) -> None:
        """Add what is finished and new to the table, and mark what vanished before it was sent."""
        entries = own_entries(self.run)
        self.collected = time.time()
        for entry in entries:
            settled = over or self.noticed.is_set() or self.seen.get(entry["name"]) == entry["signature"]
            self.seen[entry["name"]] = entry["signature"]
            if over or judge(entry, settled, over) == "ok":
                for file in entry["files"]:
                    self.offer("checkpoints/" + file["path"], [file["size"], file["mtime_ns"]])
        present = {"checkpoints/" + file["path"] for entry in entries for file in entry["files"]}
        for name, row in self.table.items():
            if name.startswith("checkpoints/") and name not in present and row["state"] != "done":
                row["state"] = "gone"
        self.offer_own("run.json")
        if over:
            self.offer_own("log")
            self.offer_own("state.json")

    def offer_own(self, name: str) -> None:
        """Offer one of the run folder's own files."""
        try:
            stat = os.stat(self.run.path(name))
        except OSError:
            return
        self.offer(name, [stat.st_size, stat.st_mtime_ns])

    def offer(self, name: str, signature: List[int]) -> None:
        """Put a file into the table unless it is there as it is now."""
        row = self.table.get(name)
        if row is None or row["signature"] != signature or row["state"] == "gone":
            self.table[name] = {"state": "pending", "signature": signature, "key": self.key(name), "attempts": 0,
                                "next_try": 0}  # fmt: skip

    def upload_due(self, over: bool) -> None:
        """Send what is due, the newest checkpoint first, with a new look in between when sending takes long."""
        direct = self.credentials.now() is not None
        urls = {} if direct else read_json(self.run.path("urls.json"))
        for name, row in self.table.items():
            if row["state"] in ("done", "gone"):
                continue
            if not direct and name not in urls:
                self.wait_for_url(name, row)
            elif row["state"] == "waiting":
                row["state"] = "pending"
        while True:
            name = self.next_due()
            if not name:
                break
            try:
                self.attempt(name, self.table[name], None if direct else urls.pop(name))
            except Preempted:
                self.collect(over)
            if direct and time.time() - self.collected >= SCAN_EVERY:
                self.collect(over)
        if direct and not over and time.time() - self.log_sent >= LOG_UPLOAD_EVERY:
            self.send_log()

    def next_due(self) -> str:
        """Return the file to send next, empty when none is due."""
        ready = [name for name, row in self.table.items()
                 if row["state"] not in ("done", "gone", "waiting") and time.time() >= row["next_try"]]  # fmt: skip
        return max(
            ready, key=lambda name: (name.startswith("checkpoints/"), self.table[name]["signature"][1]), default=""
        )

    def wait_for_url(self, name: str, row: Json) -> None:
        """Say that a file needs a URL, with all that whoever signs it has to know."""
        row["state"] = "waiting"
        if "sha256" not in row:
            try:
                row["sha256"] = file_sha256(self.sender.local(name))
            except OSError:
                pass

    def attempt(self, name: str, row: Json, url: Optional[Json]) -> None:
        """Send one file and verify it; a failure is written down and tried again later."""
        row["state"] = "uploading"
        self.save()
        try:
            if url:
                self.sender.send_presigned(name, row, url)
            else:
                self.sender.send(name, row)
            row.update(state="done", verified_at=utc(), error=None)
            row.pop("upload_id", None)
            row.pop("parts", None)
        except Changed:
            row.update(state="gone", error="it changed while it was sent")
        except Preempted:
            row["state"] = "pending"
            raise
        except FileNotFoundError:
            row.update(state="gone", error="it was deleted before it was sent")
        except (OSError, Http) as error:
            attempts = row["attempts"] + 1
            row.update(state="failed", error=str(error), attempts=attempts, next_try=time.time() + min(60, 2**attempts))
            if isinstance(error, Http) and error.status == 404:
                row.pop("upload_id", None)
                row.pop("sent", None)
        self.save()

    def send_log(self) -> None:
        """Send a copy of the growing log."""
        self.log_sent = time.time()
        bucket, copy = self.bucket, self.run.path("log.part")
        assert bucket is not None
        try:
            shutil.copyfile(self.run.log, copy)
            bucket.put(self.key("log"), copy, os.stat(copy).st_size, file_sha256(copy))
            os.unlink(copy)
        except (OSError, Http) as error:
            self.note = "the log could not be sent: %s" % error
