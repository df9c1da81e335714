"""The operations of the AWS provider that change something: each call is sent once, and nothing is made twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from runctl_tui.domain.marks import Mark
from runctl_tui.domain.states import Operation as Verb
from runctl_tui.domain.volume import NewVolume, VolumeShape
from runctl_tui.services.volume_store import StorageCall
from tests.faults.account import BUCKET, CONTENT, EAST, KEY, THERE, Stage
from tests.faults.aws_reads import BUCKET_FIRST, LOOKS, READING, Operation, Work

TOKEN: Final = "op-1"
OTHER: Final = "run/other.pt"
LEAST: Final = 5 << 20
"""Bytes of the smallest part that S3 takes but for the last."""
PARTS: Final = {"part": "S3 PUT key?partNumber", "begin": "S3 POST key?uploads", "end": "S3 POST key?uploadId"}


def _state(verb: str, before: str, call: str, after: tuple[str, ...]) -> Operation:
    def arrange(stage: Stage) -> None:
        stage.made["id"] = stage.account.instance(THERE, before)

    return Operation(
        verb,
        (call,),
        lambda stage: getattr(stage.provider, verb)(stage.made["id"], THERE),
        lambda stage, _: stage.account.state_of(stage.made["id"]) in after,
        arrange,
        once=(call,),
    )


def _mark(name: str, call: str, mark: Mark, there: Callable[[dict[str, str]], bool]) -> Operation:
    def arrange(stage: Stage) -> None:
        stage.made["id"] = stage.account.instance()
        tags = [{"Key": "old", "Value": "1"}]
        stage.account.raw().create_tags(Resources=[stage.made["id"]], Tags=tags)

    def true(stage: Stage, _: object) -> bool:
        wanted = [{"Name": "resource-id", "Values": [stage.made["id"]]}]
        told = stage.account.raw().describe_tags(Filters=wanted)["Tags"]
        return there({tag["Key"]: tag["Value"] for tag in told})

    return Operation(
        name,
        (call,),
        lambda stage: stage.provider.marks.change(stage.made["id"], THERE, mark),
        true,
        arrange,
        once=(call,),
    )


def _changes(call: StorageCall) -> Work:
    """Carry a call out on what was arranged."""

    def work(stage: Stage) -> Any:
        made = stage.made
        new = replace(call, id=made.get("id", ""), instance_id=made.get("machine", "") if call.device else "")
        return stage.provider.volumes.change(new)

    return work


def _a_volume(stage: Stage, *, attached: bool = False) -> None:
    stage.made["id"] = stage.account.volume()
    stage.made["machine"] = stage.account.instance()
    if attached:
        stage.account.raw().attach_volume(
            VolumeId=stage.made["id"], InstanceId=stage.made["machine"], Device="/dev/sdf"
        )


def _a_snapshot(stage: Stage, region: str = THERE) -> None:
    ec2 = stage.account.raw(region=region)
    stage.made["id"] = ec2.create_snapshot(VolumeId=stage.account.volume(region))["SnapshotId"]


def _volumes(stage: Stage, **wanted: Any) -> list[Any]:
    found: list[Any] = stage.account.raw().describe_volumes(**wanted)["Volumes"]
    return found


def _raw_volume(stage: Stage) -> Any:
    return next((one for one in _volumes(stage) if one["VolumeId"] == stage.made["id"]), None)


def _of_token(found: list[Any]) -> list[str]:
    tagged = [one for one in found if {"Key": "runctl:op", "Value": TOKEN} in one.get("Tags", [])]
    return [one.get("VolumeId") if "Attachments" in one else one["SnapshotId"] for one in tagged]


async def _one_volume_at_most(stage: Stage) -> None:
    made = _of_token(_volumes(stage))
    assert len(made) <= 1
    assert await stage.provider.volumes.find_by_token(TOKEN, THERE) == "".join(made)


async def _one_snapshot_at_most(stage: Stage) -> None:
    made = _of_token(stage.account.raw().describe_snapshots(OwnerIds=["self"])["Snapshots"])
    assert len(made) <= 1
    assert await stage.provider.volumes.find_by_token(TOKEN, THERE) == "".join(made)


async def _one_instance_at_most(stage: Stage) -> None:
    told = stage.account.raw().describe_instances()["Reservations"]
    made = [one["InstanceId"] for group in told for one in group["Instances"]]
    assert len(made) <= 1
    found = await stage.provider.find_by_token(TOKEN, THERE)
    assert [found.id if found else ""] == (made or [""]), "what was made is found by its token"
    again = await stage.provider.create_resource(_options(), TOKEN)
    assert made in ([], [again.id]), "the same launch once more makes no second machine"


def _options() -> Any:
    from runctl_tui.domain.offer import CreateResourceOptions

    return CreateResourceOptions("aws", THERE, "t3.micro", "box", "proj")


def _snapshot_gone(stage: Stage, _: object) -> bool:
    found = stage.account.raw().describe_snapshots(OwnerIds=["self"])["Snapshots"]
    return stage.made["id"] not in {one["SnapshotId"] for one in found}


SHAPE: Final = VolumeShape("gp3", 20)
EC2_WRITES: Final = (
    _state("start", "stopped", "StartInstances", ("running", "pending")),
    _state("stop", "running", "StopInstances", ("stopped", "stopping")),
    _state("terminate", "running", "TerminateInstances", ("terminated", "shutting-down")),
    Operation(
        "create",
        (*LOOKS, *READING, "AuthorizeSecurityGroupIngress", "CreateSecurityGroup", "ImportKeyPair", "RunInstances"),
        lambda stage: stage.provider.create_resource(_options(), TOKEN),
        lambda stage, one: stage.account.state_of(one.id) in ("pending", "running"),
        once=("RunInstances", "ImportKeyPair", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress"),
        lead=frozenset({*LOOKS, *READING}),
        fresh=True,
        after=_one_instance_at_most,
    ),
    _mark("set tags", "CreateTags", Mark(set=(("new", "2"),)), lambda tags: tags.get("new") == "2"),
    _mark("remove tags", "DeleteTags", Mark(remove=("old",)), lambda tags: "old" not in tags),
    _mark("lock", "ModifyInstanceAttribute", Mark(termination=True), lambda tags: "old" in tags),
    Operation(
        "create a volume",
        ("CreateVolume",),
        _changes(
            StorageCall(
                Verb.VOLUME_CREATE, THERE, token=TOKEN, new=NewVolume("aws", f"{THERE}a", "data", SHAPE), name="d"
            )
        ),
        lambda stage, made: [made] == _of_token(_volumes(stage)),
        once=("CreateVolume",),
        fresh=True,
        after=_one_volume_at_most,
    ),
    Operation(
        "attach a volume",
        ("AttachVolume",),
        _changes(StorageCall(Verb.VOLUME_ATTACH, THERE, device="/dev/sdf")),
        lambda stage, _: bool(_raw_volume(stage)["Attachments"]),
        _a_volume,
        once=("AttachVolume",),
    ),
    Operation(
        "detach a volume",
        ("DetachVolume",),
        _changes(StorageCall(Verb.VOLUME_DETACH, THERE, device="/dev/sdf")),
        lambda stage, _: not _raw_volume(stage)["Attachments"],
        lambda stage: _a_volume(stage, attached=True),
        once=("DetachVolume",),
    ),
    Operation(
        "grow a volume",
        ("ModifyVolume",),
        _changes(StorageCall(Verb.VOLUME_MODIFY, THERE, shape=VolumeShape("gp3", 40))),
        lambda stage, _: _raw_volume(stage)["Size"] == 40,
        _a_volume,
        once=("ModifyVolume",),
    ),
    Operation(
        "delete a volume",
        ("DeleteVolume",),
        _changes(StorageCall(Verb.VOLUME_DELETE, THERE)),
        lambda stage, _: _raw_volume(stage) is None,
        _a_volume,
        once=("DeleteVolume",),
    ),
    Operation(
        "snapshot a volume",
        ("CreateSnapshot",),
        _changes(StorageCall(Verb.VOLUME_SNAPSHOT, THERE, token=TOKEN, name="saved")),
        lambda stage, made: [made] == _of_token(stage.account.raw().describe_snapshots(OwnerIds=["self"])["Snapshots"]),
        _a_volume,
        once=("CreateSnapshot",),
        fresh=True,
        after=_one_snapshot_at_most,
    ),
    Operation(
        "copy a snapshot",
        ("CopySnapshot",),
        _changes(StorageCall(Verb.SNAPSHOT_COPY, EAST, token=TOKEN, name="copy", to_region=THERE)),
        lambda stage, made: [made] == _of_token(stage.account.raw().describe_snapshots(OwnerIds=["self"])["Snapshots"]),
        lambda stage: _a_snapshot(stage, EAST),
        once=("CopySnapshot",),
        fresh=True,
        after=_one_snapshot_at_most,
    ),
    Operation(
        "delete a snapshot",
        ("DeleteSnapshot",),
        _changes(StorageCall(Verb.SNAPSHOT_DELETE, THERE)),
        _snapshot_gone,
        _a_snapshot,
        once=("DeleteSnapshot",),
    ),
)


def _put(stage: Stage, *keys: str) -> None:
    s3 = stage.account.raw("s3", EAST)
    for key in stage.account.stored() - {KEY}:
        s3.delete_object(Bucket=BUCKET, Key=key)
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=CONTENT)


def _content(stage: Stage, key: str) -> bytes:
    body: bytes = stage.account.raw("s3", EAST).get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body


async def _whole_or_absent(stage: Stage) -> None:
    found = [path for path in (stage.folder / "down").rglob("*") if path.is_file()]
    assert [path.name for path in found] in ([], ["here.pt"])
    assert all(path.read_bytes() == CONTENT for path in found)


async def _same_or_absent(stage: Stage) -> None:
    assert stage.account.stored() - {KEY} <= {OTHER}
    assert OTHER not in stage.account.stored() or _is_there(stage, None)


async def _other_keys_stay(stage: Stage) -> None:
    assert KEY in stage.account.stored()


def _file(stage: Stage, content: bytes = CONTENT) -> None:
    _put(stage)
    (stage.folder / "up.pt").write_bytes(content)


def _is_there(stage: Stage, _: object) -> bool:
    source = stage.folder / "up.pt"
    return _content(stage, OTHER) == (source.read_bytes() if source.exists() else CONTENT)


def _nothing(_: int) -> None: ...


async def _delete(stage: Stage, *keys: str) -> Any:
    return await stage.io.delete(BUCKET, [stage.account.entry(key) for key in keys])


def _deleted(*keys: str) -> Callable[[Stage, Any], bool]:
    """What is not told as failed is gone, and what failed says why."""

    def true(stage: Stage, failed: Any) -> bool:
        told = dict(failed)
        there = stage.account.stored()
        return all(bool(told[key]) if key in told else key not in there for key in keys)

    return true


MANY: Final = tuple(f"many/{number}" for number in range(21))
S3_WRITES: Final = (
    Operation(
        "write a small object",
        (BUCKET_FIRST, "S3 PUT key", "S3 HEAD key"),
        lambda stage: stage.provider.store.put_bytes(BUCKET, OTHER, CONTENT),
        lambda stage, told: told.size == len(CONTENT) and _is_there(stage, told),
        _put,
        after=_same_or_absent,
    ),
    Operation(
        "download",
        (BUCKET_FIRST, "S3 GET key"),
        lambda stage: stage.io.download(stage.account.entry(), stage.folder / "down", "here.pt", _nothing),
        lambda stage, _: (stage.folder / "down" / "here.pt").read_bytes() == CONTENT,
        after=_whole_or_absent,
    ),
    Operation(
        "upload",
        (BUCKET_FIRST, "S3 PUT key"),
        lambda stage: stage.io.upload(stage.folder / "up.pt", BUCKET, OTHER, _nothing),
        _is_there,
        _file,
        after=_same_or_absent,
    ),
    Operation(
        "upload in parts",
        (BUCKET_FIRST, *PARTS.values()),
        lambda stage: stage.io.upload(stage.folder / "up.pt", BUCKET, OTHER, _nothing),
        _is_there,
        lambda stage: _file(stage, bytes(LEAST + 1)),
        once=(PARTS["begin"],),
        after=_same_or_absent,
    ),
    Operation(
        "copy an object",
        (BUCKET_FIRST, "S3 PUT key+copy"),
        lambda stage: stage.io.copy(stage.account.entry(), BUCKET, OTHER, _nothing),
        _is_there,
        _put,
        after=_same_or_absent,
    ),
    Operation(
        "delete an object",
        (BUCKET_FIRST, "S3 DELETE key"),
        lambda stage: _delete(stage, OTHER),
        _deleted(OTHER),
        lambda stage: _put(stage, OTHER),
        once=("S3 DELETE key",),
        after=_other_keys_stay,
    ),
    Operation(
        "delete many objects",
        (BUCKET_FIRST, "S3 POST bucket?delete"),
        lambda stage: _delete(stage, *MANY),
        _deleted(*MANY),
        lambda stage: _put(stage, *MANY),
        once=("S3 POST bucket?delete",),
        after=_other_keys_stay,
    ),
)
