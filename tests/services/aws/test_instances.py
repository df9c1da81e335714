from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runctl_tui.domain.facts import Known
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.services.aws import instances as module
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.errors import AwsError, CredentialsError, Refused, ResourceNotFound
from tests.services.aws.world import OWNER, World, dead_endpoint, ec2_error


def launched(world: World, count: int = 1, region: str = "us-east-1", **more: Any) -> list[str]:
    ec2 = world.raw(region=region)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = [ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, **{"InstanceType": "t3.micro", **more})
            for _ in range(count)]  # fmt: skip
    return [one["Instances"][0]["InstanceId"] for one in made]


async def test_all_regions_and_all_pages_are_listed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 5)
    east, west = launched(world, 12), launched(world, 3, "us-west-2")
    snapshot = await world.provider.list_resources()
    assert {one.id for one in snapshot.value} == {*east, *west}
    assert {one.id for one in snapshot.value if one.region == "us-west-2"} == set(west)
    assert snapshot.complete
    assert snapshot.scope == ("aws/us-east-1", "aws/us-west-2")
    pages = [page async for page in world.provider.iter_pages("us-east-1")]
    assert [len(page.instances) for page in pages] == [5, 5, 2]


async def test_a_region_that_fails_is_named_and_the_others_stay(world: World) -> None:
    launched(world, 1, "us-west-2")
    world.hook("DescribeInstances", lambda _: ec2_error("UnauthorizedOperation", "perform: ec2:DescribeInstances"))
    snapshot = await world.provider.list_resources()
    assert len(snapshot.value) == 1
    (problem,) = snapshot.missing
    assert problem.scope == "aws/us-east-1"
    assert snapshot.silent == ("aws/us-east-1",)
    assert problem.what == "us-east-1: the instances could not be listed"
    assert problem.code == "UnauthorizedOperation"
    assert problem.todo == "ask for the permission ec2:DescribeInstances"
    assert problem.request_id


async def test_a_list_cut_off_at_any_page_keeps_its_rows_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    launched(world, 5)
    for cut in (1, 2):
        answered = [0]

        def fail_later(request: Any, cut: int = cut, answered: list[int] = answered) -> Any:
            answered[0] += 1
            return ec2_error("InternalFailure", status=400) if answered[0] > cut else None

        fresh = World(AwsProvider(world.settings, world.clock), world.clock, world.settings)
        fresh.hook("DescribeInstances", fail_later)
        snapshot = await fresh.provider.list_resources()
        assert len(snapshot.value) == 2 * cut
        assert not snapshot.complete
        fresh.provider.close()


async def test_throttling_is_tried_five_times_and_then_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", waited.append)
    world.hook("DescribeInstances", lambda _: ec2_error("RequestLimitExceeded", status=503))
    snapshot = await world.provider.list_resources()
    assert world.sent.count("DescribeInstances") == 5
    assert snapshot.missing[0].code == "RequestLimitExceeded"
    assert len(waited) == 4
    assert all(0 <= seconds <= 20 for seconds in waited)


async def test_an_ended_login_is_said_by_every_read(world: World) -> None:
    world.hook("DescribeInstances", lambda _: ec2_error("ExpiredToken", "ended"))
    with pytest.raises(CredentialsError):
        await world.provider.get_resource_status("i-0123456789abcdef0", "us-east-1")
    with pytest.raises(CredentialsError):
        await world.provider.find_by_token("t", "us-east-1")
    assert (await world.provider.list_resources()).missing[0].code == "ExpiredToken"


async def test_what_hangs_on_an_instance_is_told(world: World) -> None:
    ec2 = world.raw()
    tags = [{"Key": "Name", "Value": "[/]"}, {"Key": "aws:autoscaling:groupName", "Value": "web"}]
    launched(
        world,
        InstanceType="g5.xlarge",
        KeyName="key",
        BlockDeviceMappings=[
            {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 40, "VolumeType": "gp3", "DeleteOnTermination": True}},
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 500, "VolumeType": "gp3", "DeleteOnTermination": False}},
        ],
        InstanceMarketOptions={"MarketType": "spot"},
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )
    found = (await world.provider.list_resources()).value[0]
    data = next(disk for disk in found.disks if disk.size_gib == 500)
    assert (data.type, data.delete_on_termination, data.usd_per_month) == ("gp3", False, "40.00")
    assert data.last_snapshot_at is None
    assert found.gpu is not None
    assert (found.gpu.name, found.gpu.count, found.vcpus, found.memory_gib) == ("A10G", 1, 4, 16.0)
    assert found.market is Market.SPOT
    assert found.state is ResourceState.RUNNING
    assert (found.name, found.parent, found.key_name, found.owner_label) == ("[/]", "autoscaling: web", "key", OWNER)
    assert found.created_at is not None

    ec2.create_snapshot(VolumeId=data.volume_id)
    ec2.create_tags(Resources=[data.volume_id], Tags=[{"Key": "Name", "Value": "sets"}])
    again = await world.provider.get_resource_status(found.id)
    data = next(disk for disk in again.disks if disk.size_gib == 500)
    assert data.last_snapshot_at is not None, "one machine is read strongly"
    assert data.name == "sets"


@pytest.mark.parametrize(
    ("shape", "usd"),
    [
        ({"VolumeType": "gp3", "Size": 100, "Iops": 13_000, "Throughput": 525}, "74.00"),
        ({"VolumeType": "io2", "Size": 500, "Iops": 10_000}, "712.50"),
    ],
)
async def test_a_volume_costs_the_same_attached_or_not(world: World, shape: dict[str, Any], usd: str) -> None:
    ec2 = world.raw()
    launched(world)
    machine = (await world.provider.list_resources()).value[0]
    volume = ec2.create_volume(AvailabilityZone=machine.zone, **shape)["VolumeId"]
    listed = (await world.provider.volumes.list_storage()).value.volumes
    apart = next(one for one in listed if one.id == volume)
    assert isinstance(apart.usd_per_month, Known)
    assert f"{apart.usd_per_month.value:.2f}" == usd
    ec2.attach_volume(VolumeId=volume, InstanceId=machine.id, Device="/dev/sdf")
    attached = (await world.provider.get_resource_status(machine.id)).disks[-1]
    assert (attached.volume_id, attached.usd_per_month) == (volume, usd)


async def test_disks_are_asked_for_once_a_minute(world: World) -> None:
    launched(world, 2)
    world.hook("DescribeVolumes", lambda _: None)
    await world.provider.list_resources()
    await world.provider.list_resources()
    assert world.sent.count("DescribeVolumes") == 1
    world.clock.advance(61)
    await world.provider.list_resources()
    assert world.sent.count("DescribeVolumes") == 2


async def test_types_are_asked_for_once(world: World) -> None:
    launched(world, 2)
    world.hook("DescribeInstanceTypes", lambda _: None)
    await world.provider.list_resources()
    await world.provider.list_resources()
    assert world.sent.count("DescribeInstanceTypes") == 1


@pytest.mark.parametrize(
    ("operation", "words"),
    [("DescribeVolumes", "disks"), ("DescribeSnapshots", "snapshots"), ("DescribeInstanceTypes", "machine types")],
)
async def test_rows_stay_when_their_details_cannot_be_read(world: World, operation: str, words: str) -> None:
    (made,) = launched(world, InstanceType="g5.xlarge")
    world.hook(operation, lambda _: ec2_error("UnauthorizedOperation"))
    snapshot = await world.provider.list_resources()
    assert [one.id for one in snapshot.value] == [made]
    assert words in snapshot.missing[0].what
    one = snapshot.value[0]
    assert len(one.disks) == 1
    assert (one.disks[0].size_gib is None) is (operation == "DescribeVolumes"), "unknown is not zero"
    assert one.gpu is not None, "the bundled table knows the GPU"


async def test_nothing_in_any_region_is_not_found(world: World) -> None:
    with pytest.raises(ResourceNotFound, match="us-east-1, us-west-2"):
        await world.provider.get_resource_status("i-0123456789abcdef0")


async def test_a_protected_machine_says_so_and_stays(world: World) -> None:
    (made,) = launched(world)
    world.raw().modify_instance_attribute(InstanceId=made, DisableApiTermination={"Value": True})
    found = await world.provider.protections(made)
    assert isinstance(found, Known)
    assert found.value.termination
    with pytest.raises(Refused, match="may not be terminated") as caught:
        await world.provider.terminate(made)
    assert caught.value.code == "OperationNotPermitted"
    assert (await world.provider.get_resource_status(made)).state is ResourceState.RUNNING


async def test_changes_are_sent_once(world: World) -> None:
    (made,) = launched(world)
    world.hook("StopInstances", lambda _: ec2_error("InternalError", status=500))
    with pytest.raises(AwsError) as caught:
        await world.provider.stop(made, "us-east-1")
    assert caught.value.retryable
    assert world.sent == ["StopInstances"]


async def test_forgetting_credentials_opens_a_new_session(world: World) -> None:
    before = world.raw()
    world.provider.forget_credentials()
    assert world.raw() is not before


async def test_a_dead_endpoint_is_a_problem_and_not_a_crash(world: World) -> None:
    provider = AwsProvider(replace(world.settings, endpoint_url=dead_endpoint()), world.clock)
    snapshot = await provider.list_resources()
    assert snapshot.value == ()
    assert [problem.scope for problem in snapshot.missing] == ["aws/us-east-1", "aws/us-west-2"]
    assert "did not answer" in snapshot.missing[0].why
    provider.close()
