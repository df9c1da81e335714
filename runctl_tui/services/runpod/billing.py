"""What RunPod itself says that this month has cost, from API v2; asked now and then while pods are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.cost import Bill
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.ledger import day_of, month_of
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.runpod.web import RunpodWeb

SOURCE: Final = "RunPod API v2 billing"
WHAT: Final = "RunPod's billing could not be read"
FRESH: Final = 300.0
"""Seconds for which an answer serves; RunPod books by the hour at best."""
PATIENCE: Final = 5.0
"""Seconds that the list of pods waits for it."""
PARTS: Final = {
    "pods": ("podGpuAmount", "podCpuAmount", "podDiskAmount"),
    "network volumes": ("storageStandardAmount", "storageHighPerformanceAmount"),
}
_STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"


class Billing:
    """Asks for the bill of this month (UTC), at most once in five minutes."""

    def __init__(self, web: RunpodWeb, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._asked_at = float("-inf")
        self._told: Fact[Bill] = Unknown("not asked yet")

    def told(self) -> Fact[Bill]:
        """Return what was answered at last; never asks anybody, and never tells another month's bill."""
        if isinstance(self._told, Known) and self._told.value.since != month_of(self._clock.now())[0]:
            return Unknown("not asked yet this month")
        return self._told

    async def refresh(self) -> None:
        """Have the bill read again where it is old; where nobody answers it is unknown."""
        if self._clock.monotonic() - self._asked_at < FRESH and not self._month_is_over():
            return
        self._asked_at = self._clock.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                self._told = await self._read()
        except TimeoutError:
            self._told = Unknown(f"RunPod did not answer within {PATIENCE:.0f} s")
        except TrainctlError as error:
            self._told = Unknown(str(error))

    def _month_is_over(self) -> bool:
        return isinstance(self._told, Known) and isinstance(self.told(), Unknown)

    async def _read(self) -> Fact[Bill]:
        now = self._clock.now()
        since, today = month_of(now)[0], day_of(now)[0]
        query = {"startTime": since.strftime(_STAMP), "endTime": now.astimezone(UTC).strftime(_STAMP)}
        rows = await self._web.rows(WHAT, "billing", "records", query | {"bucketSize": "day"}, key="startTime")
        month = [row for row in rows if str(row.get("startTime", "")) >= since.strftime("%Y-%m-%d")]
        if any(not _is_amount(row.get("totalAmount")) for row in month):
            return Unknown("RunPod's bill is not what its documentation says")
        of_today = [row for row in month if str(row.get("startTime", "")).startswith(f"{today:%Y-%m-%d}")]
        parts = tuple((name, sum((_sum(row, fields) for row in month), Decimal(0))) for name, fields in PARTS.items())
        total = sum((_sum(row, ("totalAmount",)) for row in month), Decimal(0))
        rest = ("everything else", total - sum((amount for _, amount in parts), Decimal(0)))
        spent = sum((_sum(row, ("totalAmount",)) for row in of_today), Decimal(0))
        shown = tuple(part for part in (*parts, rest) if part[1])
        return Known(Bill(since, spent, total, shown), now, SOURCE)


def _sum(row: Mapping[str, Any], fields: tuple[str, ...]) -> Decimal:
    amounts = (row.get(field) for field in fields)
    return sum((Decimal(str(one)) for one in amounts if _is_amount(one)), Decimal(0))


def _is_amount(told: object) -> bool:
    """Tell a number from what JSON may hold in its place, 'Infinity' included."""
    return isinstance(told, int | float) and isfinite(told)
