"""Money is Decimal dollars; a price knows its kind, source and date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

CENT: Final = Decimal("0.01")
LEAST: Final = Decimal("0.0001")
"""The least amount that is written out in digits; a smaller one is not nothing either."""
HOURS_PER_MONTH: Final = Decimal(730)
"""What cloud price lists mean by a month."""


class PriceKind(StrEnum):
    """What a price pays for."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    STORAGE = "storage"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per hour, and where the figure comes from."""

    usd_per_hour: Decimal
    kind: PriceKind
    source: str
    """For a person: 'AWS Pricing API', 'bundled table'."""
    as_of: date
    estimate: bool = False

    @property
    def usd_per_day(self) -> Decimal:
        """Dollars per 24 hours."""
        return self.usd_per_hour * 24

    @property
    def usd_per_month(self) -> Decimal:
        """Dollars per 730 hours."""
        return self.usd_per_hour * HOURS_PER_MONTH


def cents(amount: Decimal) -> Decimal:
    """Return the amount rounded to cents, halves away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def rounded(amount: Decimal) -> Decimal:
    """Return the amount in cents; below one cent in four digits, so that little is not nothing."""
    return amount.quantize(LEAST, ROUND_HALF_UP) if 0 < abs(amount) < CENT else cents(amount)


def dollars(amount: Decimal | None) -> str:
    """Return '$1,204.55'; unknown is '?', never zero; four digits below one cent."""
    if amount is None:
        return "?"
    if 0 < amount < LEAST:
        return f"<${LEAST}"
    return f"${rounded(amount):,}"


def month_words(amount: Decimal) -> str:
    """Return what is paid per month: '$1.20/mo', 'less than $0.01/mo'."""
    return "less than $0.01/mo" if amount < CENT else f"{dollars(amount)}/mo"
