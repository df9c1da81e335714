"""Law (f): every id that a call changes or destroys is in the shown plan, on the screen and on the command line."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import Disk, Instance
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.marks import MarkRequest
from runctl_tui.domain.objects import DeleteRequest, Deletion, EntryKind, ObjectEntry, address
from runctl_tui.domain.plan import Operation, Plan, Target, Verdict
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.volume import Attachment, NewVolume, VolumeChange, VolumeState
from runctl_tui.headless.confirm import describe
from runctl_tui.modals.confirm import dialog_for
from runctl_tui.services.clean_up import plan_clean_up
from runctl_tui.services.storage.words import deletion_plan
from tests.domain.safety_facts import SAFE
from tests.fakes import a_run, an_instance
from tests.services.actions_rig import OPTIONS, Rig
from tests.services.test_mark_actions import MarkRig
from tests.services.test_volume_actions import MACHINE, SHAPE, VolumeRig
from tests.ui.fake_feed import FakeClock

O = Operation  # noqa: E741 - short, because most lines of this file name one
LAW: Final = settings(max_examples=500 if settings.get_current_profile_name() == "fuzz" else 25, deadline=None)


def shown(plan: Plan) -> tuple[str, str]:
    """What a person reads of a plan: in the dialog, and from the command line."""
    facts = dialog_for(FakeClock(), plan)._all_facts()
    return "\n".join(f"{fact.label} {fact.value}" for fact in facts), describe(plan)


def shows(plan: Plan, ids: list[str]) -> None:
    for text in shown(plan):
        assert [one for one in ids if one not in text] == [], text


names = st.sampled_from(["", "data", "scratch", "x" * 255, "i-1", "наука"])


@st.composite
def disks(draw: st.DrawFn, machine: int) -> tuple[Disk, ...]:
    """Up to 128 disks, as many as EC2 attaches, of any name and fate."""
    number = draw(st.sampled_from([0, 1, 2, 5, 128]))
    return tuple(
        Disk(
            f"vol-{machine:04x}{place:013x}", f"/dev/sd{place}", draw(st.sampled_from([None, 8, 16_384])), "gp3",
            draw(st.sampled_from([True, False, None])), root=place == 0, name=draw(names),
            lost_on_stop=draw(st.booleans()),
        )
        for place in range(number)
    )  # fmt: skip


@st.composite
def machines(draw: st.DrawFn) -> list[Instance]:
    number = draw(st.sampled_from([1, 2, 7, 10]))
    return [an_instance(each, name=draw(names), disks=draw(disks(each))) for each in range(1, number + 1)]


def hit(operation: Operation, machine: Instance) -> list[str]:
    """What is changed or destroyed by an operation on a machine, by id."""
    dying = operation is O.TERMINATE
    return [
        machine.id,
        *(
            disk.volume_id
            for disk in machine.disks
            if (disk.delete_on_termination is not False if dying else operation is O.STOP and disk.lost_on_stop)
        ),
    ]


@LAW
@given(boxes=machines(), operation=st.sampled_from([O.TERMINATE, O.STOP, O.START]))
async def test_law_f_machines_and_their_disks(boxes: list[Instance], operation: Operation) -> None:
    state = ResourceState.STOPPED if operation is O.START else ResourceState.RUNNING
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), *(replace(box, state=state) for box in boxes))
        try:
            plan = await rig.actions.plan(operation, [box.key for box in boxes])
            assert (await rig.commit(plan)).ok
            assert rig.provider.calls == [(operation.value, box.id) for box in boxes]
            shows(plan, [one for box in boxes for one in hit(operation, box)])
        finally:
            rig.close()


@LAW
@given(boxes=machines(), ending=st.integers(0, 3))
async def test_law_f_a_clean_up_of_several_operations(boxes: list[Instance], ending: int) -> None:
    wanted = [(O.TERMINATE if place < ending else O.STOP, box.key) for place, box in enumerate(boxes)]
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), *boxes)
        try:
            plan = (await plan_clean_up(rig.actions, wanted)).plan
            if plan is None:
                return
            assert (await rig.commit(plan)).ok
            by_id = {box.id: box for box in boxes}
            shows(plan, [one for verb, key in rig.provider.calls for one in hit(O(verb), by_id[key])])
        finally:
            rig.close()


OF_VOLUMES: Final = {
    O.VOLUME_DELETE: VolumeChange(O.VOLUME_DELETE, ("vol-data", "vol-more")),
    O.VOLUME_SNAPSHOT: VolumeChange(O.VOLUME_SNAPSHOT, ("vol-data", "vol-more"), name="saved"),
    O.VOLUME_MODIFY: VolumeChange(O.VOLUME_MODIFY, ("vol-data",), shape=replace(SHAPE, size_gib=200)),
    O.VOLUME_ATTACH: VolumeChange(O.VOLUME_ATTACH, ("vol-data",), instance=MACHINE.key),
    O.VOLUME_DETACH: VolumeChange(O.VOLUME_DETACH, ("vol-data",)),
    O.SNAPSHOT_DELETE: VolumeChange(O.SNAPSHOT_DELETE, ("snap-one", "snap-two")),
    O.SNAPSHOT_COPY: VolumeChange(O.SNAPSHOT_COPY, ("snap-one",), region="eu-west-1"),
    O.VOLUME_CREATE: VolumeChange(O.VOLUME_CREATE, new=NewVolume("fake", "us-east-1a", "fresh", SHAPE)),
}


@pytest.mark.parametrize("operation", OF_VOLUMES)
async def test_law_f_volumes_and_snapshots(operation: Operation, tmp_path: Path) -> None:
    rig = VolumeRig(tmp_path)
    try:
        held = (Attachment(MACHINE.id, "/dev/sdz"),) if operation is O.VOLUME_DETACH else ()
        rig.ebs.add("data", attachments=held, state=VolumeState.IN_USE if held else VolumeState.AVAILABLE)
        for key in ("more", "gone"):
            rig.ebs.add(key)
        for key, of in (("one", "data"), ("two", "more"), ("three", "data"), ("four", "more")):
            rig.ebs.save(key, f"vol-{of}")
        plan = await rig.actions.plan_volume(OF_VOLUMES[operation])
        await rig.commit(plan)
        assert len(rig.ebs.calls) == len(plan.targets), plan.verdict
        touched = [
            (call.id, call.instance_id if operation in (O.VOLUME_ATTACH, O.VOLUME_DETACH) else "")
            for call in rig.ebs.calls
        ]
        named = [call.new.name for call in rig.ebs.calls if call.new is not None]
        shows(plan, [one for pair in touched for one in pair] + named + [call.to_region for call in rig.ebs.calls])
    finally:
        rig.close()


@pytest.mark.parametrize("operation", [O.CLAIM, O.PROTECT])
async def test_law_f_marks(operation: Operation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = (("CreatedBy", "runctl"),) if operation is O.CLAIM else an_instance().tags
    boxes = [an_instance(number, tags=tags) for number in range(1, 10)]
    rig = MarkRig(tmp_path, *boxes)
    marked: list[str] = []
    change = rig.store_of_marks.change

    async def heard(resource_id: str, *arguments: Any, dry: bool = False) -> None:
        marked.append(resource_id)
        await change(resource_id, *arguments, dry=dry)

    monkeypatch.setattr(rig.store_of_marks, "change", heard)
    try:
        plan = await rig.actions.plan_marks(MarkRequest(operation, "instance", tuple(box.id for box in boxes)))
        assert (await rig.commit(plan)).ok
        assert set(marked) == {box.id for box in boxes}
        shows(plan, marked)
    finally:
        rig.close()


async def test_law_f_runs_and_launches(tmp_path: Path) -> None:
    box = an_instance()
    rig = Rig(tmp_path, box)
    try:
        runs = [replace(a_run(box), id=f"r-{number:06}", name=f"run {number}") for number in range(9)]
        rig.evidence.runs[box.id] = tuple(runs)
        plan = await rig.actions.plan(O.RUN_STOP, [run.id for run in runs])
        assert (await rig.commit(plan)).ok
        assert rig.executor.stopped == [run.id for run in runs]
        shows(plan, rig.executor.stopped)
        launch = await rig.actions.plan_launch(LaunchRequest(OPTIONS))
        assert (await rig.commit(launch)).ok
        shows(launch, [OPTIONS.name, OPTIONS.type, OPTIONS.region])
    finally:
        rig.close()


async def test_law_f_each_marked_object_is_named() -> None:
    keys = tuple(f"runs/{number:03}/{'x' * 100}" for number in range(40))
    entries = tuple(ObjectEntry(EntryKind.OBJECT, "my-data", key, 1) for key in keys)
    targets = tuple(Target("object", address("my-data", key), "x", "aws", "us-east-1") for key in keys)
    plan = deletion_plan(
        DeleteRequest("my-data", keys), Deletion("my-data", entries), SAFE, Verdict(), targets, Unknown("no price")
    )
    shows(plan, [address("my-data", key) for key in keys])
