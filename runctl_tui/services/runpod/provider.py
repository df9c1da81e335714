"""`RunpodProvider`: pods behind the `TrainingProvider` port, put together from the parts of this package."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.identity import Identity
from runctl_tui.domain.instance import TAG_OWNER, ApiProtection, Instance
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.domain.offer import Capabilities, CreateResourceOptions, TypeOffer
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.snapshot import Snapshot
from runctl_tui.domain.states import Capability
from runctl_tui.services.ports import SshTarget
from runctl_tui.services.runpod.account import Account, Balance
from runctl_tui.services.runpod.billing import Billing
from runctl_tui.services.runpod.catalog import NO_SPOT, Catalog
from runctl_tui.services.runpod.launch import Launches
from runctl_tui.services.runpod.logs import printed
from runctl_tui.services.runpod.parse import PROVIDER, TAGS
from runctl_tui.services.runpod.pods import PodReader
from runctl_tui.services.runpod.reach import Reach
from runctl_tui.services.runpod.sdk import RunpodSdk
from runctl_tui.services.runpod.settings import RunpodSettings
from runctl_tui.services.runpod.volumes import REFUSED, NetworkVolumes
from runctl_tui.services.runpod.web import RunpodWeb
from runctl_tui.services.threads import BackendPool

LABEL: Final = "RunPod"
POOL_SIZE: Final = 8
_NO_SDK: Final = "RunPod's official SDK is not installed: pip install 'runctl-tui[runpod]'"
_CHANGES: Final = (Capability.CREATE, Capability.START, Capability.STOP, Capability.TERMINATE)
_REFUSED: Final = {
    Capability.SPOT: f"{NO_SPOT}: its SDK cannot create them",
    **REFUSED,
    Capability.DRY_RUN: "RunPod has no dry run to ask",
}


@cache
def has_sdk() -> bool:
    """Return whether the official SDK is installed; does not import it."""
    return importlib.util.find_spec("runpod") is not None


class RunpodProvider:
    """Every pod of one RunPod account."""

    name = PROVIDER
    label = LABEL

    def __init__(self, settings: RunpodSettings, clock: Clock, pool: BackendPool | None = None) -> None:
        self._clock = clock
        self._pool = pool or BackendPool(PROVIDER, POOL_SIZE)
        web = RunpodWeb(settings, self._pool)
        self._web = web
        self.account = Account(web, clock)
        self.billing = Billing(web, clock)
        self._catalog = Catalog(web, clock)
        self._sdk = RunpodSdk(settings, self._pool)
        self._reader = PodReader(web, settings, clock, self._catalog)
        self.launches = Launches(
            (settings, clock, self._pool, web), self._reader, self._catalog, self._sdk, self.account
        )
        claim = f"{TAG_OWNER}={settings.owner}"
        self._claim = f"put [{claim}] behind a volume's name, or {TAGS}={claim} into a pod's environment"
        self._reach = Reach(web, settings, self._pool)
        self.volumes = NetworkVolumes(web, settings, clock, self._catalog, self._reader)

    @property
    def capabilities(self) -> Capabilities:
        """It creates, trains and ends pods; the rest is refused with the reason."""
        refused = {**_REFUSED, Capability.TAGS: self._claim}
        return Capabilities(refused if has_sdk() else {**refused, **dict.fromkeys(_CHANGES, _NO_SDK)})

    def regions(self) -> tuple[str, ...]:
        """Both clouds, and the data centres in use."""
        return self._reader.regions()

    async def identity(self) -> Fact[Identity]:
        """Return who the key belongs to, with the balance."""
        return await self.account.identity()

    async def balance(self) -> Fact[Balance]:
        """Return what is left on the account."""
        return await self.account.balance()

    async def list_resources(self) -> Snapshot[tuple[Instance, ...]]:
        """Return every pod; balance and bill are renewed on the way."""
        listed, *_ = await asyncio.gather(self._reader.list_all(), self.account.refresh(), self.billing.refresh())
        return listed

    async def get_resource_status(self, resource_id: str, region: str = "") -> Instance:
        """Return one pod, read afresh."""
        return await self._reader.get(resource_id)

    async def describe(self, resource_id: str, region: str = "") -> Mapping[str, object]:
        """Return RunPod's own words about a pod; the values of its environment may be secrets and are left out."""
        raw = dict(await self._reader.raw(resource_id))
        env = raw.get("env")
        raw["env"] = sorted(env) if isinstance(env, Mapping) else []
        return raw

    async def offers(self, region: str) -> tuple[TypeOffer, ...]:
        """Return the GPUs of a cloud or data centre, those in stock first."""
        return await self._catalog.offers(region)

    async def estimate_cost(self, region: str, type_name: str, market: Market) -> Fact[Price]:
        """Return what a pod of this kind really costs where one runs, else the list price."""
        told = self._reader.rate(region, type_name)
        if told is not None and market is Market.ON_DEMAND:
            now = self._clock.now()
            return Known(Price(told, PriceKind.ON_DEMAND, "RunPod, billed", now.date()), now, "RunPod pod")
        return await self._catalog.price(region, type_name, market)

    async def check_create(self, options: CreateResourceOptions) -> tuple[str, ...]:
        """Return warnings, RunPod's own truths among them; raises where the launch cannot work."""
        return await self.launches.check(options)

    async def create_resource(self, options: CreateResourceOptions, token: str) -> Instance:
        """Create one pod; raises NoCapacity where the market has none."""
        return await self.launches.create(options, token)

    async def start(self, resource_id: str, region: str = "") -> None:
        """Start a stopped pod with as many GPUs as it had; NoCapacity where its host has none free."""
        pod = await self._reader.get(resource_id)
        gpus = pod.gpu.count if pod.gpu else 1
        await self._sdk.resume(f"{pod.name or pod.id} could not be started", pod.id, gpus)

    async def stop(self, resource_id: str, region: str = "") -> None:
        """Stop a running pod; its container disk is lost."""
        pod = await self._reader.get(resource_id)
        await self._sdk.stop(f"{pod.name or pod.id} could not be stopped", pod.id)

    async def terminate(self, resource_id: str, region: str = "") -> None:
        """Delete a pod with its container and volume disks."""
        pod = await self._reader.get(resource_id)
        if pod.state is ResourceState.TERMINATED:
            return
        what = f"{pod.name or pod.id} could not be terminated"
        await self._sdk.terminate(what, pod.id)
        await self._reader.see_ended(what, pod)

    async def dry_run(self, operation: Operation, resource_id: str, region: str = "") -> None:
        """Do nothing: RunPod has no dry run."""

    async def logs(self, resource_id: str, follow: bool = True) -> AsyncIterator[str]:
        """Yield the container's last lines, and what comes after them where followed, without gap or repeat."""
        async for line in printed(self._web, resource_id, follow):
            yield line

    async def protections(self, resource_id: str, region: str = "") -> Fact[ApiProtection]:
        """Return RunPod's lock on a pod."""
        raw = await self._reader.raw(resource_id)
        locked = bool(raw.get("locked"))
        return Known(ApiProtection(termination=locked, stop=locked), self._clock.now(), LABEL)

    async def find_by_token(self, token: str, region: str = "") -> Instance | None:
        """Return the pod that a create with this token made, also when its answer was lost."""
        return await self._reader.find_by_token(token)

    async def ssh_target(self, instance: Instance) -> SshTarget | None:
        """Return how a pod is reached."""
        return await self._reach.target(instance)

    async def host_keys(self, instance: Instance) -> tuple[str, ...]:
        """Return the host key whose fingerprint the pod's own log has."""
        return await self._reach.host_keys(instance)

    def close(self) -> None:
        """Let go of the pool without waiting for any call."""
        self._pool.close()
