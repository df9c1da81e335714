"""Tags of EC2's resources, and the two locks of instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from runctl_tui.services.aws.codes import DRY_RUN_PASSED
from runctl_tui.services.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client

    from runctl_tui.domain.marks import Mark
    from runctl_tui.services.aws.clients import AwsClients


class Ec2Marks:
    """Implements `MarkStore`."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    async def change(self, resource_id: str, region: str, mark: Mark, *, dry: bool = False) -> None:
        """Make one call, or ask EC2 whether it would carry it out."""
        what = f"{region}: {resource_id} could not be marked"
        try:
            await self._clients.ec2(region, what, _call(resource_id, mark, dry), changes=True)
        except AwsError as error:
            if not (dry and error.code == DRY_RUN_PASSED):
                raise

    async def tags(self, resource_id: str, region: str) -> Mapping[str, str]:
        """Return the tags that a resource has now."""
        what = f"{region}: the tags of {resource_id} could not be read"
        wanted = [{"Name": "resource-id", "Values": [resource_id]}]
        told = await self._clients.ec2(region, what, lambda ec2: ec2.describe_tags(Filters=wanted))  # type: ignore[arg-type]  # names are literals there
        return {str(tag.get("Key", "")): str(tag.get("Value", "")) for tag in told.get("Tags", [])}


def _call(resource_id: str, mark: Mark, dry: bool) -> Callable[[EC2Client], object]:
    if mark.termination is not None:
        on = {"Value": mark.termination}
        return lambda ec2: ec2.modify_instance_attribute(InstanceId=resource_id, DisableApiTermination=on, DryRun=dry)  # type: ignore[arg-type]  # a plain dict
    if mark.stop is not None:
        held = {"Value": mark.stop}
        return lambda ec2: ec2.modify_instance_attribute(InstanceId=resource_id, DisableApiStop=held, DryRun=dry)  # type: ignore[arg-type]  # a plain dict
    if mark.set:
        tags = [{"Key": key, "Value": value} for key, value in mark.set]
        return lambda ec2: ec2.create_tags(Resources=[resource_id], Tags=tags, DryRun=dry)  # type: ignore[arg-type]  # plain dicts
    gone = [{"Key": key} for key in mark.remove]
    return lambda ec2: ec2.delete_tags(Resources=[resource_id], Tags=gone, DryRun=dry)  # type: ignore[arg-type]  # plain dicts
