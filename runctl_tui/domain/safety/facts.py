"""What the safety rules judge: everything known about one target, each fact three-valued.

`services/actions` gathers it; the defaults are all unknown, so that a forgotten fact never makes anything easier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

from runctl_tui.domain.checkpoint import Checkpoint
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.host import HostProcess, ProcessLook
from runctl_tui.domain.instance import ApiProtection, Disk, Instance
from runctl_tui.domain.marks import Mark
from runctl_tui.domain.money import Price
from runctl_tui.domain.objects import ObjectChangeFacts
from runctl_tui.domain.plan import Target
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.run import TrainingSession, TrainingStatus
from runctl_tui.domain.run_uploads import Destination
from runctl_tui.domain.safety.storage_facts import StorageFacts
from runctl_tui.domain.uploads import UnfinishedUpload

T = TypeVar("T")
UNASKED: Final = Unknown("nobody asked")

_LIMITS: Final[Mapping[str, timedelta]] = MappingProxyType(
    {
        "state": timedelta(seconds=10),
        "tags": timedelta(seconds=10),
        "ownership": timedelta(seconds=10),
        "protection": timedelta(seconds=10),
        "disks": timedelta(seconds=10),
        "sessions": timedelta(seconds=30),
        "work": timedelta(seconds=30),
        "checkpoints": timedelta(seconds=120),
        "objects": timedelta(seconds=120),
        "process": timedelta(seconds=30),
        "upload": timedelta(seconds=30),
    }
)
"""How old a fact may be before it counts as unknown."""


class AccountLabel(StrEnum):
    """What the configuration says about the account behind the credentials."""

    SANDBOX = "sandbox"
    ORDINARY = "ordinary"
    PRODUCTION = "production"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration and the session allow."""

    read_only: str = ""
    """Why nothing may be changed; empty: changes are allowed."""
    unlock: str = ""
    """What lifts that."""
    cap_per_hour: Decimal | None = None
    """Most dollars per hour for one launch or start; dearer ones want a reason."""
    hard_cap_per_hour: Decimal | None = None
    """Most dollars per hour, whatever anybody says."""
    sandbox: bool = False
    production_accounts: frozenset[str] = frozenset()
    ordinary_accounts: frozenset[str] = frozenset()
    acknowledgeable: bool = True
    """Whether what stands against an operation may be acknowledged with a reason."""
    who: str = ""
    """The owner label of this person."""

    def label(self, account: str) -> AccountLabel:
        """Return how the account is labelled; no account at all is unlisted."""
        if not account:
            return AccountLabel.UNLISTED
        if self.sandbox:
            return AccountLabel.SANDBOX
        if account in self.production_accounts:
            return AccountLabel.PRODUCTION
        return AccountLabel.ORDINARY if account in self.ordinary_accounts else AccountLabel.UNLISTED


@dataclass(frozen=True, slots=True)
class SafetyFacts:
    """One target and everything that a verdict rests on, as of one moment."""

    at: datetime
    """UTC; the moment of the judgement."""
    target: Target
    policy: Policy
    account: Fact[str] = UNASKED
    """The account that the credentials belong to now."""
    planned_account: str | None = None
    """The account that the plan was made for; None while planning."""
    incapable: str = ""
    """Why the provider cannot do the operation at all; empty: it can."""
    no_tags: str = ""
    """How a thing is claimed where its provider has no tags; empty: it has."""
    journal_ok: bool = False
    open_rows: tuple[str, ...] | None = None
    """Earlier operations on it whose outcome nobody knows yet; None: the journal could not be read."""
    unprotected_at: datetime | None = None
    """When its protection was last taken away here; None: not of late."""
    out_of_capacity_at: Fact[datetime | None] = UNASKED
    """When its region last had no room for a machine of ours; Known(None): not of late."""
    state: Fact[ResourceState] = UNASKED
    tags: Fact[tuple[tuple[str, str], ...]] = UNASKED
    ownership: Fact[Ownership] = UNASKED
    created_at: Fact[datetime] = UNASKED
    protection: Fact[ApiProtection] = UNASKED
    disks: Fact[tuple[Disk, ...]] = UNASKED
    market: Fact[Market] = UNASKED
    parent: Fact[str] = UNASKED
    """What would replace it: 'autoscaling: web'; empty: nothing."""
    type: str = ""
    sessions: Fact[tuple[TrainingSession, ...]] = UNASKED
    """Training runs on it, whatever their state."""
    work: Fact[tuple[HostProcess, ...]] = UNASKED
    """What works hard on it and belongs to no run of ours."""
    checkpoints: Fact[tuple[Checkpoint, ...]] = UNASKED
    """Of all its runs, host and S3 copies joined."""
    objects: Fact[ObjectChangeFacts] = UNASKED
    """What a change in S3 is about."""
    process: Fact[ProcessLook] = UNASKED
    """The process of a host that is to be ended."""
    upload: Fact[UnfinishedUpload] = UNASKED
    """The unfinished upload that is to be aborted."""
    destination: Fact[Destination] = UNASKED
    """Where in S3 a run's checkpoints would go."""
    price: Fact[Price] = UNASKED
    fallback: Fact[Price] | None = None
    """What it costs on demand where spot has no room; None: then it is not made."""
    so_far: Decimal | None = None
    disks_per_month: Decimal | None = None
    mark: Mark | None = None
    """What would be marked on it."""
    storage: StorageFacts = field(default_factory=StorageFacts)
    """Of a volume or snapshot; all unknown for anything else."""
    warnings: tuple[str, ...] = ()
    """What the provider remarks about a launch."""

    @property
    def local(self) -> bool:
        """Whether it is this very machine."""
        return self.target.provider == "local"

    def fresh(self) -> SafetyFacts:
        """Return the same facts with every one that is too old replaced by unknown."""
        stale: dict[str, Any] = {}
        storage = self.storage.fresh(self.at)
        if storage is not self.storage:
            stale["storage"] = storage
        for name, limit in _LIMITS.items():
            fact = getattr(self, name)
            if isinstance(fact, Known) and fact.age(self.at) > limit:
                stale[name] = Unknown(f"last seen {fact.age(self.at).total_seconds():.0f} s ago")
        return replace(self, **stale) if stale else self

    def with_instance(self, instance: Instance, seen_at: datetime, source: str) -> SafetyFacts:
        """Return the facts with everything settled that a provider's description of an instance settles."""

        def known(value: T) -> Known[T]:
            return Known(value, seen_at, source)

        born = instance.created_at or instance.launched_at
        doubtful = instance.state in (ResourceState.UNKNOWN, ResourceState.ERROR)
        return replace(
            self,
            state=Unknown(f"{source} says {instance.state.value}") if doubtful else known(instance.state),
            tags=known(instance.tags),
            ownership=known(instance.ownership),
            created_at=known(born) if born else Unknown("the provider does not tell"),
            disks=known(instance.disks),
            market=known(instance.market),
            parent=known(instance.parent),
            type=instance.type,
        )

    def without_instance(self, reason: str) -> SafetyFacts:
        """Return the facts with all of that unknown, for an instance that could not be read."""
        lost = Unknown(reason)
        return replace(
            self, state=lost, tags=lost, ownership=lost, created_at=lost, disks=lost, market=lost, parent=lost
        )


def fact_names() -> tuple[str, ...]:
    """Return the names of all three-valued fields."""
    return tuple(each.name for each in fields(SafetyFacts) if str(each.type).startswith("Fact["))


def live_sessions(facts: SafetyFacts) -> Fact[tuple[TrainingSession, ...]]:
    """Return the runs that may still be training; on a machine that is off there can be none."""
    match facts.state:
        case Known(ResourceState.STOPPED | ResourceState.TERMINATED, seen_at, source):
            return Known((), seen_at, source)
    if isinstance(facts.sessions, Unknown):
        return facts.sessions
    doubtful = [one for one in facts.sessions.value if one.status in DOUBTFUL]
    live = tuple(one for one in facts.sessions.value if one.status.live and one.status not in DOUBTFUL)
    if doubtful and not live:
        return Unknown(f"run {doubtful[0].id} is {doubtful[0].status.value}")
    return replace(facts.sessions, value=live)


def other_work(facts: SafetyFacts) -> Fact[tuple[HostProcess, ...]]:
    """Return what else works on a machine; on one that is off there can be nothing."""
    match facts.state:
        case Known(ResourceState.STOPPED | ResourceState.TERMINATED, seen_at, source):
            return Known((), seen_at, source)
    return facts.work


DOUBTFUL: Final = frozenset({TrainingStatus.UNREACHABLE, TrainingStatus.UNKNOWN})


def newest_checkpoints(checkpoints: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
    """Return what may be the newest checkpoint of each run.

    That is the last one written, the last one written of those that carry a step, and the one of the highest step: a
    stray file, or an old checkpoint that was copied again, hides no other.
    """
    of_run: dict[str, list[Checkpoint]] = {}
    for one in checkpoints:
        of_run.setdefault(one.run_id, []).append(one)
    newest: dict[tuple[str, str], Checkpoint] = {}
    for rows in of_run.values():
        stepped = [one for one in rows if one.step is not None]
        last = [max(stepped, key=_recency), max(stepped, key=_by_step)] if stepped else []
        newest.update({(one.run_id, one.name): one for one in (max(rows, key=_recency), *last)})
    return tuple(newest.values())


_NO_STEP: Final = -1
_NO_TIME: Final = -1.0


def _by_step(checkpoint: Checkpoint) -> tuple[int, tuple[float, int, str]]:
    return _step(checkpoint), _recency(checkpoint)


def _recency(checkpoint: Checkpoint) -> tuple[float, int, str]:
    written = checkpoint.created_at or checkpoint.host.modified_at or checkpoint.s3.modified_at
    return written.timestamp() if written else _NO_TIME, _step(checkpoint), checkpoint.name


def _step(checkpoint: Checkpoint) -> int:
    return _NO_STEP if checkpoint.step is None else checkpoint.step
