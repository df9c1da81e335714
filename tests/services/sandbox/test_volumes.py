"""Volumes of the sandbox take their time, and cost what AWS charges."""

from __future__ import annotations

import json

from tests.services.sandbox.conftest import Lease, wait_for


def test_a_snapshot_is_pending_and_then_complete(sandbox: Lease) -> None:
    ec2 = sandbox.aws("ec2")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    made = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]

    def told() -> tuple[str, str]:
        snapshot = ec2.describe_snapshots(SnapshotIds=[made])["Snapshots"][0]
        return snapshot["State"], snapshot["Progress"]

    assert told() == ("pending", "0%")
    wait_for(lambda: told() == ("completed", "100%"), "the snapshot", 10)


def test_an_attachment_is_on_its_way_and_then_there(sandbox: Lease) -> None:
    ec2 = sandbox.aws("ec2")
    found = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["llama-eval"]}])
    machine = found["Reservations"][0]["Instances"][0]
    zone = machine["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=machine["InstanceId"], Device="/dev/sdz")

    def state() -> str:
        return str(ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["Attachments"][0]["State"])

    assert state() == "attaching"
    wait_for(lambda: state() == "attached", "the attachment", 10)


def test_what_is_provisioned_and_saved_has_a_price(sandbox: Lease) -> None:
    pricing = sandbox.aws("pricing")

    def price(family: str, usage: str) -> str:
        wanted = {"productFamily": family, "regionCode": "us-west-2", "usagetype": usage}
        filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
        (text,) = pricing.get_products(ServiceCode="AmazonEC2", Filters=filters)["PriceList"]
        (term,) = json.loads(text)["terms"]["OnDemand"].values()
        (dimension,) = term["priceDimensions"].values()
        return f"{float(dimension['pricePerUnit']['USD']):g} {dimension['unit']}"

    assert price("System Operation", "EBS:VolumeP-IOPS.gp3") == "0.005 IOPS-Mo"
    assert price("Provisioned Throughput", "EBS:VolumeP-Throughput.gp3") == "40.96 GiBps-mo"
    assert price("Storage Snapshot", "EBS:SnapshotUsage") == "0.05 GB-Mo"
