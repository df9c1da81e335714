"""Volumes and snapshots on moto: all regions, every change with its token, and what a lost answer left."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.volume import NewVolume, SnapshotState, VolumeShape, VolumeState
from runctl_tui.services import standing
from runctl_tui.services.aws.volumes import EbsStore
from runctl_tui.services.errors import AwsError, ResourceNotFound, ValidationError
from runctl_tui.services.volume_store import StorageCall
from runctl_tui.services.volume_wait import settle_change
from tests.services.aws.world import OWNER, World, ec2_answer, ec2_error

EAST, WEST = "us-east-1", "us-west-2"
SHAPE = VolumeShape("gp3", 20, 4_000, 250)


def create(zone: str = "us-east-1a", token: str = "op-1", **more: Any) -> StorageCall:
    new = NewVolume("aws", zone, "data", SHAPE, "llama", **more)
    return StorageCall(Operation.VOLUME_CREATE, zone[:-1], token=token, new=new, name="data", project="llama")


def store(world: World) -> EbsStore:
    return world.provider.volumes


async def test_volumes_of_all_regions_are_listed_with_what_is_known_about_them(world: World) -> None:
    made = await store(world).change(create())
    await store(world).change(create("us-west-2b", "op-2", encrypted=False))
    await store(world).change(StorageCall(Operation.VOLUME_SNAPSHOT, EAST, made, "op-3", name="saved"))
    snapshot = await store(world).list_storage()
    assert snapshot.complete
    assert snapshot.scope == ("aws/us-east-1", "aws/us-west-2")
    east, west = sorted(snapshot.value.volumes, key=lambda one: one.region)
    assert (east.name, east.state, east.shape, east.zone) == ("data", VolumeState.AVAILABLE, SHAPE, "us-east-1a")
    assert (east.encrypted, west.encrypted) == (True, False)
    assert (east.ownership, east.project) == ("ours", "llama")
    assert isinstance(east.last_snapshot, Known)
    assert east.last_snapshot.value is not None
    assert isinstance(west.last_snapshot, Known)
    assert west.last_snapshot.value is None
    assert east.usd_per_month == Known(Decimal("11.60"), world.clock.now(), "bundled table")
    assert isinstance(west.usd_per_month, Unknown)
    (saved,) = (one for one in snapshot.value.snapshots if one.volume_id == made)
    assert (saved.name, saved.state, saved.size_gib) == ("saved", SnapshotState.COMPLETED, 20)


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("us-west-2z", "its zones are us-west-2a, us-west-2b"),
        ("us-east-9a", "did you mean us-east-"),
        ("nonsense", "regions are "),
    ],
)
async def test_a_zone_that_there_is_none_of_is_refused_with_those_that_there_are(
    world: World, zone: str, told: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        await store(world).check_zone(zone)
    assert told in refused.value.todo
    await store(world).check_zone("us-east-1a")
    await store(world).check_zone("eu-west-1a")


async def test_who_may_not_list_zones_is_refused_by_ec2_alone(world: World) -> None:
    world.hook("DescribeAvailabilityZones", lambda _: ec2_error("UnauthorizedOperation"))
    await store(world).check_zone("us-east-1z")


async def test_the_price_of_another_provider_s_volume_stays_as_it_is(world: World) -> None:
    await store(world).change(create())
    listed = (await store(world).list_storage()).value
    (own,) = listed.volumes
    told = Known(Decimal("14.00"), world.clock.now(), "RunPod's price list")
    other = replace(own, provider="runpod", shape=VolumeShape("network", 200), usd_per_month=told)
    priced = store(world).priced(replace(listed, volumes=(replace(own, usd_per_month=Unknown("not yet")), other)))
    assert isinstance(priced.volumes[0].usd_per_month, Known)
    assert priced.volumes[1] == other


async def test_a_region_that_fails_is_named_and_the_others_stand(world: World) -> None:
    await store(world).change(create())
    world.hook("DescribeVolumes", lambda request: ec2_error("UnauthorizedOperation"), WEST)
    snapshot = await store(world).list_storage()
    assert [volume.region for volume in snapshot.value.volumes] == [EAST]
    assert [(problem.scope, problem.code) for problem in snapshot.missing] == [
        ("aws/us-west-2", "UnauthorizedOperation")
    ]


async def test_the_fleet_hears_of_what_is_attached_to_nothing_now_and_then(world: World) -> None:
    made = await store(world).change(create())
    (east,) = (await store(world).standing()).value
    assert (east.id, east.project) == (made, "llama")
    assert east.usd_per_month == Known(Decimal("11.60"), world.clock.now(), "bundled table")
    asked = len(world.sent)
    assert (await store(world).standing()).value == (east,)
    assert len(world.sent) == asked, "not at each look"
    machine = await world.provider.create_resource(world.options(zone="us-east-1a"), "op-host")
    attach = StorageCall(Operation.VOLUME_ATTACH, EAST, made, instance_id=machine.id, device="/dev/sdf")
    await store(world).change(attach)
    assert (await store(world).standing()).value == (), "a change of ours is seen at once"


async def test_a_region_that_does_not_tell_what_is_attached_to_nothing_is_named_and_asked_again_soon(
    world: World,
) -> None:
    await store(world).change(create())
    world.hook("DescribeVolumes", lambda request: ec2_error("UnauthorizedOperation"), WEST)
    told = await store(world).standing()
    assert [one.region for one in told.value] == [EAST]
    assert [problem.scope for problem in told.missing] == ["aws/us-west-2"]
    asked = len(world.sent)
    assert await store(world).standing() == told
    assert len(world.sent) == asked
    world.clock.advance(standing.REST)
    await store(world).standing()
    assert len(world.sent) > asked


async def test_snapshots_that_cannot_be_read_are_unknown_and_not_absent(world: World) -> None:
    await store(world).change(create())
    world.hook("DescribeSnapshots", lambda request: ec2_error("UnauthorizedOperation"))
    snapshot = await store(world).list_storage()
    (volume,) = (one for one in snapshot.value.volumes if one.region == EAST)
    assert isinstance(volume.last_snapshot, Unknown)
    assert snapshot.missing


async def test_a_volume_s_life(world: World) -> None:
    ebs, ec2 = store(world), world.raw()
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    machine = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, Placement={"AvailabilityZone": "us-east-1a"})
    host = machine["Instances"][0]["InstanceId"]
    made = await ebs.change(create())
    attach = StorageCall(Operation.VOLUME_ATTACH, EAST, made, instance_id=host, device="/dev/sdf")
    await ebs.change(attach, dry=True)
    assert (await ebs.volume(made)).attachment is None
    await ebs.change(attach)
    held = (await ebs.volume(made)).attachment
    assert held is not None
    assert (held.instance_id, held.device) == (host, "/dev/sdf")
    await ebs.change(replace(attach, operation=Operation.VOLUME_DETACH))
    bigger = VolumeShape("gp3", 40, 5_000, 300)
    await ebs.change(StorageCall(Operation.VOLUME_MODIFY, EAST, made, shape=bigger))
    volume = await ebs.volume(made)
    assert (volume.state, volume.shape) == (VolumeState.AVAILABLE, bigger)
    change = await ebs.modification(made, EAST)
    assert change is not None
    assert change.usable
    saved = await ebs.change(StorageCall(Operation.VOLUME_SNAPSHOT, EAST, made, "op-4", name="saved"))
    copy = await ebs.change(
        StorageCall(Operation.SNAPSHOT_COPY, EAST, saved, "op-5", to_region=WEST, name="saved", project="llama")
    )
    assert (await ebs.snapshot(copy)).region == WEST
    restored = await ebs.change(create(token="op-6", snapshot_id=saved))
    assert (await ebs.volume(restored)).snapshot_id == saved
    await ebs.change(StorageCall(Operation.VOLUME_DELETE, EAST, made))
    with pytest.raises(ResourceNotFound):
        await ebs.volume(made, EAST)
    assert [one.id for one in await ebs.snapshots_of(made, EAST)] == [saved]
    await ebs.change(StorageCall(Operation.SNAPSHOT_DELETE, EAST, saved))
    with pytest.raises(ResourceNotFound):
        await ebs.snapshot(saved, EAST)


async def test_our_tags_go_with_the_creating_call(world: World) -> None:
    made = await store(world).change(create())
    (raw,) = world.raw().describe_volumes(VolumeIds=[made])["Volumes"]
    tags = {tag["Key"]: tag["Value"] for tag in raw["Tags"]}
    assert tags == {
        "CreatedBy": "runctl-tui",
        "Name": "data",
        "runctl:op": "op-1",
        "runctl:owner": OWNER,
        "runctl:project": "llama",
    }


async def test_what_a_lost_answer_made_is_found_by_its_token(world: World) -> None:
    ebs, now = store(world), world.clock.now()
    made = await ebs.change(create(token="op-9"))
    saved = await ebs.change(StorageCall(Operation.VOLUME_SNAPSHOT, EAST, made, "op-10"))
    assert [await ebs.find_by_token(token, EAST) for token in ("op-9", "op-10", "op-11")] == [made, saved, ""]
    settled = [
        await settle_change(ebs, call, now)
        for call in (
            create(token="op-9"),
            create(token="op-11"),
            StorageCall(Operation.VOLUME_DETACH, EAST, made),
            StorageCall(Operation.VOLUME_ATTACH, EAST, made),
            StorageCall(Operation.VOLUME_MODIFY, EAST, made),
            StorageCall(Operation.VOLUME_DELETE, EAST, made),
            StorageCall(Operation.VOLUME_DELETE, EAST, "vol-0123456789abcdef0"),
        )
    ]
    assert [arrived for arrived, _ in settled] == [True, False, True, False, False, False, True]


async def test_a_refused_call_says_what_failed(world: World) -> None:
    made = await store(world).change(create())
    world.hook("DeleteVolume", lambda request: ec2_error("VolumeInUse", "it is attached"))
    with pytest.raises(AwsError, match=f"us-east-1: {made} could not be deleted"):
        await store(world).change(StorageCall(Operation.VOLUME_DELETE, EAST, made))


async def test_images_that_rest_on_a_snapshot_are_named(world: World) -> None:
    ebs = store(world)
    saved = await ebs.change(StorageCall(Operation.VOLUME_SNAPSHOT, EAST, await ebs.change(create()), "op-3"))
    assert await ebs.users_of(saved, EAST) == ()
    image = (
        f"<item><imageId>ami-1</imageId><blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs>"
        f"<snapshotId>{saved}</snapshotId></ebs></item></blockDeviceMapping></item>"
    )
    answer = f"<DescribeImagesResponse><imagesSet>{image}</imagesSet></DescribeImagesResponse>"
    world.hook("DescribeImages", lambda request: ec2_answer(answer))
    assert await ebs.users_of(saved, EAST) == ("ami-1",)
    assert await ebs.users_of("snap-other", EAST) == ()


async def test_launch_templates_that_rest_on_a_snapshot_are_named(world: World) -> None:
    ebs, ec2 = store(world), world.raw()
    saved = await ebs.change(StorageCall(Operation.VOLUME_SNAPSHOT, EAST, await ebs.change(create()), "op-3"))
    disks: Any = [{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": saved}}]
    made = ec2.create_launch_template(LaunchTemplateName="boxes", LaunchTemplateData={"BlockDeviceMappings": disks})
    template = made["LaunchTemplate"]["LaunchTemplateId"]
    assert await ebs.users_of(saved, EAST) == (template,)
    ec2.create_launch_template_version(LaunchTemplateName="boxes", LaunchTemplateData={"ImageId": "ami-1"})
    assert await ebs.users_of(saved, EAST) == (template,), "the default version still names it"
    ec2.modify_launch_template(LaunchTemplateName="boxes", DefaultVersion="2")
    assert await ebs.users_of(saved, EAST) == ()
    world.hook("DescribeLaunchTemplateVersions", lambda request: ec2_error("UnauthorizedOperation"))
    with pytest.raises(AwsError, match="launch templates that rest on"):
        await ebs.users_of(saved, EAST)
