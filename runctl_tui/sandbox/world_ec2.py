"""Remembers EC2: instances, volumes, snapshots, key pairs and security groups of every region; used by `world`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from moto.ec2.models.elastic_block_store import Snapshot, Volume
from moto.ec2.models.instances import MetadataOptions, StateReason
from moto.ec2.models.key_pairs import KeyPair
from moto.ec2.models.security_groups import SecurityGroupRule

from runctl_tui.sandbox.cloud import Cloud

Facts = dict[str, Any]
TERMINATED_FOR: Final = timedelta(hours=1)
"""How long a terminated instance is still listed, as on AWS."""


def capture(cloud: Cloud) -> dict[str, Facts]:
    """Return everything of every region that differs from a new account."""
    with cloud.lock:
        return {region: _capture_region(cloud, backend) for region, backend in cloud.loaded()}


def restore(cloud: Cloud, regions: dict[str, Facts]) -> None:
    """Make everything again with its ids, times and tags."""
    for region, facts in regions.items():
        backend = cloud.ec2(region)
        for pair in facts["key_pairs"]:
            _restore_key_pair(backend, pair)
        for group in facts["groups"]:
            _restore_group(backend, group)
        for volume in facts["volumes"]:
            _restore_volume(backend, volume)
        for snapshot in facts["snapshots"]:
            _restore_snapshot(backend, snapshot)
        for instance in facts["instances"]:
            _restore_instance(backend, instance, cloud.iam.instance_profiles)
        for resource_id, tags in facts["tags"].items():
            backend.tags[resource_id] = dict(tags)


def _capture_region(cloud: Cloud, backend: Any) -> Facts:
    oldest = _stamp(datetime.now(UTC) - TERMINATED_FOR)
    instances = [
        _capture_instance(reservation, instance)
        for reservation in list(backend.reservations.values())
        for instance in reservation.instances
    ]
    snapshots = [found for found in backend.snapshots.values() if found.from_ami is None]
    groups = [found for held in backend.groups.values() for found in held.values()]
    kept: list[Any] = [*backend.volumes.values(), *snapshots, *backend.key_pairs.values(), *groups]
    instances = [each for each in instances if each["state"] != "terminated" or each["ended"] > oldest]
    ids = {each["id"] for each in instances} | {each.id for each in kept}
    return {
        "instances": instances,
        "volumes": [_capture_volume(volume) for volume in backend.volumes.values()],
        "snapshots": [_capture_snapshot(snapshot) for snapshot in snapshots],
        "key_pairs": [_capture_key_pair(pair) for pair in backend.key_pairs.values()],
        "groups": [_capture_group(group) for group in groups],
        "tags": {resource_id: dict(tags) for resource_id, tags in backend.tags.items() if resource_id in ids},
    }


def _capture_instance(reservation: Any, instance: Any) -> Facts:
    profile = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    if instance.state == "terminated" and not hasattr(instance, "sandbox_ended"):
        instance.sandbox_ended = _stamp(datetime.now(UTC))
    return {
        "id": instance.id,
        "reservation": reservation.id,
        "image": instance.image_id,
        "type": instance.instance_type,
        "key": instance.key_name,
        "state": instance.state,
        "launched": _stamp(instance.launch_time),
        "ended": getattr(instance, "sandbox_ended", 0),
        "zone": instance.availability_zone,
        "subnet": instance.subnet_id,
        "private_ip": instance.private_ip,
        "spot": instance.lifecycle == "spot",
        "spot_request": getattr(instance, "spot_instance_request_id", None),
        "spot_persistent": getattr(instance, "spot_persistent", False),
        "groups": [group.id for group in instance.security_groups],
        "profile": profile.iam_instance_profile.name if profile else None,
        "profile_association": profile.association_id if profile else None,
        "protected": instance.disable_api_termination,
        "stop_protected": instance.disable_api_stop,
        "on_shutdown": instance.instance_initiated_shutdown_behavior,
        "user_data": instance.user_data,
        "tokens": instance.metadata_options.http_tokens,
        "client_token": instance.client_token,
        "reason": [instance.state_transition_reason, instance.state_reason.code, instance.state_reason.message],
        "disks": [
            [device, block.volume_id, block.delete_on_termination]
            for device, block in instance.get_block_device_mapping
        ],
    }


def _restore_instance(backend: Any, facts: Facts, profiles: Any) -> None:
    known_groups = {found.id for held in backend.groups.values() for found in held.values()}
    reservation = backend.run_instances(
        facts["image"],
        1,
        facts["user_data"],
        [],
        instance_type=facts["type"],
        is_instance_type_default=False,
        placement=None if facts["subnet"] else facts["zone"],
        region_name=backend.region_name,
        subnet_id=facts["subnet"],
        private_ip=facts["private_ip"],
        key_name=facts["key"],
        security_group_ids=[group for group in facts["groups"] if group in known_groups],
        nics=[],
        tags={},
        block_device_mappings=[],
        client_token=facts["client_token"],
        hibernation_options={},
    )
    instance = reservation.instances[0]
    del backend.reservations[reservation.id]
    reservation.id = facts["reservation"]
    backend.reservations[reservation.id] = reservation
    _restore_instance_facts(instance, facts)
    for device, volume_id, dies in facts["disks"]:
        if volume_id in backend.volumes:
            _attach(backend, backend.volumes[volume_id], instance, device, dies)
    if facts["profile"] in profiles:
        held = backend.associate_iam_instance_profile(instance.id, iam_instance_profile_name=facts["profile"])
        held.association_id = facts["profile_association"] or held.association_id
        instance.iam_instance_profile["Id"] = held.association_id


def _restore_instance_facts(instance: Any, facts: Facts) -> None:
    instance.id = facts["id"]
    instance.launch_time = _moment(facts["launched"])
    instance._state.name = facts["state"]
    instance.lifecycle = "spot" if facts["spot"] else None
    instance.spot_persistent = facts["spot_persistent"]
    if facts["spot_request"]:
        instance.spot_instance_request_id = facts["spot_request"]
    instance.disable_api_termination = facts["protected"]
    instance.disable_api_stop = facts["stop_protected"]
    instance.instance_initiated_shutdown_behavior = facts["on_shutdown"]
    instance.metadata_options = MetadataOptions({"HttpTokens": facts["tokens"]})
    reason, code, message = facts["reason"]
    instance._reason = reason
    instance.state_reason = StateReason(message, code)
    if facts["ended"]:
        instance.sandbox_ended = facts["ended"]


def _attach(backend: Any, volume: Any, instance: Any, device: str, dies: bool) -> None:
    backend.attach_volume(volume.id, instance.id, device, dies)
    since = max(volume.create_time, instance.launch_time)
    volume.attachment.attach_time = since
    instance.block_device_mapping[device].attach_time = since


def _capture_volume(volume: Any) -> Facts:
    return {
        "id": volume.id,
        "type": volume.volume_type,
        "gib": volume.size,
        "zone": volume.availability_zone,
        "created": _stamp(volume.create_time),
        "snapshot": volume.snapshot_id,
        "encrypted": volume.encrypted,
        "iops": volume.iops,
        "throughput": volume.throughput,
    }


def _restore_volume(backend: Any, facts: Facts) -> None:
    backend.volumes[facts["id"]] = _volume(backend, facts)


def _volume(backend: Any, facts: Facts) -> Volume:
    volume = Volume(  # type: ignore[abstract] # moto itself makes them
        backend,
        facts["id"],
        facts["gib"],
        backend.get_zone_by_name(facts["zone"]),
        snapshot_id=facts["snapshot"],
        encrypted=facts["encrypted"],
        volume_type=facts["type"],
        iops=facts["iops"],
        throughput=facts["throughput"],
    )
    volume.create_time = _moment(facts["created"])
    return volume


def _capture_snapshot(snapshot: Any) -> Facts:
    return {
        "id": snapshot.id,
        "volume": _capture_volume(snapshot.volume),
        "description": snapshot.description,
        "started": _stamp(snapshot.start_time),
    }


def _restore_snapshot(backend: Any, facts: Facts) -> None:
    source = backend.volumes.get(facts["volume"]["id"]) or _volume(backend, facts["volume"])
    snapshot = Snapshot(backend, facts["id"], source, facts["description"], encrypted=source.encrypted)
    snapshot.start_time = _moment(facts["started"])
    backend.snapshots[snapshot.id] = snapshot


def _capture_key_pair(pair: Any) -> Facts:
    return {
        "id": pair.id,
        "name": pair.key_name,
        "type": pair.key_type,
        "fingerprint": pair.key_fingerprint,
        "public": pair.public_key,
        "created": _stamp(pair.create_time),
    }


def _restore_key_pair(backend: Any, facts: Facts) -> None:
    pair = KeyPair(facts["name"], facts["type"], facts["fingerprint"], b"", facts["public"].encode(), {}, backend)
    pair.id = facts["id"]
    pair.create_time = _moment(facts["created"])
    backend.key_pairs[pair.key_name] = pair


def _capture_group(group: Any) -> Facts:
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "vpc": group.vpc_id,
        "rules": [
            {
                "id": rule.id,
                "protocol": rule.ip_protocol,
                "from": rule.from_port,
                "to": rule.to_port,
                "range": rule.ip_range,
                "source": rule.source_group,
                "egress": rule.is_egress,
            }
            for rule in [*group.ingress_rules, *group.egress_rules]
        ],
    }


def _restore_group(backend: Any, facts: Facts) -> None:
    if facts["vpc"] not in backend.vpcs:
        return  # the group of a network that is not remembered
    held = backend.groups[facts["vpc"]]
    group = held.get(facts["id"])
    if group is None:
        group = backend.create_security_group(facts["name"], facts["description"], facts["vpc"], force=True)
        del held[group.id]
        group.id = group.group_id = facts["id"]
        group.arn = group.arn.rpartition("/")[0] + "/" + group.id
        held[group.id] = group
    rules = []
    for each in facts["rules"]:
        rule = SecurityGroupRule(
            backend,
            each["protocol"],
            group.id,
            each["from"],
            each["to"],
            each["range"],
            each["source"],
            is_egress=each["egress"],
        )
        rule.id = each["id"]
        rules.append(rule)
    group.ingress_rules = [rule for rule in rules if not rule.is_egress]
    group.egress_rules = [rule for rule in rules if rule.is_egress]


def _stamp(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def _moment(stamp: float) -> datetime:
    """Moto's times are UTC without saying so."""
    return datetime.fromtimestamp(stamp, UTC).replace(tzinfo=None)
