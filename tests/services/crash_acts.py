"""How every operation is tried for what a death in the middle of it leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from runctl_tui.domain.host import process_reference
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.marks import TAG_DELETE_AFTER, MarkRequest
from runctl_tui.domain.objects import CopyRequest, DeleteRequest
from runctl_tui.domain.plan import Operation, Plan
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingJob, TrainingStatus
from runctl_tui.domain.run_uploads import RunUpload
from runctl_tui.domain.uploads import upload_reference
from runctl_tui.domain.volume import Attachment, NewVolume, VolumeChange, VolumeShape, VolumeState
from runctl_tui.services.clean_up import plan_clean_up
from runctl_tui.services.errors import ResourceNotFound
from runctl_tui.services.journal_rows import JournalState
from tests.fakes import an_instance
from tests.services.actions_rig import OPTIONS, Rig
from tests.services.crash_hosts import BORN, PID, RUN, HostRig
from tests.services.crash_stores import BUCKET, ObjectRig
from tests.services.dying import Act, Part
from tests.services.test_mark_actions import BOX as MARKED
from tests.services.test_mark_actions import MarkRig
from tests.services.test_volume_actions import MACHINE, SHAPE, VolumeRig

BOX, OFF, THIRD = an_instance(), an_instance(2, state=ResourceState.STOPPED), an_instance(3)
DATA, KEPT = "fake/vol-data", "fake/snap-kept"
NEW = NewVolume("fake", "us-east-1a", "fresh", SHAPE, "llama")
O = Operation  # noqa: E741 - short, because every row names one


def machine(operation: Operation, key: str, end: ResourceState) -> Act:
    def made(folder: Path) -> Rig:
        return Rig(folder, BOX, OFF)

    def done(rig: Rig) -> bool:
        return rig.provider.machines[key].state is end

    return Act(operation, made, lambda rig: rig.actions.plan(operation, [key]), done=done)


def marking(operation: Operation, *tags: tuple[str, str], day: date | None = None) -> Act:
    request = MarkRequest(operation, "instance", (MARKED.id,), day=day)
    box = replace(MARKED, tags=tags or MARKED.tags)
    return Act(
        operation,
        lambda folder: MarkRig(folder, box),
        lambda rig: rig.actions.plan_marks(request),
        lambda rig: [Part(rig.store_of_marks, (), ("change",))],
    )


def volume(change: VolumeChange, done: Callable[[Any], bool], attached: bool = False) -> Act:
    def made(folder: Path) -> Rig:
        rig = VolumeRig(folder)
        held = {"state": VolumeState.IN_USE, "attachments": (Attachment(MACHINE.id, "/dev/sdf"),)} if attached else {}
        rig.ebs.add("data", **held)
        rig.ebs.save("kept", DATA.partition("/")[2])
        return rig

    return Act(
        change.operation,
        made,
        lambda rig: rig.actions.plan_volume(change),
        lambda rig: [Part(rig.ebs, ("volumes", "snapshots", "calls", "changed"), ("change",))],
        makes=change.operation in (O.VOLUME_CREATE, O.VOLUME_SNAPSHOT, O.SNAPSHOT_COPY),
        done=done,
    )


def _data(rig: Any) -> Any:
    return rig.ebs.volumes[DATA.partition("/")[2]]


LARGER = VolumeShape("gp3", 200)


async def _clean_up(rig: Rig) -> Plan:
    wanted = (O.STOP, BOX.key), (O.TERMINATE, OFF.key), (O.STOP, THIRD.key)
    plan = (await plan_clean_up(rig.actions, wanted)).plan
    if plan is None:
        raise ResourceNotFound("nothing is left to clean up")
    return plan


def _cleaned(rig: Rig) -> bool:
    return [rig.state(one) for one in (BOX, OFF, THIRD)] == [
        ResourceState.STOPPED,
        ResourceState.TERMINATED,
        ResourceState.STOPPED,
    ]


def on_host(
    operation: Operation, plan: Callable[[Any], Awaitable[Plan]], done: Callable[[Any], bool], **more: Any
) -> Act:
    """Runs and processes: what a host runs is always known here."""
    trains = operation in (O.RUN_STOP, O.RUN_UPLOAD)
    doors = "start", "stop", "signal", "send_code", "send"

    def others(rig: Any) -> list[Part]:
        return [Part(rig.host, ("runs", "processes", "sent", "calls"), doors), Part(rig.book, (), ("remember",))]

    return Act(
        operation,
        lambda folder: HostRig(folder, trains=trains),
        plan,
        others,
        holds=lambda rig: rig.no_run_is_lost(),
        done=done,
        **more,
    )


def ending(operation: Operation) -> Act:
    reference = process_reference(BOX.key, PID, BORN)
    return on_host(
        operation,
        lambda rig: rig.actions.plan(operation, [reference]),
        lambda rig: not rig.host.processes,
    )


def training(operation: Operation, request: LaunchRequest, **more: Any) -> Act:
    return on_host(
        operation, lambda rig: rig.actions.plan_launch(request), lambda rig: bool(rig.host.runs), makes=True, **more
    )


def in_s3(
    operation: Operation, request: CopyRequest | DeleteRequest, kept: int, done: Callable[[Any], bool], **more: Any
) -> Act:
    """Objects: of each that is kept one copy at least is there, in S3 or in the folder of this machine."""
    if operation in (O.S3_COPY, O.S3_MOVE):  # one row for many calls
        more["rows"] = lambda rig: int(done(rig))
    return Act(
        operation,
        ObjectRig,
        lambda rig: rig.actions.plan_storage(_here(request, rig)),
        lambda rig: [Part(rig.s3, ("objects", "unfinished", "calls"), ("copy", "upload", "download", "delete"))],
        holds=lambda rig: len(rig.contents()) >= kept,
        done=done,
        **more,
    )


def _here(request: CopyRequest | DeleteRequest, rig: Any) -> CopyRequest | DeleteRequest:
    """Name the program's own folder where a request does."""
    if isinstance(request, DeleteRequest):
        return request
    source, destination = (str(rig.here) if end == HERE else end for end in (request.source, request.destination))
    return replace(request, source=source, destination=destination)


def _names(rig: Any) -> set[str]:
    return {key.partition("/")[0] for key in rig.s3.objects}


EITHER = frozenset({JournalState.VERIFIED, JournalState.FAILED})
JOB = TrainingJob("train.py", project_root=".", name="tiny")
BUYS = LaunchRequest(OPTIONS, job=JOB)
TRAINS = LaunchRequest(None, job=JOB, instance_key=BOX.key)
RESUMES = LaunchRequest(None, job=replace(JOB, parent="r-000001"), instance_key=BOX.key)
OLD, COPY = f"s3://{BUCKET}/old/", f"s3://{BUCKET}/new/"
HERE = "here"
UPLOAD = upload_reference(BUCKET, "big.pt", "u-1")

ACTS: dict[Operation, Act] = {
    act.operation: act
    for act in (
        machine(O.TERMINATE, BOX.id, ResourceState.TERMINATED),
        machine(O.STOP, BOX.id, ResourceState.STOPPED),
        machine(O.START, OFF.id, ResourceState.RUNNING),
        training(O.LAUNCH, BUYS, most=2, rows=lambda rig: len(rig.provider.calls)),
        Act(O.CLEAN_UP, lambda folder: Rig(folder, BOX, OFF, THIRD), _clean_up, most=3, done=_cleaned),
        marking(O.PROTECT),
        marking(O.UNPROTECT, ("runctl:owner", "alice"), ("runctl:protected", "true")),
        marking(O.CLAIM, ("CreatedBy", "runctl")),
        marking(O.SCHEDULE, day=date(2026, 12, 1)),
        marking(O.UNSCHEDULE, ("runctl:owner", "alice"), (TAG_DELETE_AFTER, "2026-12-01")),
        volume(VolumeChange(O.VOLUME_CREATE, new=NEW), lambda rig: "vol-fresh" in rig.ebs.volumes),
        volume(VolumeChange(O.VOLUME_SNAPSHOT, (DATA,), name="saved"), lambda rig: "snap-saved" in rig.ebs.snapshots),
        volume(VolumeChange(O.VOLUME_DELETE, (DATA,)), lambda rig: "vol-data" not in rig.ebs.volumes),
        volume(VolumeChange(O.VOLUME_ATTACH, (DATA,), instance=MACHINE.key), lambda rig: bool(_data(rig).attachments)),
        volume(VolumeChange(O.VOLUME_DETACH, (DATA,)), lambda rig: not _data(rig).attachments, attached=True),
        volume(VolumeChange(O.VOLUME_MODIFY, (DATA,), shape=LARGER), lambda rig: _data(rig).shape.size_gib == 200),
        volume(
            VolumeChange(O.SNAPSHOT_COPY, (KEPT,), region="eu-west-1", name="copied"),
            lambda rig: "snap-copied" in rig.ebs.snapshots,
        ),
        volume(VolumeChange(O.SNAPSHOT_DELETE, (KEPT,)), lambda rig: "snap-kept" not in rig.ebs.snapshots),
        training(O.RUN_START, TRAINS),
        training(O.RUN_RESUME, RESUMES),
        on_host(
            O.RUN_STOP,
            lambda rig: rig.actions.plan(O.RUN_STOP, [RUN.id]),
            lambda rig: rig.host.runs == {RUN.id: TrainingStatus.CANCELLED},
        ),
        on_host(
            O.RUN_UPLOAD,
            lambda rig: rig.actions.plan_upload(RunUpload((RUN.id,), f"s3://{BUCKET}/runs")),
            lambda rig: rig.host.sent == {RUN.id},
            told=EITHER,
        ),
        ending(O.PROCESS_END),
        ending(O.PROCESS_KILL),
        in_s3(
            O.S3_COPY,
            CopyRequest(OLD, COPY, recursive=True),
            4,
            lambda rig: len(rig.s3.objects) == 6,
            most=3,
            repeats=True,
        ),
        in_s3(
            O.S3_MOVE,
            CopyRequest(OLD, COPY, recursive=True, move=True),
            4,
            lambda rig: _names(rig) == {"new"} and len(rig.contents()) == 4,
            most=6,
            repeats=True,
        ),
        in_s3(O.S3_DELETE, DeleteRequest(BUCKET, prefixes=("old/",)), 0, lambda rig: not rig.s3.objects),
        Act(
            O.UPLOAD_ABORT,
            ObjectRig,
            lambda rig: rig.actions.plan(O.UPLOAD_ABORT, [UPLOAD]),
            lambda rig: [Part(rig.s3, ("objects", "unfinished", "calls"), ()), Part(rig.uploads, (), ("abort",))],
            done=lambda rig: not rig.s3.unfinished,
        ),
    )
}
TO_S3 = CopyRequest(HERE, COPY, recursive=True, move=True)
FROM_S3 = CopyRequest(OLD, HERE, recursive=True, move=True)
MORE = {
    "move-to-s3": in_s3(
        O.S3_MOVE,
        TO_S3,
        4,
        lambda rig: not [*rig.here.iterdir()] and len(rig.contents()) == 4,
        repeats=True,
    ),
    "move-from-s3": in_s3(
        O.S3_MOVE,
        FROM_S3,
        4,
        lambda rig: not rig.s3.objects and len(rig.contents()) == 4,
        most=6,
        repeats=True,
    ),
}
"""Other ways of an operation, which write and remove files of this machine."""
