"""Whose RunPod account it is, what is left on it, and for how long: at $0 RunPod takes pods away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from runctl_tui.domain.clock import Clock
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.identity import Identity
from runctl_tui.domain.money import dollars
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.runpod import faults
from runctl_tui.services.runpod.web import RunpodWeb

SOURCE: Final = "RunPod account"
WHAT: Final = "The RunPod account could not be read"
FRESH: Final = 60.0
SHORT: Final = timedelta(hours=24)
"""A runway under which a launch warns."""
_QUERY: Final = "query { myself { id email clientBalance currentSpendPerHr } }"


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left on an account."""

    usd: Decimal
    per_hour: Decimal
    """What everything that runs costs together."""

    @property
    def runway(self) -> timedelta | None:
        """How long it lasts at the present rate; None where nothing runs."""
        if self.per_hour <= 0:
            return None
        return timedelta(hours=float(max(self.usd, Decimal(0)) / self.per_hour))

    @property
    def low(self) -> bool:
        """Whether it ends within a day."""
        return self.usd <= 0 or (self.runway is not None and self.runway < SHORT)

    def words(self) -> str:
        """Return '$42.50 left, 61 h at $0.69/h'."""
        if self.runway is None:
            return f"{dollars(self.usd)} left"
        return f"{dollars(self.usd)} left, {self.runway / timedelta(hours=1):.0f} h at {dollars(self.per_hour)}/h"


class Account:
    """Asks for the account, at most once a minute."""

    def __init__(self, web: RunpodWeb, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._asked_at = float("-inf")
        self._told: tuple[float, dict[str, object]] = (float("-inf"), {})

    async def identity(self) -> Fact[Identity]:
        """Return account and e-mail address, with the balance as the profile's words."""
        try:
            told = await self._ask()
        except TrainctlError as error:
            return Unknown(str(error), error.todo)
        balance = balance_of(told)
        words = balance.words() if balance else "balance unknown"
        value = Identity(str(told.get("id", "")), f"{told.get('email') or told.get('id', '')}, {words}", "")
        return Known(value, self._clock.now(), SOURCE)

    async def balance(self) -> Fact[Balance]:
        """Return what is left."""
        try:
            found = balance_of(await self._ask())
        except TrainctlError as error:
            return Unknown(str(error))
        return Known(found, self._clock.now(), SOURCE) if found else Unknown("RunPod does not tell the balance")

    async def refresh(self) -> None:
        """Have `words` renewed; a failure leaves what was told before, and is not repeated within a minute."""
        if self._clock.monotonic() - self._asked_at >= FRESH:
            self._asked_at = self._clock.monotonic()
            await self.balance()

    def words(self) -> tuple[str, bool]:
        """Return the balance as told at last, and whether it is low; never asks anybody."""
        found = balance_of(self._told[1])
        if found is None:
            return "", False
        hours = "" if found.runway is None else f", {found.runway / timedelta(hours=1):.0f} h"
        return f"RunPod {dollars(found.usd)}{hours}", found.low

    async def warnings(self) -> tuple[str, ...]:
        """Return what a person should know about the balance before a launch."""
        fact = await self.balance()
        if isinstance(fact, Unknown):
            return (f"the RunPod balance is unknown ({fact.reason}); at $0 RunPod deletes pods",)
        if fact.value.low:
            return (f"RunPod: {fact.value.words()}; at $0 RunPod deletes pods without a network volume",)
        return ()

    async def _ask(self) -> dict[str, object]:
        if self._clock.monotonic() - self._told[0] >= FRESH:
            told: dict[str, object] = await self._web.ask(WHAT, _QUERY, "myself", dict)
            if not isinstance(told.get("id"), str) or not told["id"]:
                raise faults.unclear(WHAT, faults.ODD)
            self._told = (self._clock.monotonic(), told)
        return self._told[1]


def balance_of(told: dict[str, object]) -> Balance | None:
    """Return the balance that an account tells, or None."""
    usd, rate = told.get("clientBalance"), told.get("currentSpendPerHr")
    if not isinstance(usd, int | float):
        return None
    return Balance(Decimal(str(usd)) + 0, Decimal(str(rate)) if isinstance(rate, int | float) else Decimal(0))
