"""RunInstances' request made from decided parts; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from runctl_tui.domain import validation
from runctl_tui.domain.instance import TAG_OWNER, TAG_PROJECT, TAG_RUN
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.resource import Market
from runctl_tui.services.aws.images import Image
from runctl_tui.services.aws.instances import TAG_OP
from runctl_tui.services.aws.spot import market_options
from runctl_tui.services.aws.userdata import DATA_DEVICE, user_data
from runctl_tui.services.errors import ValidationError

ROOT_GIB: Final = 30
ROOT_GIB_GPU: Final = 50
"""Drivers and frameworks need more."""
CREATED_BY: Final = "runctl-tui"
_METADATA_KEY: Final = re.compile(r"[A-Za-z0-9+\-=._:@,]+")
"""Tag keys that the instance metadata service can show."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a launch found out or arranged before the call."""

    image: Image
    gpu: bool
    encrypted: bool
    owner: str
    created_at: datetime
    key_name: str = ""
    security_groups: tuple[str, ...] = ()
    """Ids."""
    subnet: str = ""
    profile: str = ""


def root_gib(options: CreateResourceOptions, image: Image, *, gpu: bool) -> int:
    """Return the root disk's size; never below the image's own, ValidationError where less is asked for."""
    if options.root_gib is None:
        return max(ROOT_GIB_GPU if gpu else ROOT_GIB, image.root_gib)
    if options.root_gib < image.root_gib:
        what = f"A root disk of {options.root_gib} GiB is too small"
        raise ValidationError(what, f"{image.name} needs {image.root_gib} GiB", f"ask for {image.root_gib} or more")
    return options.root_gib


def tags_of(options: CreateResourceOptions, decided: Decided, token: str) -> dict[str, str]:
    """Return every tag of the machine; ours win over those asked for."""
    ours = {
        "Name": options.name,
        "CreatedBy": CREATED_BY,
        TAG_OWNER: decided.owner,
        TAG_PROJECT: options.project,
        TAG_RUN: options.run,
        "runctl:created": decided.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        TAG_OP: token,
    }
    tags = {**dict(options.tags), **{key: value for key, value in ours.items() if value}}
    try:
        return {**validation.tags(tags)}
    except ValueError as error:
        raise ValidationError("The tags cannot be used", str(error), "change or leave out what is named") from None


def run_request(options: CreateResourceOptions, decided: Decided, token: str) -> dict[str, Any]:
    """Return the whole request; the token makes a repeated call harmless."""
    tags = tags_of(options, decided, token)
    request: dict[str, Any] = {
        "ClientToken": token,
        "MinCount": 1,
        "MaxCount": 1,
        "ImageId": decided.image.id,
        "InstanceType": options.type,
        "EbsOptimized": True,
        "BlockDeviceMappings": _disks(options, decided),
        "MetadataOptions": _metadata(tags),
        "TagSpecifications": _tag_specifications(tags, spot=options.market is Market.SPOT),
        "KeyName": decided.key_name,
        "SecurityGroupIds": [*decided.security_groups],
        "SubnetId": decided.subnet,
        "UserData": user_data(data_volume=bool(options.data_gib)),
    }
    if options.zone:
        request["Placement"] = {"AvailabilityZone": options.zone}
    if decided.profile:
        kind = "Arn" if decided.profile.startswith("arn:") else "Name"
        request["IamInstanceProfile"] = {kind: decided.profile}
    if options.market is Market.SPOT:
        request["InstanceMarketOptions"] = market_options(options.spot_max_price)
    return {key: value for key, value in request.items() if value not in ("", [])}


def _disks(options: CreateResourceOptions, decided: Decided) -> list[dict[str, Any]]:
    root = root_gib(options, decided.image, gpu=decided.gpu)
    found = [_disk(decided.image.root_device, root, dies=True, encrypted=decided.encrypted)]
    if options.data_gib:
        found.append(_disk(DATA_DEVICE, options.data_gib, dies=False, encrypted=decided.encrypted))
    return found


def _disk(device: str, gib: int, *, dies: bool, encrypted: bool) -> dict[str, Any]:
    """A data volume outlives its machine, so that terminating one never takes data along by itself."""
    ebs: dict[str, Any] = {"VolumeSize": gib, "VolumeType": "gp3", "DeleteOnTermination": dies}
    if encrypted:
        ebs["Encrypted"] = True
    return {"DeviceName": device, "Ebs": ebs}


def _metadata(tags: Mapping[str, str]) -> dict[str, Any]:
    """The metadata service cannot show tags with blanks or slashes in their keys and refuses the launch then."""
    shown = all(_METADATA_KEY.fullmatch(key) and key not in (".", "..", "_index") for key in tags)
    return {
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "HttpEndpoint": "enabled",
        "InstanceMetadataTags": "enabled" if shown else "disabled",
    }


def _tag_specifications(tags: Mapping[str, str], *, spot: bool) -> list[dict[str, Any]]:
    kinds = ["instance", "volume", *(["spot-instances-request"] if spot else [])]
    pairs = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return [{"ResourceType": kind, "Tags": pairs} for kind in kinds]
