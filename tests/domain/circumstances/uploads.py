"""Circumstances of unfinished uploads in S3: whose they are, what sends them, how much of them has arrived."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.uploads import UploadedParts
from tests.domain.circumstances.people import LOST
from tests.domain.circumstances.telling import Circumstance
from tests.domain.safety_facts import LEFT, known
from tests.fakes import START


def upload(**changes: Any) -> dict[str, Any]:
    return {"upload": known(replace(LEFT, **changes))}


def parts(count: int, **age: float) -> dict[str, Any]:
    return upload(parts=known(UploadedParts(count, count * 16_000_000, START - timedelta(**age) if count else None)))


UPLOADS: Final[dict[str, Circumstance]] = {
    "the upload cannot be looked at": {"upload": LOST},
    "somebody else began the upload": upload(ours=False, by="arn:aws:iam::111122223333:user/bob"),
    "who began the upload is not told": upload(ours=False, by="", initiator=""),
    "a run of ours began the upload": upload(by="run r-000001"),
    "the upload was begun an hour ago": upload(started_at=START - timedelta(hours=1)),
    "the upload will be begun in an hour": upload(started_at=START + timedelta(hours=1)),
    "when the upload was begun is not told": upload(started_at=None),
    "a part of the upload came less than a day ago": parts(4, hours=23, minutes=59),
    "the last part of the upload came a day ago": parts(4, days=1),
    "a single part of the upload came": parts(1, days=3),
    "nothing of the upload has arrived": parts(0),
    "what of the upload has arrived cannot be told": upload(parts=LOST),
    "a run may be sending the upload": upload(writers=known(("run r-000001",))),
    "two may be sending the upload": upload(writers=known(("run r-000001", "this program (copy 1 file)"))),
    "what may be sending the upload cannot be told": upload(writers=LOST),
    "the parts of the upload have no price": upload(usd_per_month=Unknown("no price for EXPRESS in S3")),
}
