"""Carries transfers and deletions out in the visible step of a job: progress, cancelling, what failed by name."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.durations import in_two_units
from runctl_tui.domain.objects import (
    SCHEME,
    DeleteRequest,
    Deletion,
    LocalDeletion,
    Transfer,
    TransferItem,
    split_address,
)
from runctl_tui.domain.safety.reasons import count
from runctl_tui.domain.sizes import byte_words
from runctl_tui.services.errors import DataTransferError, Refused, ResourceNotFound, TrainctlError
from runctl_tui.services.job_handle import JobHandle, StepHandle
from runctl_tui.services.storage.local_files import listed, remove
from runctl_tui.services.storage.parts import ObjectMover, ObjectReader

AT_ONCE: Final = 4
"""Files that move at the same time."""
BATCH: Final = 1000
"""Objects of one deleting call."""
LOOK_EVERY: Final = 0.25
"""Seconds between two looks at the progress and at whether somebody cancelled."""
LISTED_ERRORS: Final = 3


class Meter:
    """Counts bytes from any thread."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.bytes = 0
        self.files = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Count bytes that have moved."""
        with self._lock:
            self.bytes += count


@dataclass(frozen=True, slots=True)
class Carrier:
    """Does what a plan says."""

    objects: ObjectReader
    mover: ObjectMover
    clock: Clock

    async def transfer(self, transfer: Transfer, job: JobHandle) -> str:
        """Move every item, a few at a time; one that fails does not keep the others from being tried."""
        meter, failed = Meter(transfer.size), list[str]()
        gate = asyncio.Semaphore(AT_ONCE)

        async def move(item: TransferItem) -> None:
            async with gate:
                try:
                    await self._move(item, meter)
                    if transfer.request.move:
                        await self._remove_source(item)
                except TrainctlError as error:
                    failed.append(str(error))
                else:
                    meter.files += 1

        async with job.step("move") as step:
            await self._while_shown(asyncio.gather(*map(move, transfer.items)), meter, len(transfer.items), (job, step))
            if failed:
                what = f"{len(failed)} of {len(transfer.items)} could not be copied"
                raise DataTransferError(what, "; ".join(failed[:LISTED_ERRORS]), "the others are there; try again")
        verb = "moved" if transfer.request.move else "copied"
        left = f", {transfer.unchanged:,} unchanged" if transfer.unchanged else ""
        skipped = f", {len(transfer.skipped):,} skipped" if transfer.skipped else ""
        return f"{verb} {_count(meter.files)}, {byte_words(meter.bytes)}{left}{skipped}"

    async def delete(self, deletion: Deletion, request: DeleteRequest, job: JobHandle) -> str:
        """Delete every object as it was listed, then look whether they are gone."""
        failed: list[tuple[str, str]] = []
        async with job.step("delete") as step:
            for start in range(0, len(deletion.objects), BATCH):
                job.check()
                batch = deletion.objects[start : start + BATCH]
                failed += await self.mover.delete(deletion.bucket, batch)
                done = start + len(batch)
                step.progress(done / len(deletion.objects), f"{done:,} of {len(deletion.objects):,}")
            _check_all_gone(failed, f"{len(deletion.objects)} objects")
        async with job.step("verify"):
            left = await self._left(deletion, request)
            if left:
                raise DataTransferError(f"{_count(left)} deleted are still listed", "S3 says so", "list them again")
        return f"deleted {_count(len(deletion.objects))}, {byte_words(deletion.size)}"

    async def delete_here(self, deletion: LocalDeletion, job: JobHandle) -> str:
        """Delete every file of this machine as it was planned, then look whether they are gone."""
        folder, failed = Path(deletion.folder), list[tuple[str, str]]()
        async with job.step("delete") as step:
            for start in range(0, len(deletion.files), BATCH):
                job.check()
                batch = deletion.files[start : start + BATCH]
                failed += await asyncio.to_thread(remove, folder, batch)
                done = start + len(batch)
                step.progress(done / len(deletion.files), f"{done:,} of {len(deletion.files):,}")
            _check_all_gone(failed, count(len(deletion.files), "file"))
        async with job.step("verify"):
            left = await asyncio.to_thread(listed, folder, [file.name for file in deletion.files])
            if left.files:
                raise DataTransferError(f"{count(len(left.files), 'file')} deleted are there", "", "look at them again")
        return f"deleted {count(len(deletion.files), 'file')} here, {byte_words(deletion.size)}"

    async def _move(self, item: TransferItem, meter: Meter) -> None:
        if not item.target.startswith(SCHEME):
            if item.entry is not None:
                await self.mover.download(item.entry, *_below(item), meter.add)
            return
        bucket, key = split_address(item.target)
        if item.entry is not None:
            await self.mover.copy(item.entry, bucket, key, meter.add)
        else:
            await self.mover.upload(Path(item.source), bucket, key, meter.add)

    async def _remove_source(self, item: TransferItem) -> None:
        if item.entry is None:
            await asyncio.to_thread(Path(item.source).unlink)
            return
        for key, why in await self.mover.delete(item.entry.bucket, (item.entry,)):
            raise DataTransferError(f"{key} was copied and not removed", why, "both are there now")

    async def _left(self, deletion: Deletion, request: DeleteRequest) -> int:
        gone = {entry.key for entry in deletion.objects}
        left = sum(await asyncio.gather(*(self._is_there(deletion.bucket, key) for key in request.keys)))
        for prefix in request.prefixes:
            async for page in self.objects.pages(deletion.bucket, prefix, recursive=True):
                left += sum(entry.key in gone for entry in page)
        return left

    async def _is_there(self, bucket: str, key: str) -> bool:
        try:
            await self.objects.head(bucket, key)
        except ResourceNotFound:
            return False
        return True

    async def _while_shown(
        self, work: asyncio.Future[list[None]], meter: Meter, files: int, shown: tuple[JobHandle, StepHandle]
    ) -> None:
        """Wait for the work, show how far it is, and give it up when somebody cancels."""
        job, step = shown
        began = self.clock.monotonic()
        try:
            async for _ in _ticks(work):
                self._show(step, meter, files, self.clock.monotonic() - began)
                if job.cancelled:
                    raise Refused("cancelled", f"{meter.files} of {files} were done", code="cancelled")
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    def _show(self, step: StepHandle, meter: Meter, files: int, seconds: float) -> None:
        rate = meter.bytes / seconds if seconds > 0 else 0.0
        many = f"{meter.files:,} of {files:,} · " if files > 1 else ""
        words = f"{many}{byte_words(meter.bytes)} of {byte_words(meter.total)} · {_pace(meter, rate, seconds)}"
        step.progress(meter.bytes / meter.total if meter.total else 1.0, words)


def _below(item: TransferItem) -> tuple[Path, str]:
    """Return the folder that a person named, and what is below it: only there could a link be a trap."""
    path = Path(item.target)
    inner = Path(item.name)
    if path.parts[-len(inner.parts) :] == inner.parts:
        return path.parents[len(inner.parts) - 1], item.name
    return path.parent, path.name


def _pace(meter: Meter, rate: float, seconds: float) -> str:
    """Say how fast it goes and how long it takes; after the last byte S3 puts parts together, or names are given."""
    ahead = meter.total - meter.bytes
    if meter.total and not ahead:
        return "finishing"
    left = f", {in_two_units(ahead / rate)} left" if rate and seconds > 1 else ""
    return f"{byte_words(rate)}/s{left}"


async def _ticks(work: Awaitable[object]) -> AsyncIterator[None]:
    """Yield now and then until the work is done; raises what it raised."""
    task = asyncio.ensure_future(work)
    while True:
        done, _ = await asyncio.wait([task], timeout=LOOK_EVERY)
        yield
        if done:
            await task
            return


def _check_all_gone(failed: Sequence[tuple[str, str]], many: str) -> None:
    if failed:
        why = "; ".join(f"{name}: {reason}" for name, reason in failed[:LISTED_ERRORS])
        raise DataTransferError(f"{len(failed)} of {many} were not deleted", why, "look at them and plan again")


def _count(number: int) -> str:
    return f"{number:,} object" + ("" if number == 1 else "s")
