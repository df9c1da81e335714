from __future__ import annotations

import base64
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.domain.offer import NO_PROFILE
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.aws.settings import LaunchSettings
from runctl_tui.services.errors import (
    AwsError,
    NoCapacity,
    Refused,
    ResourceExists,
    ResourceNotFound,
    TrainctlError,
    ValidationError,
)
from tests.services.aws.world import World, ec2_error


def with_launch(world: World, **changes: Any) -> World:
    settings = replace(world.settings, launch=LaunchSettings(**changes))
    return World(AwsProvider(settings, world.clock), world.clock, settings)


def requests_of(world: World, operation: str = "RunInstances") -> list[dict[str, Any]]:
    """Parameters of calls as boto3 is about to send them."""
    seen: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        seen.append(dict(params))

    for changes in (False, True):
        client: Any = world.clients._client("ec2", "us-east-1", changes)
        client.meta.events.register(f"provide-client-params.ec2.{operation}", note)
    return seen


async def test_the_call_carries_everything_at_once(world: World) -> None:
    seen = requests_of(world)
    world.make_profile("trainer")
    options = world.options("g5.xlarge", market=Market.SPOT, spot_max_price=Decimal("0.55"), data_gib=200,
                            zone="us-east-1b", run="r-7", profile="trainer")  # fmt: skip
    await world.provider.create_resource(options, "token-1")
    (asked,) = seen
    assert asked["ClientToken"] == "token-1"
    assert asked["MinCount"] == asked["MaxCount"] == 1
    assert asked["EbsOptimized"] is True
    assert asked["Placement"] == {"AvailabilityZone": "us-east-1b"}
    assert asked["IamInstanceProfile"] == {"Name": "trainer"}
    assert asked["MetadataOptions"] == {
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "HttpEndpoint": "enabled",
        "InstanceMetadataTags": "enabled",
    }
    assert asked["InstanceMarketOptions"]["SpotOptions"] == {
        "SpotInstanceType": "one-time",
        "InstanceInterruptionBehavior": "terminate",
        "MaxPrice": "0.55",
    }
    assert [spec["ResourceType"] for spec in asked["TagSpecifications"]] == [
        "instance", "volume", "spot-instances-request",
    ]  # fmt: skip
    for spec in asked["TagSpecifications"]:
        tags = {tag["Key"]: tag["Value"] for tag in spec["Tags"]}
        assert tags.pop("runctl:created").endswith("Z")
        assert tags == {
            "Name": "box",
            "CreatedBy": "runctl-tui",
            "runctl:owner": "tester",
            "runctl:project": "proj",
            "runctl:run": "r-7",
            "runctl:op": "token-1",
        }


async def test_the_root_disk_goes_to_the_image_s_own_root_device(world: World) -> None:
    ec2 = world.raw()
    seen = requests_of(world)
    for image in ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "architecture", "Values": ["x86_64"]}])[
        "Images"
    ]:
        if image.get("Platform") != "windows" and image["RootDeviceName"] in ("/dev/sda1", "/dev/xvda"):
            await world.provider.create_resource(world.options(image=image["ImageId"]), f"t-{image['ImageId']}")
            root, *others = seen[-1]["BlockDeviceMappings"]
            assert root["DeviceName"] == image["RootDeviceName"]
            assert root["Ebs"]["DeleteOnTermination"] is True
            assert not others
        if len({one["BlockDeviceMappings"][0]["DeviceName"] for one in seen}) == 2:
            return
    raise AssertionError("moto has images with both root devices")


async def test_sizes_and_the_data_volume(world: World) -> None:
    seen = requests_of(world)
    await world.provider.create_resource(world.options(), "t-cpu")
    await world.provider.create_resource(world.options("g5.xlarge", data_gib=100), "t-gpu")
    cpu, gpu = (one["BlockDeviceMappings"] for one in seen)
    assert cpu[0]["Ebs"] == {"VolumeSize": 30, "VolumeType": "gp3", "DeleteOnTermination": True}
    assert gpu[0]["Ebs"]["VolumeSize"] >= 50
    assert gpu[1]["DeviceName"] == "/dev/sdf"
    assert gpu[1]["Ebs"] == {"VolumeSize": 100, "VolumeType": "gp3", "DeleteOnTermination": False}
    script = (
        base64.b64decode(seen[1]["UserData"]).decode() if "/mnt" not in seen[1]["UserData"] else seen[1]["UserData"]
    )
    assert "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol" in script
    assert "nofail" in script
    assert "UserData" not in seen[0]


async def test_encryption_follows_the_account(world: World) -> None:
    world.raw().enable_ebs_encryption_by_default()
    seen = requests_of(world)
    await world.provider.create_resource(world.options(), "t-enc")
    assert seen[0]["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    world.raw().disable_ebs_encryption_by_default()


async def test_tags_that_the_metadata_service_cannot_show_do_not_fail_the_launch(world: World) -> None:
    seen = requests_of(world)
    await world.provider.create_resource(world.options(tags=(("cost centre", "7"),)), "t-tags")
    assert seen[0]["MetadataOptions"]["InstanceMetadataTags"] == "disabled"


@pytest.mark.parametrize("tags", [(("aws:mine", "x"),), (("k" * 129, "x"),), (("k", "v" * 257),), (("", "x"),)])
async def test_impossible_tags_are_refused_before_the_call(world: World, tags: Any) -> None:
    seen = requests_of(world)
    with pytest.raises(ValidationError):
        await world.provider.create_resource(world.options(tags=tags), "t")
    assert not seen


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"type": ""}, ValidationError, "machine type"),
        ({"template": "tpl"}, ValidationError, "no template"),
        ({"volume": "data"}, ValidationError, "no network volume"),
        ({"type": "x9.huge"}, ResourceNotFound, "no machine type x9.huge"),
        ({"root_gib": 0}, ValidationError, "root disk"),
        ({"data_gib": 99999999}, ValidationError, "data disk"),
        ({"spot_max_price": Decimal(0)}, ValidationError, "spot price"),
        ({"image": "ami-0123456789abcdef0"}, ResourceNotFound, "ami-0123456789abcdef0"),
        ({"key_name": "nobody"}, ResourceNotFound, "key pair nobody"),
        ({"security_groups": ("nobody",)}, ResourceNotFound, "security group nobody"),
        ({"subnet": "subnet-0123456789abcdef0"}, ResourceNotFound, "subnet"),
    ],
)
async def test_what_cannot_be_is_said_before_anything_is_made(
    world: World, changes: dict[str, Any], error: type[TrainctlError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await world.provider.check_create(replace(world.options(), **changes))
    ec2 = world.raw()
    assert not ec2.describe_key_pairs()["KeyPairs"]
    assert {group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]} == {"default"}


async def test_a_root_disk_smaller_than_the_image_is_refused(world: World) -> None:
    with pytest.raises(ValidationError, match="too small"):
        await world.provider.check_create(world.options("g5.xlarge", root_gib=1))


async def test_an_image_for_another_processor_is_refused(world: World) -> None:
    image = world.raw().describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"][0]
    with pytest.raises(ValidationError, match=r"does not start on t4g\.small"):
        await world.provider.check_create(world.options("t4g.small", image=image["ImageId"]))


async def test_without_capacity_the_caller_can_ask(world: World) -> None:
    words = "There is no Spot capacity available that matches your request."
    world.hook("RunInstances", lambda _: ec2_error("InsufficientInstanceCapacity", words, 500))
    with pytest.raises(NoCapacity, match="no Spot capacity") as caught:
        await world.provider.create_resource(world.options(market=Market.SPOT), "t")
    assert caught.value.code == "InsufficientInstanceCapacity"
    assert world.sent == ["RunInstances"], "never sent again by itself"


async def test_a_lost_answer_is_found_again_and_never_doubled(world: World) -> None:
    lost = [True]

    def after(http_response: Any, **_: object) -> None:
        if lost.pop() if lost else False:
            raise ConnectionResetError("the line went dead")

    client: Any = world.clients._client("ec2", "us-east-1", True)
    client.meta.events.register("before-parse.ec2.RunInstances", after)
    client.meta.events.register("response-received.ec2.RunInstances", lambda **k: after(None))
    with pytest.raises(TrainctlError):
        await world.provider.create_resource(world.options(), "t-lost")
    found = await world.provider.find_by_token("t-lost")
    assert found is not None
    assert (await world.provider.create_resource(world.options(), "t-lost")).id == found.id
    assert len((await world.provider.list_resources()).value) == 1


async def test_the_token_of_a_machine_that_is_gone_makes_no_other(world: World) -> None:
    made = await world.provider.create_resource(world.options(), "t-gone")
    await world.provider.terminate(made.id, made.region)
    with pytest.raises(ResourceExists, match="carried out before"):
        await world.provider.create_resource(world.options(), "t-gone")


async def test_many_instances_warn_and_too_many_refuse(world: World) -> None:
    await world.provider.create_resource(world.options(), "t-1")
    await world.provider.create_resource(world.options(region="us-west-2"), "t-2")
    assert "2 instances run already" in await with_launch(world, warn_at=2).provider.check_create(world.options())
    with pytest.raises(Refused, match="2 instances run; from 2 on"):
        await with_launch(world, block_at=2).provider.check_create(world.options())


async def test_warnings_name_what_is_missing_and_what_it_costs(world: World) -> None:
    warnings = " ".join(await world.provider.check_create(world.options()))
    assert "no instance profile: no SSM" in warnings
    assert "presigned" in warnings
    assert "whole internet" in warnings
    world.make_profile("trainer")
    quiet = with_launch(world, instance_profile="trainer", ssh_cidr="10.0.0.0/8")
    assert await quiet.provider.check_create(world.options()) == ()


async def test_a_machine_may_be_had_without_the_configured_profile(world: World) -> None:
    world.make_profile("trainer")
    provider = with_launch(world, instance_profile="trainer", ssh_cidr="10.0.0.0/8").provider
    bare = world.options(profile=NO_PROFILE)
    assert "no instance profile" in " ".join(await provider.check_create(bare))
    assert (await provider.create_resource(bare, "t-bare")).profile == ""


async def test_a_missing_permission_is_found_by_the_dry_run(world: World) -> None:
    message = "You are not authorized to perform: ec2:RunInstances"
    world.hook("RunInstances", lambda _: ec2_error("UnauthorizedOperation", message, 403))
    with pytest.raises(AwsError) as caught:
        await world.provider.check_create(world.options())
    assert caught.value.todo == "ask for the permission ec2:RunInstances"


async def test_a_launch_arranges_its_key_and_its_group(world: World) -> None:
    made = await with_launch(world, ssh_cidr="10.0.0.0/8").provider.create_resource(world.options(), "t-ssh")
    ec2 = world.raw()
    assert made.key_name == "runctl-tester"
    key = world.settings.state_dir / "keys" / "runctl-tester"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    (group,) = [one for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] == "runctl-ssh"]
    (rule,) = group["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], rule["IpRanges"][0]["CidrIp"]) == (22, 22, "10.0.0.0/8")
    again = await with_launch(world, ssh_cidr="192.0.2.0/24").provider.create_resource(world.options(), "t-ssh2")
    assert again.key_name == made.key_name
    (group,) = [one for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] == "runctl-ssh"]
    ranges = {one["CidrIp"] for rule in group["IpPermissions"] for one in rule["IpRanges"]}
    assert ranges == {"10.0.0.0/8", "192.0.2.0/24"}


async def test_another_s_key_of_our_name_is_left_alone(world: World) -> None:
    world.raw().create_key_pair(KeyName="runctl-tester", KeyType="ed25519")
    made = await world.provider.create_resource(world.options(), "t-key")
    assert made.key_name.startswith("runctl-tester-")
    assert (world.settings.state_dir / "keys" / made.key_name).is_file()
    again = await world.provider.create_resource(world.options(), "t-key2")
    assert again.key_name == made.key_name


async def test_no_default_network_says_how_to_get_one(world: World) -> None:
    world.hook("DescribeVpcs", lambda _: _no_vpcs())
    with pytest.raises(ResourceNotFound, match="no default VPC") as caught:
        await world.provider.check_create(world.options())
    assert "create-default-vpc --region us-east-1" in caught.value.todo


def _no_vpcs() -> Any:
    answer = ec2_error("x", status=200)
    body = b"<DescribeVpcsResponse><requestId>r</requestId><vpcSet/></DescribeVpcsResponse>"
    answer.raw._body = body
    return answer


async def test_a_new_machine_that_ec2_does_not_show_yet_is_starting_and_not_gone(world: World) -> None:
    made = await world.provider.create_resource(world.options(), "t-young")
    hidden = [True]
    world.hook(
        "DescribeInstances",
        lambda _: ec2_error("InvalidInstanceID.NotFound", "does not exist") if hidden[0] else None,
    )
    assert (await world.provider.get_resource_status(made.id)).state is ResourceState.STARTING
    hidden[0] = False
    assert (await world.provider.get_resource_status(made.id)).state is ResourceState.RUNNING
    hidden[0] = True
    with pytest.raises(ResourceNotFound):
        await world.provider.get_resource_status(made.id)


async def test_a_machine_that_never_appears_is_given_up_after_five_minutes(world: World) -> None:
    made = await world.provider.create_resource(world.options(), "t-never")
    world.hook("DescribeInstances", lambda _: _no_instances())
    assert [one.id for one in (await world.provider.list_resources()).value] == [made.id]
    world.clock.advance(301)
    assert (await world.provider.list_resources()).value == ()
    with pytest.raises(ResourceNotFound):
        await world.provider.get_resource_status(made.id)


def _no_instances() -> Any:
    answer = ec2_error("x", status=200)
    answer.raw._body = (
        b"<DescribeInstancesResponse><requestId>r</requestId><reservationSet/></DescribeInstancesResponse>"
    )
    return answer
