"""What is marked on a resource itself: whose it is, what protects it, when it shall be deleted; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from runctl_tui.domain.figures import day
from runctl_tui.domain.instance import PROTECTING_TAGS, TAG_OWNER, TAG_PROTECT_UNTIL, ApiProtection
from runctl_tui.domain.states import Operation

TAG_DELETE_AFTER: Final = "runctl:delete-after"
INSTANCE: Final = "instance"
MOST_TAGS: Final = 50
"""How many tags EC2 takes on one resource."""


class Way(StrEnum):
    """How something is protected."""

    TAG = "tag"
    UNTIL = "until"
    """By a tag with a date."""
    TERMINATION = "termination"
    """EC2's termination protection."""
    STOP = "stop"
    """EC2's stop protection."""


IN_API: Final = frozenset({Way.TERMINATION, Way.STOP})
"""What the provider itself enforces, on machines alone."""


@dataclass(frozen=True, slots=True)
class MarkRequest:
    """One change of marks, as a person asks for it."""

    operation: Operation
    """Claim, protect, unprotect, schedule, unschedule."""
    kind: str
    """instance, volume, snapshot."""
    references: tuple[str, ...]
    """Keys, ids or names."""
    way: Way = Way.TAG
    day: date | None = None
    """Until when it is protected, or after when it shall be deleted."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What one call changes on a resource."""

    set: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()
    termination: bool | None = None
    """What the provider's termination protection becomes; None: it stays."""
    stop: bool | None = None

    def holds(self, tags: Mapping[str, str], lock: ApiProtection | None) -> bool:
        """Tell whether a resource is marked so."""
        tagged = all(tags.get(key) == value for key, value in self.set) and not set(self.remove) & set(tags)
        locks = ((self.termination, lock and lock.termination), (self.stop, lock and lock.stop))
        return tagged and all(wanted in (None, found) for wanted, found in locks)

    def to_text(self) -> str:
        """Return it as the journal keeps it."""
        return json.dumps([self.set, self.remove, self.termination, self.stop])

    @classmethod
    def from_text(cls, text: str) -> Mark:
        """Return what the journal kept; ValueError where it is no mark."""
        try:
            pairs, remove, termination, stop = json.loads(text)
            return cls(tuple((str(key), str(value)) for key, value in pairs), tuple(remove), termination, stop)
        except (TypeError, ValueError) as error:
            raise ValueError(f"no mark: {error}") from error

    @property
    def words(self) -> str:
        """What it changes, in words."""
        parts = [f"tag {key}={value}" for key, value in self.set] + [f"no tag {key}" for key in self.remove]
        for noun, on in (("termination protection", self.termination), ("stop protection", self.stop)):
            parts += [] if on is None else [f"{noun} {'on' if on else 'off'}"]
        return ", ".join(parts)


def kind_of(key: str) -> str:
    """Return what a key or id is of: volumes and snapshots tell it by their ids."""
    name = key.rpartition("/")[2]
    return "volume" if name.startswith("vol-") else "snapshot" if name.startswith("snap-") else INSTANCE


def mark_of(request: MarkRequest, owner: str, tags: Mapping[str, str]) -> Mark:
    """Return what a request comes to on a resource that has these tags."""
    when = request.day.isoformat() if request.day else ""
    protecting = request.operation is Operation.PROTECT
    match request.operation, request.way:
        case Operation.CLAIM, _:
            return Mark(((TAG_OWNER, owner),))
        case Operation.SCHEDULE, _:
            return Mark(((TAG_DELETE_AFTER, when),))
        case Operation.UNSCHEDULE, _:
            return Mark(remove=(TAG_DELETE_AFTER,))
        case _, Way.TERMINATION:
            return Mark(termination=protecting)
        case _, Way.STOP:
            return Mark(stop=protecting)
        case Operation.PROTECT, Way.UNTIL:
            return Mark(((TAG_PROTECT_UNTIL, when),))
        case Operation.PROTECT, _:
            return Mark(((PROTECTING_TAGS[0], "true"),))
        case _, Way.UNTIL:
            return Mark(remove=(TAG_PROTECT_UNTIL,))
    return Mark(remove=tuple(tag for tag in PROTECTING_TAGS if tag in tags) or PROTECTING_TAGS[:1])


def due_since(tags: Mapping[str, str], today: date) -> date | None:
    """Return the day after which something was to be deleted, where that has passed and can be read."""
    try:
        found = day(tags.get(TAG_DELETE_AFTER, ""))
    except ValueError:
        return None
    return found if found < today else None


def wrong_with(request: MarkRequest, today: date) -> str:
    """Return what is wrong with a request in words, or nothing."""
    if not request.references:
        return "name at least one of them"
    if request.way in IN_API and request.kind != INSTANCE:
        return f"only machines have {request.way.value} protection"
    if request.day is not None and request.day < today:
        return f"{request.day.isoformat()} has passed"
    dated = request.operation is Operation.SCHEDULE or (
        request.operation is Operation.PROTECT and request.way is Way.UNTIL
    )
    return "it wants a day such as 2026-12-31" if dated and request.day is None else ""
