"""The few calls to S3 that the uploader needs, signed with the standard library."""

import base64
import datetime
import hashlib
import hmac
import time
import urllib.parse
from typing import Any, Callable, Dict, List, Optional, Tuple
from xml.etree import ElementTree

from .basics import Json
from .web import Http, Reply, http_call


def hmac_sha256(key: bytes, text: str) -> bytes:
    """Return an HMAC-SHA256."""
    return hmac.new(key, text.encode("utf-8"), hashlib.sha256).digest()


def signed(method: str, url: str, headers: Dict[str, str], payload: str, who: Tuple[Json, str]) -> Dict[str, str]:
    """Return the headers with an AWS Signature Version 4 for S3; `who` is credentials and region."""
    credentials, region = who
    parts = urllib.parse.urlsplit(url)
    stamp = datetime.datetime.fromtimestamp(time.time(), datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = dict(headers, **{"host": parts.netloc, "x-amz-date": stamp, "x-amz-content-sha256": payload})
    if credentials.get("Token"):
        headers["x-amz-security-token"] = credentials["Token"]
    lowered = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    names = ";".join(sorted(lowered))
    query = "&".join(sorted(item if "=" in item else item + "=" for item in parts.query.split("&") if item))
    lines = [method, parts.path or "/", query] + ["%s:%s" % (name, lowered[name]) for name in sorted(lowered)]
    canonical = "\n".join(lines + ["", names, payload])
    scope = "%s/%s/s3/aws4_request" % (stamp[:8], region)
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode("utf-8")).hexdigest()])
    key = ("AWS4" + credentials["SecretAccessKey"]).encode("utf-8")
    for step in (stamp[:8], region, "s3", "aws4_request"):
        key = hmac_sha256(key, step)
    signature = hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()
    form = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"
    headers["Authorization"] = form % (credentials["AccessKeyId"], scope, names, signature)
    return headers


class Bucket:
    """Where a run's files go, with the few S3 calls that this needs."""

    def __init__(self, s3: Json, endpoint: str, credentials: Callable[[], Optional[Json]]) -> None:
        self.region = s3.get("region") or "us-east-1"
        self.credentials = credentials
        bucket = s3["bucket"]
        if endpoint:
            self.base = endpoint.rstrip("/") + "/" + bucket
        elif "." in bucket:
            self.base = "https://s3.%s.amazonaws.com/%s" % (self.region, bucket)
        else:
            self.base = "https://%s.s3.%s.amazonaws.com" % (bucket, self.region)

    def call(self, method: str, key: str, query: str = "", headers: Optional[Dict[str, str]] = None,
             body: Any = None, payload: str = "") -> Reply:  # fmt: skip
        """Make a signed call; raises Http for an error answer."""
        who = self.credentials()
        if who is None:
            raise OSError("the instance profile's credentials are gone")
        url = self.base + "/" + urllib.parse.quote(key, safe="/-_.~") + ("?" + query if query else "")
        digest = payload or hashlib.sha256(body or b"").hexdigest()
        reply = http_call(method, url, signed(method, url, headers or {}, digest, (who, self.region)), body, 120)
        if reply.status >= 300:
            raise Http(reply.status, reply.body.decode("utf-8", "replace"))
        return reply

    def put(self, key: str, path: str, size: int, sha256: str) -> None:
        """Send a file in one request."""
        headers = content_headers(size, sha256)
        with open(path, "rb") as file:
            self.call("PUT", key, "", headers, file if size else b"", sha256)

    def begin(self, key: str, sha256: str) -> str:
        """Begin a multipart upload and return its id."""
        reply = self.call("POST", key, "uploads=", {"x-amz-meta-runctl-sha256": sha256})
        found = next(
            (node.text for node in ElementTree.fromstring(reply.body).iter() if node.tag.endswith("UploadId")), None
        )
        if not found:
            raise OSError("S3 began no multipart upload")
        return found

    def part(self, key: str, upload_id: str, index: int, block: bytes) -> str:
        """Send one part and return its ETag."""
        query = "partNumber=%d&uploadId=%s" % (index, urllib.parse.quote(upload_id, safe="-_.~"))
        return self.call("PUT", key, query, {"Content-Length": str(len(block))}, block).headers["etag"]

    def complete(self, key: str, upload_id: str, etags: List[str]) -> None:
        """Join the parts."""
        rows = ["<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % row for row in enumerate(etags, 1)]
        text = "<CompleteMultipartUpload>%s</CompleteMultipartUpload>" % "".join(rows)
        query = "uploadId=" + urllib.parse.quote(upload_id, safe="-_.~")
        reply = self.call("POST", key, query, {"Content-Type": "application/xml"}, text.encode("utf-8"))
        if b"<Error>" in reply.body:
            raise Http(reply.status, reply.body.decode("utf-8", "replace"))

    def head(self, key: str) -> Reply:
        """Ask what S3 has."""
        return self.call("HEAD", key)


def content_headers(size: int, sha256: str) -> Dict[str, str]:
    """Return the headers of a single PUT: length, S3's checksum and our own digest."""
    checksum = base64.b64encode(bytes.fromhex(sha256)).decode("ascii")
    return {"Content-Length": str(size), "x-amz-checksum-sha256": checksum, "x-amz-meta-runctl-sha256": sha256}


def verified(reply: Reply, size: int, sha256: str) -> str:
    """Return the ETag of what S3 says it has; raise OSError when that is not what was sent."""
    if int(reply.headers.get("content-length", "-1")) != size:
        raise OSError("S3 has %s bytes instead of %d" % (reply.headers.get("content-length"), size))
    if reply.headers.get("x-amz-meta-runctl-sha256", sha256) != sha256:
        raise OSError("S3 has a file with another SHA-256")
    return reply.headers.get("etag", "").strip('"')
