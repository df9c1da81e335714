"""The bill of the sandbox's RunPod: by UTC day, pods as they were charged, network volumes while they exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

Facts = dict[str, Any]
GPU: Final = "podGpuAmount"
STORAGE: Final = "storageStandardAmount"
_OTHERS: Final = (
    "podCpuAmount", "podDiskAmount", "serverlessGpuAmount", "serverlessCpuAmount", "serverlessDiskAmount",
    "serverlessFeeAmount", "storageHighPerformanceAmount", "endpointAmount", "clusterGpuAmount", "clusterDiskAmount",
    "clusterNetworkingAmount",
)  # fmt: skip
_PER_GB: Final = 0.07 / 730
"""Dollars per hour of a standard network volume's GB."""


def by_day(start: datetime, end: datetime, per_hour: float) -> Iterator[tuple[str, float]]:
    """Yield (UTC day, dollars) of a stretch of time at one price."""
    while start < end:
        midnight = (start + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        yield f"{start:%Y-%m-%d}", per_hour * (min(midnight, end) - start).total_seconds() / 3600
        start = midnight


def book(account: Facts, start: datetime, end: datetime, per_hour: float) -> None:
    """Write down what pods have cost in a stretch of time."""
    booked = account.setdefault("billed", {})
    for day, amount in by_day(start, end, per_hour):
        booked[day] = booked.get(day, 0.0) + amount


def answer(account: Facts, query: Mapping[str, str], now: datetime) -> Facts:
    """Return the days of a window as API v2 tells them."""
    first, last = query.get("startTime", "")[:10], query.get("endTime", f"{now:%Y-%m-%d}")[:10]
    days: dict[str, dict[str, float]] = {}
    for day, amount in account.get("billed", {}).items():
        days.setdefault(day, {})[GPU] = amount
    for volume in account["volumes"].values():
        created = datetime.fromisoformat(volume["created"]).astimezone(UTC)
        for day, amount in by_day(created, now, _PER_GB * volume["size"]):
            found = days.setdefault(day, {})
            found[STORAGE] = found.get(STORAGE, 0.0) + amount
    records = [_record(day, days[day]) for day in sorted(days) if first <= day <= last]
    total = round(sum(one["totalAmount"] for one in records), 4)
    return {"records": records, "metadata": {"recordCount": len(records), "totals": {"totalAmount": total}}}


def _record(day: str, amounts: Mapping[str, float]) -> Facts:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    told = {name: round(amounts.get(name, 0.0), 4) for name in (GPU, STORAGE, *_OTHERS)}
    end = start + timedelta(days=1)
    times = {"startTime": f"{start:%Y-%m-%dT%H:%M:%SZ}", "endTime": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    return {**times, "totalAmount": round(sum(told.values()), 4), **told}
