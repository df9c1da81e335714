"""Whether a zone is one of AWS's, asked before anything is planned there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runctl_tui.domain.validation import nearest, region_of
from runctl_tui.services.errors import AwsError, ValidationError

if TYPE_CHECKING:
    from runctl_tui.services.aws.clients import AwsClients
    from runctl_tui.services.aws.settings import AwsSettings


class Zones:
    """Knows the zones of the regions that were asked about, for as long as the program runs."""

    def __init__(self, clients: AwsClients, settings: AwsSettings) -> None:
        self._clients = clients
        self._settings = settings
        self._of: dict[str, tuple[str, ...]] = {}

    async def check(self, zone: str) -> None:
        """Raise ValidationError where there is no such zone; where AWS tells nobody, its own dry run still refuses."""
        region = region_of(zone)
        try:
            zones = await self._zones(region, zone)
        except AwsError:
            return
        if zone not in zones:
            raise ValidationError(f"{region} has no zone {zone}", "", f"its zones are {', '.join(zones)}")

    async def _zones(self, region: str, zone: str) -> tuple[str, ...]:
        if region not in self._of:
            if region not in self._settings.regions:
                await self._check_region(region, zone)
            what = f"{region}: the zones could not be listed"
            told = await self._clients.ec2(region, what, lambda ec2: ec2.describe_availability_zones())
            self._of[region] = tuple(sorted(each["ZoneName"] for each in told["AvailabilityZones"]))
        return self._of[region]

    async def _check_region(self, region: str, zone: str) -> None:
        home = self._settings.regions[0]
        told = await self._clients.ec2(home, "the regions could not be listed", lambda ec2: ec2.describe_regions())
        regions = sorted(each["RegionName"] for each in told["Regions"])
        if region not in regions:
            near = nearest(region, regions)
            todo = f"did you mean {near}?" if near else f"regions are {', '.join(regions)}"
            raise ValidationError(f"{zone} is no zone", f"this account has no region {region}", todo)
