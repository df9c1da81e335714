"""What machines and disks cost: the bundled dated table, and what a price list answered; used by every provider.

Unknown is said with its reason and never becomes zero.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Protocol

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import Gpu
from runctl_tui.domain.money import Price, PriceKind
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.whole_file import write_whole

FRESH: Final = timedelta(hours=24)
"""How long an answer of the price list is used before it is asked again."""
PATIENCE: Final = 900.0
"""Seconds before a price list that failed is asked again."""
API: Final = "AWS Pricing API"
BUNDLED: Final = "bundled table"
GIB: Final = 1024**3
_TABLE: Final = ("aws", "prices.json")
GP3_IOPS: Final = "gp3:iops"
GP3_THROUGHPUT: Final = "gp3:throughput"
IO1_IOPS: Final = "io1:iops"
IO2_IOPS: Final = "io2:iops"
SNAPSHOTS: Final = "snapshot"
S3: Final = "s3:"
"""Names under which a price list's storage holds what is no volume type; S3's begin so, with the class behind."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of one region at one time."""

    region: str
    as_of: datetime
    """UTC."""
    source: str
    on_demand: Mapping[str, Decimal]
    """Dollars per hour by machine type."""
    storage: Mapping[str, Decimal]
    """Dollars per GiB and month by volume type, and per month of what is provisioned above a type's baseline."""


class PriceSource(Protocol):
    """Somebody who knows the prices of a whole region."""

    async def price_list(self, region: str) -> PriceList:
        """Return the region's prices; raises TrainctlErrors."""


@dataclass(frozen=True, slots=True)
class BundledTable:
    """The table that comes with the product."""

    list: PriceList
    gpus: Mapping[str, Gpu]
    ipv4_hour: Decimal
    """Dollars per hour of one public address."""


@cache
def bundled() -> BundledTable:
    """Return the bundled table, read once."""
    text = resources.files("runctl_tui.services").joinpath(*_TABLE).read_text("utf-8")
    content: dict[str, Any] = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    prices = PriceList(
        region=content["region"],
        as_of=datetime.combine(date.fromisoformat(content["date"]), time(), UTC),
        source=BUNDLED,
        on_demand=content["on_demand"],
        storage={**content["storage_gb_month"], **_provisioned(content), **_objects(content)},
    )
    gpus = {
        name: Gpu(gpu["name"], int(gpu["count"]), float(gpu["memory_gib"])) for name, gpu in content["gpus"].items()
    }
    return BundledTable(prices, gpus, content["ipv4_hour"])


def _provisioned(content: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return what IOPS and MiB/s above the baseline cost per month; io1 and io2 as far as one tier reaches."""
    return {
        GP3_IOPS: content["gp3_iops_month_over_3000"],
        GP3_THROUGHPUT: content["gp3_mbps_month_over_125"],
        IO1_IOPS: content["io_iops_month_first_32000"],
        IO2_IOPS: content["io_iops_month_first_32000"],
    }


def _objects(content: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return what objects cost per GiB and month, as far as the first tier reaches."""
    return {f"{S3}{name}": amount for name, amount in content["s3_gb_month_first_tier"].items()}


class PriceBook:
    """Prices as far as they are known: the price list's answer, else the bundled table in its own region."""

    def __init__(self, clock: Clock, folder: Path | None = None, source: PriceSource | None = None) -> None:
        """Cache answers in `folder` where there is one."""
        self._clock = clock
        self._folder = folder
        self._source = source
        self._lists: dict[str, PriceList] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._read: set[str] = set()

    async def refresh(self, region: str) -> None:
        """Ask the price list when its last answer is older than a day; a failure leaves what is known.

        Who waits no longer does not end the question: a slow price list would never be known otherwise.
        """
        asking = self._asking.get(region)
        if asking is None or asking.done():
            asking = self._asking[region] = asyncio.get_running_loop().create_task(self._ask(region))
        await asyncio.shield(asking)

    async def _ask(self, region: str) -> None:
        if region not in self._read:
            self._read.add(region)
            await asyncio.to_thread(self._remember, region)
        if self._source is None or self._is_fresh(region) or self._is_waiting(region):
            return
        try:
            answer = await self._source.price_list(region)
        except TrainctlError as error:
            self._failed[region] = (self._clock.monotonic(), str(error))
            return
        self._failed.pop(region, None)
        self._lists[region] = answer
        await asyncio.to_thread(self._keep, answer)

    def on_demand(self, region: str, machine_type: str) -> Fact[Price]:
        """Return the hourly price as far as it is known now; never asks anybody."""
        for prices in self._known(region):
            amount = prices.on_demand.get(machine_type)
            if amount:
                price = Price(amount, PriceKind.ON_DEMAND, prices.source, prices.as_of.date())
                return Known(price, self._clock.now(), prices.source)
        return Unknown(self._why(region, machine_type))

    def storage(self, region: str, volume_type: str) -> Fact[Decimal]:
        """Return dollars per GiB and month as far as they are known now."""
        return self._storage(region, volume_type, f"{volume_type} disks")

    def object_month(self, region: str, storage_class: str, size: int) -> Fact[Decimal]:
        """Return dollars per month of so many bytes in S3, at the price of the first tier."""
        per_gib = self._storage(region, f"{S3}{storage_class}", f"{storage_class} in S3")
        if isinstance(per_gib, Unknown):
            return per_gib
        return Known(per_gib.value * size / GIB, per_gib.observed_at, per_gib.source)

    def _storage(self, region: str, name: str, words: str) -> Fact[Decimal]:
        for prices in self._known(region):
            amount = prices.storage.get(name)
            if amount:
                return Known(amount, self._clock.now(), prices.source)
        return Unknown(self._why(region, words))

    def disk_month(self, region: str, volume_type: str, size_gib: int | None) -> Fact[Decimal]:
        """Return dollars per month of one disk; unknown where size or price are."""
        if size_gib is None:
            return Unknown("the disk's size is not known")
        per_gib = self.storage(region, volume_type)
        if isinstance(per_gib, Unknown):
            return per_gib
        return Known(per_gib.value * size_gib, per_gib.observed_at, per_gib.source)

    def _known(self, region: str) -> tuple[PriceList, ...]:
        own = bundled().list
        found = self._lists.get(region)
        return tuple(prices for prices in (found, own) if prices is not None and prices.region == region)

    def _why(self, region: str, what: str) -> str:
        own = bundled().list
        if region in self._failed:
            return f"no price for {what} in {region}: {self._failed[region][1]}"
        if region in self._lists:
            return f"the price list of {region} does not name {what}"
        if region == own.region:
            return f"the bundled table of {own.as_of:%Y-%m-%d} does not name {what}"
        if self._source is None:
            return f"the bundled table holds {own.region} only, and there is no price list to ask for {region}"
        return f"the price list of {region} has not answered yet"

    def _is_fresh(self, region: str) -> bool:
        found = self._lists.get(region)
        return found is not None and abs(self._clock.now() - found.as_of) < FRESH

    def _is_waiting(self, region: str) -> bool:
        failed = self._failed.get(region)
        return failed is not None and self._clock.monotonic() - failed[0] < PATIENCE

    def _path(self, region: str) -> Path | None:
        plain = region.replace("-", "").isalnum()
        return self._folder / f"prices-{region}.json" if self._folder is not None and plain else None

    def _remember(self, region: str) -> None:
        path = self._path(region)
        if path is None:
            return
        try:
            kept = _from_text(path.read_text("utf-8"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
            return
        if kept.region == region:
            self._lists[region] = kept

    def _keep(self, prices: PriceList) -> None:
        path = self._path(prices.region)
        if path is None:
            return
        try:
            write_whole(path, _to_text(prices))
        except OSError:
            """A full disk costs the next start one more question, nothing else."""


def _to_text(prices: PriceList) -> str:
    return json.dumps(
        {
            "region": prices.region,
            "as_of": prices.as_of.isoformat(),
            "source": prices.source,
            "on_demand": {name: str(amount) for name, amount in prices.on_demand.items()},
            "storage": {name: str(amount) for name, amount in prices.storage.items()},
        }
    )


def _from_text(text: str) -> PriceList:
    content = json.loads(text)
    as_of = datetime.fromisoformat(content["as_of"])
    if as_of.tzinfo is None:
        raise ValueError("a time without its zone")
    return PriceList(
        region=str(content["region"]),
        as_of=as_of,
        source=str(content["source"]),
        on_demand=_amounts(content["on_demand"]),
        storage=_amounts(content["storage"]),
    )


def _amounts(texts: Mapping[str, str]) -> dict[str, Decimal]:
    amounts = {name: Decimal(text) for name, text in texts.items()}
    return {name: amount for name, amount in amounts.items() if amount.is_finite() and amount > 0}
