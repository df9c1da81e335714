"""What RunPod's storage costs, dated; prices of GPUs come from its catalog only, because they change by the month."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

AS_OF: Final = date(2026, 8, 20)
"""When RunPod's own pricing page was read."""
CONTAINER: Final = Decimal("0.10")
"""Dollars per GB and month of a running pod's container disk."""
VOLUME_RUNNING: Final = Decimal("0.10")
VOLUME_STOPPED: Final = Decimal("0.20")
"""A stopped pod's volume disk costs twice."""
NETWORK: Final = Decimal("0.07")
"""Of a network volume's first terabyte; it costs whether a pod runs or not."""
NETWORK_BEYOND: Final = Decimal("0.05")
TERABYTE: Final = 1000


def network_month(gib: int) -> Decimal:
    """Return dollars per month of a network volume."""
    return NETWORK * min(gib, TERABYTE) + NETWORK_BEYOND * max(gib - TERABYTE, 0)
