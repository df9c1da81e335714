"""Rules about claiming, protecting and scheduling: whose it is, and what taking a protection away may cost."""

from __future__ import annotations

from typing import Final

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.instance import TAG_OWNER
from runctl_tui.domain.marks import MOST_TAGS
from runctl_tui.domain.plan import Level, Operation, PlanLine, Reason
from runctl_tui.domain.resource import GONE, Ownership
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.reasons import block, known_or_none, unknown, warn, what
from runctl_tui.domain.states import MARKING


def claims_of_others(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What somebody else made, or has, is claimed by somebody who says why; what runctl made by a yes."""
    if operation is not Operation.CLAIM:
        return None
    match facts.ownership:
        case Unknown(reason):
            return block("owner_unknown", f"whose it is could not be told: {reason}", Level.NEVER)
        case Known(Ownership.FOREIGN):
            return block("claims_foreign", "it was not made by this tool: somebody else may rely on it")
        case Known(Ownership.OTHER):
            owner = _tags(facts).get(TAG_OWNER)
            text = f"it belongs to {owner or 'somebody else'}"
            return block("claims_other", text, offer=f"ask {owner or 'its owner'}")
    return None


def marks_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What is marked already must be known before it is changed."""
    if operation not in MARKING:
        return None
    if isinstance(facts.tags, Unknown):
        return block("marks_unknown", f"its tags could not be read: {facts.tags.reason}", Level.NEVER)
    locks = facts.mark is not None and (facts.mark.termination, facts.mark.stop) != (None, None)
    if locks and isinstance(facts.protection, Unknown):
        return block("marks_unknown", f"its protections could not be read: {facts.protection.reason}", Level.NEVER)
    return None


def marks_no_more(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What is gone takes no marks, and what has as many tags as there can be takes no more."""
    if operation not in MARKING:
        return None
    state = known_or_none(facts.state)
    if facts.target.kind == "instance" and state is not None and state in GONE:
        return block("gone", f"it is {state.value}", Level.NEVER)
    tags, new = _tags(facts), dict(facts.mark.set) if facts.mark else {}
    if new and len(tags | new) > MOST_TAGS:
        return block("too_many_tags", f"it has {len(tags)} tags, and {MOST_TAGS} is the most", Level.NEVER)
    return None


def protection_goes(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """Without its protection a thing can be destroyed like any other, though not in the next minute."""
    if operation is not Operation.UNPROTECT:
        return None
    return warn("protection_goes", "it can be destroyed then, a minute later at the earliest", Level.NAME)


def mark_done(operation: Operation, facts: SafetyFacts) -> str:
    """D46: return in words that it is marked so already, or nothing."""
    tags = known_or_none(facts.tags)
    if operation not in MARKING or facts.mark is None or tags is None:
        return ""
    return _DONE[operation] if facts.mark.holds(dict(tags), known_or_none(facts.protection)) else ""


def mark_lines(operation: Operation, facts: SafetyFacts) -> tuple[PlanLine, ...]:
    """Return WHAT, NOW, THEN and UNDO."""
    return (
        PlanLine("WHAT", what(facts)),
        PlanLine("NOW", _now(facts)),
        PlanLine("THEN", facts.mark.words if facts.mark else "nothing changes"),
        PlanLine("UNDO", _UNDO[operation]),
    )


def _tags(facts: SafetyFacts) -> dict[str, str]:
    return dict(facts.tags.value) if isinstance(facts.tags, Known) else {}


def _now(facts: SafetyFacts) -> str:
    if isinstance(facts.tags, Unknown):
        return unknown(facts.tags.reason)
    ours = [f"{key}={value}" for key, value in facts.tags.value if key.startswith("runctl:")]
    lock = known_or_none(facts.protection)
    locks = [] if lock is None else [
        noun for noun, on in (("termination protection", lock.termination), ("stop protection", lock.stop)) if on
    ]  # fmt: skip
    return ", ".join([*ours, *locks]) or "nothing is marked on it"


_DONE: Final = {
    Operation.CLAIM: "it is yours already",
    Operation.PROTECT: "it is protected so already",
    Operation.UNPROTECT: "it has no such protection",
    Operation.SCHEDULE: "it is scheduled so already",
    Operation.UNSCHEDULE: "it has no day of deletion",
}
_UNDO: Final = {
    Operation.CLAIM: "remove the tag runctl:owner at its provider",
    Operation.PROTECT: "take the protection away again",
    Operation.UNPROTECT: "protect it again",
    Operation.SCHEDULE: "take the date away again; nothing is deleted without somebody who confirms it then",
    Operation.UNSCHEDULE: "set a date again",
}
