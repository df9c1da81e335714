"""Small words in which the rules are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias, TypeVar

from runctl_tui.domain.facts import Fact, Known
from runctl_tui.domain.host import HostProcess
from runctl_tui.domain.plan import Level, Operation, Reason, Severity
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.states import IN_S3, MARKING, ON_PROCESSES, ON_SNAPSHOTS, ON_VOLUMES
from runctl_tui.domain.text import MAX_QUOTED, safe

T = TypeVar("T")

Rule: TypeAlias = Callable[[Operation, SafetyFacts], Reason | None]
"""Looks at one operation on one target; None where it has nothing to say. Rules know nothing of each other."""

_TAKING_OVER: Final = (ON_VOLUMES | ON_SNAPSHOTS | MARKING | ON_PROCESSES) - {
    Operation.VOLUME_SNAPSHOT,
    Operation.SNAPSHOT_COPY,
    Operation.CLAIM,
}
ON_INSTANCES: Final = frozenset({Operation.START, Operation.STOP, Operation.TERMINATE})
TRAINING: Final = frozenset({Operation.RUN_START, Operation.RUN_RESUME})


def block(code: str, text: str, level: Level = Level.REASON, offer: str = "") -> Reason:
    """Return a reason that forbids; `Level.REASON` may be argued with later, `Level.NEVER` never."""
    return Reason(code, Severity.BLOCK, text, level, offer=offer)


def warn(code: str, text: str, level: Level = Level.YES) -> Reason:
    """Return a reason that raises what it takes to go on."""
    return Reason(code, Severity.WARN, text, level)


def offering(reason: Reason, operation: Operation, *references: str) -> Reason:
    """Return the reason with its offer as something that can be planned."""
    return replace(reason, offer_operation=operation, offer_references=references)


def known_or_none(fact: Fact[T]) -> T | None:
    """Return the value of a known fact, None of an unknown one."""
    return fact.value if isinstance(fact, Known) else None


def buys(operation: Operation, facts: SafetyFacts) -> bool:
    """Return whether the operation begins to cost money: a start, or something that does not exist yet."""
    spending = (Operation.LAUNCH, Operation.START, Operation.VOLUME_CREATE, Operation.VOLUME_MODIFY)
    return operation in spending or (operation in TRAINING and not facts.target.id)


def uses_machine(operation: Operation, facts: SafetyFacts) -> bool:
    """Return whether the operation acts on a machine that exists, or trains on it."""
    return operation in ON_INSTANCES or (operation in TRAINING and bool(facts.target.id))


def ago(then: datetime | None, now: datetime) -> str:
    """Return an age in its largest fitting unit: '42 s', '7 min', '3 h', '12 d'."""
    return "unknown" if then is None else age_words(now - then)


def age_words(age: timedelta) -> str:
    """Return a duration in its largest fitting unit: '42 s', '7 min', '3 h', '12 d'."""
    seconds = max(int(age.total_seconds()), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (size == 60 and seconds >= size):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def takes_over(operation: Operation, facts: SafetyFacts) -> bool:
    """Return whether the operation needs what it is about to be ours; a snapshot leaves its volume as it is."""
    return uses_machine(operation, facts) or operation in _TAKING_OVER


def owned(operation: Operation, facts: SafetyFacts) -> tuple[str, str]:
    """Return what is owned, as a word and as a key: the thing itself, or the machine that a process is on."""
    if operation in IN_S3:
        return "its bucket", facts.target.key
    if operation not in ON_PROCESSES:
        return "it", facts.target.key
    return "its machine", facts.target.key.rpartition("/")[0]


def process_brief(process: HostProcess) -> str:
    """Return 'python3 train.py (4121, 99 % of a core)'."""
    uses = [f"{process.cpu_percent:.0f} % of a core"]
    uses += [f"GPU {', '.join(map(str, process.gpus))}"] if process.gpus else []
    return f"{safe(process.brief, MAX_QUOTED)} ({process.pid}, {', '.join(uses)})"


def count(number: int, noun: str) -> str:
    """Return '1 disk', '2 disks'."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def unknown(reason: str) -> str:
    """Return the words for what is not known."""
    return f"unknown ({reason})"


def what(facts: SafetyFacts) -> str:
    """Return what an operation is about: id, name, type, place, account, person."""
    name = f' "{facts.target.name}"' if facts.target.name else ""
    account = facts.account.value if isinstance(facts.account, Known) else unknown(facts.account.reason)
    place = [facts.type, facts.target.region, f"account {account}" if account else ""]
    parts = [f"{facts.target.id}{name}".strip(), *place]
    if facts.policy.who:
        parts.append(f"as {facts.policy.who}")
    return "  ".join(part for part in parts if part)
