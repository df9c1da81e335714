"""What a snapshot is of and what else holds the same, though the volume id of a copy means nothing."""

from __future__ import annotations

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.volume import VolumeSnapshot
from runctl_tui.services.aws.volume_parse import parse_snapshot
from runctl_tui.services.aws.volumes import EbsStore
from runctl_tui.services.volume_kin import Kin, kin_of
from runctl_tui.services.volume_store import StorageCall
from tests.services.aws.test_volumes import EAST, WEST, create, store
from tests.services.aws.world import World, ec2_error


async def saved(world: World) -> tuple[EbsStore, str, VolumeSnapshot]:
    """A store, a volume in the east and its snapshot."""
    volume = await store(world).change(create())
    made = await store(world).change(StorageCall(Operation.VOLUME_SNAPSHOT, EAST, volume, "op-2", name="saved"))
    return store(world), volume, await store(world).snapshot(made, EAST)


async def copied(world: World, first: VolumeSnapshot) -> VolumeSnapshot:
    call = StorageCall(
        Operation.SNAPSHOT_COPY, EAST, first.id, "op-3", to_region=WEST, name="saved", volume_id=first.volume_id
    )
    return await store(world).snapshot(await store(world).change(call), WEST)


def ids(kin: Kin) -> tuple[set[str], set[str]]:
    assert isinstance(kin.snapshots, Known)
    assert isinstance(kin.copies, Known)
    return {one.id for one in kin.snapshots.value}, {one.id for one in kin.copies.value}


async def test_a_copy_of_ours_knows_its_volume_and_its_first(world: World) -> None:
    ebs, volume, first = await saved(world)
    copy = await copied(world, first)
    assert (copy.volume_id, copy.copy_of, copy.copied_from, copy.home) == (volume, first.id, EAST, EAST)
    for one in (first, copy):
        kin = await kin_of(ebs, one, world.clock)
        assert isinstance(kin.volume, Known)
        assert kin.volume.value is not None
        assert kin.volume.value.id == volume, "the volume is there, in its own region"
        assert ids(kin) == ({first.id}, {copy.id})


async def test_a_copy_outlives_its_first_and_still_knows_its_volume(world: World) -> None:
    ebs, volume, first = await saved(world)
    copy = await copied(world, first)
    await ebs.change(StorageCall(Operation.SNAPSHOT_DELETE, EAST, first.id, "op-4"))
    kin = await kin_of(ebs, copy, world.clock)
    assert isinstance(kin.volume, Known)
    assert kin.volume.value is not None
    assert ids(kin) == (set(), {copy.id})
    assert [one.id for one in await ebs.copies_of(volume, EAST)] == [copy.id], "the volume's undo lies there"


async def test_a_copy_of_the_console_s_is_known_by_its_description(world: World) -> None:
    ebs, volume, first = await saved(world)
    made = world.raw(region=WEST).copy_snapshot(
        SourceRegion=EAST, SourceSnapshotId=first.id, Description=f"[Copied {first.id} from {EAST}]"
    )["SnapshotId"]
    copy = await ebs.snapshot(made, WEST)
    assert (copy.volume_id, copy.copy_of, copy.copied_from) == ("", first.id, EAST)
    for one in (first, copy):
        kin = await kin_of(ebs, one, world.clock)
        assert isinstance(kin.volume, Known)
        assert kin.volume.value is not None
        assert kin.volume.value.id == volume
        assert ids(kin) == ({first.id}, {copy.id})
    await ebs.change(StorageCall(Operation.SNAPSHOT_DELETE, EAST, first.id, "op-4"))
    lost = await kin_of(ebs, copy, world.clock)
    assert isinstance(lost.volume, Unknown), "never 'gone': nobody tells which volume it was"
    assert isinstance(lost.snapshots, Unknown)


async def test_a_region_that_is_silent_is_unknown_and_never_empty(world: World) -> None:
    ebs, _, first = await saved(world)
    world.hook("DescribeSnapshots", lambda _: ec2_error("UnauthorizedOperation"), WEST)
    kin = await kin_of(ebs, first, world.clock)
    assert isinstance(kin.snapshots, Known)
    assert isinstance(kin.copies, Unknown)


@pytest.mark.parametrize(
    ("description", "volume", "copy_of"),
    [
        ("[Copied snap-0123456789abcdef0 from eu-west-1]", "vol-ffffffff", ("eu-west-1", "snap-0123456789abcdef0")),
        ("snap-0123 from us-gov-west-1 by runctl-tui", "vol-1", ("us-gov-west-1", "snap-0123")),
        ("before the migration", "vol-ffffffffffffffff", ("", "")),
    ],
)
def test_the_volume_that_ec2_gives_a_copy_is_left_out(description: str, volume: str, copy_of: tuple[str, str]) -> None:
    found = parse_snapshot({"SnapshotId": "snap-1", "VolumeId": volume, "Description": description}, EAST, "me")
    assert (found.volume_id, found.copied_from, found.copy_of) == ("", *copy_of)
    own = parse_snapshot(
        {"SnapshotId": "snap-1", "VolumeId": "vol-1", "Description": "vol-1 by runctl-tui"}, EAST, "me"
    )
    assert (own.volume_id, own.copy_of, own.home) == ("vol-1", "", EAST)
