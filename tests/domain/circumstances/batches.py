"""Verdicts in their order: on one target against which much stands, and on many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.safety import CleanupSafety, SafetyFacts
from tests.domain.circumstances.machines import run
from tests.domain.circumstances.people import ACCOUNT
from tests.domain.circumstances.telling import under, verdict_words
from tests.domain.circumstances.things import caps, price
from tests.domain.safety_facts import known

LOST: Final = Unknown("throttled")
T, S = Operation.TERMINATE, Operation.STOP


@dataclass(frozen=True)
class Batch:
    """Targets of one operation, and the size of the fleet they are of."""

    operation: Operation
    members: Sequence[SafetyFacts]
    fleet: int | None = 100


def member(operation: Operation, number: int, **changes: Any) -> SafetyFacts:
    """Return the facts of one of many."""
    facts = under(operation, changes)
    return replace(facts, target=replace(facts.target, id=f"i-{number}", name=f"box-{number}"))


def many(operation: Operation, count: int, **changes: Any) -> list[SafetyFacts]:
    return [member(operation, number, **changes) for number in range(1, count + 1)]


FOREIGN: Final = {"ownership": known(Ownership.FOREIGN)}
PRODUCTION: Final = {"policy": {"production_accounts": frozenset({ACCOUNT})}}
BAD: Final = {
    **FOREIGN, "sessions": known((run(),)), "checkpoints": LOST, "tags": LOST, "protection": LOST,
    "policy": {"read_only": "the policy says so"}, "planned_account": "444455556666", "created_at": LOST,
}  # fmt: skip
BATCHES: Final[dict[str, Batch]] = {
    "much stands against one": Batch(T, [member(T, 1, **BAD)]),
    "the way out of another person's is to ask": Batch(
        T, [member(T, 1, ownership=known(Ownership.OTHER), sessions=known((run(),)), disks=LOST)]
    ),
    "two may be terminated": Batch(T, many(T, 2)),
    "two of three may not be touched, one without a name": Batch(
        T, [
            member(T, 3), member(T, 2, **FOREIGN),
            replace(member(T, 1, **FOREIGN), target=replace(member(T, 1).target, name="")),
        ],
    ),
    "two in a production account": Batch(T, many(T, 2, **PRODUCTION)),
    "one in a production account, by itself": Batch(T, many(T, 1, **PRODUCTION)),
    "one of two allows no argument": Batch(
        T, [member(T, 1, disks=LOST), member(T, 2, disks=LOST, policy={"acknowledgeable": False})]
    ),
    "ten of a hundred": Batch(S, many(S, 10)),
    "eleven stops of a hundred": Batch(S, many(S, 11)),
    "eleven terminations of a hundred": Batch(T, many(T, 11)),
    "eleven processes": Batch(Operation.PROCESS_END, many(Operation.PROCESS_END, 11), None),
    "three of three": Batch(S, many(S, 3), 3),
    "four of thirteen": Batch(S, many(S, 4), 13),
    "four of fourteen": Batch(S, many(S, 4), 14),
    "six of twenty": Batch(S, many(S, 6), 20),
    "four of a fleet of unknown size": Batch(S, many(S, 4), None),
    "two launches that are dear together": Batch(
        Operation.LAUNCH, many(Operation.LAUNCH, 2, **price("6", **caps("10")))
    ),
    "two launches that are as dear as may be": Batch(
        Operation.LAUNCH, many(Operation.LAUNCH, 2, **price("5", **caps("10")))
    ),
    "two launches under different caps": Batch(
        Operation.LAUNCH,
        [
            member(Operation.LAUNCH, 1, **price("6", **caps("10", "11"))),
            member(Operation.LAUNCH, 2, **price("6", **caps("7"))),
            member(Operation.LAUNCH, 3, price=LOST),
        ],
    ),
    "two machines that are not there yet are trained on": Batch(
        Operation.RUN_START,
        [under(Operation.RUN_START, {**price("6", **caps("10")), "target": {"id": "", "name": name}}) for name in "ab"],
    ),
    "two runs on machines that are there": Batch(
        Operation.RUN_START, many(Operation.RUN_START, 2, **price("6", **caps("10")))
    ),
    "two stops, whatever they cost": Batch(S, many(S, 2, **price("6", **caps("10")))),
}  # fmt: skip


def batches() -> str:
    """Tell the verdict on each batch in its order."""
    return "\n".join(f"{title}\n{_told(batch)}" for title, batch in BATCHES.items())


def _told(batch: Batch) -> str:
    verdict = CleanupSafety().judge_batch(batch.operation, batch.members, batch.fleet)
    head = f"  {batch.operation.value} {len(batch.members)}: asks for {verdict.level.name.lower()}"
    return "\n".join([f"{head}, from {verdict.base_level.name.lower()}", *verdict_words(verdict.reasons), ""])
