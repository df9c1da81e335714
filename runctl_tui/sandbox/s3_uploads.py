"""When unfinished multipart uploads were begun and by whom, which moto neither keeps nor tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from runctl_tui.sandbox.cloud import CALLER, Cloud

UPLOAD: Final = re.compile(
    rb"<UploadId>([^<]+)</UploadId>|<Initiated>[^<]*</Initiated>|(<Initiator>\s*<ID>)[^<]*(?=</ID>)"
)
STAMP: Final = "%Y-%m-%dT%H:%M:%S.000Z"


def initiated(upload: Any) -> datetime:
    """When an upload was begun; the first look at it decides."""
    if not hasattr(upload, "sandbox_initiated"):
        set_initiated(upload, datetime.now(UTC))
    found: datetime = upload.sandbox_initiated
    return found


def set_initiated(upload: Any, at: datetime) -> None:
    """Say when an upload was begun."""
    upload.sandbox_initiated = at


def dated(cloud: Cloud, path: str, answer: Iterable[bytes]) -> list[bytes]:
    """Put the true times, and the only caller that there is, into a listing of uploads."""
    bucket = cloud.s3.buckets.get(path.strip("/").partition("/")[0])
    uploads = {} if bucket is None else dict(bucket.multiparts)
    latest = b""

    def put(found: re.Match[bytes]) -> bytes:
        nonlocal latest
        if found[1]:
            latest = found[1]
        elif found[2]:
            return found[2] + CALLER.encode()
        elif (upload := uploads.get(latest.decode())) is not None:
            return f"<Initiated>{initiated(upload).strftime(STAMP)}</Initiated>".encode()
        return found[0]

    return [UPLOAD.sub(put, b"".join(answer))]
