"""The price table that the sandbox's Pricing API and spot market answer from: the product's own bundled one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Dollars as AWS charges them in us-east-1."""

    date: str
    on_demand: dict[str, Decimal]
    """Per hour, by instance type."""
    storage_gb_month: dict[str, Decimal]
    """Per GiB and month, by volume type."""


@cache
def table() -> PriceTable:
    """Return the bundled table."""
    found = resources.files("runctl_tui.services.aws").joinpath("prices.json")
    content = json.loads(found.read_text("utf-8")) if found.is_file() else _small_table()
    return PriceTable(
        content["date"],
        {kind: Decimal(str(price)) for kind, price in content["on_demand"].items()},
        {kind: Decimal(str(price)) for kind, price in content["storage_gb_month"].items()},
    )


def _small_table() -> dict[str, Any]:
    """The types that the seeded world and a first launch use."""
    on_demand = {
        "t3.micro": 0.0104,
        "t3.medium": 0.0416,
        "m6i.4xlarge": 0.768,
        "c6i.xlarge": 0.17,
        "g4dn.xlarge": 0.526,
        "g5.xlarge": 1.006,
        "g5.2xlarge": 1.212,
        "g5.12xlarge": 5.672,
        "g6.xlarge": 0.8048,
        "g6e.xlarge": 1.861,
        "p4d.24xlarge": 21.9576,
        "p5.48xlarge": 55.04,
    }
    storage = {"gp3": 0.08, "gp2": 0.10, "io2": 0.125, "st1": 0.045, "sc1": 0.015, "snapshot": 0.05}
    return {"date": "2026-07-20", "on_demand": on_demand, "storage_gb_month": storage}
