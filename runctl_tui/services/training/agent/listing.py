"""The verb `checkpoints`: lists them with how far each is on its way to S3."""

import os
from typing import Optional

from .basics import Json
from .checkpoints import judged, own_entries, scan
from .fields import host_path
from .files import file_sha256, read_json
from .run_folder import Run


def upload_of(entry: Json, uploads: Json) -> Optional[Json]:
    """Return how far a checkpoint is in S3; done only when each file, as it is now, was verified there."""
    table = uploads.get("files", {})
    rows = [table.get("checkpoints/" + file["path"]) for file in entry["files"]]
    if not any(rows):
        return None
    same = [
        row is not None and row["state"] == "done" and row["signature"] == [file["size"], file["mtime_ns"]]
        for row, file in zip(rows, entry["files"])  # noqa: B905 - strict needs Python 3.10
    ]
    first = next(row for row in rows if row)
    failed = next((row for row in rows if row and row["state"] == "failed"), None)
    single = len(rows) == 1
    unfinished = first["state"] if single and first["state"] != "done" else "pending"
    return {
        "state": "done" if all(same) else ("failed" if failed else unfinished),
        "files_done": sum(same), "files": len(rows), "key": first["key"], "error": (failed or {}).get("error"),
        "etag": first.get("etag") if single else None, "sha256": first.get("sha256") if single else None,
        "verified_at": max(row["verified_at"] for row in rows if row) if all(same) else None,
    }  # fmt: skip


def verb_checkpoints(request: Json) -> Json:
    """List the checkpoints of a run, or of a folder; sha256 true adds digests."""
    uploads: Json = {}
    over = False
    if request.get("run_id"):
        run = Run(request["run_id"]).require()
        folder, uploads, over = run.checkpoint_dir(), read_json(run.path("uploads.json")), run.ended()
        entries = judged(own_entries(run), lambda: own_entries(run), over)
    else:
        folder = host_path(request, "dir")
        entries = judged(scan(folder), lambda: scan(folder), over)
    for entry in entries:
        entry["upload"] = upload_of(entry, uploads)
        if request.get("sha256"):
            for file in entry["files"]:
                file["sha256"] = file_sha256(os.path.join(folder, file["path"]))
    return {"dir": folder, "checkpoints": entries}
