"""EC2 as a user of the sandbox meets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncssh
import pytest
from botocore.exceptions import ClientError

from tests.services.sandbox.conftest import Lease, describe, image, launch, port_of, state, tags, until, wait_for


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def fleet(lease: Lease, region: str) -> dict[str, dict[str, Any]]:
    pages = lease.aws("ec2", region).get_paginator("describe_instances").paginate()
    rows = [row for page in pages for each in page["Reservations"] for row in each["Instances"]]
    return {tags(row).get("Name", row["InstanceId"]): row for row in rows}


def test_the_seeded_fleet_tells_its_stories(sandbox: Lease) -> None:
    east, west = fleet(sandbox, "us-east-1"), fleet(sandbox, "us-west-2")
    now = datetime.now(UTC)

    assert east["llama-eval"]["State"]["Name"] == "running"
    assert tags(east["llama-eval"])["runctl:owner"] == "ada"
    assert tags(east["llama-eval"])["runctl:run"].startswith("r-")
    assert east["old-notebook"]["State"]["Name"] == "stopped"
    assert now - east["old-notebook"]["LaunchTime"] > timedelta(days=30)
    assert tags(east["prod-features"])["runctl:protected"] == "true"
    assert not any(name.startswith("runctl:") for name in tags(east["db-primary"]))
    assert west["sdxl-spot"]["InstanceLifecycle"] == "spot"
    assert west["sdxl-spot"]["SpotInstanceRequestId"].startswith("sir-")
    assert now - west["forgotten-bench"]["LaunchTime"] > timedelta(days=9)


def test_protection_is_enforced(sandbox: Lease) -> None:
    protected = fleet(sandbox, "us-east-1")["prod-features"]["InstanceId"]
    assert refusal(sandbox.aws("ec2").terminate_instances, InstanceIds=[protected]) == "OperationNotPermitted"
    assert state(sandbox, protected) == "running"


def test_volumes_with_and_without_snapshots(sandbox: Lease) -> None:
    east = sandbox.aws("ec2").describe_volumes()["Volumes"]
    orphan = next(row for row in east if tags(row).get("Name") == "scratch-2025")
    assert orphan["State"] == "available"
    assert datetime.now(UTC) - orphan["CreateTime"] > timedelta(days=40)
    data = next(row for row in east if tags(row).get("Name") == "llama-data")
    assert data["Attachments"][0]["DeleteOnTermination"] is False
    own = sandbox.aws("ec2", "us-west-2").describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert [tags(row)["Name"] for row in own] == ["sdxl-datasets"]


def test_states_take_a_while(sandbox: Lease) -> None:
    ec2 = sandbox.aws("ec2")
    instance_id = launch(sandbox)
    assert state(sandbox, instance_id) == "pending"
    until(sandbox, instance_id, "running")
    ec2.stop_instances(InstanceIds=[instance_id])
    assert state(sandbox, instance_id) == "stopping"
    stopped = until(sandbox, instance_id, "stopped")
    assert "runctl:ssh" not in tags(stopped)
    assert "PublicIpAddress" not in stopped
    ec2.start_instances(InstanceIds=[instance_id])
    assert state(sandbox, instance_id) == "pending"
    until(sandbox, instance_id, "running")
    ec2.terminate_instances(InstanceIds=[instance_id])
    assert state(sandbox, instance_id) == "shutting-down"
    until(sandbox, instance_id, "terminated")
    assert not (sandbox.folder / "homes" / instance_id).exists()
    assert refusal(ec2.start_instances, InstanceIds=[instance_id]) == "IncorrectInstanceState"
    assert refusal(ec2.stop_instances, InstanceIds=[instance_id]) == "IncorrectInstanceState"
    ec2.terminate_instances(InstanceIds=[instance_id])
    assert state(sandbox, instance_id) == "terminated", "terminating twice changes nothing"


def test_a_client_token_makes_one_instance(sandbox: Lease) -> None:
    first = launch(sandbox, ClientToken="once")
    assert launch(sandbox, ClientToken="once") == first
    ec2 = sandbox.aws("ec2")
    different = {"ImageId": image(sandbox), "InstanceType": "g5.xlarge", "MinCount": 1, "MaxCount": 1}
    assert refusal(ec2.run_instances, ClientToken="once", **different) == "IdempotentParameterMismatch"
    assert launch(sandbox, ClientToken="twice") != first


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"InstanceType": "g9.huge"}, "InvalidParameterValue"),
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"ImageId": "ubuntu"}, "InvalidAMIID.Malformed"),
        ({"KeyName": "nobody"}, "InvalidKeyPair.NotFound"),
        ({"IamInstanceProfile": {"Name": "nobody"}}, "InvalidParameterValue"),
        ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
        (
            {"InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.0001"}}},
            "SpotMaxPriceTooLow",
        ),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_a_launch_that_aws_refuses(sandbox: Lease, change: dict[str, Any], code: str) -> None:
    before = len(fleet(sandbox, "us-east-1"))
    request = {"ImageId": image(sandbox), "InstanceType": "g5.xlarge", "MinCount": 1, "MaxCount": 1}
    assert refusal(sandbox.aws("ec2").run_instances, **{**request, **change}) == code
    assert len(fleet(sandbox, "us-east-1")) == before


def test_unknown_and_malformed_ids(sandbox: Lease) -> None:
    ec2 = sandbox.aws("ec2")
    unknown = "i-0123456789abcdef0"
    for call in (ec2.describe_instances, ec2.start_instances, ec2.stop_instances, ec2.terminate_instances):
        assert refusal(call, InstanceIds=[unknown]) == "InvalidInstanceID.NotFound"
        assert refusal(call, InstanceIds=["i-nonsense"]) == "InvalidInstanceID.Malformed"
    assert refusal(ec2.get_console_output, InstanceId=unknown) == "InvalidInstanceID.NotFound"


def test_an_instance_of_another_region_is_not_there(sandbox: Lease, host: dict[str, Any]) -> None:
    west = sandbox.aws("ec2", "us-west-2")
    assert refusal(west.stop_instances, InstanceIds=[host["InstanceId"]]) == "InvalidInstanceID.NotFound"


def test_a_one_time_spot_instance_cannot_be_stopped(sandbox: Lease) -> None:
    spot = until(sandbox, launch(sandbox, InstanceMarketOptions={"MarketType": "spot"}), "running")
    assert spot["InstanceLifecycle"] == "spot"
    code = refusal(sandbox.aws("ec2").stop_instances, InstanceIds=[spot["InstanceId"]])
    assert code == "UnsupportedOperation"
    assert state(sandbox, spot["InstanceId"]) == "running"


def test_capacity_can_be_taken_away(sandbox: Lease) -> None:
    sandbox.command("capacity", "g6.xlarge", "spot", False)
    request = {"ImageId": image(sandbox), "InstanceType": "g6.xlarge", "MinCount": 1, "MaxCount": 1}
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
    ec2 = sandbox.aws("ec2")
    assert refusal(ec2.run_instances, **request, **spot) == "InsufficientInstanceCapacity"
    assert ec2.run_instances(**request)["Instances"], "on-demand is another market"
    sandbox.command("capacity", "g6.xlarge", "spot", True)
    assert ec2.run_instances(**request, **spot)["Instances"]


def test_disks_are_as_asked_for(sandbox: Lease) -> None:
    disk = {"VolumeType": "gp3", "VolumeSize": 300, "Iops": 4000, "Throughput": 250, "DeleteOnTermination": False}
    instance_id = launch(
        sandbox, BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": disk}], DisableApiTermination=True
    )
    held = describe(sandbox, instance_id)["BlockDeviceMappings"][0]["Ebs"]
    ec2 = sandbox.aws("ec2")
    volume = ec2.describe_volumes(VolumeIds=[held["VolumeId"]])["Volumes"][0]
    assert (volume["Size"], volume["Iops"], volume["Throughput"]) == (300, 4000, 250)
    assert refusal(ec2.terminate_instances, InstanceIds=[instance_id]) == "OperationNotPermitted"
    ec2.modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[instance_id])
    until(sandbox, instance_id, "terminated")
    assert ec2.describe_volumes(VolumeIds=[held["VolumeId"]])["Volumes"][0]["State"] == "available"


def test_a_volume_is_detached_by_its_id_alone(sandbox: Lease, host: dict[str, Any]) -> None:
    ec2 = sandbox.aws("ec2")
    zone = host["Placement"]["AvailabilityZone"]
    volume_id = ec2.create_volume(AvailabilityZone=zone, Size=10)["VolumeId"]
    ec2.attach_volume(VolumeId=volume_id, InstanceId=host["InstanceId"], Device="/dev/sdg")
    ec2.detach_volume(VolumeId=volume_id)
    assert ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]["State"] == "available"


def test_the_console_shows_the_host_key_of_the_ssh_server(sandbox: Lease, host: dict[str, Any]) -> None:
    output = sandbox.aws("ec2").get_console_output(InstanceId=host["InstanceId"])["Output"]
    _, _, rest = output.partition("-----BEGIN SSH HOST KEY KEYS-----")
    told, _, _ = rest.partition("-----END SSH HOST KEY KEYS-----")
    path = sandbox.folder / "keys" / f"{host['InstanceId']}_ed25519"
    kind, data = asyncssh.read_private_key(str(path)).export_public_key().decode().split()[:2]
    assert f"{kind} {data}" in told


def test_the_deep_learning_image_is_found_by_name_and_by_parameter(sandbox: Lease) -> None:
    wanted = [{"Name": "name", "Values": ["Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04)*"]}]
    found = sandbox.aws("ec2").describe_images(Owners=["amazon"], Filters=wanted)["Images"]
    assert [row["ImageId"] for row in found] == [image(sandbox)]
    west = sandbox.aws("ec2", "us-west-2").describe_images(Owners=["amazon"], Filters=wanted)["Images"]
    assert west[0]["ImageId"] != image(sandbox)


def test_spot_prices_are_believable(sandbox: Lease) -> None:
    ec2 = sandbox.aws("ec2")
    asked = {"InstanceTypes": ["g5.xlarge"], "StartTime": datetime.now(UTC), "ProductDescriptions": ["Linux/UNIX"]}
    rows = ec2.describe_spot_price_history(**asked)["SpotPriceHistory"]
    zones = {row["AvailabilityZone"] for row in rows}
    assert {"us-east-1a", "us-east-1b"} <= zones
    assert len(rows) == len(zones), "the latest price of each zone"
    assert all(0.28 * 1.006 < float(row["SpotPrice"]) < 0.46 * 1.006 for row in rows)
    assert len({row["SpotPrice"] for row in rows}) > 1
    assert ec2.describe_spot_price_history(**asked)["SpotPriceHistory"] == rows


def test_what_the_sandbox_does_not_play_is_a_clear_refusal(sandbox: Lease) -> None:
    filters = [{"Name": "launch-time", "Values": ["2026-01-01"]}]
    assert refusal(sandbox.aws("ec2").describe_instances, Filters=filters) == "UnsupportedOperation"


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ec2", "describe_instances", "AuthFailure"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("ssm", "describe_instance_information", "UnrecognizedClientException"),
    ],
)
def test_other_keys_do_not_get_in(sandbox: Lease, service: str, operation: str, code: str) -> None:
    stranger = sandbox.aws(service, access_key="AKIAIOSFODNN7EXAMPLE")
    assert refusal(getattr(stranger, operation)) == code


def test_an_interruption_comes_after_its_notice(sandbox: Lease) -> None:
    spot = until(sandbox, launch(sandbox, InstanceMarketOptions={"MarketType": "spot"}), "running")
    answer = sandbox.command("interrupt", spot["InstanceId"], 0.2)
    assert answer["seconds"] == 0.2
    gone = until(sandbox, spot["InstanceId"], "terminated")
    assert gone["StateReason"]["Code"] == "Server.SpotInstanceTermination"


def test_every_instance_has_its_own_port(sandbox: Lease) -> None:
    rows = [row for region in ("us-east-1", "us-west-2") for row in fleet(sandbox, region).values()]
    ports = [port_of(row) for row in rows if "runctl:ssh" in tags(row)]
    assert len(ports) == len(set(ports)) >= 4
    wait_for(lambda: sandbox.command("status")["clients"] >= 1, "our own lease to count")


def test_the_catalogue_of_types_waits_once_only(sandbox: Lease) -> None:
    ec2 = sandbox.aws("ec2")
    asked = {"InstanceTypes": ["g5.xlarge", "p5.48xlarge"]}
    first = ec2.describe_instance_types(**asked)["InstanceTypes"]
    assert {row["InstanceType"]: row["GpuInfo"]["Gpus"][0]["Count"] for row in first} == {
        "g5.xlarge": 1,
        "p5.48xlarge": 8,
    }
    assert ec2.describe_instance_types(**asked)["InstanceTypes"] == first
    assert ec2.describe_instance_types(InstanceTypes=["t3.micro"])["InstanceTypes"][0]["InstanceType"] == "t3.micro"
    assert refusal(ec2.describe_instance_types, InstanceTypes=["g9.huge"]) == "InvalidInstanceType"
