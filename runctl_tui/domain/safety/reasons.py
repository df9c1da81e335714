"""Small words in which the rules are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias, TypeVar

from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.plan import Level, Operation, Reason, Severity
from runctl_tui.domain.safety.facts import SafetyFacts

T = TypeVar("T")

Rule: TypeAlias = Callable[[Operation, SafetyFacts], Reason | None]
"""Looks at one operation on one target; None where it has nothing to say. Rules know nothing of each other."""

ON_INSTANCES: Final = frozenset({Operation.START, Operation.STOP, Operation.TERMINATE})
DESTROYING: Final = frozenset({Operation.TERMINATE, Operation.S3_DELETE})
TRAINING: Final = frozenset({Operation.RUN_START, Operation.RUN_RESUME})


def block(code: str, text: str, level: Level = Level.REASON, offer: str = "") -> Reason:
    """Return a reason that forbids; `Level.REASON` may be argued with later, `Level.NEVER` never."""
    return Reason(code, Severity.BLOCK, text, level, offer=offer)


def warn(code: str, text: str, level: Level = Level.YES, offer: str = "") -> Reason:
    """Return a reason that raises what it takes to go on."""
    return Reason(code, Severity.WARN, text, level, offer=offer)


def offering(reason: Reason, operation: Operation, *references: str) -> Reason:
    """Return the reason with its offer as something that can be planned."""
    return replace(reason, offer_operation=operation, offer_references=references)


def known_or_none(fact: Fact[T]) -> T | None:
    """Return the value of a known fact, None of an unknown one."""
    return fact.value if isinstance(fact, Known) else None


def buys(operation: Operation, facts: SafetyFacts) -> bool:
    """Return whether the operation begins to cost money: a start, or a machine that does not exist yet."""
    return operation in (Operation.LAUNCH, Operation.START) or (operation in TRAINING and not facts.target.id)


def uses_machine(operation: Operation, facts: SafetyFacts) -> bool:
    """Return whether the operation acts on a machine that exists, or trains on it."""
    return operation in ON_INSTANCES or (operation in TRAINING and bool(facts.target.id))


def count(number: int, noun: str) -> str:
    """Return '1 disk', '2 disks'."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
