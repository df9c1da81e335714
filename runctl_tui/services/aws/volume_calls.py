"""EC2's changing calls on volumes and snapshots as requests; pure but for the client that they are sent with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from runctl_tui.domain.instance import TAG_OWNER, TAG_PROJECT
from runctl_tui.domain.states import Operation
from runctl_tui.domain.volume import SNAPSHOT, TAG_COPY_OF, TAG_VOLUME, VOLUME, VolumeShape
from runctl_tui.services.aws.instances import TAG_OP
from runctl_tui.services.aws.request import CREATED_BY
from runctl_tui.services.errors import ValidationError

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client

    from runctl_tui.services.volume_store import StorageCall

T = TypeVar("T")
Send = Callable[["EC2Client"], Any]
_NO_MORE: Final[Mapping[str, str]] = MappingProxyType({})
DONE: Final = {
    Operation.VOLUME_CREATE: "created",
    Operation.VOLUME_ATTACH: "attached",
    Operation.VOLUME_DETACH: "detached",
    Operation.VOLUME_MODIFY: "modified",
    Operation.VOLUME_SNAPSHOT: "snapshotted",
    Operation.VOLUME_DELETE: "deleted",
    Operation.SNAPSHOT_COPY: "copied",
    Operation.SNAPSHOT_DELETE: "deleted",
}
_METHOD: Final = {
    Operation.VOLUME_CREATE: "create_volume",
    Operation.VOLUME_ATTACH: "attach_volume",
    Operation.VOLUME_DETACH: "detach_volume",
    Operation.VOLUME_MODIFY: "modify_volume",
    Operation.VOLUME_SNAPSHOT: "create_snapshot",
    Operation.VOLUME_DELETE: "delete_volume",
    Operation.SNAPSHOT_COPY: "copy_snapshot",
    Operation.SNAPSHOT_DELETE: "delete_snapshot",
}


def place(call: StorageCall) -> str:
    """Return the region that a call is sent to; a copy is asked for where it shall lie."""
    return call.to_region or call.region


def sender(call: StorageCall, owner: str, *, dry: bool) -> Send:
    """Return what sends a call with a client."""
    asked = {**request(call, owner), "DryRun": dry}
    method = _METHOD[call.operation]

    def send(client: EC2Client) -> Any:
        return getattr(client, method)(**asked)

    return send


def request(call: StorageCall, owner: str) -> dict[str, Any]:
    """Return the parameters of a call."""
    match call.operation:
        case Operation.VOLUME_CREATE:
            return _create(call, owner)
        case Operation.VOLUME_ATTACH:
            return {"VolumeId": call.id, "InstanceId": call.instance_id, "Device": call.device}
        case Operation.VOLUME_DETACH:
            return {"VolumeId": call.id, "InstanceId": call.instance_id, "Device": call.device}
        case Operation.VOLUME_MODIFY:
            return {"VolumeId": call.id, **_shape(_given(call.shape))}
        case Operation.VOLUME_SNAPSHOT:
            words = f"{call.name or call.id} by {CREATED_BY}"
            return {"VolumeId": call.id, "Description": words, **_tagged(SNAPSHOT, call, owner)}
        case Operation.SNAPSHOT_COPY:
            words = f"{call.name or call.id} from {call.region} by {CREATED_BY}"
            source = {"SourceSnapshotId": call.id, "SourceRegion": call.region}
            return {**source, "Description": words, **_tagged(SNAPSHOT, call, owner, _copied(call))}
        case Operation.VOLUME_DELETE:
            return {"VolumeId": call.id}
        case _:
            return {"SnapshotId": call.id}


def _create(call: StorageCall, owner: str) -> dict[str, Any]:
    new = _given(call.new)
    found: dict[str, Any] = {
        "AvailabilityZone": new.zone,
        "ClientToken": call.token,
        **_shape(new.shape),
        **_tagged(VOLUME, call, owner),
    }
    if new.encrypted:
        found["Encrypted"] = True
    if new.snapshot_id:
        found["SnapshotId"] = new.snapshot_id
    return found


def _given(value: T | None) -> T:
    if value is None:
        raise ValidationError("the call lacks what it is about")
    return value


def _shape(shape: VolumeShape) -> dict[str, Any]:
    wanted = {
        "VolumeType": shape.type,
        "Size": shape.size_gib,
        "Iops": shape.iops,
        "Throughput": shape.throughput,
    }
    return {name: value for name, value in wanted.items() if value}


def _copied(call: StorageCall) -> dict[str, str]:
    return {TAG_COPY_OF: f"{call.region}/{call.id}", TAG_VOLUME: call.volume_id}


def _tagged(kind: str, call: StorageCall, owner: str, more: Mapping[str, str] = _NO_MORE) -> dict[str, Any]:
    """The token goes with the call as a tag, because EC2 has none of its own for snapshots."""
    tags = {
        "Name": call.name,
        "CreatedBy": CREATED_BY,
        TAG_OWNER: owner,
        TAG_PROJECT: call.project,
        TAG_OP: call.token,
        **more,
    }
    pairs = [{"Key": key, "Value": value} for key, value in sorted(tags.items()) if value]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs}]}
