"""Network volumes behind the `VolumeStore` protocol: storage of a data centre that outlives every pod."""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import TAG_OWNER, TAG_PROJECT
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import Capability, Operation
from runctl_tui.domain.volume import Attachment, Storage, Volume, VolumeShape, VolumeSnapshot, VolumeState
from runctl_tui.domain.volume_shapes import NETWORK, NETWORK_FAST
from runctl_tui.services.errors import ResourceNotFound, TrainctlError, Unsupported, ValidationError
from runctl_tui.services.runpod import faults, prices
from runctl_tui.services.runpod.parse import PROVIDER, tagged_name
from runctl_tui.services.standing import Standing, StandingLook
from runctl_tui.services.volume_store import Modification, StorageCall

if TYPE_CHECKING:
    from runctl_tui.domain.clock import Clock
    from runctl_tui.services.runpod.catalog import Catalog
    from runctl_tui.services.runpod.parse import NetworkVolume
    from runctl_tui.services.runpod.pods import PodReader
    from runctl_tui.services.runpod.settings import RunpodSettings
    from runctl_tui.services.runpod.web import RunpodWeb

SOURCE: Final = "RunPod API"
SILENT: Final = "RunPod's network volumes could not be listed"
TAG_OP: Final = "runctl:op"
TAG_MADE: Final = "runctl:made"
"""When it was made, which RunPod does not tell."""
NO_PRICE: Final = "RunPod publishes no price of its high-performance tier that was read"
NO_SNAPSHOTS: Final = "RunPod has no snapshots of its volumes"
NO_ATTACH: Final = "RunPod mounts it when a pod is created"
REFUSED: Final = {Capability.ATTACH: NO_ATTACH, Capability.SNAPSHOTS: NO_SNAPSHOTS}
PATH: Final = "network-volumes"
_TIERS: Final = {NETWORK: "STANDARD", NETWORK_FAST: "HIGH_PERFORMANCE"}


class NetworkVolumes:
    """Implements `VolumeStore` for one RunPod account; tags stand behind a volume's name, since RunPod has none."""

    def __init__(
        self, web: RunpodWeb, settings: RunpodSettings, clock: Clock, catalog: Catalog, reader: PodReader
    ) -> None:
        self._web = web
        self._settings = settings
        self._clock = clock
        self._catalog = catalog
        self._reader = reader
        self._grown: dict[str, tuple[int, datetime]] = {}
        self._standing = StandingLook(PROVIDER, self._read_standing, clock, SILENT, fresh=0.0)

    async def list_storage(self) -> Snapshot[Storage]:
        """Return the network volumes with the pods that mount them; what failed is in `missing`."""
        taken_at = self._clock.now()
        try:
            found = await self._all()
        except TrainctlError as error:
            return Snapshot(Storage(), taken_at, (PROVIDER,), (error.to_problem(scope=PROVIDER),))
        return Snapshot(Storage(tuple(found.values())), taken_at, (PROVIDER,))

    async def standing(self) -> Standing:
        """Return the network volumes as they were read within two minutes, without the pods that mount them."""
        return await self._standing()

    async def _read_standing(self) -> Standing:
        found = await self._catalog.volumes()
        return Snapshot(tuple(self._volume(one, ()) for one in found.values()), self._clock.now(), (PROVIDER,))

    async def learn_prices(self, region: str = "") -> None:
        """Do nothing: the prices of storage are in this program, dated."""

    async def zones(self) -> tuple[str, ...]:
        """Return the data centres that a new volume may be in."""
        return await self._catalog.centers()

    async def check_zone(self, zone: str) -> None:
        """Raise ValidationError where RunPod tells of no such data centre; one that has a volume already is there."""
        centers = {*await self._catalog.centers(), *(one.center for one in (await self._catalog.volumes()).values())}
        if centers and zone not in centers:
            raise ValidationError(f"RunPod has no data centre {zone}", "", f"there are {', '.join(sorted(centers))}")

    def priced(self, storage: Storage) -> Storage:
        """Return the same: a network volume comes with its price."""
        return storage

    async def volume(self, volume_id: str, region: str = "") -> Volume:
        """Return one network volume, read afresh."""
        found = (await self._all()).get(volume_id)
        if found is None:
            raise ResourceNotFound(f"There is no network volume {volume_id}", "RunPod knows none", "refresh the list")
        return found

    async def snapshot(self, snapshot_id: str, region: str = "") -> VolumeSnapshot:
        """Raise: there are no snapshots."""
        raise ResourceNotFound(f"There is no snapshot {snapshot_id}", NO_SNAPSHOTS)

    async def snapshots_of(self, volume_id: str, region: str) -> tuple[VolumeSnapshot, ...]:
        """Return none."""
        return ()

    async def copies_of(self, volume_id: str, region: str, snapshot_id: str = "") -> tuple[VolumeSnapshot, ...]:
        """Return none."""
        return ()

    async def users_of(self, snapshot_id: str, region: str) -> tuple[str, ...]:
        """Return none."""
        return ()

    async def modification(self, volume_id: str, region: str) -> Modification | None:
        """Return the latest growth that was asked for from here; RunPod itself keeps no record of them."""
        asked = self._grown.get(volume_id)
        if asked is None:
            return None
        size, at = asked
        there = (await self.volume(volume_id)).shape.size_gib
        return Modification("completed", at) if there >= size else None

    async def describe(self, resource_id: str, region: str = "") -> Mapping[str, object]:
        """Return RunPod's own words about a network volume."""
        return await self._web.one(f"{resource_id} could not be read", PATH, resource_id)

    async def find_by_token(self, token: str, region: str) -> str:
        """Return the id of the network volume that a create with this token made, from the tags behind its name."""
        found = (await self._catalog.volumes_now()).values()
        return next((one.id for one in found if token and (TAG_OP, token) in one.tags), "")

    async def change(self, call: StorageCall, *, dry: bool = False) -> str:
        """Carry a call out; RunPod has no dry run to ask."""
        send = {
            Operation.VOLUME_CREATE: self._create,
            Operation.VOLUME_MODIFY: self._grow,
            Operation.VOLUME_DELETE: self._delete,
        }.get(call.operation)
        if send is None:
            why = NO_ATTACH if call.operation in (Operation.VOLUME_ATTACH, Operation.VOLUME_DETACH) else NO_SNAPSHOTS
            raise Unsupported(f"{call.operation.verb} is not possible", why)
        return call.id if dry else await send(call)

    def month(self, region: str, shape: VolumeShape) -> Fact[Decimal]:
        """Return dollars per month of a network volume, mounted or not."""
        if shape.type != NETWORK:
            return Unknown(NO_PRICE)
        source = f"RunPod's price list of {prices.AS_OF:%d %b %Y}"
        return Known(prices.network_month(shape.size_gib), self._clock.now(), source)

    def snapshot_month(self, region: str, size_gib: int) -> Fact[Decimal]:
        """Return nothing known: there are no snapshots."""
        return Unknown(NO_SNAPSHOTS)

    async def _all(self) -> Mapping[str, Volume]:
        volumes, pods = await asyncio.gather(self._catalog.volumes_now(), self._reader.raw_all())
        with faults.understood(SILENT):
            mounted = _mounted(pods)
        return {one.id: self._volume(one, mounted.get(one.id, ())) for one in volumes.values()}

    def _volume(self, one: NetworkVolume, attachments: Sequence[Attachment]) -> Volume:
        shape = VolumeShape(one.type, one.size_gib)
        return Volume(
            id=one.id,
            provider=PROVIDER,
            region=one.center,
            zone=one.center,
            name=one.name,
            state=VolumeState.IN_USE if attachments else VolumeState.AVAILABLE,
            shape=shape,
            usd_per_month=self.month(one.center, shape),
            last_snapshot=Known(None, self._clock.now(), SOURCE),
            created_at=_made(dict(one.tags).get(TAG_MADE, "")),
            attachments=tuple(attachments),
            tags=one.tags,
            owner_label=self._settings.owner,
        )

    async def _create(self, call: StorageCall) -> str:
        new = call.new
        if new is None:
            raise ValidationError("a new volume needs its name, data centre and size")
        tags = {TAG_OWNER: self._settings.owner, TAG_PROJECT: new.project, TAG_OP: call.token}
        tags[TAG_MADE] = f"{self._clock.now().astimezone(UTC):%Y%m%dT%H%M%SZ}"
        content = {
            "name": tagged_name(new.name, {key: value for key, value in tags.items() if value}),
            "size": new.shape.size_gib,
            "dataCenter": new.zone,
            "type": _TIERS[new.shape.type],
        }
        what = f"{new.name} could not be created in {new.zone}"
        made = (await self._web.send(what, "POST", PATH, content)).get("id")
        if not isinstance(made, str) or not made:
            raise faults.unclear(what, "RunPod's answer names no network volume")
        return made

    async def _grow(self, call: StorageCall) -> str:
        if call.shape is None:
            raise ValidationError("say how large it shall become")
        self._grown[call.id] = (call.shape.size_gib, self._clock.now())
        size = {"size": call.shape.size_gib}
        what = f"{call.name or call.id} could not be grown"
        if (await self._web.send(what, "PATCH", _path(call.id), size)).get("id") != call.id:
            raise faults.unclear(what, faults.ODD)
        return call.id

    async def _delete(self, call: StorageCall) -> str:
        await self._web.send(f"{call.name or call.id} could not be deleted", "DELETE", _path(call.id))
        return call.id


def _path(volume_id: str) -> str:
    return f"{PATH}/{urllib.parse.quote(volume_id, safe='')}"


def _mounted(pods: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[Attachment]]:
    """Return by volume which pods mount it, running or not."""
    found: dict[str, list[Attachment]] = {}
    for pod in pods:
        for volume_id, path in _mounts(pod):
            state = "mounted" if pod.get("status") == "RUNNING" else "attached"
            held = Attachment(str(pod.get("id", "")), path, state, False, instance_name=str(pod.get("name") or ""))
            found.setdefault(volume_id, []).append(held)
    return found


def _mounts(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    mounts = pod.get("mounts")
    for one in (mounts.get("network") or []) if isinstance(mounts, Mapping) else []:
        yield str(one.get("volumeId", "")), str(one.get("path", ""))


def _made(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
