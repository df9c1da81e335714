"""Changes of volumes through the one path: planned, confirmed, re-checked, written down, called once, verified."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.plan import Confirmation, Level, Operation
from runctl_tui.domain.safety import CleanupSafety
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.volume import (
    Attachment,
    NewVolume,
    SnapshotState,
    Storage,
    Volume,
    VolumeChange,
    VolumeShape,
    VolumeSnapshot,
    VolumeState,
)
from runctl_tui.services.action_calls import Caller
from runctl_tui.services.action_facts import FactGatherer
from runctl_tui.services.actions import ActionParts, ActionService
from runctl_tui.services.errors import AwsError, PlanChanged, Refused, ResourceNotFound, ValidationError
from runctl_tui.services.journal_rows import Entry, JournalState
from runctl_tui.services.machines import MachineList
from runctl_tui.services.volume_actions import VolumeActions, VolumeParts
from runctl_tui.services.volume_facts import VolumeFactGatherer
from runctl_tui.services.volume_store import Modification, StorageCall
from runctl_tui.services.volumes import VolumeBook
from tests.fakes import OWNER, FakeClock, an_instance
from tests.services.actions_rig import Rig, codes, yes

O = Operation  # noqa: E741 - short, because every line of this file names one
SHAPE = VolumeShape("gp3", 100, 3000, 125)
MACHINE = replace(an_instance(), zone="us-east-1a", disks=())


@dataclass
class FakeStore:
    """Volumes in memory."""

    clock: FakeClock
    volumes: dict[str, Volume] = field(default_factory=dict)
    snapshots: dict[str, VolumeSnapshot] = field(default_factory=dict)
    calls: list[StorageCall] = field(default_factory=list)
    asked: list[StorageCall] = field(default_factory=list)
    changed: dict[str, Modification] = field(default_factory=dict)
    priced_in: list[str] = field(default_factory=list)
    """Regions whose prices were asked for by name."""
    error: Exception | None = None
    """What the next call raises after it has taken effect."""
    missing: tuple[Any, ...] = ()

    def fact(self, value: Any) -> Known[Any]:
        return Known(value, self.clock.now(), "test")

    def add(self, key: str, **changes: Any) -> Volume:
        born = self.clock.now().replace(year=2020)
        tags = (("Name", key), ("runctl:owner", OWNER))
        volume = Volume(
            f"vol-{key}", "fake", "us-east-1", "us-east-1a", key, VolumeState.AVAILABLE, SHAPE, self.month("", SHAPE),
            self.fact(None), True, born, tags=tags, owner_label=OWNER,
        )  # fmt: skip
        self.volumes[volume.id] = replace(volume, **changes)
        return self.volumes[volume.id]

    def save(self, key: str, volume: str, state: SnapshotState = SnapshotState.COMPLETED) -> VolumeSnapshot:
        born, tags = self.clock.now().replace(year=2020), (("runctl:owner", OWNER),)
        made = VolumeSnapshot(
            f"snap-{key}", "fake", "us-east-1", key, state, volume, 100, self.fact(Decimal(5)), born, tags=tags,
            owner_label=OWNER,
        )  # fmt: skip
        self.snapshots[made.id] = made
        return made

    async def list_storage(self) -> Snapshot[Storage]:
        kept = Storage(tuple(self.volumes.values()), tuple(self.snapshots.values()))
        return Snapshot(kept, self.clock.now(), ("fake/us-east-1",), self.missing)

    async def learn_prices(self, region: str = "") -> None:
        self.priced_in += [region] if region else []

    async def zones(self) -> tuple[str, ...]:
        return ()

    async def check_zone(self, zone: str) -> None:
        if not zone.startswith("us-east-1"):
            raise ValidationError(f"no zone {zone}", todo="us-east-1a")

    def priced(self, storage: Storage) -> Storage:
        return storage

    async def volume(self, volume_id: str, region: str = "") -> Volume:
        if volume_id not in self.volumes:
            raise ResourceNotFound(f"no {volume_id}")
        return self.volumes[volume_id]

    async def snapshot(self, snapshot_id: str, region: str = "") -> VolumeSnapshot:
        if snapshot_id not in self.snapshots:
            raise ResourceNotFound(f"no {snapshot_id}")
        return self.snapshots[snapshot_id]

    async def snapshots_of(self, volume_id: str, region: str) -> tuple[VolumeSnapshot, ...]:
        return tuple(one for one in self.snapshots.values() if one.volume_id == volume_id)

    async def copies_of(self, volume_id: str, region: str, snapshot_id: str = "") -> tuple[VolumeSnapshot, ...]:
        return ()

    async def users_of(self, snapshot_id: str, region: str) -> tuple[str, ...]:
        return ()

    async def modification(self, volume_id: str, region: str) -> Modification | None:
        return self.changed.get(volume_id)

    async def describe(self, resource_id: str, region: str = "") -> Mapping[str, object]:
        return {}

    async def find_by_token(self, token: str, region: str) -> str:
        made = [call for call in self.calls if call.token == token]
        return f"vol-{made[0].name}" if made else ""

    async def change(self, call: StorageCall, *, dry: bool = False) -> str:
        if dry:
            self.asked.append(call)
            return call.id
        self.calls.append(call)
        made = self._obey(call)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return made

    def _obey(self, call: StorageCall) -> str:
        match call.operation:
            case O.VOLUME_CREATE:
                assert call.new is not None
                return self.add(call.name, shape=call.new.shape).id
            case O.VOLUME_SNAPSHOT:
                return self.save(call.name, call.id).id
            case O.VOLUME_DELETE:
                del self.volumes[call.id]
            case O.VOLUME_ATTACH:
                held = (Attachment(call.instance_id, call.device),)
                self.volumes[call.id] = replace(self.volumes[call.id], state=VolumeState.IN_USE, attachments=held)
            case O.VOLUME_MODIFY:
                assert call.shape is not None
                self.volumes[call.id] = replace(self.volumes[call.id], shape=call.shape)
                self.changed[call.id] = Modification("completed", self.clock.now())
            case O.VOLUME_DETACH:
                self.volumes[call.id] = replace(self.volumes[call.id], state=VolumeState.AVAILABLE, attachments=())
            case O.SNAPSHOT_COPY:
                return self.save(call.name, call.volume_id).id
            case O.SNAPSHOT_DELETE:
                del self.snapshots[call.id]
        return call.id

    def month(self, region: str, shape: VolumeShape) -> Fact[Decimal]:
        return self.fact(Decimal("0.08") * shape.size_gib)

    def snapshot_month(self, region: str, size_gib: int) -> Fact[Decimal]:
        return self.fact(Decimal("0.05") * size_gib)


class VolumeRig(Rig):
    """The action rig with volumes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, MACHINE)
        self.ebs = FakeStore(self.clock)
        self.provider.volumes = self.ebs  # type: ignore[attr-defined]  # what makes it a provider of volumes
        self.book = VolumeBook(self.registry, MachineList(self.registry, self.clock), self.clock)
        common = FactGatherer(self.registry, self.fleet, self.evidence, self.journal, self.clock, lambda: self.policy)
        caller, safety = Caller(self.registry, self.journal, self.clock, self.clock.sleep), CleanupSafety()
        volumes = VolumeActions(VolumeParts(VolumeFactGatherer(common, self.book), caller, safety))
        parts = ActionParts(common, caller, self.locks, self.jobs, self.executor, volumes, safety=safety)
        self.actions = ActionService(parts)

    async def change(self, change: VolumeChange) -> Any:  # type: ignore[override]  # of a volume, not of a machine
        return await self.commit(await self.actions.plan_volume(change))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[VolumeRig]:
    made = VolumeRig(tmp_path)
    yield made
    made.close()


async def states(rig: VolumeRig) -> list[tuple[Operation, JournalState]]:
    return [(row.entry.operation, row.state) for row in await rig.rows()]


async def test_a_snapshot_from_before_the_last_detach_is_no_undo(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    saved = rig.ebs.save("data", data.id)
    assert codes(await rig.actions.plan(O.VOLUME_DELETE, [data.key])) == {"undo_old", "schedule_instead"}, "years old"
    rig.ebs.snapshots[saved.id] = replace(saved, started_at=rig.clock.now())
    assert codes(await rig.actions.plan(O.VOLUME_DELETE, [data.key])) == {"undo_exists", "schedule_instead"}
    texts = ("volume", data.key, "data", "fake", "us-east-1", "hash", "op-9", "alice", "detach data")
    await rig.journal.begin(Entry("op-9", O.VOLUME_DETACH, *texts))
    for state in (JournalState.SENT, JournalState.ACKED, JournalState.VERIFIED):
        rig.clock.advance(1)
        await rig.journal.mark("op-9", state)
    plan = await rig.actions.plan(O.VOLUME_DELETE, [data.key])
    assert codes(plan) == {"undo_old", "schedule_instead"}
    assert plan.verdict.level is Level.REASON


async def test_too_large_a_part_of_all_volumes_wants_a_reason(rig: VolumeRig) -> None:
    made = [rig.ebs.add(f"data-{number}") for number in range(10)]
    for volume in made:
        rig.ebs.save(f"of-{volume.name}", volume.id)
    three = await rig.actions.plan(O.VOLUME_DELETE, [one.key for one in made[:3]])
    four = await rig.actions.plan(O.VOLUME_DELETE, [one.key for one in made[:4]])
    assert ("batch_cap" in codes(three), "batch_cap" in codes(four)) == (False, True)
    assert "batch_cap" not in codes(await rig.actions.plan(O.VOLUME_SNAPSHOT, [one.key for one in made[:4]]))
    snapshots = [f"fake/snap-of-data-{number}" for number in range(4)]
    assert "batch_cap" in codes(await rig.actions.plan(O.SNAPSHOT_DELETE, snapshots))


async def test_a_volume_without_a_snapshot_is_refused_snapshotted_and_then_deleted(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    plan = await rig.actions.plan(O.VOLUME_DELETE, [data.key])
    assert codes(plan) == {"no_undo", "schedule_instead"}
    assert (plan.verdict.reasons[0].offer_operation, plan.verdict.reasons[0].offer_references) == (
        O.VOLUME_SNAPSHOT,
        (data.key,),
    )
    with pytest.raises(Refused, match="exists once"):
        await rig.actions.commit(plan, Confirmation(plan.hash, yes=True, name="data"))
    assert rig.ebs.calls == []
    assert (await rig.do(O.VOLUME_SNAPSHOT, data.key)).ok
    plan = await rig.actions.plan(O.VOLUME_DELETE, [data.key])
    assert plan.name_to_type == "data"
    with pytest.raises(Refused):
        await rig.actions.commit(plan, Confirmation(plan.hash, yes=True, name="other"))
    view = await rig.commit(plan)
    assert (view.ok, view.result) == (True, "data: it is gone")
    assert [call.operation for call in rig.ebs.calls] == [O.VOLUME_SNAPSHOT, O.VOLUME_DELETE]
    assert [call.operation for call in rig.ebs.asked] == [O.VOLUME_SNAPSHOT, O.VOLUME_DELETE]
    verified = JournalState.VERIFIED
    assert await states(rig) == [(O.VOLUME_SNAPSHOT, verified), (O.VOLUME_DELETE, verified)]


async def test_the_world_is_looked_at_again_before_the_call(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    rig.ebs.save("one", data.id)
    plan = await rig.actions.plan(O.VOLUME_DELETE, [data.key])
    rig.ebs.add("data", state=VolumeState.IN_USE, attachments=(Attachment(MACHINE.id, "/dev/sdf"),))
    with pytest.raises(PlanChanged, match="it is attached to"):
        await rig.actions.commit(plan, yes(plan))
    assert rig.ebs.calls == []


async def test_what_is_done_to_a_disk_is_found_with_its_machine(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    assert (await rig.change(VolumeChange(O.VOLUME_ATTACH, (data.key,), instance=MACHINE.key))).ok
    rows = await rig.journal.about([MACHINE.key], MACHINE.id)
    assert [row.entry.operation for row in rows] == [O.VOLUME_ATTACH]


async def test_a_plan_holds_only_while_what_it_can_be_undone_with_is_there(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    rig.ebs.save("one", data.id)
    other = rig.ebs.save("two", data.id)
    plan = await rig.actions.plan(O.VOLUME_DELETE, [data.key])
    assert (await rig.actions.plan(O.VOLUME_DELETE, [data.key])).hash == plan.hash
    del rig.ebs.snapshots[other.id]
    with pytest.raises(PlanChanged):
        await rig.actions.commit(plan, yes(plan))


async def test_prices_are_asked_for_where_something_will_be(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    rig.ebs.save("one", data.id)
    await rig.actions.plan_volume(VolumeChange(O.VOLUME_CREATE, new=NewVolume("fake", "us-east-1b", "fresh", SHAPE)))
    await rig.actions.plan_volume(VolumeChange(O.SNAPSHOT_COPY, ("fake/snap-one",), region="eu-west-1"))
    assert rig.ebs.priced_in == ["us-east-1", "eu-west-1"]


async def test_a_shape_that_was_changed_lately_says_so(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    change = VolumeChange(O.VOLUME_MODIFY, (data.key,), shape=VolumeShape("gp3", 200))
    assert "changed_lately" not in codes(await rig.actions.plan_volume(change))
    rig.ebs.changed[data.id] = Modification("completed", rig.clock.now())
    assert "changed_lately" in codes(await rig.actions.plan_volume(change))


async def test_an_answer_that_is_lost_is_settled_by_looking(rig: VolumeRig) -> None:
    rig.ebs.error = AwsError("lost", "AWS did not answer", code="ReadTimeoutError", transient=True)
    new = NewVolume("fake", "us-east-1a", "fresh", SHAPE)
    view = await rig.change(VolumeChange(O.VOLUME_CREATE, new=new))
    assert (view.ok, view.result) == (True, "fresh: vol-fresh is available")
    assert len(rig.ebs.calls) == 1
    (row,) = await rig.rows()
    assert (row.entry.token, row.entry.resource) == (rig.ebs.calls[0].token, "volume/fake/us-east-1/fresh")
    assert row.state is JournalState.VERIFIED


async def test_a_new_volume_says_its_price_and_its_name_is_free(rig: VolumeRig) -> None:
    new = VolumeChange(O.VOLUME_CREATE, new=NewVolume("fake", "us-east-1a", "fresh", SHAPE))
    plan = await rig.actions.plan_volume(new)
    assert plan.effect == 'create volume "fresh" of 100 GiB gp3, 3,000 IOPS, 125 MiB/s in us-east-1a'
    assert plan.usd_per_hour is not None
    assert plan.usd_per_hour * 730 == pytest.approx(Decimal(8))
    assert "it costs $8.00 per month" in plan.verdict.reasons[0].text
    rig.ebs.add("fresh")
    with pytest.raises(ValidationError, match="is taken"):
        await rig.actions.plan_volume(new)
    dear = replace(new, new=NewVolume("fake", "us-east-1a", "huge", replace(SHAPE, size_gib=60_000)))
    rig.policy = replace(rig.policy, cap_per_hour=Decimal(1))
    assert "cost_cap" in codes(await rig.actions.plan_volume(dear))


async def test_a_volume_goes_onto_a_machine_at_the_first_free_device(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    view = await rig.change(VolumeChange(O.VOLUME_ATTACH, (data.key,), instance=f"fake/{MACHINE.id}"))
    assert view.ok
    assert (rig.ebs.calls[0].instance_id, rig.ebs.calls[0].device) == (MACHINE.id, "/dev/sdf")
    plan = await rig.actions.plan(O.VOLUME_DETACH, [data.key])
    assert {"maybe_mounted"} <= codes(plan)


async def test_growing_costs_the_difference(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    grown = replace(SHAPE, size_gib=200)
    plan = await rig.actions.plan_volume(VolumeChange(O.VOLUME_MODIFY, (data.key,), shape=grown))
    assert {line.label: line.text for line in plan.lines}["COST"] == "$8.00/mo (test) becomes $16.00/mo (test)"
    assert plan.usd_per_hour is not None
    assert plan.usd_per_hour * 730 == pytest.approx(Decimal(8))
    assert (await rig.commit(plan)).ok
    assert rig.ebs.volumes[data.id].shape == grown


async def test_one_that_is_gone_already_is_not_called_for(rig: VolumeRig) -> None:
    free = rig.ebs.add("free")
    view = await rig.do(O.VOLUME_DETACH, free.key)
    assert view.ok
    assert rig.ebs.calls == []


@pytest.mark.parametrize(
    "change",
    [
        VolumeChange(O.VOLUME_DELETE),
        VolumeChange(O.VOLUME_ATTACH, ("fake/vol-data",)),
        VolumeChange(O.VOLUME_MODIFY, ("fake/vol-data",)),
        VolumeChange(O.SNAPSHOT_COPY, ("fake/snap-x",)),
        VolumeChange(O.VOLUME_CREATE),
        VolumeChange(O.VOLUME_MODIFY, ("fake/vol-a", "fake/vol-b"), shape=SHAPE),
    ],
)
async def test_a_change_that_lacks_what_it_is_about_is_refused(rig: VolumeRig, change: VolumeChange) -> None:
    with pytest.raises(ValidationError):
        await rig.actions.plan_volume(change)


async def test_a_region_that_fails_keeps_its_rows_with_their_age(rig: VolumeRig) -> None:
    rig.ebs.add("data")
    first = await rig.book.now()
    rig.clock.advance(60)
    rig.ebs.volumes.clear()
    problem = AwsError("us-east-1: throttled", code="RequestLimitExceeded").to_problem(scope="fake/us-east-1")
    rig.ebs.missing = (problem,)
    again = await rig.book.now()
    assert [one.name for one in again.value.volumes] == ["data"]
    assert (again.taken_at, again.missing) == (first.taken_at, (problem,))
    rig.ebs.missing = ()
    assert (await rig.book.now()).value.volumes == ()


async def test_names_and_ids_find_one_volume(rig: VolumeRig) -> None:
    data = rig.ebs.add("data")
    assert [(await rig.book.find(reference)).id for reference in (data.id, data.key, "data")] == [data.id] * 3
    rig.ebs.volumes["vol-twin"] = replace(data, id="vol-twin")
    with pytest.raises(ValidationError, match="more than one volume"):
        await rig.book.find("data")
    with pytest.raises(ResourceNotFound):
        await rig.book.find("nothing")


async def test_a_zone_that_there_is_none_of_is_refused_before_the_plan(rig: VolumeRig) -> None:
    with pytest.raises(ValidationError, match="no zone nowhere-1a"):
        await rig.actions.plan_volume(VolumeChange(O.VOLUME_CREATE, new=NewVolume("fake", "nowhere-1a", "new", SHAPE)))
