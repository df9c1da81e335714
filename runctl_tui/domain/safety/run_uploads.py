"""Rules and lines about bringing a run's checkpoints to S3: what is sent, where it goes, and why it cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from runctl_tui.domain.checkpoint import Checkpoint, CopyState
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.money import month_words
from runctl_tui.domain.plan import Level, Operation, PlanLine, Reason
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run_uploads import NO_PLACE
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.reasons import ago, block, count, known_or_none, offering, unknown, what
from runctl_tui.domain.sizes import byte_words

NAMED: Final = 4
"""Checkpoints that a plan lists, the newest first."""


def run_upload_done(operation: Operation, facts: SafetyFacts) -> str:
    """D46: return in words that there is nothing to send, or nothing."""
    found = known_or_none(facts.checkpoints)
    if operation is not Operation.RUN_UPLOAD or found is None or not all(one.safe_in_s3 for one in found):
        return ""
    return "its checkpoints are verified in S3 already" if found else "it has written no checkpoint"


def run_upload_no_place(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What is sent needs a place that is there."""
    if operation is not Operation.RUN_UPLOAD or not isinstance(facts.destination, Unknown):
        return None
    fact = facts.destination
    unset = fact.code == NO_PLACE
    text = fact.reason if unset else f"where it would go could not be looked at: {fact.reason}"
    return block(NO_PLACE if unset else "place_unknown", text, Level.NEVER, offer=fact.todo)


def run_upload_host_off(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """Only a host that runs can send what lies on its disks."""
    state = known_or_none(facts.state)
    if operation is not Operation.RUN_UPLOAD or state is None or state is ResourceState.RUNNING:
        return None
    stopped = state is ResourceState.STOPPED
    offer = "start it first" if stopped else ""
    reason = block("not_running", f"its machine is {state.value}", Level.NEVER, offer=offer)
    machines = [one.machine_key for one in known_or_none(facts.sessions) or ()]
    return offering(reason, Operation.START, *machines) if stopped and machines else reason


def run_upload_unreadable(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """What cannot be listed cannot be seen to arrive, and what is not on its host cannot be sent."""
    if operation is not Operation.RUN_UPLOAD:
        return None
    if isinstance(facts.checkpoints, Unknown):
        text = f"its checkpoints could not be listed: {facts.checkpoints.reason}"
        return block("ckpt_unknown", text, Level.NEVER, offer="make its host reachable")
    if sendable(facts):
        return None
    writing = any(one.host.state is CopyState.WRITING for one in facts.checkpoints.value)
    text = "its host is still writing it" if writing else "its host has nothing whole of what is missing in S3"
    return block("nothing_to_send", text, Level.NEVER, offer="wait until it is written" if writing else "")


def sendable(facts: SafetyFacts) -> tuple[Checkpoint, ...]:
    """Return the checkpoints that its host can send and that are not verified in S3, the newest first.

    What a live run is still writing is sent later; what an ended one left unfinished is all that there will be.
    """
    sessions = known_or_none(facts.sessions) or ()
    ended = bool(sessions) and all(one.status.ended for one in sessions)
    found = known_or_none(facts.checkpoints) or ()
    there = [one for one in found if one.host.state is CopyState.PRESENT or (ended and one.damaged)]
    return tuple(one for one in there if not one.safe_in_s3)


def total_size(checkpoints: Sequence[Checkpoint]) -> int | None:
    """Return the bytes of several checkpoints; None where one of them does not tell."""
    sizes = [one.size_bytes for one in checkpoints]
    return None if None in sizes else sum(one or 0 for one in sizes)


def run_upload_effect(facts: SafetyFacts) -> str:
    """Return one sentence about one run; no numbers of checkpoints in it, which grow while it works."""
    name = f' "{facts.target.name}"' if facts.target.name else ""
    where = facts.destination.value.place if isinstance(facts.destination, Known) else "S3"
    return f"upload the checkpoints of {facts.target.id}{name} to {where}"


def run_upload_lines(facts: SafetyFacts) -> tuple[PlanLine, ...]:
    """Return WHAT, FROM, SENDS, TO, COST, STAYS and UNDO."""
    hosts = ", ".join(one.machine_key for one in known_or_none(facts.sessions) or ())
    place = facts.destination
    return (
        PlanLine("WHAT", what(facts)),
        PlanLine("FROM", f"{hosts or 'its host'}, which goes on with it when this program ends"),
        _sends(facts),
        PlanLine("TO", _to(facts)),
        PlanLine("COST", _cost(facts)),
        PlanLine("STAYS", "everything on its host: nothing is deleted"),
        PlanLine("UNDO", f"delete the copies below {place.value.folder}" if isinstance(place, Known) else "none"),
    )


def _sends(facts: SafetyFacts) -> PlanLine:
    if isinstance(facts.checkpoints, Unknown):
        return PlanLine("SENDS", unknown(facts.checkpoints.reason))
    ready = sendable(facts)
    size = total_size(ready)
    told = unknown("a size is not told") if size is None else byte_words(size)
    words = [f"{count(len(ready), 'checkpoint')} not verified in S3, {told}"] if ready else ["nothing"]
    words += [_checkpoint(one, facts) for one in ready[:NAMED]]
    words += [f"{len(ready) - NAMED} more"] if len(ready) > NAMED else []
    return PlanLine("SENDS", " · ".join(words), facts.checkpoints.observed_at)


def _checkpoint(one: Checkpoint, facts: SafetyFacts) -> str:
    size = byte_words(one.size_bytes) if one.size_bytes is not None else unknown("its size is not told")
    written = one.created_at or one.host.modified_at
    age = f"{ago(written, facts.at)} old" if written else unknown("its age is not told")
    return f"{one.name}, {size}, {age}"


def _to(facts: SafetyFacts) -> str:
    if isinstance(facts.destination, Unknown):
        return unknown(facts.destination.reason)
    place = facts.destination.value
    return place.folder if place.own else f"{place.folder}, and there what it writes from now on"


def _cost(facts: SafetyFacts) -> str:
    if isinstance(facts.destination, Unknown):
        return unknown(facts.destination.reason)
    month = facts.destination.value.usd_per_month
    if isinstance(month, Unknown):
        return f"storage in S3: {unknown(month.reason)}"
    if not month.value:
        return "nothing more in S3"
    return f"{month_words(month.value)} for what is sent ({month.source})"
