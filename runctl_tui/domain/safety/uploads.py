"""Rules about aborting unfinished uploads: whose they are, whether they are still under way, what is lost."""

from __future__ import annotations

from typing import Final

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.money import dollars
from runctl_tui.domain.plan import Level, Operation, PlanLine, Reason
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.reasons import ago, block, known_or_none, unknown, what
from runctl_tui.domain.uploads import QUIET_AFTER, UnfinishedUpload

_WAIT: Final = "wait until it has ended, or end what sends it"


def upload_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D35: an upload that could not be looked at is not aborted."""
    if operation is not Operation.UPLOAD_ABORT or not isinstance(facts.upload, Unknown):
        return None
    return block("upload_unknown", f"it could not be looked at: {facts.upload.reason}", Level.NEVER)


def foreign_upload(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D35: what somebody else began, or nobody can say who, is somebody else's to abort."""
    upload = _upload(operation, facts)
    if upload is None or upload.ours:
        return None
    who = f"it was begun by {upload.by}, not by you" if upload.by else "who began it is not told"
    return block("foreign_upload", who, offer="ask whoever began it")


def upload_under_way(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D35: what grew within a day may grow on, and so may what nobody knows the last part of."""
    upload = _upload(operation, facts)
    if upload is None or upload.quiet_for(QUIET_AFTER, facts.at):
        return None
    if upload.active_at is None:
        why = upload.parts.reason if isinstance(upload.parts, Unknown) else "when it was begun is not told"
        return block("upload_unclear", f"whether it is still under way could not be told: {why}")
    text = f"something was added to it {ago(upload.active_at, facts.at)} ago: it may still be under way"
    return block("upload_young", text, offer=_WAIT)


def upload_busy(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D17 and D35: what is known to be sending it comes first."""
    upload = _upload(operation, facts)
    if upload is None:
        return None
    match upload.writers:
        case Unknown(reason):
            return block("writers_unknown", f"whether anything is sending it could not be told: {reason}")
        case Known(writers) if writers:
            return block("busy", f"{', '.join(writers)} may be sending it", Level.NEVER, offer=_WAIT)
    return None


def upload_effect(facts: SafetyFacts) -> str:
    """Return one sentence about one upload; no ages or times in it."""
    upload = known_or_none(facts.upload)
    parts = known_or_none(upload.parts) if upload is not None else None
    held = "what has arrived" if parts is None else parts.words
    return f"abort the unfinished upload of {facts.target.id.rpartition('#')[0]} and drop {held}"


def upload_lines(facts: SafetyFacts) -> tuple[PlanLine, ...]:
    """Return WHAT, BEGUN, COST, DIES, STAYS and UNDO."""
    fact = facts.upload
    if isinstance(fact, Unknown):
        return (PlanLine("WHAT", f"{what(facts)}: {unknown(fact.reason)}"),)
    upload = fact.value
    return (
        PlanLine("WHAT", what(facts)),
        PlanLine("BEGUN", _begun(upload, facts), fact.observed_at),
        PlanLine("COST", _cost(upload)),
        PlanLine("DIES", _dies(upload), fact.observed_at),
        PlanLine("STAYS", f"whatever {upload.address} is now: an unfinished upload is no object"),
        PlanLine("UNDO", "none"),
    )


def _upload(operation: Operation, facts: SafetyFacts) -> UnfinishedUpload | None:
    return known_or_none(facts.upload) if operation is Operation.UPLOAD_ABORT else None


def _dies(upload: UnfinishedUpload) -> str:
    if isinstance(upload.parts, Unknown):
        return f"what has arrived: {unknown(upload.parts.reason)}"
    parts = upload.parts.value
    return f"{parts.words}: what was sent would have to be sent again" if parts.count else "nothing: no part has come"


def _begun(upload: UnfinishedUpload, facts: SafetyFacts) -> str:
    begun = f"{ago(upload.started_at, facts.at)} ago" if upload.started_at else unknown("not told")
    by = f"{begun} by {upload.by or 'somebody who is not told'}"
    if not isinstance(upload.parts, Known) or upload.parts.value.newest_at is None:
        return by
    return f"{by}; its last part came {ago(upload.parts.value.newest_at, facts.at)} ago"


def _cost(upload: UnfinishedUpload) -> str:
    if isinstance(upload.usd_per_month, Unknown):
        return f"saves {unknown(upload.usd_per_month.reason)}"
    return f"saves {dollars(upload.usd_per_month.value)}/mo ({upload.usd_per_month.source})"
