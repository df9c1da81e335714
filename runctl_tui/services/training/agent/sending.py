"""Sends one file to S3 and verifies what S3 has, with the instance's credentials or by a relay's URL."""

import os
import threading
import urllib.parse
from typing import Callable, Optional

from .basics import MIB, Json
from .files import file_sha256
from .relay_urls import drop_url
from .run_folder import Run
from .s3 import Bucket, content_headers, verified
from .web import Http, http_call

SINGLE_PUT = 64 * MIB
PRESIGNED_LIMIT = 5 * 1024 * MIB
PART = 16 * MIB


class Preempted(Exception):
    """A newer checkpoint must go first."""


class Changed(Exception):
    """The file changed while it was sent."""


class Sender:
    """Sends files of one run; `save` is called whenever a row tells more than before."""

    def __init__(self, run: Run, bucket: Optional[Bucket], noticed: threading.Event, save: Callable[[], None]) -> None:
        self.run, self.bucket, self.noticed, self.save = run, bucket, noticed, save

    def local(self, name: str) -> str:
        """Return the path on this host of one of the run's files."""
        if name.startswith("checkpoints/"):
            return os.path.join(self.run.checkpoint_dir(), name[len("checkpoints/") :])
        return self.run.path(name)

    def send(self, name: str, row: Json) -> None:
        """Send one file with the instance profile's credentials."""
        bucket = self.bucket
        assert bucket is not None
        path, size = self.local(name), row["signature"][0]
        row["sha256"] = row.get("sha256") or file_sha256(path)
        if size <= SINGLE_PUT:
            bucket.put(row["key"], path, size, row["sha256"])
        else:
            self.send_parts(bucket, path, row)
        self.unchanged(path, row)
        row["etag"] = verified(bucket.head(row["key"]), size, row["sha256"])

    def send_parts(self, bucket: Bucket, path: str, row: Json) -> None:
        """Send a large file in parts, going on where an earlier attempt had ended."""
        size, key = row["signature"][0], row["key"]
        step = max(PART, -(-size // 9000))
        if not row.get("upload_id"):
            row.update(upload_id=bucket.begin(key, row["sha256"]), parts=[])
        with open(path, "rb") as file:
            for index in range(len(row["parts"]), -(-size // step)):
                if self.noticed.is_set() and not row.get("urgent"):
                    row["urgent"] = True
                    raise Preempted
                file.seek(index * step)
                row["parts"].append(bucket.part(key, row["upload_id"], index + 1, file.read(step)))
                row["sent"] = min(size, (index + 1) * step)
                self.save()
        bucket.complete(key, row["upload_id"], row["parts"])

    def send_presigned(self, name: str, row: Json, url: Json) -> None:
        """Send one file to a URL that a relay has signed."""
        path, size = self.local(name), row["signature"][0]
        if size > PRESIGNED_LIMIT:
            raise OSError("larger than 5 GiB: only an instance profile can upload it")
        row["sha256"] = row.get("sha256") or file_sha256(path)
        ours = content_headers(size, row["sha256"])
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(url["put_url"]).query)
        names = query.get("X-Amz-SignedHeaders", [""])[0].split(";")
        headers = {key: value for key, value in ours.items() if key == "Content-Length" or key.lower() in names}
        headers.update(url.get("headers") or {})
        with open(path, "rb") as file:
            reply = http_call("PUT", url["put_url"], headers, file if size else b"", 300)
        if reply.status == 403:
            drop_url(self.run, name)
        if reply.status >= 300:
            raise Http(reply.status, reply.body.decode("utf-8", "replace"))
        self.unchanged(path, row)
        head = http_call("HEAD", url["head_url"], {}) if url.get("head_url") else reply
        if head.status >= 300:
            raise Http(head.status, "the check after the upload failed")
        row["etag"] = (
            verified(head, size, row["sha256"]) if url.get("head_url") else reply.headers.get("etag", "").strip('"')
        )
        drop_url(self.run, name)

    def unchanged(self, path: str, row: Json) -> None:
        """Raise when a file is no longer what was sent."""
        stat = os.stat(path)
        if [stat.st_size, stat.st_mtime_ns] != row["signature"]:
            raise Changed
