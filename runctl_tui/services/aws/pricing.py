"""The AWS Pricing API as a source of the price book: Linux, shared tenancy, on demand, and EBS volumes of a region."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.services.aws.clients import AwsClients
from runctl_tui.services.errors import AwsError
from runctl_tui.services.prices import (
    API,
    GP3_IOPS,
    GP3_THROUGHPUT,
    IO1_IOPS,
    IO2_IOPS,
    S3,
    SNAPSHOTS,
    PriceList,
)

if TYPE_CHECKING:
    from mypy_boto3_pricing.client import PricingClient
    from mypy_boto3_pricing.type_defs import GetProductsResponseTypeDef

SERVICE: Final = "AmazonEC2"
OBJECTS: Final = "AmazonS3"
PAGE: Final = 100
_MACHINES: Final = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}
_DISKS: Final = {"productFamily": "Storage"}
_EXTRAS: Final = (
    ("System Operation", "IOPS-Mo", 1, {"VolumeP-IOPS.gp3": GP3_IOPS, "VolumeP-IOPS.piops": IO1_IOPS,
                                        "VolumeP-IOPS.io2": IO2_IOPS}),
    ("Provisioned Throughput", "GiBps-mo", 1024, {"VolumeP-Throughput.gp3": GP3_THROUGHPUT}),
    ("Storage Snapshot", "GB-Mo", 1, {"SnapshotUsage": SNAPSHOTS}),
)  # fmt: skip
"""Product family, its unit, how many of ours are in one of them, and our names by the end of the usage type."""
_CLASSES: Final = {
    "TimedStorage-ByteHrs": "STANDARD",
    "TimedStorage-INT-FA-ByteHrs": "INTELLIGENT_TIERING",
    "TimedStorage-SIA-ByteHrs": "STANDARD_IA",
    "TimedStorage-ZIA-ByteHrs": "ONEZONE_IA",
    "TimedStorage-GIR-ByteHrs": "GLACIER_IR",
}
"""What S3 keeps, by the end of the usage type, and the storage class that says so."""


class AwsPrices:
    """Reads the price list of a region."""

    def __init__(self, clients: AwsClients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock

    async def price_list(self, region: str) -> PriceList:
        """Return the region's prices; raises AwsErrors, also where the list holds no machine."""
        machines = await self._read(region, _MACHINES, "instanceType", "Hrs")
        disks = await self._read(region, _DISKS, "volumeApiName", "GB-Mo")
        if not machines:
            raise AwsError(f"The price list holds no machine of {region}", "it may not know the region")
        storage = disks | await self._extras(region) | await self._objects(region)
        return PriceList(region, self._clock.now(), API, machines, storage)

    async def _objects(self, region: str) -> dict[str, Decimal]:
        """Return what objects cost, as far as the first tier reaches; what cannot be read stays unknown."""
        try:
            listed = await self._read(region, _DISKS, "usagetype", "GB-Mo", OBJECTS)
        except AwsError:
            return {}
        found = ((_CLASSES.get(usage[usage.find("TimedStorage") :]), amount) for usage, amount in listed.items())
        return {f"{S3}{name}": amount for name, amount in found if name}

    async def _extras(self, region: str) -> dict[str, Decimal]:
        """Return what is paid for disks besides their size; what cannot be read stays unknown."""
        found: dict[str, Decimal] = {}
        for family, unit, parts, names in _EXTRAS:
            with contextlib.suppress(AwsError):
                listed = await self._read(region, {"productFamily": family}, "usagetype", unit)
                uses = {usage.rpartition("EBS:")[2]: amount for usage, amount in listed.items() if "EBS:" in usage}
                found |= {names[use]: amount / parts for use, amount in uses.items() if use in names}
        return found

    async def _read(
        self, region: str, wanted: Mapping[str, str], key: str, unit: str, service: str = SERVICE
    ) -> dict[str, Decimal]:
        fields = {"regionCode": region, **wanted}
        filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in fields.items()]
        what = f"The price list of {region} could not be read"
        prices: dict[str, Decimal] = {}
        token = ""
        while True:
            request: dict[str, Any] = {"ServiceCode": service, "Filters": filters, "MaxResults": PAGE}
            if token:
                request["NextToken"] = token
            page = await self._clients.pricing(what, partial(_products, request))
            prices |= dict(parse_products(page["PriceList"], key, unit))
            token = page.get("NextToken", "")
            if not token:
                return prices


def _products(request: dict[str, Any], pricing: PricingClient) -> GetProductsResponseTypeDef:
    return pricing.get_products(**request)


def parse_products(products: Sequence[str], key: str, unit: str) -> Iterator[tuple[str, Decimal]]:
    """Yield names and dollars of price list entries in this unit; zeros and what cannot be read are left out."""
    for text in products:
        try:
            product = json.loads(text, parse_float=Decimal)
            attributes = product["product"]["attributes"]
            name = attributes[key]
            amounts = [*_amounts(product["terms"]["OnDemand"], unit)]
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
            continue
        if amounts and attributes.get("marketoption", "OnDemand") == "OnDemand":
            yield str(name), max(amounts)  # the first of several tiers is the dearest


def _amounts(terms: Mapping[str, Any], unit: str) -> Iterator[Decimal]:
    for term in terms.values():
        for dimension in term["priceDimensions"].values():
            amount = Decimal(dimension["pricePerUnit"]["USD"])
            if dimension.get("unit") == unit and amount.is_finite() and amount > 0:
                yield amount
