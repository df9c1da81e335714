"""Law (h): a fact of the plan that changes between the confirmation and the call stops the call, and is told."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.instance import TAG_OWNER, ApiProtection, Disk
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.marks import MarkRequest
from runctl_tui.domain.plan import Operation, Plan
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.states import MARKING, ON_SNAPSHOTS, ON_VOLUMES
from runctl_tui.domain.volume import Attachment, SnapshotState, VolumeChange, VolumeShape, VolumeState
from runctl_tui.services.errors import PlanChanged
from tests.domain.drawn_facts import examples
from tests.domain.safety_facts import a_checkpoint
from tests.fakes import START, a_price, a_run, an_instance
from tests.services.actions_rig import OPTIONS, Rig, yes
from tests.services.test_mark_actions import MarkRig
from tests.services.test_volume_actions import MACHINE, VolumeRig

O = Operation  # noqa: E741 - short, because most lines of this file name one
DISKS: Final = (
    Disk("vol-root", "/dev/xvda", 30, "gp3", delete_on_termination=True, root=True),
    Disk("vol-data", "/dev/sdf", 99, "gp3", delete_on_termination=False),
)
TAGS: Final = (*an_instance().tags, ("CreatedBy", "runctl"))
BOX: Final = an_instance(disks=DISKS, tags=TAGS)
SECOND: Final = an_instance(2, disks=DISKS, tags=TAGS)
ENDING: Final = frozenset({O.STOP, O.TERMINATE})
ON_MACHINES: Final = ENDING | {O.START}
Change = Callable[[Rig], object]


def swap(rig: Rig, place: int, **changes: Any) -> None:
    """Change one disk of the machine."""
    disks = [replace(disk, **changes) if each == place else disk for each, disk in enumerate(DISKS)]
    rig.change(BOX, disks=tuple(disks))


def trains(rig: Rig, run: str) -> None:
    rig.evidence.runs[BOX.id] = (*rig.evidence.runs.get(BOX.id, ()), replace(a_run(BOX), id=run, name=run))


def writes(rig: Rig, run: str) -> None:
    one = replace(a_checkpoint(CopyState.UPLOADING), run_id=run)
    rig.evidence.copies[BOX.id] = (*rig.evidence.copies.get(BOX.id, ()), one)


def tagged(rig: Rig, key: str, value: str) -> None:
    rig.change(BOX, tags=tuple((dict(TAGS) | {key: value}).items()))


def off(rig: Rig) -> None:
    state = rig.state(BOX)
    rig.change(BOX, state=ResourceState.RUNNING if state is ResourceState.STOPPED else ResourceState.STOPPING)


BEFORE: Final[dict[str, Change]] = {
    "nothing": lambda rig: None,
    "a run trains on it": lambda rig: trains(rig, "r-before"),
    "a checkpoint is only there": lambda rig: writes(rig, "r-before"),
    "it belongs to bob": lambda rig: tagged(rig, TAG_OWNER, "bob"),
    "a group would replace it": lambda rig: rig.change(BOX, parent="autoscaling: web"),
}
"""What stands against it when it is planned, and is acknowledged."""
CHANGES: Final[dict[str, tuple[frozenset[Operation], Change]]] = {
    "another disk": (ENDING, lambda rig: swap(rig, 0, volume_id="vol-other")),
    "a disk would die": (frozenset({O.TERMINATE}), lambda rig: swap(rig, 1, delete_on_termination=True)),
    "a disk would stay": (frozenset({O.TERMINATE}), lambda rig: swap(rig, 0, delete_on_termination=False)),
    "a disk would be lost": (frozenset({O.STOP}), lambda rig: swap(rig, 1, lost_on_stop=True)),
    "another run": (ENDING, lambda rig: trains(rig, "r-after")),
    "another run's checkpoint": (ENDING, lambda rig: writes(rig, "r-after")),
    "another state": (ON_MACHINES, off),
    "another type": (ON_MACHINES, lambda rig: rig.change(BOX, type="p5.48xlarge")),
    "another name": (ON_MACHINES | MARKING, lambda rig: rig.change(BOX, name="other")),
    "another owner": (ON_MACHINES | MARKING, lambda rig: tagged(rig, TAG_OWNER, "carol")),
    "another parent": (ENDING, lambda rig: rig.change(BOX, parent="eks: pool")),
    "a tag protects it": (frozenset({O.TERMINATE}), lambda rig: tagged(rig, "runctl:protected", "true")),
    "a lock": (ENDING, lambda rig: rig.provider.locks.update({BOX.id: ApiProtection(True, True)})),
    "lost on stop": (ENDING, lambda rig: rig.provider.locks.update({BOX.id: ApiProtection(False, False, False, 8)})),
    "it is gone": (ON_MACHINES | MARKING, lambda rig: rig.change(BOX, state=ResourceState.TERMINATED)),
    "a higher price": (
        frozenset({O.START, O.LAUNCH}),
        lambda rig: rig.provider.prices.update({"m5.large": a_price("2")}),
    ),
    "no price": (frozenset({O.START, O.LAUNCH}), lambda rig: rig.provider.prices.clear()),
    "another account": (ON_MACHINES | MARKING | {O.LAUNCH}, lambda rig: setattr(rig.provider, "account", "999")),
    "younger": (frozenset({O.TERMINATE}), lambda rig: rig.change(BOX, created_at=START - timedelta(seconds=9))),
}


def void(_: object) -> None:
    """Take no notice of what a change returns."""


async def planned(rig: Rig, operation: Operation) -> Plan:
    if operation is O.LAUNCH:
        return await rig.actions.plan_launch(LaunchRequest(OPTIONS))
    if operation in MARKING:
        return await rig.actions.plan_marks(MarkRequest(operation, "instance", (BOX.id,)))
    return await rig.actions.plan(operation, [BOX.id])


async def refused(rig: Rig, plan: Plan, called: list[Any]) -> None:
    """Confirm all that a plan asks for: it is refused with the difference, and nothing was called or written."""
    with pytest.raises(PlanChanged) as told:
        await rig.actions.commit(plan, yes(plan))
    assert told.value.why
    assert called == []
    assert await rig.rows() == ()


cases = st.sampled_from([(name, operation) for name, (on, _) in CHANGES.items() for operation in sorted(on - MARKING)])


@settings(max_examples=examples() // 5)
@given(case=cases, before=st.sampled_from(sorted(BEFORE)))
async def test_law_h_a_machine_that_changed_is_left_alone(case: tuple[str, Operation], before: str) -> None:
    name, operation = case
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), replace(BOX, state=ResourceState.STOPPED if operation is O.START else BOX.state))
        try:
            BEFORE[before](rig)
            plan = await planned(rig, operation)
            CHANGES[name][1](rig)
            await refused(rig, plan, rig.provider.calls)
        finally:
            rig.close()


@pytest.mark.parametrize("operation", [O.PROTECT, O.CLAIM])
@pytest.mark.parametrize("name", [name for name, (on, _) in CHANGES.items() if on >= MARKING])
async def test_law_h_what_changed_is_not_marked(name: str, operation: Operation, tmp_path: Path) -> None:
    tags = (("CreatedBy", "runctl"),) if operation is O.CLAIM else TAGS
    rig = MarkRig(tmp_path, replace(BOX, tags=tags))
    try:
        plan = await planned(rig, operation)
        CHANGES[name][1](rig)
        await refused(rig, plan, rig.provider.calls)
    finally:
        rig.close()


def held(rig: VolumeRig, by: str) -> None:
    there = (Attachment(by, "/dev/sdz"),)
    rig.ebs.volumes["vol-data"] = replace(rig.ebs.volumes["vol-data"], state=VolumeState.IN_USE, attachments=there)


def put(rig: VolumeRig, **changes: Any) -> None:
    every: list[dict[str, Any]] = [rig.ebs.volumes, rig.ebs.snapshots]
    for kept in every:
        kept.update({key: replace(one, **changes) for key, one in kept.items()})


SHAPES: Final = VolumeShape("gp3", 200, 3000, 125)
VOLUMES: Final = {
    O.VOLUME_DELETE: VolumeChange(O.VOLUME_DELETE, ("vol-data",)),
    O.VOLUME_SNAPSHOT: VolumeChange(O.VOLUME_SNAPSHOT, ("vol-data",), name="saved"),
    O.VOLUME_MODIFY: VolumeChange(O.VOLUME_MODIFY, ("vol-data",), shape=SHAPES),
    O.VOLUME_ATTACH: VolumeChange(O.VOLUME_ATTACH, ("vol-data",), instance=MACHINE.key),
    O.VOLUME_DETACH: VolumeChange(O.VOLUME_DETACH, ("vol-data",)),
    O.SNAPSHOT_DELETE: VolumeChange(O.SNAPSHOT_DELETE, ("snap-one",)),
    O.SNAPSHOT_COPY: VolumeChange(O.SNAPSHOT_COPY, ("snap-one",), region="eu-west-1"),
}
OF_VOLUMES: Final[dict[str, tuple[frozenset[Operation], Callable[[VolumeRig], object]]]] = {
    "attached": (ON_VOLUMES, lambda rig: held(rig, SECOND.id)),
    "larger": (ON_VOLUMES, lambda rig: rig.ebs.add("data", shape=VolumeShape("gp3", 150, 3000, 125))),
    "another name": (frozenset(VOLUMES), lambda rig: put(rig, name="other")),
    "another owner": (
        frozenset(VOLUMES), lambda rig: put(rig, tags=(("Name", "data"), (TAG_OWNER, "bob")), owner_label="alice")
    ),
    "another account": (frozenset(VOLUMES), lambda rig: setattr(rig.provider, "account", "999")),
    "no way back": (frozenset({O.VOLUME_DELETE}), lambda rig: rig.ebs.snapshots.clear()),
    "another way back": (
        frozenset({O.VOLUME_DELETE, O.SNAPSHOT_DELETE}),
        lambda rig: rig.ebs.snapshots.pop("snap-two"),
    ),
    "not whole": (ON_SNAPSHOTS, lambda rig: put_state(rig, SnapshotState.ERROR)),
}  # fmt: skip


def put_state(rig: VolumeRig, state: SnapshotState) -> None:
    rig.ebs.snapshots["snap-one"] = replace(rig.ebs.snapshots["snap-one"], state=state)


@pytest.mark.parametrize(
    ("name", "operation"), [(name, operation) for name, (on, _) in OF_VOLUMES.items() for operation in sorted(on)]
)
async def test_law_h_a_volume_that_changed_is_left_alone(name: str, operation: Operation, tmp_path: Path) -> None:
    rig = VolumeRig(tmp_path)
    try:
        rig.provider.add(SECOND)
        rig.ebs.add("data")
        rig.ebs.save("one", "vol-data")
        rig.ebs.save("two", "vol-data")
        if operation is O.VOLUME_DETACH:
            held(rig, MACHINE.id)
        plan = await rig.actions.plan_volume(VOLUMES[operation])
        assert not plan.verdict.forbidden, plan.verdict
        OF_VOLUMES[name][1](rig)
        await refused(rig, plan, rig.ebs.calls)
    finally:
        rig.close()


late = st.sampled_from([(name, operation) for name, (on, _) in CHANGES.items() for operation in sorted(on & ENDING)])


@settings(max_examples=examples() // 10)
@given(case=late)
async def test_law_h_the_second_of_two_is_looked_at_when_its_turn_comes(case: tuple[str, Operation]) -> None:
    name, operation = case
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), SECOND, BOX)
        rig.provider.lag = 3
        try:
            plan = await rig.actions.plan(operation, [SECOND.id, BOX.id])
            rig.provider.before_call = lambda: void(CHANGES[name][1](rig))
            view = await rig.commit(plan)
            assert rig.provider.calls == [(operation.value, SECOND.id)]
            assert (view.ok, "box-1 is not as it was confirmed" in view.result) == (False, True), view.result
        finally:
            rig.close()
