"""Creating a pod: looks before, one call, and looks after a lost answer before anything is said to have failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.instance import Instance, Market
from runctl_tui.domain.offer import CreateResourceOptions
from runctl_tui.domain.resource import BILLED_STATES
from runctl_tui.services.aws.keys import KeyFile, own_key, pair_name
from runctl_tui.services.errors import NoCapacity, Refused, TrainctlError, Unsupported, ValidationError
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.account import Account
from runctl_tui.services.runpod.catalog import NO_SPOT, Catalog, is_center
from runctl_tui.services.runpod.parse import COMMUNITY, TAGS, TOKEN, GpuKind, NetworkVolume, tags_of
from runctl_tui.services.runpod.pods import PodReader
from runctl_tui.services.runpod.sdk import RunpodSdk
from runctl_tui.services.runpod.settings import RunpodSettings
from runctl_tui.services.threads import BackendPool

LOOK_SECONDS: Final = 30.0
"""How long a pod is looked for whose create was not answered."""
NAP: Final = 1.0
PORTS: Final = "22/tcp"
VOLUME_PATH: Final = "/workspace"
NETWORK_PATH: Final = "/runpod-volume"
NOTHING_STAYS: Final = "without a volume everything on the pod is lost when it stops or ends: only S3 keeps it"
VOLUME_TRUTHS: Final = (
    "the volume disk is deleted with the pod, and costs twice as much while the pod is stopped",
    "once stopped, the pod can start again only where its disk is, if a GPU is free there",
)
NETWORK_TRUTH: Final = "the network volume stays when the pod ends, and goes on costing"


class Launches:
    """The rules of a launch on RunPod."""

    def __init__(
        self,
        parts: tuple[RunpodSettings, Clock, BackendPool],
        reader: PodReader,
        catalog: Catalog,
        sdk: RunpodSdk,
        account: Account,
    ) -> None:
        self._settings, self._clock, self._pool = parts
        self._reader = reader
        self._catalog = catalog
        self._sdk = sdk
        self._account = account
        self._gate = asyncio.Lock()
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def check(self, options: CreateResourceOptions) -> tuple[str, ...]:
        """Return warnings; raises where the launch cannot work."""
        kind, count = await self._catalog.find(options.region, options.type)
        if options.market is Market.SPOT:
            raise Unsupported("RunPod: spot is not possible", NO_SPOT, "launch it on demand")
        check_count(kind, count, options.region)
        if kind.stock == "NONE":
            todo = "choose another GPU, or the other cloud"
            raise NoCapacity(f"RunPod has no {kind.name} at the moment", f"stock in {options.region}: none", todo)
        volume = await self._volume(options)
        running = sum(one.state in BILLED_STATES for one in (await self._reader.list_all()).value)
        if running >= self._settings.block_at:
            todo = "raise safety.max_instances_block"
            raise Refused(f"{running} pods are running", f"the limit is {self._settings.block_at}", todo)
        return (*self._truths(options, kind, volume, running), *await self._account.warnings())

    async def create(self, options: CreateResourceOptions, token: str) -> Instance:
        """Create one pod; the same token never creates two."""
        async with self._gate:
            made = await self._reader.find_by_token(token)
            if made is not None:
                return made
            what = f"{options.type} could not be created in {options.region}"
            order = await self._order(options, token)
            try:
                pod_id = await self._sdk.create(what, order)
            except TrainctlError as error:
                return await self._found_after(error, token)
            return await self._reader.get(pod_id)

    async def _found_after(self, error: TrainctlError, token: str) -> Instance:
        """Return the pod that was made although the answer was an error; raise the error where there is none."""
        if error.code != faults.UNCLEAR and not error.retryable:
            raise error
        deadline = self._clock.monotonic() + LOOK_SECONDS
        while self._clock.monotonic() < deadline:
            made = await self._reader.find_by_token(token)
            if made is not None:
                return made
            await self.sleep(NAP)
        raise error

    async def _order(self, options: CreateResourceOptions, token: str) -> Mapping[str, Any]:
        kind, count = await self._catalog.find(options.region, options.type)
        check_count(kind, count, options.region)
        volume = await self._volume(options)
        key: KeyFile = await self._pool.run(own_key, self._settings.keys, pair_name(self._settings.owner))
        order: dict[str, Any] = {
            "name": options.name,
            "image_name": options.image or self._settings.image,
            "gpu_type_id": kind.id,
            "gpu_count": count,
            "cloud_type": "COMMUNITY" if options.region == COMMUNITY else "SECURE",
            "container_disk_in_gb": options.root_gib or self._settings.disk_gib,
            "volume_in_gb": 0 if volume else options.data_gib or 0,
            "volume_mount_path": NETWORK_PATH if volume else VOLUME_PATH,
            "ports": PORTS,
            "env": {"PUBLIC_KEY": key.public, TAGS: tags_of(options, self._settings.owner), TOKEN: token},
        }
        if volume is not None:
            order |= {"network_volume_id": volume.id, "data_center_id": volume.center}
        elif is_center(options.region):
            order["data_center_id"] = options.region
        return order

    async def _volume(self, options: CreateResourceOptions) -> NetworkVolume | None:
        """Return the network volume that the launch names, by id or name."""
        wanted = options.volume
        if not wanted:
            return None
        if options.region == COMMUNITY:
            why = "network volumes are in RunPod's own data centres"
            raise ValidationError("A community pod has no network volume", why, "choose the secure cloud")
        volumes = await self._catalog.volumes()
        found = [one for one in volumes.values() if wanted in (one.id, one.name)]
        if len(found) != 1:
            there = ", ".join(one.name or one.id for one in volumes.values()) or "none"
            raise ValidationError(f"There is no network volume {wanted!r}", f"there is: {there}", "name one by its id")
        if is_center(options.region) and found[0].center != options.region:
            raise ValidationError(f"{wanted} is in {found[0].center}", f"the pod would be in {options.region}")
        return found[0]

    def _truths(
        self, options: CreateResourceOptions, kind: GpuKind, volume: NetworkVolume | None, running: int
    ) -> list[str]:
        without = VOLUME_TRUTHS if options.data_gib else (NOTHING_STAYS,)
        found = [*without] if volume is None else [NETWORK_TRUTH]
        if kind.stock == "LOW":
            found.append(f"few {kind.name} are left: the create may find none")
        if running >= self._settings.warn_at:
            found.append(f"{running} pods are running already")
        return found


def check_count(kind: GpuKind, count: int, region: str) -> None:
    """Raise ValidationError where no pod has so many of a GPU."""
    if kind.price(region) is None:
        raise ValidationError(
            f"{kind.name} is not in {region}", "this cloud does not have it", "choose the other cloud"
        )
    if count > kind.most(region):
        raise ValidationError(f"{count} {kind.name} are too many", f"one pod has at most {kind.most(region)}")
