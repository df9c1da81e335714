"""What a confirmed plan is compared by: each thing that the operation would hit, and no ages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import ApiProtection, Disk
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.safety.stakes import stakes
from tests.domain.safety_facts import FREE, HELD, LOOK, PROCESS, SAFE, SAVED, a_checkpoint, facts, known
from tests.fakes import START, a_run, an_instance

O = Operation  # noqa: E741 - short, because every line of the table names one
OWNED = "belongs to alice"
RUN = a_run(an_instance())
MACHINE = ("has disk vol-root, which dies", "is a m5.large", "is running")
KEPT = Disk("vol-2", "/dev/sdf", 5, "gp3", delete_on_termination=False, lost_on_stop=True)
UNTOLD = Disk("", "/workspace", 5, "container", delete_on_termination=None, name="workspace")
STORED = replace(SAFE.storage, snapshots=known((SAVED,)))
NO_WAY_BACK = replace(STORED, copies=known(()), snapshots=known(()))


@pytest.mark.parametrize(
    ("operation", "changes", "wanted"),
    [
        (O.TERMINATE, {}, MACHINE),
        (O.STOP, {}, ("has disk vol-root, which stays", *MACHINE[1:])),
        (O.RUN_START, {"disks": known(())}, MACHINE[1:]),
        (O.TERMINATE, {"disks": known((KEPT,))}, ("has disk vol-2, which stays", *MACHINE[1:])),
        (O.STOP, {"disks": known((KEPT,))}, ("has disk vol-2, which dies", *MACHINE[1:])),
        (O.TERMINATE, {"disks": known((UNTOLD,))}, ("has disk workspace, which dies", *MACHINE[1:])),
        (O.TERMINATE, {"sessions": known((RUN,))}, (MACHINE[0], "has run r-000001", *MACHINE[1:])),
        (O.TERMINATE, {"parent": known("eks: pool")}, (*MACHINE, "would be replaced by eks: pool")),
        (
            O.TERMINATE,
            {"protection": known(ApiProtection(True, True, False, 8))},
            ("has 8 instance-store disks", *MACHINE),
        ),
        (O.TERMINATE, {"checkpoints": known((a_checkpoint(),))}, MACHINE),
        (
            O.TERMINATE,
            {"checkpoints": known((a_checkpoint(CopyState.UPLOADING), a_checkpoint(CopyState.UPLOADING, 200)))},
            ("has a checkpoint of r-000001 that is not safe in S3", *MACHINE),
        ),
        (O.START, {"state": Unknown("x"), "type": "", "disks": Unknown("x"), "protection": Unknown("x")}, ()),
        (
            O.START,
            {"sessions": known((RUN,)), "state": known(ResourceState.STOPPED)},
            ("has disk vol-root, which stays", "is a m5.large", "is stopped"),
        ),
        (O.PROCESS_END, {}, ("is a process of ubuntu",)),
        (
            O.PROCESS_END,
            {"process": known(replace(LOOK, process=replace(PROCESS, user="")))},
            ("is a process of somebody unknown",),
        ),
        (O.PROCESS_KILL, {"process": known(replace(LOOK, process=None))}, ()),
        (O.CLAIM, {}, ()),
        (O.SNAPSHOT_COPY, {}, ("is completed",)),
        (O.SNAPSHOT_COPY, {"storage": replace(STORED, snapshot=Unknown("x"))}, ()),
        (O.VOLUME_SNAPSHOT, {}, (f"is available, {FREE.shape.words}",)),
        (O.VOLUME_SNAPSHOT, {"storage": replace(STORED, volume=Unknown("x"))}, ()),
        (
            O.VOLUME_DETACH,
            {"storage": replace(STORED, volume=known(HELD))},
            ("is attached to i-0abc as /dev/sdf", f"is in-use, {FREE.shape.words}"),
        ),
        (O.VOLUME_DELETE, {"storage": STORED}, ("can be had back from snap-1", f"is available, {FREE.shape.words}")),
        (
            O.VOLUME_DELETE,
            {"storage": NO_WAY_BACK},
            ("can be had back from nothing", f"is available, {FREE.shape.words}"),
        ),
        (O.SNAPSHOT_DELETE, {"storage": STORED}, ("can be had back from snap-1", "is completed")),
        (O.LAUNCH, {"tags": Unknown("x")}, None),
    ],
)
def test_each_thing_that_is_hit_is_named(
    operation: Operation, changes: dict[str, Any], wanted: tuple[str, ...] | None
) -> None:
    expected = () if wanted is None else tuple(sorted((OWNED, *wanted)))
    assert stakes(operation, facts(**changes)) == tuple(f"i-0abc {words}" for words in expected)


def test_a_later_look_at_the_same_things_says_the_same() -> None:
    later = replace(
        SAFE, at=START + timedelta(minutes=5), checkpoints=known((a_checkpoint(CopyState.UPLOADING, 300),), -300)
    )
    before = replace(SAFE, checkpoints=known((a_checkpoint(CopyState.UPLOADING, 100),)))
    assert stakes(O.TERMINATE, later) == stakes(O.TERMINATE, before)
