"""Rules about money: what costs must have a price, and stay under the cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.money import Price, PriceKind, dollars
from runctl_tui.domain.plan import Level, Operation, Reason
from runctl_tui.domain.safety.facts import Policy, SafetyFacts
from runctl_tui.domain.safety.reasons import block, buys, known_or_none, warn


def price_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D40: an unknown price needs a cap that the person types, and may be over one that is configured."""
    if not buys(operation, facts) or not isinstance(facts.price, Unknown):
        return None
    text, policy = f"its price is unknown ({facts.price.reason})", facts.policy
    if policy.hard_cap_per_hour is not None:
        over = f"{text}, and may be over the hard cap of {dollars(policy.hard_cap_per_hour)}"
        return block("price_unknown", over, Level.NEVER, offer="try again when prices are known")
    if policy.cap_per_hour is not None:
        return block("price_unknown", f"{text}, and may be over the cap of {dollars(policy.cap_per_hour)}")
    return warn("price_unknown", f"{text}: type the most you would pay per hour")


def fallback_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D40: nothing is bought on demand on the way at a price that nobody has seen."""
    if not buys(operation, facts) or not isinstance(facts.fallback, Unknown):
        return None
    text = f"what it costs on demand, where spot has no room, is unknown ({facts.fallback.reason})"
    return block("fallback_unknown", text, Level.NEVER, offer="try again when prices are known, or take spot alone")


def cost_cap(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D40: nothing dearer than the configured cap without a reason, nor than the hard one at all."""
    price = known_or_none(facts.price)
    if not buys(operation, facts) or price is None:
        return None
    full = known_or_none(facts.fallback) if facts.fallback else None
    if full is not None and full.usd_per_hour > price.usd_per_hour:
        over = _over(full.usd_per_hour, facts.policy, "choose a smaller type, or spot alone")
        return over and replace(over, text=f"{over.text}: on demand, where spot has no room")
    return _over(price.usd_per_hour, facts.policy, "choose a smaller type")


def over_any_cap(price: Fact[Price], policy: Policy) -> Reason | None:
    """Return what stands against paying a price that no plan has told, or None: a question is no place for reasons."""
    if isinstance(price, Known):
        return _over(price.value.usd_per_hour, policy, "choose a smaller type")
    if policy.cap_per_hour is None and policy.hard_cap_per_hour is None:
        return None
    return block("price_unknown", f"what it costs on demand is unknown ({price.reason})", offer="plan it on demand")


def batch_cap(operation: Operation, batch: Sequence[SafetyFacts]) -> Reason | None:
    """D42: many that are cheap each are dear together."""
    prices = [known_or_none(facts.price) for facts in batch if buys(operation, facts)]
    together = sum((price.usd_per_hour for price in prices if price is not None), Decimal(0))
    found = [_over(together, policy, "select fewer") for policy in {facts.policy for facts in batch}]
    strictest = max((one for one in found if one is not None), key=lambda one: (one.level, one.text), default=None)
    return None if strictest is None else replace(strictest, code="batch_cap", text=f"together {strictest.text}")


def _over(usd_per_hour: Decimal, policy: Policy, todo: str) -> Reason | None:
    hard, cap = policy.hard_cap_per_hour, policy.cap_per_hour
    if hard is not None and usd_per_hour > hard:
        text = f"{dollars(usd_per_hour)} per hour is over the hard cap of {dollars(hard)}"
        return block("cost_cap", text, Level.NEVER, offer=f"{todo}, or raise costs.hard_cap_per_hour")
    if cap is None or usd_per_hour <= cap:
        return None
    text = f"{dollars(usd_per_hour)} per hour is over the cap of {dollars(cap)}"
    return block("cost_cap", text, offer=f"{todo}, or raise costs.cap_per_hour")


def costs_money(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What is started or created costs money from now on; the price is on the plan."""
    price = known_or_none(facts.price)
    if not buys(operation, facts) or price is None or not price.usd_per_hour:
        return None
    if price.kind is PriceKind.STORAGE:
        more = "more " if operation is Operation.VOLUME_MODIFY else ""
        return warn("costs_money", f"it costs {dollars(price.usd_per_month)} {more}per month from now on, used or not")
    full = known_or_none(facts.fallback) if facts.fallback else None
    more = f", or {dollars(full.usd_per_hour)} on demand where spot has no room" if full else ""
    return warn("costs_money", f"it costs {dollars(price.usd_per_hour)} per hour from now on{more}")


def provider_warns(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What the provider remarked when it was asked about a launch."""
    if not buys(operation, facts) or not facts.warnings:
        return None
    return warn("provider_warns", "; ".join(facts.warnings))
