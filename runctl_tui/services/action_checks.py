"""What must hold between a shown plan, its confirmation and the world at the moment of the call."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.money import dollars
from runctl_tui.domain.plan import Confirmation, Level, Operation, Plan
from runctl_tui.domain.resource import Market
from runctl_tui.domain.safety import CleanupSafety, Policy, SafetyFacts
from runctl_tui.services.action_plans import differences, plan_of
from runctl_tui.services.errors import PlanChanged, Refused, refusal, unacknowledged

SAID_AT_LAUNCH: Final = frozenset({"workspace_dies"})
"""What stands against ending any machine of its kind, so that whoever launches one to be terminated knows of it."""
LAUNCHING: Final = frozenset({Operation.LAUNCH, Operation.RUN_START, Operation.RUN_RESUME})


def check_confirmation(plan: Plan, confirmation: Confirmation) -> None:
    """Raise PlanChanged where another plan was confirmed, Refused where the answer is not what the plan asks for."""
    if confirmation.plan_hash != plan.hash:
        why = f"the confirmation is for {confirmation.plan_hash or 'none'}, this plan is {plan.hash}"
        raise PlanChanged("the confirmed plan is not this one", why, "look at the plan again")
    if plan.verdict.forbidden:
        raise refusal(plan)
    if not confirmation.acknowledges(plan.verdict):
        raise unacknowledged(plan, confirmation.acknowledged)
    if plan.verdict.level >= Level.NAME and confirmation.name != plan.name_to_type:
        todo = f"type exactly: {plan.name_to_type}"
        raise Refused(f"{plan.effect}: not confirmed", "the name does not match", todo, code="name")
    if plan.verdict.level is Level.YES and not confirmation.yes:
        raise Refused(f"{plan.effect}: not confirmed", "it asks for a yes", "confirm it with y, or --yes", code="yes")
    if plan.price_unknown and (confirmation.typed_cap is None or not confirmation.typed_cap > 0):
        todo = "say the most dollars per hour that you would pay"
        raise Refused(f"{plan.effect}: not confirmed", "its price is unknown", todo, code="cap")


def given_with_launch(plan: Plan) -> Confirmation:
    """Return the answer to a termination that was confirmed with its launch; Refused where more stands against it."""
    if set(plan.verdict.to_acknowledge) - SAID_AT_LAUNCH or plan.verdict.forbidden:
        raise refusal(plan)
    return Confirmation(
        plan.hash,
        yes=True,
        name=plan.name_to_type,
        acknowledged=frozenset(plan.verdict.to_acknowledge),
        reason="its launch was confirmed to end so",
    )


def check_policy(plan: Plan, confirmation: Confirmation, policy: Policy) -> None:
    """Raise Refused in read-only mode, and where a typed cap is over the configured one."""
    if policy.read_only:
        raise Refused(f"{plan.effect}: not done", f"read-only: {policy.read_only}", code="ro_mode")
    cap, typed = policy.cap_per_hour, confirmation.typed_cap
    if cap is not None and typed is not None and typed > cap:
        why = f"{dollars(typed)} per hour is over the cap of {dollars(cap)}"
        raise Refused(f"{plan.effect}: not done", why, "type less, or raise costs.cap_per_hour", code="cap")


def check_unchanged(plan: Plan, fresh: Plan, confirmation: Confirmation) -> None:
    """Raise PlanChanged with the difference where the world is not as the plan had it, Refused over a typed cap."""
    if changed := differences(plan, fresh):
        raise PlanChanged("the plan no longer holds", "; ".join(changed), "look at the plan again")
    cap = confirmation.typed_cap
    if plan.price_unknown and cap is not None and fresh.usd_per_hour is not None and fresh.usd_per_hour > cap:
        why = f"it costs {dollars(fresh.usd_per_hour)} per hour, more than the {dollars(cap)} you typed"
        raise Refused(f"{plan.effect}: not done", why, "type a higher cap, or choose a smaller type", code="cap")


def check_still(operation: Operation, before: SafetyFacts, now: SafetyFacts, safety: CleanupSafety) -> None:
    """Raise PlanChanged where one target is not as it was when the confirmed plan was looked at again."""
    was, fresh = (plan_of(operation, [facts], safety.judge(operation, facts), "") for facts in (before, now))
    if changed := differences(was, fresh):
        what = f"{before.target.name or before.target.id} is not as it was confirmed"
        raise PlanChanged(what, "; ".join(changed), "look at its plan again")


def with_cap(request: LaunchRequest, confirmation: Confirmation) -> LaunchRequest:
    """Return the request with the typed cap as the most that a spot machine may cost, where it names no other."""
    options = request.options
    if options is None or options.market is not Market.SPOT or options.spot_max_price is not None:
        return request
    return replace(request, options=replace(options, spot_max_price=confirmation.typed_cap))
