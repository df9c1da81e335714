"""EBS behind the `VolumeStore` protocol: volumes and snapshots of all regions, and what is done to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import Operation
from runctl_tui.domain.volume import SNAPSHOT, TAG_COPY_OF, TAG_VOLUME, Storage, Volume, VolumeSnapshot
from runctl_tui.services.aws.codes import DRY_RUN_PASSED
from runctl_tui.services.aws.instances import TAG_OP
from runctl_tui.services.aws.parse import PROVIDER, in_utc, jsonable, tag_pairs
from runctl_tui.services.aws.resting import resting_on
from runctl_tui.services.aws.volume_calls import DONE, place, sender
from runctl_tui.services.aws.volume_parse import SOURCE, parse_snapshot, parse_volume, with_newest
from runctl_tui.services.aws.zones import Zones
from runctl_tui.services.errors import AwsError, ResourceNotFound, TrainctlError
from runctl_tui.services.standing import Standing, StandingLook
from runctl_tui.services.volume_prices import snapshot_month, volume_month
from runctl_tui.services.volume_store import Modification, StorageCall

if TYPE_CHECKING:
    from decimal import Decimal

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.problem import Problem
    from runctl_tui.domain.volume import VolumeShape
    from runctl_tui.services.aws.clients import AwsClients
    from runctl_tui.services.aws.settings import AwsSettings
    from runctl_tui.services.prices import PriceBook

T = TypeVar("T")
OneT = TypeVar("OneT", Volume, VolumeSnapshot)
PAGE: Final = 500
STANDING_FRESH: Final = 300.0
PRICE_PATIENCE: Final = 10.0
"""Seconds that a look at what is attached to nothing waits for price lists."""
SILENT: Final = "EC2's volumes could not be listed"
_MAKES: Final = {
    Operation.VOLUME_CREATE: "VolumeId",
    Operation.VOLUME_SNAPSHOT: "SnapshotId",
    Operation.SNAPSHOT_COPY: "SnapshotId",
}
"""Where the answer of a call that makes something says what it made."""


@dataclass(frozen=True, slots=True)
class _Region:
    """What one region answered."""

    volumes: tuple[Volume, ...] = ()
    snapshots: tuple[VolumeSnapshot, ...] = ()
    problems: tuple[Problem, ...] = ()


class EbsStore:
    """Implements `VolumeStore` for one AWS profile."""

    def __init__(self, clients: AwsClients, settings: AwsSettings, clock: Clock, prices: PriceBook) -> None:
        self._clients = clients
        self._settings = settings
        self._clock = clock
        self._prices = prices
        self._zones = Zones(clients, settings)
        self._region_of: dict[str, str] = {}
        self._told: Standing | None = None
        self._standing = StandingLook(PROVIDER, self._read_unattached, clock, SILENT, STANDING_FRESH)

    async def list_storage(self) -> Snapshot[Storage]:
        """Return everything of all regions; what failed is in `missing`."""
        taken_at, regions = self._clock.now(), self._settings.regions
        parts = await asyncio.gather(*(self._region(region) for region in regions))
        storage = Storage(
            tuple(one for part in parts for one in part.volumes), tuple(one for part in parts for one in part.snapshots)
        )
        self._region_of |= {volume.id: volume.region for volume in storage.volumes}
        self._region_of |= {snapshot.id: snapshot.region for snapshot in storage.snapshots}
        missing = tuple(problem for part in parts for problem in part.problems)
        return Snapshot(self.priced(storage), taken_at, tuple(_scope(region) for region in regions), missing)

    async def standing(self) -> Standing:
        """Return the volumes attached to nothing, read every five minutes and after each change of ours."""
        told = await self._standing()
        if told is not self._told:  # a price list that hangs delays one look, and not every one
            self._told = told
            await self._learn_prices_of({one.region for one in told.value})
        return replace(told, value=tuple(self._priced(one) for one in told.value))

    async def _learn_prices_of(self, regions: Collection[str]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PRICE_PATIENCE):
                await asyncio.gather(*(self._prices.refresh(region) for region in regions))

    async def learn_prices(self, region: str = "") -> None:
        """Ask the price lists of all regions, and of one that is named, as often as they are worth asking."""
        wanted = dict.fromkeys((*self._settings.regions, *([region] if region else [])))
        await asyncio.gather(*(self._prices.refresh(one) for one in wanted))

    async def zones(self) -> tuple[str, ...]:
        """Return none: a volume goes where the machine is that it is for."""
        return ()

    async def check_zone(self, zone: str) -> None:
        """Raise ValidationError where EC2 has no such zone."""
        await self._zones.check(zone)

    def priced(self, storage: Storage) -> Storage:
        """Return the same with the prices that are known now."""
        return Storage(
            tuple(self._priced(one) for one in storage.volumes), tuple(self._priced(one) for one in storage.snapshots)
        )

    def _priced(self, one: OneT) -> OneT:
        """Return the same with its price of now; what is another provider's stays as it is."""
        if one.provider != PROVIDER:
            return one
        if isinstance(one, Volume):
            return replace(one, usd_per_month=self.month(one.region, one.shape))
        return replace(one, usd_per_month=self.snapshot_month(one.region, one.size_gib))

    async def volume(self, volume_id: str, region: str = "") -> Volume:
        """Return one volume with its newest snapshot, read afresh."""
        where, raw = await self._find(volume_id, region)
        found = parse_volume(raw, where, self._settings.owner)
        snapshots = await self._known(self.snapshots_of(volume_id, where))
        priced = replace(found, usd_per_month=self.month(where, found.shape))
        return with_newest(priced, snapshots)

    async def snapshot(self, snapshot_id: str, region: str = "") -> VolumeSnapshot:
        """Return one snapshot, read afresh."""
        where, raw = await self._find(snapshot_id, region)
        return self._priced(parse_snapshot(raw, where, self._settings.owner))

    async def snapshots_of(self, volume_id: str, region: str) -> tuple[VolumeSnapshot, ...]:
        """Return all our snapshots of a volume; copies of them are told elsewhere."""
        found = await self._snapshots(region, [{"Name": "volume-id", "Values": [volume_id]}])
        return tuple(one for one in found if not one.copy_of)

    async def copies_of(self, volume_id: str, region: str, snapshot_id: str = "") -> tuple[VolumeSnapshot, ...]:
        """Return our copies, which tell by tag or description what they were copied from."""
        wanted: list[tuple[str, str]] = [(f"tag:{TAG_VOLUME}", volume_id)]
        if snapshot_id:
            wanted += [(f"tag:{TAG_COPY_OF}", f"{region}/{snapshot_id}"), ("description", f"*{snapshot_id}*")]
        asked = [
            self._snapshots(other, [{"Name": name, "Values": [value]}])
            for other in dict.fromkeys((*self._settings.regions, region))
            for name, value in wanted
        ]
        found = {one.id: one for part in await asyncio.gather(*asked) for one in part}
        return tuple(one for one in found.values() if one.volume_id == volume_id or one.copy_of == snapshot_id != "")

    async def users_of(self, snapshot_id: str, region: str) -> tuple[str, ...]:
        """Return our images and launch templates that rest on a snapshot."""
        return await resting_on(self._clients, snapshot_id, region)

    async def modification(self, volume_id: str, region: str) -> Modification | None:
        """Return the latest change of a volume's shape."""
        what = f"{region}: the changes of {volume_id} could not be read"
        wanted: Any = [{"Name": "volume-id", "Values": [volume_id]}]
        answer = await self._clients.ec2(region, what, lambda ec2: ec2.describe_volumes_modifications(Filters=wanted))
        found = [one for one in answer.get("VolumesModifications", []) if one.get("VolumeId") == volume_id]
        if not found:
            return None
        raw = found[-1]
        return Modification(
            raw.get("ModificationState", ""), in_utc(raw.get("StartTime")), raw.get("StatusMessage", "") or ""
        )

    async def describe(self, resource_id: str, region: str = "") -> Mapping[str, object]:
        """Return EC2's own words about a volume or snapshot."""
        _, raw = await self._find(resource_id, region)
        return cast("Mapping[str, object]", jsonable(raw))

    async def find_by_token(self, token: str, region: str) -> str:
        """Return the id of what a call with this token made; our own tag comes with the call."""
        wanted = [{"Name": f"tag:{TAG_OP}", "Values": [token]}]
        what = f"{region}: what an earlier call made could not be looked for"
        async for page in self._clients.ec2_pages(region, what, "describe_volumes", {"Filters": wanted}):
            for raw in page.get("Volumes", []):
                if (TAG_OP, token) in tag_pairs(raw.get("Tags")):
                    return str(raw["VolumeId"])
        made = [one for one in await self._snapshots(region, wanted) if (TAG_OP, token) in one.tags]
        return made[0].id if made else ""

    async def change(self, call: StorageCall, *, dry: bool = False) -> str:
        """Carry a call out, or ask only whether it would be allowed."""
        region = place(call)
        what = f"{region}: {call.id or call.name} could not be {DONE[call.operation]}"
        try:
            answer = await self._clients.ec2(region, what, sender(call, self._settings.owner, dry=dry), changes=True)
        except AwsError as error:
            if dry and error.code == DRY_RUN_PASSED:
                return call.id
            raise
        finally:
            self._standing.forget()
        return str(answer[_MAKES[call.operation]]) if call.operation in _MAKES else call.id

    def month(self, region: str, shape: VolumeShape) -> Fact[Decimal]:
        """Return dollars per month of a volume."""
        return volume_month(self._prices, region, shape)

    def snapshot_month(self, region: str, size_gib: int) -> Fact[Decimal]:
        """Return the most that a snapshot costs per month."""
        return snapshot_month(self._prices, region, size_gib)

    async def _region(self, region: str) -> _Region:
        """Read one region; snapshots that cannot be read leave the volumes standing."""
        problems: list[Problem] = []
        volumes, snapshots = await asyncio.gather(
            self._known(self._volumes(region), problems), self._known(self._snapshots(region, []), problems)
        )
        listed = volumes.value if isinstance(volumes, Known) else ()
        own = snapshots.value if isinstance(snapshots, Known) else ()
        scoped = tuple(replace(problem, scope=_scope(region)) for problem in problems)
        return _Region(tuple(with_newest(one, snapshots) for one in listed), own, scoped)

    async def _known(self, asked: Awaitable[T], problems: list[Problem] | None = None) -> Fact[T]:
        """Return what was answered, or why nothing was."""
        try:
            return Known(await asked, self._clock.now(), SOURCE)
        except TrainctlError as error:
            if problems is not None:
                problems.append(error.to_problem())
            return Unknown(str(error))

    async def _read_unattached(self) -> Standing:
        now, regions = self._clock.now(), self._settings.regions
        problems: list[Problem] = []
        parts = await asyncio.gather(*(self._unattached(region, problems) for region in regions))
        found = tuple(one for part in parts for one in part)
        return Snapshot(found, now, tuple(_scope(region) for region in regions), tuple(problems))

    async def _unattached(self, region: str, problems: list[Problem]) -> tuple[Volume, ...]:
        try:
            return await self._volumes(region, [{"Name": "status", "Values": ["available"]}])
        except TrainctlError as error:
            problems.append(error.to_problem(scope=_scope(region)))
            return ()

    async def _volumes(self, region: str, filters: Sequence[Mapping[str, object]] = ()) -> tuple[Volume, ...]:
        what = f"{region}: the volumes could not be listed"
        request = _page_request(filters)
        found: list[Volume] = []
        async for page in self._clients.ec2_pages(region, what, "describe_volumes", request):
            found += [parse_volume(raw, region, self._settings.owner) for raw in page.get("Volumes", [])]
        return tuple(found)

    async def _snapshots(self, region: str, filters: Sequence[Mapping[str, object]]) -> tuple[VolumeSnapshot, ...]:
        what = f"{region}: the snapshots could not be listed"
        request = {"OwnerIds": ["self"], **_page_request(filters)}
        found: list[VolumeSnapshot] = []
        async for page in self._clients.ec2_pages(region, what, "describe_snapshots", request):
            found += [parse_snapshot(raw, region, self._settings.owner) for raw in page.get("Snapshots", [])]
        return tuple(self._priced(one) for one in found)

    async def _find(self, resource_id: str, region: str) -> tuple[str, Any]:
        """Return a volume's or snapshot's region and EC2's own words about it."""
        known = region or self._region_of.get(resource_id, "")
        for where in (known,) if known else self._settings.regions:
            try:
                return where, await self._raw(where, resource_id)
            except ResourceNotFound:
                self._region_of.pop(resource_id, None)
        noun = SNAPSHOT if resource_id.startswith("snap-") else "volume"
        places = known or ", ".join(self._settings.regions)
        raise ResourceNotFound(f"There is no {noun} {resource_id}", f"EC2 knows none in {places}", "refresh the list")

    async def _raw(self, region: str, resource_id: str) -> Any:
        what = f"{region}: {resource_id} could not be read"
        if resource_id.startswith("snap-"):
            answer: Any = await self._clients.ec2(
                region, what, lambda ec2: ec2.describe_snapshots(SnapshotIds=[resource_id])
            )
            found = answer.get("Snapshots", [])
        else:
            answer = await self._clients.ec2(region, what, lambda ec2: ec2.describe_volumes(VolumeIds=[resource_id]))
            found = answer.get("Volumes", [])
        if not found:
            raise ResourceNotFound(f"There is no {resource_id}", f"EC2 knows none in {region}")
        return found[0]


def _page_request(filters: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    return {"MaxResults": PAGE, **({"Filters": [*filters]} if filters else {})}


def _scope(region: str) -> str:
    return f"{PROVIDER}/{region}"
