"""Rules about money: what costs must have a price, and stay under the cap."""

from __future__ import annotations

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.money import PriceKind, dollars
from runctl_tui.domain.plan import Operation, Reason
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.reasons import block, buys, known_or_none, warn


def price_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D40: an unknown price needs a cap that the person types."""
    if not buys(operation, facts) or not isinstance(facts.price, Unknown):
        return None
    return warn("price_unknown", f"its price is unknown ({facts.price.reason}): type the most you would pay per hour")


def cost_cap(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D40: nothing dearer than the configured cap."""
    price, cap = known_or_none(facts.price), facts.policy.cap_per_hour
    if not buys(operation, facts) or price is None or cap is None or price.usd_per_hour <= cap:
        return None
    text = f"{dollars(price.usd_per_hour)} per hour is over the cap of {dollars(cap)}"
    return block("cost_cap", text, offer="choose a smaller type, or raise costs.cap_per_hour")


def costs_money(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What is started or created costs money from now on; the price is on the plan."""
    price = known_or_none(facts.price)
    if not buys(operation, facts) or price is None or not price.usd_per_hour:
        return None
    if price.kind is PriceKind.STORAGE:
        more = "more " if operation is Operation.VOLUME_MODIFY else ""
        return warn("costs_money", f"it costs {dollars(price.usd_per_month)} {more}per month from now on, used or not")
    return warn("costs_money", f"it costs {dollars(price.usd_per_hour)} per hour from now on")


def provider_warns(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What the provider remarked when it was asked about a launch."""
    if not buys(operation, facts) or not facts.warnings:
        return None
    return warn("provider_warns", "; ".join(facts.warnings))
