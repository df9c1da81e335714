"""EC2's answers turned into domain values; pure, so that a page of answers is parsed without touching anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.instance import Disk, Gpu, Instance
from runctl_tui.domain.resource import Market, ResourceState, normalize_state

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef, InstanceTypeInfoTypeDef, TagTypeDef, VolumeTypeDef

PROVIDER: Final = "aws"
_TOLD_AT: Final = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")
_PARENTS: Final = (
    ("aws:autoscaling:groupName", "autoscaling"),
    ("eks:cluster-name", "EKS"),
    ("aws:eks:cluster-name", "EKS"),
    ("alpha.eksctl.io/cluster-name", "EKS"),
    ("AWSBatchServiceTag", "Batch"),
    ("aws:batch:compute-environment", "Batch"),
    ("aws:ec2:fleet-id", "EC2 fleet"),
    ("aws:ec2spot:fleet-request-id", "spot fleet"),
    ("aws:elasticmapreduce:job-flow-id", "EMR"),
)
"""Tags that AWS's own managers put on what they would replace."""


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """What a machine type is made of."""

    vcpus: int | None
    memory_gib: float | None
    gpu: Gpu | None
    architectures: tuple[str, ...]
    store_disks: int
    """Disks of the host itself, whose contents a stop destroys."""
    bare_metal: bool = False
    current: bool = True
    """Of the current generation."""


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """What EC2 tells about a volume, beyond its attachment."""

    size_gib: int | None
    type: str
    name: str
    last_snapshot_at: datetime | None
    iops: int | None = None
    throughput: int | None = None
    tags: tuple[tuple[str, str], ...] = ()


def type_facts(raw: InstanceTypeInfoTypeDef) -> TypeFacts:
    """Return the facts of one entry of DescribeInstanceTypes."""
    mib = raw.get("MemoryInfo", {}).get("SizeInMiB")
    disks = raw.get("InstanceStorageInfo", {}).get("Disks", [])
    return TypeFacts(
        vcpus=raw.get("VCpuInfo", {}).get("DefaultVCpus"),
        memory_gib=mib / 1024 if mib else None,
        gpu=_accelerators(raw),
        architectures=tuple(raw.get("ProcessorInfo", {}).get("SupportedArchitectures", [])),
        store_disks=sum(disk.get("Count", 0) for disk in disks),
        bare_metal=bool(raw.get("BareMetal", False)),
        current=bool(raw.get("CurrentGeneration", True)),
    )


def _accelerators(raw: InstanceTypeInfoTypeDef) -> Gpu | None:
    found: list[Mapping[str, Any]] = [*raw.get("GpuInfo", {}).get("Gpus", [])]
    found += [
        {"Name": device.get("Name"), "Count": device.get("Count"), "MemoryInfo": device.get("MemoryInfo", {})}
        for device in raw.get("NeuronInfo", {}).get("NeuronDevices", [])
    ]
    if not found:
        return None
    mib = found[0].get("MemoryInfo", {}).get("SizeInMiB")
    count = sum(int(device.get("Count") or 0) for device in found)
    return Gpu(str(found[0].get("Name") or "accelerator"), max(count, 1), mib / 1024 if mib else None)


def volume_facts(raw: VolumeTypeDef) -> VolumeFacts:
    """Return the facts of one entry of DescribeVolumes; its snapshots are told elsewhere."""
    tags = tag_pairs(raw.get("Tags"))
    size, kind, name = raw.get("Size"), raw.get("VolumeType", ""), dict(tags).get("Name", "")
    return VolumeFacts(size, kind, name, None, raw.get("Iops"), raw.get("Throughput"), tags)


def tag_pairs(raw: list[TagTypeDef] | None) -> tuple[tuple[str, str], ...]:
    """Return tags sorted by key."""
    return tuple(sorted((tag.get("Key", ""), tag.get("Value", "")) for tag in raw or []))


def instance(
    raw: InstanceTypeDef,
    region: str,
    owner: str,
    types: Mapping[str, TypeFacts],
    volumes: Mapping[str, VolumeFacts],
) -> Instance:
    """Return one instance; what the two tables do not hold stays unknown."""
    tags = tag_pairs(raw.get("Tags"))
    table = dict(tags)
    facts = types.get(raw.get("InstanceType", ""))
    return Instance(
        id=raw["InstanceId"],
        provider=PROVIDER,
        region=region,
        name=table.get("Name", ""),
        state=_state(raw),
        type=raw.get("InstanceType", ""),
        zone=raw.get("Placement", {}).get("AvailabilityZone", ""),
        market=Market.SPOT if raw.get("InstanceLifecycle") == "spot" else Market.ON_DEMAND,
        gpu=facts.gpu if facts else None,
        vcpus=facts.vcpus if facts else None,
        memory_gib=facts.memory_gib if facts else None,
        launched_at=in_utc(raw.get("LaunchTime")),
        created_at=created_at(raw),
        public_ip=raw.get("PublicIpAddress", "") or "",
        private_ip=raw.get("PrivateIpAddress", "") or "",
        key_name=raw.get("KeyName", "") or "",
        profile=raw.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2],
        image=raw.get("ImageId", "") or "",
        parent=parent(table),
        stopped_at=stopped_at(raw),
        state_reason=raw.get("StateReason", {}).get("Message", "") or raw.get("StateTransitionReason", "") or "",
        tags=tags,
        disks=disks(raw, volumes),
        owner_label=owner,
    )


def _state(raw: InstanceTypeDef) -> ResourceState:
    return normalize_state(raw.get("State", {}).get("Name", ""))


def stopped_at(raw: InstanceTypeDef) -> datetime | None:
    """Return when it was told to stop or to end, which EC2 writes into the words of its last transition."""
    match = _TOLD_AT.search(raw.get("StateTransitionReason", "") or "")
    if match is None or _state(raw) in (ResourceState.STARTING, ResourceState.RUNNING):
        return None
    try:
        return datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def created_at(raw: InstanceTypeDef) -> datetime | None:
    """Return when it was first launched: the earliest attachment of its root disk or first network interface.

    LaunchTime alone is the start of the present uptime.
    """
    root = raw.get("RootDeviceName", "")
    mappings = [one for one in raw.get("BlockDeviceMappings", []) if one.get("DeviceName") == root]
    attachments = [one.get("Attachment", {}) for one in raw.get("NetworkInterfaces", [])]
    times = [
        raw.get("LaunchTime"),
        *(one.get("Ebs", {}).get("AttachTime") for one in mappings),
        *(one.get("AttachTime") for one in attachments if one.get("DeviceIndex") == 0),
    ]
    return in_utc(min((time for time in times if time is not None), default=None))


def disks(raw: InstanceTypeDef, volumes: Mapping[str, VolumeFacts]) -> tuple[Disk, ...]:
    """Return the instance's EBS volumes, the root first."""
    found = []
    for mapping in raw.get("BlockDeviceMappings", []):
        attached = mapping.get("Ebs", {})
        facts = volumes.get(attached.get("VolumeId", ""))
        found.append(
            Disk(
                volume_id=attached.get("VolumeId", ""),
                device=mapping.get("DeviceName", ""),
                size_gib=facts.size_gib if facts else None,
                type=facts.type if facts else "",
                delete_on_termination=attached.get("DeleteOnTermination"),
                iops=facts.iops if facts else None,
                throughput=facts.throughput if facts else None,
                tags=facts.tags if facts else None,
                root=mapping.get("DeviceName") == raw.get("RootDeviceName"),
                name=facts.name if facts else "",
                last_snapshot_at=facts.last_snapshot_at if facts else None,
                attached_at=in_utc(attached.get("AttachTime")),
            )
        )
    return tuple(sorted(found, key=lambda disk: (not disk.root, disk.device)))


def parent(tags: Mapping[str, str]) -> str:
    """Return what manages an instance with these tags, 'autoscaling: web', or nothing."""
    for key, word in _PARENTS:
        if key in tags:
            return f"{word}: {tags[key]}"
    cluster = next((key for key in tags if key.startswith("kubernetes.io/cluster/")), "")
    return f"Kubernetes: {cluster.rpartition('/')[2]}" if cluster else ""


def jsonable(value: object) -> object:
    """Return a copy made of JSON's own types; times become ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def in_utc(time: datetime | None) -> datetime | None:
    """Return a moment of EC2's in UTC."""
    return time.astimezone(UTC) if time is not None else None
