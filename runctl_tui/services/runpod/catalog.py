"""What RunPod sells: GPUs with list price and stock per cloud, and network volumes; kept for a few minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import Gpu
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.domain.offer import TypeOffer
from runctl_tui.domain.resource import Market
from runctl_tui.services.errors import TrainctlError, ValidationError
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.parse import (
    COMMUNITY,
    PROVIDER,
    GpuKind,
    NetworkVolume,
    gpu_kind,
    model,
    network_volume,
    short,
    split_type,
    type_name,
)
from runctl_tui.services.runpod.web import RunpodWeb

FRESH: Final = 120.0
"""Seconds for which stock and prices are used; both move."""
SOURCE: Final = "RunPod catalog"
COUNTS: Final = (1, 2, 4, 8)
NO_SPOT: Final = "RunPod no longer sells interruptible pods"
_SPOT_QUERY: Final = "query { gpuTypes { id lowestPrice(input: { gpuCount: 1 }) { minimumBidPrice } } }"


class Catalog:
    """Answers what can be bought, and for how much."""

    def __init__(self, web: RunpodWeb, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._kinds: dict[str, tuple[float, Mapping[str, GpuKind]]] = {}
        self._volumes: tuple[float, Mapping[str, NetworkVolume]] = (float("-inf"), {})
        self._bids: tuple[float, Mapping[str, Decimal]] = (float("-inf"), {})
        self._gate = asyncio.Lock()

    async def kinds(self, region: str) -> Mapping[str, GpuKind]:
        """Return the GPUs by id, with the stock of the region's cloud."""
        cloud = "COMMUNITY" if region == COMMUNITY else "SECURE"
        async with self._gate:
            at, found = self._kinds.get(cloud, (float("-inf"), {}))
            if not self._is_fresh(at):
                query = {"include": "AVAILABILITY", "product": "POD", "cloud": cloud}
                what = "RunPod's GPUs could not be listed"
                rows = await self._web.rows(what, "catalog/gpus", "gpus", query)
                with faults.understood(what):
                    found = {one.id: one for one in map(gpu_kind, rows)}
                self._kinds[cloud] = (self._clock.monotonic(), found)
        return found

    def known(self) -> Mapping[str, GpuKind]:
        """Return the GPUs as far as they were asked for; never asks anybody."""
        return {gpu_id: kind for _, found in self._kinds.values() for gpu_id, kind in found.items()}

    async def volumes(self) -> Mapping[str, NetworkVolume]:
        """Return the network volumes by id."""
        async with self._gate:
            if not self._is_fresh(self._volumes[0]):
                self._volumes = (self._clock.monotonic(), await self._read_volumes())
        return self._volumes[1]

    async def volumes_now(self) -> Mapping[str, NetworkVolume]:
        """Return the network volumes by id, read afresh."""
        async with self._gate:
            self._volumes = (self._clock.monotonic(), await self._read_volumes())
        return self._volumes[1]

    async def centers(self) -> tuple[str, ...]:
        """Return the data centres that GPUs are in."""
        return tuple(sorted({center for kind in (await self.kinds("")).values() for center in kind.centers}))

    async def _read_volumes(self) -> Mapping[str, NetworkVolume]:
        what = "RunPod's network volumes could not be listed"
        rows = await self._web.rows(what, "network-volumes", "networkVolumes")
        with faults.understood(what):
            return {one.id: one for one in map(network_volume, rows)}

    async def find(self, region: str, type_text: str) -> tuple[GpuKind, int]:
        """Return GPU and count of a machine type; ValidationError where RunPod has no such GPU."""
        count, name = split_type(type_text)
        kinds = await self.kinds(region)
        for kind in kinds.values():
            if name.lower() in (kind.id.lower(), kind.name.lower(), short(kind.id).lower()):
                return kind, count
        there = ", ".join(sorted(short(kind.id) for kind in kinds.values()))
        raise ValidationError(f"RunPod has no GPU {name!r}", f"it has {there}"[:300], "choose one of these")

    async def offers(self, region: str) -> tuple[TypeOffer, ...]:
        """Return the types of a region, those in stock first."""
        kinds = await self.kinds(region)
        found = [kind for kind in kinds.values() if kind.price(region) is not None and _is_there(kind, region)]
        found.sort(key=lambda kind: (kind.stock == "NONE", kind.price(region) or Decimal(0)))
        return tuple(
            self._offer(kind, region, count) for kind in found for count in COUNTS if count <= kind.most(region)
        )

    async def price(self, region: str, type_text: str, market: Market) -> Fact[Price]:
        """Return the list price of a type; the spot price is what was asked for interruptible pods at last."""
        try:
            kind, count = await self.find(region, type_text)
            if market is Market.SPOT:
                return await self._bid(kind, count)
        except TrainctlError as error:
            return Unknown(str(error))
        return self._price(kind, region, count)

    async def _bid(self, kind: GpuKind, count: int) -> Fact[Price]:
        if not self._is_fresh(self._bids[0]):
            what = "RunPod's spot prices could not be read"
            rows: list[Any] = await self._web.ask(what, _SPOT_QUERY, "gpuTypes", list)
            with faults.understood(what):
                told = {one["id"]: (one.get("lowestPrice") or {}).get("minimumBidPrice") for one in rows}
                bids = {gpu_id: Decimal(str(bid)) for gpu_id, bid in told.items() if bid}
            self._bids = (self._clock.monotonic(), bids)
        bid = self._bids[1].get(kind.id)
        now = self._clock.now()
        if bid is None:
            return Unknown(NO_SPOT)
        return Known(Price(bid * count, PriceKind.SPOT, "RunPod GraphQL", now.date(), estimate=True), now, SOURCE)

    def _offer(self, kind: GpuKind, region: str, count: int) -> TypeOffer:
        words = f"stock {kind.stock.lower()}" if kind.stock else ""
        return TypeOffer(
            provider=PROVIDER,
            region=region,
            type=type_name(kind.id, count),
            vcpus=None,
            memory_gib=None,
            gpu=Gpu(model(kind.id), count, kind.memory_gib),
            on_demand=self._price(kind, region, count),
            spot=Unknown(NO_SPOT),
            spot_zone=words,
        )

    def _price(self, kind: GpuKind, region: str, count: int) -> Fact[Price]:
        amount = kind.price(region)
        if amount is None:
            return Unknown(f"{short(kind.id)} is not in the {COMMUNITY if region == COMMUNITY else 'secure'} cloud")
        now = self._clock.now()
        return Known(Price(amount * count, PriceKind.ON_DEMAND, SOURCE, now.date()), now, SOURCE)

    def _is_fresh(self, at: float) -> bool:
        return self._clock.monotonic() - at < FRESH


def _is_there(kind: GpuKind, region: str) -> bool:
    """Tell whether a data centre has it; stock of none is still listed, so that a person sees why."""
    return not is_center(region) or not kind.centers or region in kind.centers


def is_center(region: str) -> bool:
    """Tell whether a region is one data centre."""
    return region not in (COMMUNITY, "secure", "")
