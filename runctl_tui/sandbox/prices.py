"""The price table that the sandbox's Pricing API and spot market answer from: the product's own bundled one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Dollars as AWS charges them in us-east-1."""

    date: str
    on_demand: dict[str, Decimal]
    """Per hour, by instance type."""
    storage_gb_month: dict[str, Decimal]
    """Per GiB and month, by volume type."""
    iops_month: dict[str, Decimal]
    """Per month, by what a volume type is called in usage types."""
    gp3_mibs_month: Decimal
    """Per MiB/s and month above what is included."""


@cache
def table() -> PriceTable:
    """Return the bundled table."""
    found = resources.files("runctl_tui.services.aws").joinpath("prices.json")
    content = json.loads(found.read_text("utf-8"))
    return PriceTable(
        content["date"],
        {kind: Decimal(str(price)) for kind, price in content["on_demand"].items()},
        {kind: Decimal(str(price)) for kind, price in content["storage_gb_month"].items()},
        {
            "gp3": Decimal(str(content["gp3_iops_month_over_3000"])),
            "piops": Decimal(str(content["io_iops_month_first_32000"])),
            "io2": Decimal(str(content["io_iops_month_first_32000"])),
        },
        Decimal(str(content["gp3_mbps_month_over_125"])),
    )
