"""The verbs `pending` and `urls`: which files wait for presigned URLs, and the URLs that a relay has signed."""

import fcntl
import re

from .basics import Json, Refused
from .fields import text_field
from .files import open_private, read_json, write_json
from .run_folder import Run
from .uploads import start_uploader


def verb_pending(request: Json) -> Json:
    """List the files that wait for a URL, the newest checkpoint first."""
    run = Run(request.get("run_id", "")).require()
    uploads = read_json(run.path("uploads.json"))
    urls = read_json(run.path("urls.json"))
    rows = [
        {"path": name, "key": row["key"], "size": row["signature"][0], "sha256": row.get("sha256"),
         "state": row["state"], "mtime_ns": row["signature"][1]}
        for name, row in uploads.get("files", {}).items()
        if row["state"] in ("waiting", "failed") and name not in urls
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["path"].startswith("checkpoints/"), row["mtime_ns"]), reverse=True)
    return {"pending": rows, "s3": uploads.get("s3"), "ended": run.ended()}


def verb_urls(request: Json) -> Json:
    """Take presigned URLs from a relay: urls is a list of {path, put_url, head_url, headers}."""
    run = Run(request.get("run_id", "")).require()
    given = request.get("urls")
    if not isinstance(given, list):
        raise Refused("bad_request", "urls must be a list")
    accepted = {}
    for item in given:
        if not isinstance(item, dict):
            raise Refused("bad_request", "an item of urls must be an object")
        path = text_field(item, "path")
        for name in ("put_url", "head_url"):
            if not re.match(r"https?://", text_field(item, name, "https://")):
                raise Refused("bad_request", "%s must be an http or https URL" % name)
        text_field(item, "put_url")
        accepted[path] = {name: item.get(name) for name in ("put_url", "head_url", "headers")}
    with open_private(run.path("urls.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        write_json(run.path("urls.json"), dict(read_json(run.path("urls.json")), **accepted))
    if run.request().get("s3"):
        start_uploader(run)
    return {"accepted": len(accepted)}


def drop_url(run: Run, name: str) -> None:
    """Forget a URL that was used or has expired."""
    with open_private(run.path("urls.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        urls = read_json(run.path("urls.json"))
        urls.pop(name, None)
        write_json(run.path("urls.json"), urls)
