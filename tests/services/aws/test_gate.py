"""While changes are forbidden nothing but reads is sent to AWS or RunPod, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from runctl_tui.domain.marks import Mark
from runctl_tui.services.aws.models import EC2_CALLS
from runctl_tui.services.aws.provider import AwsProvider
from runctl_tui.services.errors import Refused
from tests.services.aws.world import World

EAST = "us-east-1"
READS = ("Describe", "Get")
CHANGES: dict[str, Callable[[Any], object]] = {
    "RunInstances": lambda ec2: ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1),
    "TerminateInstances": lambda ec2: ec2.terminate_instances(InstanceIds=["i-1"]),
    "TerminateInstances, dry": lambda ec2: ec2.terminate_instances(InstanceIds=["i-1"], DryRun=True),
    "CreateTags": lambda ec2: ec2.create_tags(Resources=["i-1"], Tags=[]),
    "CopySnapshot": lambda ec2: ec2.copy_snapshot(SourceRegion=EAST, SourceSnapshotId="snap-1"),
    "ImportKeyPair": lambda ec2: ec2.import_key_pair(KeyName="k", PublicKeyMaterial=b"x"),
}


def locked(world: World) -> AwsProvider:
    return AwsProvider(replace(world.settings, forbids=lambda: "safety.read_only is set"), world.clock)


@pytest.mark.parametrize("name", sorted(CHANGES))
@pytest.mark.parametrize("changes", [False, True])
async def test_no_change_of_ec2_is_sent(world: World, name: str, changes: bool) -> None:
    sent: list[str] = []
    clients = locked(world)._clients
    clients._client("ec2", EAST, changes).meta.events.register("before-send", lambda **_: sent.append("x"))  # type: ignore[attr-defined]  # a client of botocore
    with pytest.raises(Refused, match=r"read-only: safety\.read_only is set"):
        await clients.ec2(EAST, "it failed", CHANGES[name], changes=changes)
    assert sent == []


def test_every_call_that_is_made_reads_by_its_name_or_is_stopped() -> None:
    """A call whose name hides that it changes something would slip through."""
    passed = {name for name in EC2_CALLS if name.startswith(READS)}
    assert passed == {name for name in EC2_CALLS if name.startswith(("Describe", "GetConsoleOutput", "GetEbs"))}


async def test_reads_go_on_and_marks_objects_and_passwords_do_not(world: World) -> None:
    box = (await world.provider.create_resource(world.options(), "t-1")).id
    world.raw("s3").create_bucket(Bucket="data")
    provider = locked(world)
    assert [one.id for one in (await provider.list_resources()).value] == [box]
    assert (await provider.get_resource_status(box, EAST)).id == box
    assert await provider.marks.tags(box, EAST)
    with pytest.raises(Refused):
        await provider.marks.change(box, EAST, Mark(termination=True))
    s3 = provider._clients.s3
    assert await s3(EAST, "x", lambda client: client.list_objects_v2(Bucket="data"))
    assert [page async for page in provider.uploads.pages("data")] == [()]
    for change in (
        lambda client: client.put_object(Bucket="data", Key="k", Body=b""),
        lambda client: client.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "k"}]}),
        lambda client: client.create_multipart_upload(Bucket="data", Key="k"),
        lambda client: client.abort_multipart_upload(Bucket="data", Key="k", UploadId="u"),
        lambda client: client.copy_object(Bucket="data", Key="k", CopySource="data/x"),
    ):
        with pytest.raises(Refused):
            await s3(EAST, "x", change)
    with pytest.raises(Refused):
        await provider.terminate(box, EAST)


async def test_changes_go_out_again_when_they_are_armed(world: World) -> None:
    reason = ["a production account that is not armed"]
    provider = AwsProvider(replace(world.settings, forbids=lambda: reason[0]), world.clock)
    with pytest.raises(Refused):
        await provider.create_resource(world.options(), "t-1")
    reason[0] = ""
    assert (await provider.create_resource(world.options(), "t-1")).id
