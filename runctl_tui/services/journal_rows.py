"""What the journal keeps: the intended calls, and how far each came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from runctl_tui.domain.plan import Operation


class JournalState(StrEnum):
    """How far an operation came."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    SENT = "sent"
    """The call may have reached the provider from here on."""
    ACKED = "acked"
    VERIFIED = "verified"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    """Nobody knows whether the call arrived."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One intended call on one resource."""

    op_id: str
    operation: Operation
    kind: str
    """instance, run, volume, snapshot."""
    resource: str
    """The key 'provider/id', or a run's id; for what does not exist yet its kind and name."""
    name: str
    provider: str
    region: str
    plan_hash: str
    token: str
    """What makes the call idempotent, or finds its result again."""
    who: str
    effect: str


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it stands."""

    entry: Entry
    state: JournalState
    at: datetime
    detail: str = ""
    profile: str = ""
    """In whose account the call was made; nobody else's answers settle it."""
