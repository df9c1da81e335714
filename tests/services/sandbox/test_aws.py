"""S3, SSM, prices and instance metadata as a user of the sandbox meets them."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.services.sandbox.conftest import Lease, launch, tags, until, wait_for


def test_the_buckets_are_full(sandbox: Lease) -> None:
    s3 = sandbox.aws("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="sandbox-datasets")
    rows = [row for page in pages for row in page["Contents"]]
    assert 2_500 < len(rows) < 3_500
    assert sum(row["Size"] for row in rows) > 5 << 30
    kept = s3.list_objects_v2(Bucket="runctl-sandbox-checkpoints", Prefix="runs/")["Contents"]
    assert {row["Key"].rpartition("/")[2] for row in kept} >= {"step_000600.json", "log", "run.json"}


@pytest.mark.parametrize("name", ["README.md", "imagenet-mini/val/n01440764/ILSVRC2012_val_00000001.JPEG"])
def test_a_made_object_is_what_its_listing_says(sandbox: Lease, name: str) -> None:
    s3 = sandbox.aws("s3")
    listed = s3.list_objects_v2(Bucket="sandbox-datasets", Prefix=name)["Contents"][0]
    body = s3.get_object(Bucket="sandbox-datasets", Key=name)["Body"].read()
    assert len(body) == listed["Size"]
    assert hashlib.md5(body).hexdigest() == listed["ETag"].strip('"')
    part = s3.get_object(Bucket="sandbox-datasets", Key=name, Range="bytes=100-199")["Body"].read()
    assert part == body[100:200]


def test_a_large_made_object_has_the_etag_of_its_parts(sandbox: Lease) -> None:
    s3 = sandbox.aws("s3")
    prefix = "corpus/web-2026-05/part-"
    rows = s3.list_objects_v2(Bucket="sandbox-datasets", Prefix=prefix)["Contents"]
    row = next(row for row in rows if 8 << 20 < row["Size"] < 12 << 20)
    body = s3.get_object(Bucket="sandbox-datasets", Key=row["Key"])["Body"].read()
    parts = [body[start : start + (8 << 20)] for start in range(0, len(body), 8 << 20)]
    whole = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert row["ETag"] == f'"{whole}-{len(parts)}"'


def test_an_unfinished_upload_is_days_old_large_and_the_caller_s_own(sandbox: Lease) -> None:
    s3 = sandbox.aws("s3")
    (upload,) = s3.list_multipart_uploads(Bucket="sandbox-datasets")["Uploads"]
    days = timedelta(days=11), timedelta(days=13)
    assert days[0] < datetime.now(UTC) - upload["Initiated"] < days[1]
    assert upload["Initiator"]["ID"] == sandbox.aws("sts").get_caller_identity()["Arn"]
    parts = s3.list_parts(Bucket="sandbox-datasets", Key=upload["Key"], UploadId=upload["UploadId"])["Parts"]
    assert sum(part["Size"] for part in parts) == 5 << 30
    assert all(days[0] < datetime.now(UTC) - part["LastModified"] < days[1] for part in parts)


def test_versions_can_be_listed_without_reading_the_contents(sandbox: Lease) -> None:
    s3 = sandbox.aws("s3")
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    for text in (b"one", b"two"):
        s3.put_object(Bucket="versioned", Key="k", Body=text)
    s3.delete_object(Bucket="versioned", Key="k")
    found = s3.list_object_versions(Bucket="versioned")
    assert len(found["Versions"]) == 2
    assert len(found["DeleteMarkers"]) == 1
    page = s3.list_object_versions(Bucket="sandbox-datasets", MaxKeys=5)
    assert len(page["Versions"]) == 5


@pytest.mark.parametrize("signature", ["s3", "s3v4"])
def test_a_presigned_address_ends(sandbox: Lease, signature: str) -> None:
    s3 = sandbox.aws("s3", signature=signature)
    bucket = f"presigned-{signature}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    where = {"Bucket": bucket, "Key": "k"}
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", where, ExpiresIn=60), timeout=10) as answer:
        assert answer.read() == b"content"
    late = s3.generate_presigned_url("get_object", where, ExpiresIn=1)
    caught = wait_for(lambda: refused(late), "the address to end", 5)
    with caught:
        assert b"Request has expired" in caught.read()


def refused(address: str) -> urllib.error.HTTPError | None:
    try:
        with urllib.request.urlopen(address, timeout=10):
            return None
    except urllib.error.HTTPError as error:
        return error


def test_commands_of_systems_manager_really_run(sandbox: Lease, host: dict[str, Any]) -> None:
    ssm = sandbox.aws("ssm")
    instance_id = host["InstanceId"]
    managed = {row["InstanceId"] for row in ssm.describe_instance_information()["InstanceInformationList"]}
    assert instance_id in managed
    script = ["echo hello > written.txt", "pwd", "echo wrong >&2", "exit 7"]
    asked = {"InstanceIds": [instance_id], "DocumentName": "AWS-RunShellScript", "Parameters": {"commands": script}}
    command_id = ssm.send_command(**asked)["Command"]["CommandId"]

    def ended() -> dict[str, Any] | None:
        answer: dict[str, Any] = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
        return answer if answer["Status"] not in ("Pending", "InProgress") else None

    found = wait_for(ended, "the command to end")
    assert (found["Status"], found["ResponseCode"]) == ("Failed", 7)
    home = sandbox.folder / "homes" / instance_id
    assert found["StandardOutputContent"].strip() == str(home)
    assert found["StandardErrorContent"] == "wrong\n"
    assert (home / "written.txt").read_text() == "hello\n"


def test_systems_manager_does_not_reach_an_instance_without_a_profile(sandbox: Lease) -> None:
    instance_id = launch(sandbox)
    until(sandbox, instance_id, "running")
    asked = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["true"]}}
    with pytest.raises(ClientError, match="InvalidInstanceId"):
        sandbox.aws("ssm").send_command(InstanceIds=[instance_id], **asked)


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_the_price_list_has_the_price_of_a_type(sandbox: Lease, region: str) -> None:
    wanted = {"regionCode": region, "instanceType": "g5.xlarge", "operatingSystem": "Linux", "tenancy": "Shared"}
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    found = sandbox.aws("pricing").get_products(ServiceCode="AmazonEC2", Filters=filters)["PriceList"]
    assert len(found) == 1
    (term,) = json.loads(found[0])["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    assert dimension["unit"] == "Hrs"
    assert float(dimension["pricePerUnit"]["USD"]) == 1.006


def test_the_price_list_comes_in_pages(sandbox: Lease) -> None:
    pricing = sandbox.aws("pricing")
    first = pricing.get_products(ServiceCode="AmazonEC2", MaxResults=3)
    second = pricing.get_products(ServiceCode="AmazonEC2", MaxResults=3, NextToken=first["NextToken"])
    assert len(first["PriceList"]) == 3
    assert not set(first["PriceList"]) & set(second["PriceList"])


class Metadata:
    """A host's view of its metadata service."""

    def __init__(self, lease: Lease, instance_id: str) -> None:
        self.base = f"{lease.command('hello')['imds_url']}/{instance_id}/latest"
        headers = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        request = urllib.request.Request(f"{self.base}/api/token", method="PUT", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.token = answer.read().decode()

    def get(self, path: str, token: str | None = None) -> tuple[int, str]:
        headers = {"X-aws-ec2-metadata-token": self.token if token is None else token}
        request = urllib.request.Request(f"{self.base}/meta-data/{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ""


def test_metadata_needs_a_token(sandbox: Lease, host: dict[str, Any]) -> None:
    metadata = Metadata(sandbox, host["InstanceId"])
    assert metadata.get("instance-id") == (200, host["InstanceId"])
    assert metadata.get("placement/region") == (200, "us-east-1")
    assert metadata.get("instance-id", token="guessed")[0] == 401
    assert metadata.get("spot/instance-action")[0] == 404


def test_credentials_of_the_instance_profile_open_s3(sandbox: Lease, host: dict[str, Any]) -> None:
    metadata = Metadata(sandbox, host["InstanceId"])
    _, role = metadata.get("iam/security-credentials/")
    found = json.loads(metadata.get(f"iam/security-credentials/{role}")[1])
    s3 = boto3.client(
        "s3",
        endpoint_url=sandbox.session.endpoints.endpoint_url,
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["Token"],
        region_name="us-east-1",
    )
    assert s3.list_buckets()["Buckets"]


def test_no_profile_no_credentials(sandbox: Lease) -> None:
    instance_id = launch(sandbox)
    until(sandbox, instance_id, "running")
    assert Metadata(sandbox, instance_id).get("iam/security-credentials/")[0] == 404


def test_a_spot_notice_is_seen_by_the_host(sandbox: Lease) -> None:
    spot = until(sandbox, launch(sandbox, InstanceMarketOptions={"MarketType": "spot"}), "running")
    metadata = Metadata(sandbox, spot["InstanceId"])
    assert metadata.get("spot/instance-action")[0] == 404
    sandbox.command("interrupt", spot["InstanceId"])
    notice = json.loads(metadata.get("spot/instance-action")[1])
    assert notice["action"] == "terminate"
    left = datetime.fromisoformat(notice["time"]) - datetime.now(UTC)
    assert timedelta(seconds=100) < left <= timedelta(seconds=120)
    assert tags(spot)["runctl:ssh"], "the notice alone ends nothing"


def test_the_seeded_training_uploads_its_checkpoints(sandbox: Lease) -> None:
    s3 = sandbox.aws("s3")
    rows = sandbox.aws("ec2").describe_instances(Filters=[{"Name": "tag:Name", "Values": ["llama-eval"]}])
    run = tags(rows["Reservations"][0]["Instances"][0])["runctl:run"]
    prefix = f"runs/{run}/checkpoints/step_"
    listing = {"Bucket": "runctl-sandbox-checkpoints", "Prefix": prefix}
    first = wait_for(lambda: s3.list_objects_v2(**listing).get("Contents"), "a checkpoint in S3", 60)[0]
    content = json.loads(s3.get_object(Bucket="runctl-sandbox-checkpoints", Key=first["Key"])["Body"].read())
    assert first["Key"].endswith(f"step_{content['step']:06d}.json")
    assert len(content["weights"]) == len(content["letters"])
