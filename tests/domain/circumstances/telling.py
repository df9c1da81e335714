"""Tells what a circumstance changes in the verdicts and plans of all operations, against one where nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.marks import Mark
from runctl_tui.domain.money import PriceKind
from runctl_tui.domain.plan import Level, Operation, PlanLine, Reason, Target
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.safety import CleanupSafety, SafetyFacts, plan_lines, reversibility
from runctl_tui.domain.states import IN_S3, ON_PROCESSES, ON_SNAPSHOTS, STORAGE
from tests.domain.safety_facts import HELD, LEFT, SAFE, SHAPE, a_checkpoint, known
from tests.fakes import START, a_price, a_run, an_instance

Circumstance = Mapping[str, Any]
"""Facts by name; those of the target, the policy and the storage as mappings of their own."""
Lines = dict[str, str]
Told = tuple[tuple[Reason, ...], Lines]

O = Operation  # noqa: E741 - short, because every line of the tables names one
NESTED: Final = ("target", "policy", "storage")
RUN: Final = a_run(replace(an_instance(), id="i-0abc"))
_TARGETS: Final = {
    **dict.fromkeys(STORAGE, Target("volume", "vol-1", "data", "aws", "us-east-1")),
    **dict.fromkeys(ON_SNAPSHOTS, Target("snapshot", "snap-1", "data", "aws", "us-east-1")),
    **dict.fromkeys(IN_S3, Target("object", "s3://runs/llama", "llama", "aws", "us-east-1")),
    **dict.fromkeys(ON_PROCESSES, Target("process", "i-0abc/4711:5711", "python", "aws", "us-east-1")),
    O.UPLOAD_ABORT: Target("upload", LEFT.id, LEFT.name, "aws", "us-east-1"),
    O.LAUNCH: Target("instance", "", "llama", "aws", "us-east-1"),
    O.VOLUME_CREATE: Target("volume", "", "data", "aws", "us-east-1"),
    **dict.fromkeys((O.RUN_STOP, O.RUN_UPLOAD), Target("run", RUN.id, RUN.name, "aws", "us-east-1")),
}
_MARKS: Final = {
    O.CLAIM: Mark((("runctl:owner", "carol"),)),
    O.PROTECT: Mark((("runctl:protected", "true"),)),
    O.UNPROTECT: Mark(remove=("runctl:owner",)),
    O.SCHEDULE: Mark((("runctl:delete-after", "2026-12-31"),)),
    O.UNSCHEDULE: Mark(remove=("runctl:owner",)),
}

_STORING: Final = replace(a_price("0.01"), kind=PriceKind.STORAGE)


def usual(operation: Operation) -> SafetyFacts:
    """Return facts of what the operation is for, where nothing stands against it."""
    state = ResourceState.STOPPED if operation is O.START else ResourceState.RUNNING
    storage = SAFE.storage
    if operation is O.VOLUME_DETACH:
        storage = replace(storage, volume=known(HELD))
    if operation is O.VOLUME_MODIFY:
        storage = replace(storage, shape=replace(SHAPE, size_gib=200))
    ours = replace(
        SAFE,
        target=_TARGETS.get(operation, SAFE.target),
        state=known(state),
        storage=storage,
        sessions=known((RUN,) if operation in (O.RUN_STOP, O.RUN_UPLOAD) else ()),
        checkpoints=known((a_checkpoint(CopyState.ABSENT if operation is O.RUN_UPLOAD else CopyState.VERIFIED),)),
        mark=_MARKS.get(operation),
        so_far=Decimal("3.10"),
        disks_per_month=Decimal("2.40"),
    )
    return replace(ours, type=SHAPE.words, price=known(_STORING)) if operation in STORAGE else ours


def under(operation: Operation, circumstance: Circumstance) -> SafetyFacts:
    """Return the usual facts of an operation with a circumstance's in their place."""
    facts = usual(operation)
    changes = {
        name: replace(getattr(facts, name), **value) if name in NESTED and isinstance(value, Mapping) else value
        for name, value in circumstance.items()
    }
    return replace(facts, **changes)


def nothing_wrong() -> str:
    """Tell what each operation says, and takes, where nothing is wrong."""
    return "\n".join(_whole(operation) for operation in O if operation is not O.CLEAN_UP)


def told(circumstances: Mapping[str, Circumstance], operations: Iterable[Operation] = O) -> str:
    """Tell each circumstance by what it changes about operations."""
    usually = {operation: _told(operation, usual(operation)) for operation in operations}
    return "\n".join(f"{title}\n{_changed(circumstance, usually)}" for title, circumstance in circumstances.items())


def verdict_words(reasons: tuple[Reason, ...]) -> Iterator[str]:
    """Yield the reasons of a verdict in their order."""
    for reason in reasons:
        yield from (f"    {line}" for line in _reason(reason).splitlines())


def _whole(operation: Operation) -> str:
    facts = usual(operation)
    verdict = CleanupSafety().judge(operation, facts)
    asks = f"asks for {verdict.level.name.lower()}, from {verdict.base_level.name.lower()}"
    head = f"{operation.value}: {asks}, {reversibility(operation).name.lower()}"
    lines = [f"    {label}: {text}" for label, text in _lines(operation, facts).items()]
    return "\n".join([head, *lines, *verdict_words(verdict.reasons), ""])


def _changed(circumstance: Circumstance, usually: Mapping[Operation, Told]) -> str:
    where: dict[str, list[Operation]] = {}
    for operation, before in usually.items():
        for words in _differences(operation, before, under(operation, circumstance)):
            where.setdefault(words, []).append(operation)
    blocks: dict[str, list[str]] = {}
    for words, operations in where.items():
        blocks.setdefault(f"  {_names(operations, usually)}", []).append(words)
    lines = [line for head, found in blocks.items() for line in (head, *found)]
    return "\n".join([*(lines or ["  changes nothing"]), ""])


def _told(operation: Operation, facts: SafetyFacts) -> Told:
    reasons = CleanupSafety().judge(operation, facts).reasons
    return tuple(replace(one, facts=()) for one in reasons), _lines(operation, facts)


def _differences(operation: Operation, before: Told, facts: SafetyFacts) -> Iterator[str]:
    (usual_reasons, usual_lines), (reasons, lines) = before, _told(operation, facts)
    yield from (_indented(_reason(reason)) for reason in reasons if reason not in usual_reasons)
    kept = {reason.code for reason in reasons}
    if gone := [reason.code for reason in usual_reasons if reason.code not in kept]:
        yield f"    no longer {', '.join(gone)}"
    yield from (f"    {label}: {text}" for label, text in lines.items() if usual_lines.get(label) != text)
    if left_out := [label for label in usual_lines if label not in lines]:
        yield f"    without {', '.join(left_out)}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _lines(operation: Operation, facts: SafetyFacts) -> Lines:
    """Return the lines of a plan; those of objects in S3 have words of their own elsewhere."""
    if operation in IN_S3:
        return {}
    return {line.label: f"{line.text}{_seen(line)}" for line in plan_lines(operation, facts)}


def _seen(line: PlanLine) -> str:
    return "" if line.seen_at is None else f"  [seen {(START - line.seen_at) / timedelta(seconds=1):.0f} s ago]"


def _reason(reason: Reason) -> str:
    level = {Level.NEVER: "forbids", Level.REASON: "wants a reason"}.get(reason.level, reason.level.name.lower())
    words = f"{reason.severity.value}, {level}: {reason.text}  ({reason.code})"
    offer = "" if reason.offer == "" else f"\n    instead: {reason.offer}"
    if reason.offer_operation:
        offer += f"\n    can plan: {reason.offer_operation.value} {', '.join(reason.offer_references)}"
    elif reason.offer_references:
        offer += f"\n    about: {', '.join(reason.offer_references)}"
    return f"{words}{offer}"


def _names(operations: list[Operation], asked: Iterable[Operation]) -> str:
    others = [one.value for one in asked if one not in operations]
    if len(operations) < 6 or len(others) > 5:
        return ", ".join(one.value for one in operations)
    return f"every operation but {', '.join(others)}" if others else "every operation"
