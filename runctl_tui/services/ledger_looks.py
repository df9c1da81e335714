"""What a look leaves to be written: only what differs from what was written before; used by the tracker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.volume import Volume
from runctl_tui.services.accounts import Whose, nobodys

WRITE_EVERY: Final = timedelta(seconds=60)
"""How often what is unchanged is written down."""
ThingT = TypeVar("ThingT", FleetRow, Volume)


@dataclass(frozen=True, slots=True)
class Look(Generic[ThingT]):
    """What one look leaves to be written."""

    due: Sequence[ThingT]
    keys: frozenset[str]
    """Of everything that was seen, strangers' things too."""
    foreign: int
    overdue: bool
    before: frozenset[str] = frozenset()
    """Of everything that was seen at the look before."""
    before_at: datetime | None = None
    whose: Whose = nobodys

    def last_seen(self, key: str) -> datetime | None:
        """Return when the look before was, where it saw this thing too."""
        return self.before_at if key in self.before else None


@dataclass(slots=True)
class Looks(Generic[ThingT]):
    """Remembers what was written of one kind of thing."""

    fingerprint: Callable[[ThingT], object]
    """What must change before a thing is worth writing at once."""
    strange: Callable[[ThingT], bool]
    """Whether it is nobody's of this tool, and so none of the ledger's."""
    whose: Whose = nobodys
    written: datetime | None = None
    looked: datetime | None = None
    keys: frozenset[str] = frozenset()
    _prints: dict[str, object] = field(default_factory=dict)

    def compare(self, seen: Sequence[ThingT], now: datetime) -> Look[ThingT]:
        """Return what is worth writing; it runs in the store's thread because there may be ten thousand of them."""
        ours = [one for one in seen if not self.strange(one)]
        overdue = self.written is None or not timedelta(0) <= now - self.written < WRITE_EVERY
        due = [one for one in ours if overdue or self._prints.get(one.key) != self.fingerprint(one)]
        keys = frozenset(one.key for one in seen)
        return Look(due, keys, len(seen) - len(ours), overdue, self.keys, self.looked, self.whose)

    def wrote(self, part: Sequence[ThingT]) -> None:
        """Take note that these are written."""
        self._prints.update((one.key, self.fingerprint(one)) for one in part)

    def done(self, look: Look[ThingT], now: datetime) -> None:
        """Take note that a look is written down; what is gone is new when it comes back."""
        for gone in self.keys - look.keys:
            self._prints.pop(gone, None)
        self.keys, self.looked = look.keys, now
        if look.overdue:
            self.written = now
