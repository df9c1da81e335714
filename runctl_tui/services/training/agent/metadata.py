"""The instance metadata service: the instance profile's credentials, and whatever else it is asked."""

import json
import os
import time
from typing import Optional

from .basics import Json
from .web import Http, http_call


class Metadata:
    """The instance metadata service, version 2."""

    def __init__(self) -> None:
        endpoint = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "") or "http://169.254.169.254"
        self.endpoint = endpoint.rstrip("/")
        self.off = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
        self.token, self.token_until = "", 0.0
        self.cached: Optional[Json] = None
        self.cached_until = 0.0

    def get(self, path: str) -> Optional[str]:
        """Return a value, None when there is none; OSError when there is no such service."""
        if time.time() >= self.token_until:
            wanted = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
            reply = http_call("PUT", self.endpoint + "/latest/api/token", wanted, timeout=2)
            if reply.status != 200:
                raise Http(reply.status, reply.body.decode("utf-8", "replace"))
            self.token, self.token_until = reply.body.decode("ascii").strip(), time.time() + 20000
        reply = http_call("GET", self.endpoint + path, {"X-aws-ec2-metadata-token": self.token}, timeout=2)
        if reply.status == 401:
            self.token_until = 0.0
        return reply.body.decode("utf-8") if reply.status == 200 else None

    def credentials(self) -> Optional[Json]:
        """Return the instance profile's credentials, None when the instance has no profile."""
        if self.cached and time.time() < self.cached_until:
            return self.cached
        base = "/latest/meta-data/iam/security-credentials/"
        role = (self.get(base) or "").strip().split("\n")[0]
        text = self.get(base + role) if role else None
        value = json.loads(text) if text else {}
        self.cached = value if value.get("AccessKeyId") else None
        self.cached_until = time.time() + 300
        return self.cached


class Credentials:
    """The instance profile's credentials, asked for ever more seldom while the host has none."""

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata
        self.retry, self.failures = 0.0, 0

    def now(self) -> Optional[Json]:
        """Return the credentials, None where there are none."""
        if self.metadata.off or time.time() < self.retry:
            return None
        try:
            found = self.metadata.credentials()
        except (OSError, Http, ValueError):
            found = None
        self.failures = 0 if found else self.failures + 1
        self.retry = 0.0 if found else time.time() + min(60, 2**self.failures)
        return found
