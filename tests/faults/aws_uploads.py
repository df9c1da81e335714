"""The operations on unfinished uploads: none is told gone that is there, none aborted that was not meant."""

from __future__ import annotations

from typing import Any, Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.uploads import UnfinishedUpload
from tests.faults.account import BUCKET, CONTENT, EAST, Stage
from tests.faults.aws_reads import BUCKET_FIRST, Operation
from tests.faults.ends import check_unknown

LEFT: Final = "run/left.pt"
OTHER: Final = "run/under-way.pt"
_LIST: Final = "S3 GET bucket?uploads"
_MEASURE: Final = "S3 GET key?uploadId"
_ABORT: Final = "S3 DELETE key?uploadId"


def _begun(stage: Stage) -> None:
    """Leave one part of one upload behind, and another upload beside it."""
    s3 = stage.account.raw("s3", EAST)
    for left in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=BUCKET, Key=left["Key"], UploadId=left["UploadId"])
    for key in (LEFT, OTHER):
        stage.made[key] = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key=LEFT, UploadId=stage.made[LEFT], PartNumber=1, Body=CONTENT)


def _left(stage: Stage) -> UnfinishedUpload:
    return UnfinishedUpload(BUCKET, LEFT, stage.made[LEFT], EAST)


def _there(stage: Stage) -> set[str]:
    told = stage.account.raw("s3", EAST).list_multipart_uploads(Bucket=BUCKET)
    return {row["Key"] for row in told.get("Uploads", [])}


async def _listed(stage: Stage) -> list[UnfinishedUpload]:
    return [one async for page in stage.provider.uploads.pages(BUCKET, "run/") for one in page]


def _measured(_: Stage, upload: Any) -> bool:
    if isinstance(upload.parts, Unknown):
        check_unknown(upload.parts)
        return isinstance(upload.usd_per_month, Unknown)
    return (upload.parts.value.count, upload.parts.value.size) == (1, len(CONTENT))


async def _the_other_goes_on(stage: Stage) -> None:
    assert OTHER in _there(stage)


UPLOADS: Final = (
    Operation(
        "list unfinished uploads",
        (BUCKET_FIRST, _LIST),
        _listed,
        lambda _, found: {LEFT, OTHER} == {one.key for one in found},
        _begun,
    ),
    Operation(
        "measure an unfinished upload",
        (BUCKET_FIRST, _MEASURE, "GetProducts"),
        lambda stage: stage.provider.uploads.measured(_left(stage)),
        _measured,
        _begun,
    ),
    Operation(
        "abort an unfinished upload",
        (BUCKET_FIRST, _ABORT),
        lambda stage: stage.provider.uploads.abort(_left(stage)),
        lambda stage, _: LEFT not in _there(stage),
        _begun,
        once=(_ABORT,),
        after=_the_other_goes_on,
    ),
)
