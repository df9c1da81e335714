"""What in EC2 rests on a snapshot, and would fail without it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from runctl_tui.services.aws.clients import AwsClients

IN_USE: Final = ("$Latest", "$Default")
"""Versions of a launch template that machines are made from unless somebody names another."""


async def resting_on(clients: AwsClients, snapshot_id: str, region: str) -> tuple[str, ...]:
    """Return our images, and the launch templates whose latest or default version names the snapshot, by id."""
    images, templates = await asyncio.gather(
        images_on(clients, snapshot_id, region), templates_on(clients, snapshot_id, region)
    )
    return (*sorted(images), *sorted(templates))


async def images_on(clients: AwsClients, snapshot_id: str, region: str) -> set[str]:
    """Return our images that rest on a snapshot."""
    what = f"{region}: the images that rest on {snapshot_id} could not be listed"
    wanted = [{"Name": "block-device-mapping.snapshot-id", "Values": [snapshot_id]}]
    request = {"Owners": ["self"], "Filters": wanted}
    found: set[str] = set()
    async for page in clients.ec2_pages(region, what, "describe_images", request):
        found |= {raw["ImageId"] for raw in page.get("Images", []) if _names(raw, snapshot_id)}
    return found


async def templates_on(clients: AwsClients, snapshot_id: str, region: str) -> set[str]:
    """Return the launch templates whose latest or default version names a snapshot."""
    what = f"{region}: the launch templates that rest on {snapshot_id} could not be listed"
    found: set[str] = set()
    async for page in clients.ec2_pages(region, what, "describe_launch_template_versions", {"Versions": [*IN_USE]}):
        for raw in page.get("LaunchTemplateVersions", []):
            if _names(raw.get("LaunchTemplateData", {}), snapshot_id):
                found.add(raw["LaunchTemplateId"])
    return found


def _names(raw: Mapping[str, Any], snapshot_id: str) -> bool:
    return any(one.get("Ebs", {}).get("SnapshotId") == snapshot_id for one in raw.get("BlockDeviceMappings", []))
