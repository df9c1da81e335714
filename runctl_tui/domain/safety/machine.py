"""Rules about machines: what can be stopped, started or terminated, and what a mistake would look like."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.plan import Level, Operation, Reason
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.reasons import (
    ON_INSTANCES,
    TRAINING,
    ago,
    block,
    known_or_none,
    offering,
    uses_machine,
    warn,
)
from runctl_tui.domain.states import DESTROYING, IN_S3

TOO_NEW: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=60)
FULL_FOR: Final = timedelta(hours=24)
"""How long a region counts as full after it had no room for a machine."""
_SCARCE: Final = re.compile(r"(?:p\d|trn\d|g(?:[5-9]|\d\d))[a-z-]*\.")


def is_old(created_at: datetime | None, threshold: timedelta, now: datetime) -> bool:
    """Return whether something is at least as old as the threshold; what has no known age is not old."""
    return created_at is not None and now - created_at >= threshold


def local_machine(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """This machine is never stopped, started or terminated; only its runs are."""
    if operation not in ON_INSTANCES or not facts.local:
        return None
    text = f"this machine is never {_PAST[operation]}, only its runs are stopped"
    return block("local_machine", text, Level.NEVER)


def incapable(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """The provider says that it cannot do this at all."""
    if not facts.incapable or (facts.local and operation in ON_INSTANCES):
        return None
    return block("unsupported", facts.incapable, Level.NEVER)


def too_new(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D18: what was made minutes ago is easily the wrong one."""
    born = known_or_none(facts.created_at)
    if operation not in DESTROYING - IN_S3 or born is None or is_old(born, TOO_NEW, facts.at):
        return None
    if born - facts.at > SKEW:
        return None
    return warn("too_new", "it was made less than 5 minutes ago: is it the one you mean?", Level.NAME)


def age_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D19: no age, or one in the future, is no age to rely on."""
    if operation not in DESTROYING - IN_S3:
        return None
    match facts.created_at:
        case Unknown(reason):
            return block("age_unknown", f"its age could not be told: {reason}")
        case Known(born) if born - facts.at > SKEW:
            return block("age_unknown", "it was made in the future: one of the clocks is wrong")
    return None


def cannot_stop(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D23: one-time spot instances, and states from which nothing can be stopped."""
    if operation is not Operation.STOP:
        return None
    if known_or_none(facts.market) is Market.SPOT:
        offer = "terminate it instead, once its checkpoints are in S3"
        reason = block("cannot_stop", "a one-time spot instance cannot be stopped", Level.NEVER, offer=offer)
        return offering(reason, Operation.TERMINATE, facts.target.key)
    state = known_or_none(facts.state)
    if state is None or state in (ResourceState.RUNNING, ResourceState.STOPPED):
        return None
    offer = "wait until it runs" if state is ResourceState.STARTING else ""
    return block("cannot_stop", f"it is {state.value}", Level.NEVER, offer=offer)


def market_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D23 with an unknown: how it was bought decides whether it can be stopped."""
    if operation is not Operation.STOP or not isinstance(facts.market, Unknown):
        return None
    return block("cannot_stop", f"how it was bought could not be told: {facts.market.reason}", Level.NEVER)


def cannot_start(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A start needs a machine that is stopped, not one on its way or gone."""
    state = known_or_none(facts.state)
    gone = (ResourceState.STOPPING, ResourceState.TERMINATING, ResourceState.TERMINATED)
    if operation is not Operation.START or state not in gone:
        return None
    offer = "wait until it is stopped" if state is ResourceState.STOPPING else ""
    return block("cannot_start", f"it is {state.value}", Level.NEVER, offer=offer)


def state_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A state that could not be read is no ground to act on."""
    if not uses_machine(operation, facts) or facts.local or not isinstance(facts.state, Unknown):
        return None
    return block("state_unknown", f"its state could not be read: {facts.state.reason}", Level.NEVER)


def machine_not_running(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """Training on a machine that exists needs it running."""
    state = known_or_none(facts.state)
    if operation not in TRAINING or not facts.target.id or state is None or state is ResourceState.RUNNING:
        return None
    reason = block("not_running", f"it is {state.value}", Level.NEVER, offer=_UNTIL_IT_RUNS.get(state, ""))
    return offering(reason, Operation.START, facts.target.key) if state is ResourceState.STOPPED else reason


def managed_parent(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D24: what something else manages comes back, and is paid again."""
    if operation not in (Operation.STOP, Operation.TERMINATE):
        return None
    match facts.parent:
        case Unknown(reason):
            return block("managed_parent", f"whether something manages it could not be told: {reason}")
        case Known(parent) if parent:
            return block("managed_parent", f"{parent} manages it and would replace it", offer=f"change {parent}")
    return None


def may_not_restart(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D47: scarce machines may not come back, nor any where there was no room of late; and addresses change."""
    full_at = known_or_none(facts.out_of_capacity_at)
    full = full_at is not None and facts.at - full_at < FULL_FOR
    if operation is not Operation.STOP or not (full or _SCARCE.match(facts.type)):
        return None
    why = f"{facts.target.region} had no capacity {ago(full_at, facts.at)} ago" if full else f"{facts.type} is scarce"
    text = f"{why}: a later start may find no capacity; the public address changes"
    return warn("may_not_restart", text, Level.NAME)


def tied_to_its_host(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """A machine whose disks nothing can keep starts again only where they are, where somebody else may be by then."""
    tied = any(disk.bound or disk.apart for disk in known_or_none(facts.disks) or ())
    if not tied or operation not in (Operation.START, Operation.STOP):
        return None
    if operation is Operation.START:
        return warn("tied_to_host", "it starts only on the host that it was on: there may be no GPU free there")
    return warn("tied_to_host", "it starts again only on the host that it is on now, if a GPU is free there then")


_UNTIL_IT_RUNS: Final = {
    ResourceState.STARTING: "wait until it runs",
    ResourceState.STOPPING: "wait until it is stopped, and start it",
    ResourceState.STOPPED: "start it first",
}
_PAST: Final = {Operation.START: "started", Operation.STOP: "stopped", Operation.TERMINATE: "terminated"}
