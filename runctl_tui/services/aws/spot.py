"""The spot market: what a type costs now in its cheapest zone, and how a launch asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.errors import TrainctlError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import SpotPriceTypeDef

SOURCE: Final = "EC2 spot price history"
REMEMBERED: Final = 300.0
"""Seconds for which a spot price is used."""
BATCH: Final = 100
PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class SpotQuote:
    """The cheapest zone's price of one type."""

    usd_per_hour: Decimal
    zone: str
    at: datetime


class SpotMarket:
    """Asks for spot prices, many types at once, and remembers them for five minutes."""

    def __init__(self, clients: AwsClients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, SpotQuote | str]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def learn(self, region: str, types: Iterable[str]) -> None:
        """Make sure that these types' prices are known or known to be unknown."""
        async with self._locks.setdefault(region, asyncio.Lock()):
            now = self._clock.monotonic()
            wanted = sorted({name for name in types if not self._is_recent(region, name, now)})
            batches = [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]
            await asyncio.gather(*(self._learn(region, batch, now) for batch in batches))

    async def _learn(self, region: str, batch: list[str], now: float) -> None:
        try:
            found: Mapping[str, SpotQuote] = await self._ask(region, batch)
            why = "EC2 names no spot price for it"
        except TrainctlError as error:
            found, why = {}, str(error)
        self._known |= {(region, name): (now, found.get(name, why)) for name in batch}

    def price(self, region: str, name: str) -> Fact[Price]:
        """Return what `learn` found, always an estimate: the market moves."""
        _, quote = self._known.get((region, name), (0.0, "not asked yet"))
        if isinstance(quote, str):
            return Unknown(f"no spot price for {name} in {region}: {quote}")
        price = Price(quote.usd_per_hour, PriceKind.SPOT, SOURCE, quote.at.date(), estimate=True)
        return Known(price, self._clock.now(), SOURCE)

    def zone(self, region: str, name: str) -> str:
        """Return the cheapest zone, or nothing."""
        _, quote = self._known.get((region, name), (0.0, ""))
        return quote.zone if isinstance(quote, SpotQuote) else ""

    def _is_recent(self, region: str, name: str, now: float) -> bool:
        known = self._known.get((region, name))
        return known is not None and now - known[0] < REMEMBERED

    async def _ask(self, region: str, batch: list[str]) -> Mapping[str, SpotQuote]:
        what = f"{region}: the spot prices could not be read"
        request = {
            "InstanceTypes": batch,
            "ProductDescriptions": ["Linux/UNIX"],
            "StartTime": self._clock.now(),
            "MaxResults": PAGE,
        }
        newest: dict[tuple[str, str], SpotQuote] = {}
        async for page in self._clients.ec2_pages(region, what, "describe_spot_price_history", request):
            for raw in page.get("SpotPriceHistory", []):
                _note(newest, raw)
        cheapest: dict[str, SpotQuote] = {}
        for (name, _), quote in newest.items():
            best = cheapest.get(name)
            if best is None or quote.usd_per_hour < best.usd_per_hour:
                cheapest[name] = quote
        return cheapest


def _note(newest: dict[tuple[str, str], SpotQuote], raw: SpotPriceTypeDef) -> None:
    """Keep the newest quote of a type and zone; a price of zero is no price."""
    try:
        quote = SpotQuote(Decimal(raw["SpotPrice"]), raw["AvailabilityZone"], raw["Timestamp"])
    except (KeyError, InvalidOperation):
        return
    key = (str(raw.get("InstanceType", "")), quote.zone)
    if quote.usd_per_hour > 0 and (key not in newest or quote.at > newest[key].at):
        newest[key] = quote


def market_options(max_price: Decimal | None) -> dict[str, Any]:
    """Return RunInstances' words for a one-time spot machine; no maximum means up to the on-demand price."""
    spot = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    if max_price is not None:
        spot["MaxPrice"] = f"{max_price:f}"
    return {"MarketType": "spot", "SpotOptions": spot}
