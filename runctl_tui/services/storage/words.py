"""Plans about objects in words: effect, lines, parameters; pure, used by the desk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.money import month_words
from runctl_tui.domain.objects import DeleteRequest, Deletion, LocalDeletion, Transfer, address, last_part
from runctl_tui.domain.plan import Level, Operation, Plan, PlanLine, Reason, Reversibility, Severity, Target, Verdict
from runctl_tui.domain.safety import SafetyFacts
from runctl_tui.domain.safety.reasons import count, known_or_none, unknown
from runctl_tui.domain.sizes import byte_words

FIRST: Final = 5
"""Names that a plan lists."""


def deletion_plan(
    request: DeleteRequest,
    deletion: Deletion,
    facts: SafetyFacts,
    verdict: Verdict,
    targets: tuple[Target, ...],
    month: Fact[Decimal],
) -> Plan:
    """Return the plan of a deletion, which costs `month` to keep; its hash covers every key and etag."""
    many = f"{count(len(deletion.objects), 'object')} ({byte_words(deletion.size)})"
    where = _place_words(request)
    keeps = _keeps(facts)
    undo = "remove the delete markers: every version stays, and is paid for" if keeps else "none"
    lines = (
        PlanLine("WHAT", _what(where, facts), facts.at),
        *_of_runs(facts),
        PlanLine("COST", _saved(month, keeps)),
        PlanLine("DIES", f"{count(len(deletion.objects), 'object')}, {byte_words(deletion.size)}"),
        PlanLine("FIRST", _first([entry.key for entry in deletion.objects])),
        PlanLine("STAYS", "every version, and its cost, until it is deleted too" if keeps else "nothing of them"),
        PlanLine("UNDO", undo),
    )
    return replace(
        _plan(Operation.S3_DELETE, targets, f"delete {many} {where}", verdict, facts),
        lines=lines,
        parameters=(("objects", deletion.digest), ("versions", "kept" if keeps else "not kept")),
        reversibility=Reversibility.LOSSY if keeps else Reversibility.IRREVERSIBLE,
    )


def _saved(month: Fact[Decimal], keeps: bool) -> str:
    """Return what a deletion changes of what is paid."""
    if isinstance(month, Unknown):
        return unknown(month.reason)
    rate = month_words(month.value)
    return f"{rate} goes on: every version is paid for ({month.source})" if keeps else f"{rate} ends ({month.source})"


def local_deletion_plan(transfer: Transfer, deletion: LocalDeletion, facts: SafetyFacts, verdict: Verdict) -> Plan:
    """Return the plan of a deletion on this machine; its hash covers every name, size and time."""
    many = count(len(deletion.files), "file")
    gone = Reason("local_delete", Severity.WARN, f"{many} of this machine would be gone for good", Level.NAME)
    reasons = (*verdict.reasons, gone)
    if not (transfer.items or transfer.unchanged or transfer.skipped):
        text = f"nothing is taken from {transfer.request.source}: is that the place that is meant?"
        reasons = (*reasons, Reason("empty_source", Severity.WARN, text, Level.NAME))
    lines = (
        PlanLine("WHAT", _what(f"{deletion.folder} on this machine", facts), facts.at),
        PlanLine("DIES", f"{many} of this machine, {byte_words(deletion.size)}"),
        PlanLine("FIRST", _first([file.name for file in deletion.files])),
        PlanLine("STAYS", "links and what they lead to, folders, names that are excluded"),
        PlanLine("UNDO", "none"),
    )
    effect = f"delete {many} ({byte_words(deletion.size)}) of this machine in {deletion.folder}"
    return replace(
        _plan(Operation.S3_DELETE, (facts.target,), effect, Verdict(reasons, verdict.base_level), facts),
        lines=lines,
        parameters=(("files", deletion.digest),),
        reversibility=Reversibility.IRREVERSIBLE,
    )


def transfer_plan(transfer: Transfer, facts: SafetyFacts, verdict: Verdict) -> Plan:
    """Return the plan of an upload, a copy or a move."""
    undo = "restore the earlier versions, which stay" if _keeps(facts) else "none for what is replaced"
    lines = (
        PlanLine("WHAT", _what(transfer.request.destination, facts), facts.at),
        *_of_runs(facts),
        *_moving(transfer),
        *([PlanLine("UNDO", undo)] if transfer.replaced else []),
    )
    verdict = Verdict((*verdict.reasons, *_open_folder(transfer)), verdict.base_level)
    return replace(
        _plan(transfer.request.operation, (_target(transfer),), _effect(transfer), verdict, facts),
        lines=lines,
        skipped=transfer.skipped,
        parameters=_parameters(transfer),
        reversibility=Reversibility.LOSSY if transfer.replaced or transfer.request.move else Reversibility.REVERSIBLE,
    )


def download_plan(transfer: Transfer, now: datetime) -> Plan:
    """Return the plan of a download: nothing in S3 changes, and files here that would be replaced are told."""
    reasons: tuple[Reason, ...] = ()
    if transfer.replaced:
        text = f"{count(len(transfer.replaced), 'file')} here would be replaced: {transfer.replaced[0].target}"
        reasons = (Reason("replaces_files", Severity.WARN, text, Level.ENTER),)
    reasons = (*reasons, *_open_folder(transfer))
    return Plan(
        operation=Operation.S3_COPY,
        targets=(_target(transfer),),
        effect=_effect(transfer),
        reversibility=Reversibility.LOSSY if transfer.replaced else Reversibility.REVERSIBLE,
        verdict=Verdict(reasons, Level.ENTER),
        made_at=now,
        lines=tuple(_moving(transfer)),
        parameters=_parameters(transfer),
        skipped=transfer.skipped,
    )


def _open_folder(transfer: Transfer) -> tuple[Reason, ...]:
    """F34: what lands where others write may be another's the next moment."""
    return (Reason("open_folder", Severity.WARN, transfer.open_to, Level.YES),) if transfer.open_to else ()


def both(copying: Plan, deleting: Plan) -> Plan:
    """Return one plan that copies and then deletes: the deletion's, with all that the copy says and asks."""
    reasons = dict.fromkeys((*deleting.verdict.reasons, *copying.verdict.reasons))
    moving = [line for line in copying.lines if line.label not in ("WHAT", "FIRST")]
    return replace(
        deleting,
        effect=f"{copying.effect}, and {deleting.effect}",
        verdict=Verdict(tuple(reasons), deleting.verdict.base_level),
        lines=(*deleting.lines[:1], *moving, *deleting.lines[1:]),
        parameters=(*deleting.parameters, *copying.parameters),
        skipped=copying.skipped,
    )


def _moving(transfer: Transfer) -> list[PlanLine]:
    lines = [
        PlanLine("FROM", transfer.request.source),
        PlanLine("TO", transfer.request.destination),
        PlanLine("MOVES", f"{count(len(transfer.items), 'file')}, {byte_words(transfer.size)}"),
        *([PlanLine("FIRST", _first([item.name for item in transfer.items]))] if transfer.items else []),
    ]
    if transfer.skipped:
        first = "; ".join(f"{name!r}: {why}" for name, why in transfer.skipped[:FIRST])
        more = f" and {len(transfer.skipped) - FIRST:,} more" if len(transfer.skipped) > FIRST else ""
        lines.append(PlanLine("SKIPS", f"{count(len(transfer.skipped), 'key')}: {first}{more}"))
    if transfer.replaced:
        lines.append(PlanLine("REPLACES", _first([item.target for item in transfer.replaced])))
    if transfer.request.move:
        lines.append(PlanLine("DIES", "the source of each file, once its copy is there"))
    return lines


def _plan(operation: Operation, targets: tuple[Target, ...], effect: str, verdict: Verdict, facts: SafetyFacts) -> Plan:
    return Plan(
        operation=operation,
        targets=targets,
        effect=effect,
        reversibility=Reversibility.REVERSIBLE,
        verdict=verdict,
        made_at=facts.at,
        account=facts.account.value if isinstance(facts.account, Known) else "",
        who=facts.policy.who,
    )


def _target(transfer: Transfer) -> Target:
    request = transfer.request
    return Target("object", request.destination, last_part(request.destination), "aws", "")


def _effect(transfer: Transfer) -> str:
    verb = transfer.request.operation.verb
    ends = f"from {transfer.request.source} to {transfer.request.destination}"
    if not transfer.items:
        kept = (f"{transfer.unchanged:,} unchanged",) if transfer.unchanged else ()
        left = (f"{len(transfer.skipped):,} skipped",) if transfer.skipped else ()
        return f"nothing to {verb} {ends}: {', '.join((*kept, *left)) or 'there is none'}"
    return f"{verb} {count(len(transfer.items), 'file')} ({byte_words(transfer.size)}) {ends}"


def _parameters(transfer: Transfer) -> tuple[tuple[str, str], ...]:
    rows = sorted((item.source, item.target, item.size, item.replaces) for item in transfer.items)
    return (("items", hashlib.sha256(repr(rows).encode(errors="surrogatepass")).hexdigest()[:16]),)


def _what(where: str, facts: SafetyFacts) -> str:
    account = facts.account.value if isinstance(facts.account, Known) else f"unknown ({facts.account.reason})"
    who = f"as {facts.policy.who}" if facts.policy.who else ""
    return "  ".join(part for part in (where, f"account {account}", who) if part)


def _of_runs(facts: SafetyFacts) -> tuple[PlanLine, ...]:
    """Return which runs write there and which checkpoints go or are replaced; nothing where no run is concerned."""
    storage = known_or_none(facts.objects)
    if storage is None:
        return ()
    hit = [last_part(place.rstrip("/")) for place in (*storage.leaving, *storage.replaced)]
    return (
        *([PlanLine("RUNNING", f"{_first(storage.written)} uploads there", facts.at)] if storage.written else ()),
        *([PlanLine("CKPT", f"{count(len(hit), 'checkpoint')} of runs: {_first(hit)}", facts.at)] if hit else ()),
    )


def _keeps(facts: SafetyFacts) -> bool:
    storage = known_or_none(facts.objects)
    return storage is not None and storage.versioning is not None and storage.versioning.keeps


def _place_words(request: DeleteRequest) -> str:
    places = [*(address(request.bucket, key) for key in request.keys)]
    below = [f"below {address(request.bucket, prefix)}" for prefix in request.prefixes]
    if len(places) > 1:
        places = [f"in {address(request.bucket)}"]
    chosen = " ".join(f"--{'include' if one.include else 'exclude'} {one.pattern}" for one in request.patterns)
    return " and ".join([*places, *below]) + (f" ({chosen})" if chosen else "")


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - FIRST:,} more" if len(names) > FIRST else ""
    return " · ".join(names[:FIRST]) + more
