"""Prices on the sandbox's spot market, which follow from type, zone and time alone."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final

from runctl_tui.sandbox.answers import Answer, Call, as_ec2, items

PERIOD: Final = timedelta(hours=6)
MOST_ROWS: Final = 1000
LONGEST: Final = timedelta(days=7)
TIME: Final = "%Y-%m-%dT%H:%M:%S.000Z"


def price(on_demand: Decimal, kind: str, zone: str, at: datetime) -> Decimal:
    """Return the spot price per hour: 0.30 to 0.45 of on-demand, drifting slowly."""
    seed = int.from_bytes(hashlib.sha256(f"{kind}/{zone}".encode()).digest()[:4], "big")
    base = 0.31 + 0.13 * (seed % 1000) / 1000
    drift = 0.01 * math.sin(seed + at.timestamp() // PERIOD.total_seconds())
    return (on_demand * Decimal(str(round(base + drift, 4)))).quantize(Decimal("0.0001"))


def history(call: Call, zones: list[str], on_demand: Mapping[str, Decimal]) -> Answer:
    """Answer DescribeSpotPriceHistory."""
    now = datetime.now(UTC)
    filters = _filters(call)
    kinds = call.listed("InstanceType") or filters.get("instance-type") or sorted(on_demand)
    wanted = {call.form[name] for name in ("AvailabilityZone",) if name in call.form}
    wanted |= set(filters.get("availability-zone", []))
    start = max(_moment(call.form.get("StartTime"), now - LONGEST), now - LONGEST)
    rows = (
        {
            "instanceType": kind,
            "productDescription": "Linux/UNIX",
            "spotPrice": f"{price(on_demand[kind], kind, zone, at):.6f}",
            "timestamp": at.strftime(TIME),
            "availabilityZone": zone,
        }
        for kind in kinds
        if kind in on_demand
        for zone in zones
        if not wanted or zone in wanted
        for at in _changes(start, min(now, _moment(call.form.get("EndTime"), now)))
    )
    return as_ec2(
        call.action, f"<spotPriceHistorySet>{items(islice(rows, MOST_ROWS))}</spotPriceHistorySet><nextToken/>"
    )


def _changes(start: datetime, end: datetime) -> Iterator[datetime]:
    """When prices changed, newest first: always the last change before `end`, as AWS answers."""
    period = PERIOD.total_seconds()
    at = datetime.fromtimestamp(end.timestamp() // period * period, UTC)
    yield at
    while (at := at - PERIOD) >= start:
        yield at


def _moment(text: str | None, default: datetime) -> datetime:
    if not text:
        return default
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _filters(call: Call) -> dict[str, list[str]]:
    found = {}
    number = 1
    while (name := call.form.get(f"Filter.{number}.Name")) is not None:
        found[name] = call.listed(f"Filter.{number}.Value")
        number += 1
    return found
