"""What can be bought in a region: machine types with their on-demand and spot prices, accelerated ones first."""

from __future__ import annotations

import asyncio

from runctl_tui.domain.facts import Fact
from runctl_tui.domain.money import Price
from runctl_tui.domain.offer import TypeOffer
from runctl_tui.domain.resource import Market
from runctl_tui.services.aws.catalog import TypeCatalog
from runctl_tui.services.aws.parse import PROVIDER, TypeFacts
from runctl_tui.services.aws.spot import SpotMarket
from runctl_tui.services.prices import PriceBook


class Offers:
    """Joins machine types and prices."""

    def __init__(self, catalog: TypeCatalog, market: SpotMarket, prices: PriceBook) -> None:
        self._catalog = catalog
        self._market = market
        self._prices = prices

    async def all(self, region: str) -> tuple[TypeOffer, ...]:
        """Return every type that the region sells; a price that is not known says why."""
        names, _ = await asyncio.gather(self._catalog.sold(region), self._prices.refresh(region))
        known = self._catalog.known
        await self._market.learn(region, names)
        return tuple(sorted((self._offer(region, name, known[name]) for name in names), key=_order))

    async def price(self, region: str, name: str, market: Market) -> Fact[Price]:
        """Return what one type costs per hour."""
        if market is Market.SPOT:
            await self._market.learn(region, [name])
            return self._market.price(region, name)
        await self._prices.refresh(region)
        return self._prices.on_demand(region, name)

    def _offer(self, region: str, name: str, facts: TypeFacts) -> TypeOffer:
        return TypeOffer(
            provider=PROVIDER,
            region=region,
            type=name,
            vcpus=facts.vcpus,
            memory_gib=facts.memory_gib,
            gpu=facts.gpu,
            on_demand=self._prices.on_demand(region, name),
            spot=self._market.price(region, name),
            spot_zone=self._market.zone(region, name),
            architecture="arm64" if "arm64" in facts.architectures else "x86_64",
        )


def _order(offer: TypeOffer) -> tuple[bool, str, int, float, str]:
    """Accelerated first, then by family, from small to large."""
    return (offer.gpu is None, offer.type.partition(".")[0], offer.vcpus or 0, offer.memory_gib or 0.0, offer.type)
