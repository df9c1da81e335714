"""Plans: what would be destroyed, stopped or bought, frozen before anybody is asked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Final

from runctl_tui.domain.states import Operation as Operation
from runctl_tui.domain.text import MAX_PLAN, safe

SHORTEST_REASON: Final = 10
"""Characters that a typed reason has at least."""


class Reversibility(StrEnum):
    """How much of an operation can be undone."""

    READ = "R0"
    REVERSIBLE = "R1"
    LOSSY = "R2"
    IRREVERSIBLE = "R3"


class Level(IntEnum):
    """What it takes to go on; nothing passes LX."""

    ENTER = 0
    YES = 1
    NAME = 2
    REASON = 3
    NEVER = 4


class Severity(StrEnum):
    """What a rule says."""

    ALLOW = "allow"
    WARN = "warn"
    BLOCK = "block"


def _plain(words: object, *names: str) -> None:
    """Make texts of something frozen plain: they quote names that others gave, and are read in many places."""
    for name in names:
        told = getattr(words, name)
        plain = safe(told, MAX_PLAN) if isinstance(told, str) else tuple(safe(one, MAX_PLAN) for one in told)
        object.__setattr__(words, name, plain)


@dataclass(frozen=True, slots=True)
class Cited:
    """A fact that a reason rests on."""

    name: str
    """What was looked at: 'state', 'runs'."""
    source: str = ""
    """Who said so; empty where nobody could."""
    seen_at: datetime | None = None
    """UTC; None where it is not known."""
    unknown: str = ""
    """Why it is not known; empty where it is."""

    def __post_init__(self) -> None:
        _plain(self, "name", "source", "unknown")


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule's word on a plan."""

    code: str
    severity: Severity
    text: str
    level: Level
    facts: tuple[Cited, ...] = ()
    """What it rests on."""
    offer: str = ""
    """A better way first: 'upload the checkpoint', 'stop instead'."""
    offer_operation: Operation | None = None
    """The operation that the offer is about, where this tool can plan it."""
    offer_references: tuple[str, ...] = ()
    """The instance keys or run ids that it would be about."""

    def __post_init__(self) -> None:
        _plain(self, "text", "offer")


@dataclass(frozen=True, slots=True)
class Verdict:
    """All reasons of a plan, the most basic and then the strictest first; the strictest decides."""

    reasons: tuple[Reason, ...] = ()
    base_level: Level = Level.ENTER

    @property
    def severity(self) -> Severity:
        """The strictest reason's severity."""
        order = [Severity.ALLOW, Severity.WARN, Severity.BLOCK]
        return max((reason.severity for reason in self.reasons), key=order.index, default=Severity.ALLOW)

    @property
    def level(self) -> Level:
        """What it takes to go on."""
        return max([self.base_level, *(reason.level for reason in self.reasons)])

    @property
    def blocked(self) -> bool:
        """Whether any rule blocks."""
        return self.severity is Severity.BLOCK

    @property
    def blocking(self) -> tuple[Reason, ...]:
        """The reasons that stand against it, the most basic one first."""
        return tuple(one for one in self.reasons if one.severity is Severity.BLOCK or one.level > Level.NAME)

    @property
    def forbidden(self) -> bool:
        """Whether a reason stands against it that nobody can acknowledge here."""
        return self.level is Level.NEVER

    @property
    def to_acknowledge(self) -> tuple[str, ...]:
        """The codes of what a person has to acknowledge one by one, with a reason; empty where that does not help."""
        return () if self.forbidden else tuple(dict.fromkeys(one.code for one in self.blocking))

    @property
    def way_out(self) -> str:
        """The one thing to do about what blocks: what the most basic reason asks for; empty where nothing helps."""
        return self.blocking[0].offer if self.blocking else ""


@dataclass(frozen=True, slots=True)
class Target:
    """One resource that a plan touches."""

    kind: str
    """instance, run, volume, snapshot."""
    id: str
    name: str
    provider: str
    region: str

    @property
    def key(self) -> str:
        """The instance key that plans are made by: 'aws/i-0abc'."""
        return f"{self.provider}/{self.id}"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One labelled line of the truth: RUNNING, CKPT, COST, DIES, STAYS, UNDO."""

    label: str
    text: str
    seen_at: datetime | None = None
    """When the fact was observed; shown as an age."""

    def __post_init__(self) -> None:
        _plain(self, "label", "text")


@dataclass(frozen=True, slots=True)
class Plan:
    """Exact ids, effect, price and facts; shown, confirmed, re-checked and journaled, never changed."""

    operation: Operation
    targets: tuple[Target, ...]
    effect: str
    """One sentence: 'terminate i-0abc "llama-7b" and delete 2 disks'."""
    reversibility: Reversibility
    verdict: Verdict
    made_at: datetime
    lines: tuple[PlanLine, ...] = ()
    usd_per_hour: Decimal | None = None
    """What it costs from now on; None: unknown."""
    price_unknown: bool = False
    account: str = ""
    """Whose the targets are; several accounts stand one after the other."""
    accounts: tuple[tuple[str, str], ...] = ()
    """(provider, account) of each provider, where the targets are of more than one."""
    who: str = ""
    parameters: tuple[tuple[str, str], ...] = field(default=())
    """What the call needs beyond the targets, in a stable order; no secrets, ports or times."""
    skipped: tuple[tuple[str, str], ...] = ()
    """What was asked for and is left out, each by its name with why; untrusted."""
    stakes: tuple[str, ...] = ()
    """What it would hit besides, one text for each thing; more of it is another plan."""
    parts: tuple[Plan, ...] = ()
    """The plans of single targets that this one is made of, where it is of several operations."""

    def __post_init__(self) -> None:
        _plain(self, "effect", "stakes")

    @property
    def hash(self) -> str:
        """Twelve hex digits over operation, targets, effect, price, reasons and stakes; never ages, ports or times."""
        basis = {
            "operation": self.operation.value,
            "targets": sorted([target.kind, target.id, target.name, target.region] for target in self.targets),
            "effect": self.effect,
            "price": None if self.usd_per_hour is None else str(self.usd_per_hour.normalize()),
            "reasons": sorted(reason.code for reason in self.verdict.reasons),
            "stakes": sorted(self.stakes),
            "account": self.account,
            "parameters": sorted([*self.parameters, *(("part", one.hash) for one in self.parts)]),
        }
        return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def untold(self) -> tuple[Target, ...]:
        """The targets that no line begins with, so that whoever shows the lines has to name them as well."""
        first = {line.text.partition(" ")[0] for line in self.lines}
        return tuple(target for target in self.targets if target.id not in first)

    @property
    def name_to_type(self) -> str:
        """The name that confirms destruction: the single target's name, its id's last six where unnamed."""
        if len(self.targets) != 1:
            return f"{self.operation.verb} {len(self.targets)}"
        target = self.targets[0]
        plain = target.name.isascii() and target.name.isprintable() and target.name.strip() == target.name
        if target.name and plain:
            return target.name
        return "".join(letter for letter in target.id if letter.isascii() and letter.isprintable())[-6:]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person, or a command line, said to a plan."""

    plan_hash: str
    yes: bool = False
    name: str = ""
    typed_cap: Decimal | None = None
    """Dollars per hour that the person accepts where the price is unknown."""
    acknowledged: frozenset[str] = frozenset()
    """The codes of the reasons against it that the person has taken note of."""
    reason: str = ""
    """Why it shall be done all the same, in the person's words; kept in the audit log."""

    def acknowledges(self, verdict: Verdict) -> bool:
        """Whether every reason against a plan is taken note of, and a reason for it given."""
        wanted = frozenset(verdict.to_acknowledge)
        return not wanted or (wanted <= self.acknowledged and reason_given(self.reason))


def reason_given(text: str) -> bool:
    """Tell whether a typed reason says anything."""
    return len(text.strip()) >= SHORTEST_REASON


class StepState(StrEnum):
    """Where a step of a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


LINK_LOST: Final = "the link is lost"
NOT_YET: Final = "not yet"


@dataclass(frozen=True, slots=True)
class Step:
    """One visible step of a job."""

    id: str
    title: str
    state: StepState = StepState.WAITING
    detail: str = ""
    done: float | None = None
    """0 to 1 where it can be told."""
    seconds: float | None = None
    """How long it took, or has taken."""

    @property
    def waits(self) -> bool:
        """Whether it says that it waits for what does not come."""
        return self.state is StepState.RUNNING and self.detail.startswith((LINK_LOST, NOT_YET))


@dataclass(frozen=True, slots=True)
class JobView:
    """A job that works through steps: what the Tasks screen and the launch dialog show."""

    id: str
    title: str
    steps: tuple[Step, ...]
    started_at: datetime
    ended_at: datetime | None = None
    ok: bool | None = None
    """None while it works."""
    result: str = ""
    code: str = ""
    """Of the error it ended with, as the service or we name it: 'InsufficientInstanceCapacity', 'interrupted'."""
    question: str = ""
    """Set while it waits for a person: 'no spot capacity; on demand costs $1.01/h instead of $0.42/h'."""
    run_id: str = ""
    instance_id: str = ""
    who: str = ""
    """Who started it."""

    @property
    def waits_for_run(self) -> bool:
        """Whether it trains on a machine that it made, and has yet to terminate it when the run has ended."""
        done = {one.id: one.state is StepState.DONE for one in self.steps}
        begun = done.get("create", False) and done.get("detached", False)
        return begun and not done.get("terminated", True) and bool(self.run_id and self.instance_id)

    @property
    def can_be_taken_up(self) -> bool:
        """Whether it was interrupted while it waited so, and somebody else may wait instead."""
        return self.code == "interrupted" and self.waits_for_run
