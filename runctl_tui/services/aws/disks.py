"""Volumes of instances and the time of their last snapshots, read in batches and remembered for a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.aws.parse import VolumeFacts, volume_facts
from runctl_tui.services.errors import TrainctlError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import SnapshotTypeDef

REMEMBERED: Final = 60.0
"""Seconds for which a list of instances uses what is known about their volumes."""
BATCH: Final = 100
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class VolumesRead:
    """What is known about volumes, and what stood in the way of knowing more."""

    facts: Mapping[str, VolumeFacts]
    errors: tuple[TrainctlError, ...] = ()


class VolumeReader:
    """Tells what EC2 knows about volumes."""

    def __init__(self, clients: AwsClients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._known: dict[str, tuple[float, VolumeFacts]] = {}

    async def read(self, region: str, ids: Sequence[str], *, strong: bool = False) -> VolumesRead:
        """Return facts of these volumes; one that is gone is absent. `strong` asks EC2 about each of them."""
        now = self._clock.monotonic()
        recent = {name: facts for name, (at, facts) in self._known.items() if now - at < REMEMBERED and not strong}
        wanted = sorted({name for name in ids if name and name not in recent})
        errors: list[TrainctlError] = []
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            try:
                found, snapshots = await asyncio.gather(
                    self._volumes(region, batch), self._snapshots(region, batch, errors)
                )
            except TrainctlError as error:
                errors.append(error)
                break
            for raw in snapshots:
                _note_snapshot(found, raw)
            self._known |= {name: (now, facts) for name, facts in found.items() if not errors}
            recent |= found
        self._forget(now)
        return VolumesRead({name: recent[name] for name in ids if name in recent}, tuple(errors))

    async def _volumes(self, region: str, batch: Sequence[str]) -> dict[str, VolumeFacts]:
        what = f"{region}: the disks could not be read"
        request = {"Filters": [{"Name": "volume-id", "Values": [*batch]}], "MaxResults": PAGE}
        found: dict[str, VolumeFacts] = {}
        async for page in self._clients.ec2_pages(region, what, "describe_volumes", request):
            found |= {raw["VolumeId"]: volume_facts(raw) for raw in page.get("Volumes", [])}
        return found

    async def _snapshots(self, region: str, batch: Sequence[str], errors: list[TrainctlError]) -> list[SnapshotTypeDef]:
        what = f"{region}: the snapshots of the disks could not be read"
        request = {"Filters": [{"Name": "volume-id", "Values": [*batch]}], "OwnerIds": ["self"], "MaxResults": PAGE}
        found: list[SnapshotTypeDef] = []
        try:
            async for page in self._clients.ec2_pages(region, what, "describe_snapshots", request):
                found += page.get("Snapshots", [])
        except TrainctlError as error:
            errors.append(error)
        return found

    def _forget(self, now: float) -> None:
        self._known = {name: kept for name, kept in self._known.items() if now - kept[0] < REMEMBERED}


def _note_snapshot(found: dict[str, VolumeFacts], raw: SnapshotTypeDef) -> None:
    volume, at = raw.get("VolumeId", ""), raw.get("StartTime")
    if volume in found and at is not None and raw.get("State") == "completed":
        last = found[volume].last_snapshot_at or at
        found[volume] = replace(found[volume], last_snapshot_at=max(last, at).astimezone(UTC))
