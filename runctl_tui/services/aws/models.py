"""The SDK's description of EC2, cut down to the calls that are made here, because reading all of it delays each start.

The cut is kept in the state folder and made anew whenever the SDK, or the list of calls, is another.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.services.whole_file import write_whole

if TYPE_CHECKING:
    from botocore.session import Session

Model = dict[str, Any]

_LOG: Final = logging.getLogger(__name__)
SERVICES: Final = ("ec2", "pricing", "s3", "ssm", "sts")
"""What is asked for here; finding out what else the SDK knows would read a thousand folders."""
EC2_CALLS: Final = frozenset(
    {
        "AttachVolume",
        "AuthorizeSecurityGroupIngress",
        "CopySnapshot",
        "CreateSecurityGroup",
        "CreateSnapshot",
        "CreateTags",
        "CreateVolume",
        "DeleteSnapshot",
        "DeleteTags",
        "DeleteVolume",
        "DescribeAvailabilityZones",
        "DescribeImages",
        "DescribeInstanceAttribute",
        "DescribeInstanceTypes",
        "DescribeInstances",
        "DescribeKeyPairs",
        "DescribeLaunchTemplateVersions",
        "DescribeRegions",
        "DescribeSecurityGroups",
        "DescribeSnapshots",
        "DescribeSpotPriceHistory",
        "DescribeSubnets",
        "DescribeTags",
        "DescribeVolumes",
        "DescribeVolumesModifications",
        "DescribeVpcs",
        "DetachVolume",
        "GetConsoleOutput",
        "GetEbsEncryptionByDefault",
        "ImportKeyPair",
        "ModifyInstanceAttribute",
        "ModifyVolume",
        "RunInstances",
        "StartInstances",
        "StopInstances",
        "TerminateInstances",
    }
)


def teach(core: Session, folder: Path) -> Session:
    """Return a session of the SDK that looks for no services and reads the short description of EC2."""
    loader = core.get_component("data_loader")
    whole: Callable[..., Model] = loader.load_service_model

    def load(service_name: str, type_name: str, api_version: str | None = None) -> Model:
        if (service_name, type_name) != ("ec2", "service-2"):
            return whole(service_name, type_name, api_version)
        return _short(lambda: whole(service_name, type_name, api_version), folder)

    loader.list_available_services = lambda type_name: list(SERVICES)
    loader.load_service_model = load
    return core


def cut(model: Model, calls: frozenset[str] = EC2_CALLS) -> Model:
    """Return a service's description with these calls, and the shapes that they reach."""
    operations = {name: told for name, told in model["operations"].items() if name in calls}
    shapes: Model = {}
    waiting = list(_references(operations))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _references(shapes[name])
    return {**model, "operations": operations, "shapes": shapes}


def _references(told: object) -> Iterator[str]:
    """Yield the names of the shapes that a part of a description refers to."""
    if isinstance(told, Mapping):
        if isinstance(told.get("shape"), str):
            yield told["shape"]
        for part in told.values():
            yield from _references(part)
    elif isinstance(told, list):
        for part in told:
            yield from _references(part)


def _short(whole: Callable[[], Model], folder: Path) -> Model:
    from botocore import __version__

    path = folder / f"ec2-{__version__}.json"
    kept = _kept(path)
    if kept is not None:
        return kept
    made = cut(whole())
    try:
        for old in folder.glob("ec2-*.json"):
            old.unlink()
        write_whole(path, json.dumps(made, separators=(",", ":")))
    except OSError as error:
        _LOG.info("%s is not written: %s", path, error)
    return made


def _kept(path: Path) -> Model | None:
    try:
        model = json.loads(path.read_text("utf-8"))
        return model if model["operations"].keys() == EC2_CALLS and model["shapes"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
