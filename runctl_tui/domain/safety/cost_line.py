"""The line of a plan that tells money: what was paid, what it costs on, and what the work that is lost was worth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.money import dollars
from runctl_tui.domain.plan import Operation, PlanLine
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.safety.facts import SafetyFacts, live_sessions
from runctl_tui.domain.safety.reasons import age_words, known_or_none, unknown

LOSING: Final = frozenset({Operation.STOP, Operation.TERMINATE, Operation.RUN_STOP})
"""What takes something away from whoever trains."""
_HOUR: Final = timedelta(hours=1)


def cost_line(operation: Operation, facts: SafetyFacts) -> PlanLine:
    """Return the money so far and from now on, and what is lost of it."""
    words = [_paid(operation, facts), _lost(operation, facts) if operation in LOSING else ""]
    seen_at = facts.price.observed_at if isinstance(facts.price, Known) else None
    return PlanLine("COST", "; ".join(word for word in words if word), seen_at)


def _paid(operation: Operation, facts: SafetyFacts) -> str:
    so_far = f"{dollars(facts.so_far)} so far" if facts.so_far is not None else f"so far {unknown('never priced')}"
    if operation in LOSING and isinstance(facts.price, Known):
        hourly = facts.price.value.usd_per_hour
        return f"{so_far}; {f'{dollars(hourly)}/h while it runs' if hourly else 'free'}"
    if operation in (Operation.LAUNCH, Operation.START):
        words = f"{_rate(facts)} from now on{_on_demand(facts)}"
        return words if operation is Operation.LAUNCH else f"{words}; {so_far}"
    return f"{so_far}; {_rate(facts)} while it runs"


def _on_demand(facts: SafetyFacts) -> str:
    if facts.fallback is None:
        return ""
    if isinstance(facts.fallback, Unknown):
        return f"; on demand, where spot has no room: {unknown(facts.fallback.reason)}"
    return f"; {dollars(facts.fallback.value.usd_per_hour)}/h on demand, where spot has no room"


def _rate(facts: SafetyFacts) -> str:
    if isinstance(facts.price, Unknown):
        return unknown(facts.price.reason)
    price = facts.price.value
    if not price.usd_per_hour:
        return "free"
    source = f"{price.source}{', estimate' if price.estimate else ''}"
    return f"{dollars(price.usd_per_hour)}/h, {dollars(price.usd_per_day)} per day ({source})"


def _lost(operation: Operation, facts: SafetyFacts) -> str:
    """Say how much work is lost, and what it cost: since the last checkpoint that outlives the operation."""
    live = live_sessions(facts)
    if isinstance(live, Unknown):
        return f"what is lost: {unknown(live.reason)}"
    if not live.value:
        return ""
    if isinstance(facts.checkpoints, Unknown):
        return f"what is lost: {unknown(facts.checkpoints.reason)}"
    kept = [one for one in facts.checkpoints.value if one.safe_in_s3 or operation is not Operation.TERMINATE]
    since = [_saved_at(session, kept) for session in live.value]
    known = [moment for moment in since if moment is not None]
    if len(known) < len(since):
        return f"what is lost: {unknown('when it began is not told')}"
    work = max(facts.at - min(known), timedelta(0))
    price = known_or_none(facts.price)
    worth = (
        ""
        if price is None or not price.usd_per_hour
        else f", {dollars(price.usd_per_hour * Decimal(str(work / _HOUR)))}"
    )
    return f"loses {age_words(work)} of work{worth}"


def _saved_at(session: TrainingSession, kept: Sequence[Checkpoint]) -> datetime | None:
    """Return when the work of a run was last saved: with its last checkpoint, or never since it began."""
    written = [one.created_at or one.host.modified_at or one.s3.modified_at for one in kept if one.run_id == session.id]
    return max((moment for moment in written if moment is not None), default=session.started_at)
