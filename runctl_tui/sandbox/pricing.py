"""The AWS Pricing API, answered from the price table in the shape of AWS's price lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from runctl_tui.sandbox.answers import Answer, Call, Refusal, as_json
from runctl_tui.sandbox.prices import PriceTable

LOCATIONS: Final = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-2": "US West (Oregon)",
}
"""Regions with the same prices for nearly every type, so that one table serves them."""
PAGE: Final = 100


class Pricing:
    """The service `AWSPriceListService`."""

    def __init__(self, prices: PriceTable) -> None:
        self._prices = prices

    def before(self, call: Call) -> Answer:
        """Answer GetProducts and DescribeServices."""
        if call.action == "DescribeServices":
            service = {"ServiceCode": "AmazonEC2", "AttributeNames": ["instanceType", "regionCode", "location"]}
            return as_json({"Services": [service], "FormatVersion": "aws_v1"})
        if call.action != "GetProducts":
            raise Refusal("InvalidParameterException", f"The sandbox does not play {call.action}")
        if call.body.get("ServiceCode") != "AmazonEC2":
            raise Refusal("NotFoundException", f"Service code {call.body.get('ServiceCode')} is not recognized")
        wanted = {found["Field"]: found["Value"] for found in call.body.get("Filters", [])}
        found = [json.dumps(product) for product in self._products(wanted) if _matches(product, wanted)]
        start = int(call.body.get("NextToken") or 0)
        end = start + min(int(call.body.get("MaxResults") or PAGE), PAGE)
        answer: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": found[start:end]}
        if end < len(found):
            answer["NextToken"] = str(end)
        return as_json(answer)

    def after(self, call: Call, body: bytes) -> None:
        """Nothing of this service is left to moto."""

    def _products(self, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Every product, or all of one instance type where only that is wanted: the table is long."""
        on_demand = self._prices.on_demand
        if "instanceType" in wanted:
            on_demand = {kind: price for kind, price in on_demand.items() if kind == wanted["instanceType"]}
        for region, location in LOCATIONS.items():
            place = {"regionCode": region, "location": location, "locationType": "AWS Region"}
            for kind, price in on_demand.items():
                machine = {
                    "instanceType": kind,
                    "operatingSystem": "Linux",
                    "tenancy": "Shared",
                    "preInstalledSw": "NA",
                    "capacitystatus": "Used",
                    "licenseModel": "No License required",
                    "marketoption": "OnDemand",
                    "operation": "RunInstances",
                }
                yield self._product("Compute Instance", {**place, **machine}, price, "Hrs")
            for kind, price in self._prices.storage_gb_month.items():
                if not kind.startswith("snapshot"):
                    disk = {"volumeApiName": kind, "usagetype": f"EBS:VolumeUsage.{kind}"}
                    yield self._product("Storage", {**place, **disk}, price, "GB-Mo")
            yield from self._provisioned(place)

    def _provisioned(self, place: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """What is paid for disks besides their size."""
        prices = self._prices
        for kind, price in prices.iops_month.items():
            usage = {"usagetype": f"EBS:VolumeP-IOPS.{kind}", "group": "EBS IOPS"}
            yield self._product("System Operation", {**place, **usage}, price, "IOPS-Mo")
        speed = {"usagetype": "EBS:VolumeP-Throughput.gp3", "volumeApiName": "gp3"}
        yield self._product("Provisioned Throughput", {**place, **speed}, prices.gp3_mibs_month * 1024, "GiBps-mo")
        saved = {"usagetype": "EBS:SnapshotUsage"}
        yield self._product("Storage Snapshot", {**place, **saved}, prices.storage_gb_month["snapshot"], "GB-Mo")

    def _product(self, family: str, attributes: Mapping[str, str], price: Decimal, unit: str) -> dict[str, Any]:
        label = "/".join([family, *attributes.values()])
        sku = hashlib.sha256(label.encode()).hexdigest()[:16].upper()
        dimension = {
            "unit": unit,
            "description": f"${price} per {unit}",
            "rateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
            "pricePerUnit": {"USD": f"{price:.10f}"},
        }
        term = {
            "sku": sku,
            "offerTermCode": "JRTCKXETXF",
            "effectiveDate": f"{self._prices.date}T00:00:00Z",
            "priceDimensions": {dimension["rateCode"]: dimension},
            "termAttributes": {},
        }
        return {
            "product": {"productFamily": family, "attributes": dict(attributes), "sku": sku},
            "serviceCode": "AmazonEC2",
            "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
            "version": self._prices.date,
            "publicationDate": f"{self._prices.date}T00:00:00Z",
        }


def _matches(product: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    known = {**product["product"]["attributes"], "productFamily": product["product"]["productFamily"]}
    known["servicecode"] = known["ServiceCode"] = "AmazonEC2"
    return all(known.get(field, "").lower() == value.lower() for field, value in wanted.items())
