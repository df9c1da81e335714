"""`ObjectIo`: moves and removes objects, one at a time or a batch; `services/storage` decides which.

An object that changes on the way is an error.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from runctl_tui.domain.objects import ObjectEntry, address
from runctl_tui.services.aws.s3 import S3Store
from runctl_tui.services.errors import AwsError, DataTransferError, PlanChanged, ResourceNotFound, TrainctlError
from runctl_tui.services.landing import Landing
from runctl_tui.services.threads import CancelToken

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")
Moved = Callable[[int], None]
"""Told how many more bytes have moved; called from threads."""
CHUNK: Final = 8 * 1024 * 1024
"""Bytes of one ranged read."""
PIECE: Final = 256 * 1024
PART: Final = 16 * 1024 * 1024
"""Bytes of one part of an upload; larger objects take larger parts, because there are at most 10,000."""
COPY_WHOLE: Final = 5 * 1024**3
"""The largest object that S3 copies by one call."""
COPY_PART: Final = 512 * 1024 * 1024
FEW: Final = 20
"""Objects that are deleted one by one, as those are whose keys XML cannot quote; more go in one DeleteObjects."""
_CHANGED: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})


@dataclass(frozen=True, slots=True)
class _Span:
    """Bytes of an object, and the file that they go into."""

    start: int
    length: int
    landing: Landing


@dataclass(frozen=True, slots=True)
class _Goal:
    """A file on its way into an object."""

    source: Path
    bucket: str
    key: str
    moved: Moved


class ObjectIo:
    """Reads, writes, copies and deletes, each call in its bucket's own region."""

    def __init__(self, store: Callable[[], S3Store]) -> None:
        self._store = store

    async def download(self, entry: ObjectEntry, folder: Path, name: str, moved: Moved) -> None:
        """Write an object into a file below a folder, whole or not at all; PlanChanged where the object changed."""
        what = f"{entry.address} could not be downloaded"
        landing = Landing(folder, name, what)
        await asyncio.to_thread(landing.begin)
        try:
            for start in range(0, entry.size or 0, CHUNK):
                length = min(CHUNK, (entry.size or 0) - start)
                token = CancelToken()
                call = partial(_fetch, entry, _Span(start, length, landing), moved, token)
                await self._store().call(entry.bucket, what, call, cancel=token)
            await asyncio.to_thread(landing.finish, entry.modified_at)
        except AwsError as error:
            raise _changed(error, entry.address) from error
        finally:
            await asyncio.shield(asyncio.to_thread(landing.close))

    async def upload(self, source: Path, bucket: str, key: str, moved: Moved) -> None:
        """Write a file's content as an object, each part with a checksum; the object appears whole or not at all."""
        what = f"{source} could not be uploaded to {address(bucket, key)}"
        before = _stamp(source, what)
        if before[0] <= PART:
            content = await asyncio.to_thread(source.read_bytes)
            put = partial(_put, {"Bucket": bucket, "Key": key, "Body": content, "ChecksumAlgorithm": "SHA256"})
            await self._store().call(bucket, what, put)
            moved(len(content))
        else:
            size = max(PART, before[0] // 9000)
            spans = [(start, min(size, before[0] - start)) for start in range(0, before[0], size)]
            send = partial(_upload_part, _Goal(source, bucket, key, moved))
            await self._in_parts(bucket, key, what, spans, send)
        if _stamp(source, what) != before:
            raise DataTransferError(what, "the file changed while it was read", "upload it again when it rests")

    async def copy(self, entry: ObjectEntry, bucket: str, key: str, moved: Moved) -> None:
        """Copy an object inside S3 as it was when it was listed; PlanChanged where it has changed since."""
        what = f"{entry.address} could not be copied to {address(bucket, key)}"
        source = {"Bucket": entry.bucket, "Key": entry.key}
        size = entry.size or 0
        request: dict[str, Any] = {
            "Bucket": bucket,
            "Key": key,
            "CopySource": source,
            "CopySourceIfMatch": entry.etag,
        }
        try:
            if size <= COPY_WHOLE:
                await self._store().call(bucket, what, lambda s3: s3.copy_object(**request))
                moved(size)
                return
            spans = [(start, min(COPY_PART, size - start)) for start in range(0, size, COPY_PART)]
            await self._in_parts(bucket, key, what, spans, partial(_copy_part, request, moved))
        except AwsError as error:
            raise _changed(error, entry.address) from error

    async def delete(self, bucket: str, entries: Sequence[ObjectEntry]) -> tuple[tuple[str, str], ...]:
        """Delete at most 1,000 objects as they were listed, and return those that were not deleted, with why."""
        what = f"objects in {bucket} could not be deleted"
        few = len(entries) <= FEW
        alone = [entry for entry in entries if few or not entry.key.isprintable()]
        batch = [entry for entry in entries if not few and entry.key.isprintable()]
        failed: list[tuple[str, str]] = []
        if batch:
            rows = [{"Key": entry.key, "ETag": entry.etag} for entry in batch]
            told = await self._store().call(bucket, what, partial(_delete, bucket, rows), changes=True)
            failed += [(row.get("Key", ""), _why(row.get("Code", ""), row.get("Message", ""))) for row in told]
        for entry in alone:
            try:
                await self._store().call(bucket, what, partial(_delete_one, entry), changes=True)
            except ResourceNotFound:
                continue
            except AwsError as error:
                failed.append((entry.key, _why(error.code, error.why)))
        return tuple(failed)

    async def _in_parts(
        self,
        bucket: str,
        key: str,
        what: str,
        spans: Sequence[tuple[int, int]],
        send: Callable[[str, int, tuple[int, int], S3Client], dict[str, Any]],
    ) -> None:
        """Send parts one after the other; an upload that does not get to its end is aborted, so that nobody pays."""
        named: dict[str, Any] = {"Bucket": bucket, "Key": key}
        call = self._store().call
        begun = await call(
            bucket, what, lambda s3: s3.create_multipart_upload(**named, ChecksumAlgorithm="CRC32"), changes=True
        )
        upload = begun["UploadId"]
        try:
            parts = [
                await call(bucket, what, partial(send, upload, number, span)) for number, span in enumerate(spans, 1)
            ]
            done = {**named, "UploadId": upload, "MultipartUpload": {"Parts": parts}}
            await self._complete(done, what)
        except BaseException:
            given_up = call(bucket, what, lambda s3: s3.abort_multipart_upload(**named, UploadId=upload))
            with suppress(TrainctlError):  # why it did not get to its end says more
                await asyncio.shield(given_up)
            raise

    async def _complete(self, request: dict[str, Any], what: str) -> None:
        """Join the parts; where the answer was lost, or told of a second time, the object itself tells."""
        bucket, key = request["Bucket"], request["Key"]
        try:
            await self._store().call(bucket, what, lambda s3: s3.complete_multipart_upload(**request))
        except (AwsError, ResourceNotFound) as error:
            if isinstance(error, AwsError) and not error.transient:
                raise
            with suppress(TrainctlError):
                if (await self._store().head(bucket, key)).etag == _joined(request["MultipartUpload"]["Parts"]):
                    return
            raise


def _joined(parts: Sequence[Mapping[str, str]]) -> str:
    """Return the ETag that S3 gives to what was joined from these parts."""
    whole = hashlib.md5(usedforsecurity=False)
    for part in parts:
        whole.update(bytes.fromhex(part["ETag"].strip('"')))
    return f"{whole.hexdigest()}-{len(parts)}"


def _fetch(entry: ObjectEntry, span: _Span, moved: Moved, token: CancelToken, s3: S3Client) -> None:
    """Read one span into its place; a server that ignores the range or the condition is found out."""
    start, length = span.start, span.length
    told = s3.get_object(
        Bucket=entry.bucket, Key=entry.key, Range=f"bytes={start}-{start + length - 1}", IfMatch=entry.etag
    )
    if told.get("ETag", "").strip('"') != entry.etag:
        raise PlanChanged(f"{entry.address} changed while it was read", "its ETag is another now", "try again")
    place = start
    with closing(told["Body"]) as body:
        for piece in body.iter_chunks(PIECE):
            if token.cancelled or not span.landing.write(place, piece):
                return
            place += len(piece)
            moved(len(piece))
    if place != start + length:
        raise DataTransferError(
            f"{entry.address} could not be downloaded", f"{place - start} of {length} bytes came", "try again"
        )


def _put(request: dict[str, Any], s3: S3Client) -> None:
    s3.put_object(**request)


def _upload_part(goal: _Goal, upload: str, number: int, span: tuple[int, int], s3: S3Client) -> dict[str, Any]:
    with goal.source.open("rb") as file:
        file.seek(span[0])
        content = file.read(span[1])
    told = s3.upload_part(
        Bucket=goal.bucket,
        Key=goal.key,
        UploadId=upload,
        PartNumber=number,
        Body=content,
        ChecksumAlgorithm="CRC32",
    )
    goal.moved(len(content))
    return _part(number, told)


def _copy_part(
    request: dict[str, Any], moved: Moved, upload: str, number: int, span: tuple[int, int], s3: S3Client
) -> dict[str, Any]:
    bytes_ = f"bytes={span[0]}-{span[0] + span[1] - 1}"
    told = s3.upload_part_copy(**request, UploadId=upload, PartNumber=number, CopySourceRange=bytes_)
    moved(span[1])
    return _part(number, told["CopyPartResult"])


def _part(number: int, told: Any) -> dict[str, Any]:
    checksum = {"ChecksumCRC32": told["ChecksumCRC32"]} if told.get("ChecksumCRC32") else {}
    return {"PartNumber": number, "ETag": told["ETag"], **checksum}


def _delete(bucket: str, rows: list[Any], s3: S3Client) -> Sequence[Any]:
    return s3.delete_objects(Bucket=bucket, Delete={"Objects": rows, "Quiet": True}).get("Errors", [])


def _delete_one(entry: ObjectEntry, s3: S3Client) -> None:
    s3.delete_object(Bucket=entry.bucket, Key=entry.key, IfMatch=entry.etag)


def _why(code: str, message: str) -> str:
    return "it changed since the plan" if code in _CHANGED else message or code


def _changed(error: AwsError, where: str) -> TrainctlError:
    if error.code in _CHANGED:
        return PlanChanged(f"{where} changed since it was listed", error.why, "list it again")
    return error


def _stamp(source: Path, what: str) -> tuple[int, int]:
    try:
        told = source.stat()
    except OSError as error:
        raise DataTransferError(what, error.strerror or str(error), "choose a file that can be read") from error
    return told.st_size, told.st_mtime_ns
