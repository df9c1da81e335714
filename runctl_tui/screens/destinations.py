"""What words after the colon may name: machines, runs, volumes, snapshots, checkpoints, tags, and where each leads."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from runctl_tui.messages import Navigate

if TYPE_CHECKING:
    from runctl_tui.domain.checkpoint import Checkpoint
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.domain.volume import Storage
    from runctl_tui.services.ports_feed import Feed
    from runctl_tui.services.ports_services import Services

MOST: Final = 200
"""Words offered at once; whoever has more than that goes on typing."""
LAST_CHARACTER: Final = chr(sys.maxunicode)
T = TypeVar("T")


class _Thing(NamedTuple):
    screen: str
    reference: str
    """What the screen knows it by."""
    kind: str
    words: tuple[str, ...]
    """What it goes by: key, id, name."""


class Destinations:
    """What the feeds of the services have told; looked through when they tell something new, not at every key."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._told: _Told | None = None

    def find(self, text: str) -> tuple[Navigate, str] | None:
        """Return where a text leads, and the thing in words."""
        wanted = text.strip()
        if wanted.startswith("s3://"):
            return Navigate("s3", wanted), wanted
        if (found := self._now.by_word.get(wanted)) is None:
            return None
        name = next((name for name in reversed(found.words) if name and name != wanted), "")
        return Navigate(found.screen, found.reference), f"{found.kind} {wanted}" + (f" ({name})" if name else "")

    def of_kind(self, kind: str) -> Mapping[str, str] | None:
        """Return what the screens know each thing of a kind by, under all its names; None while nothing was told."""
        return self._now.of_kind(kind)

    def unheard(self, kind: str) -> Feed[Any] | None:
        """Return the feed that knows what things of a kind are called, where it has told nothing yet."""
        services = self._services
        feeds: Mapping[str, Feed[Any]] = {
            "machine": services.fleet.feed,
            "run": services.runs.feed,
            "volume": services.volumes.feed,
            "snapshot": services.volumes.feed,
        }
        feed = feeds.get(kind)
        return feed if feed is not None and feed.latest is None else None

    def anything(self, head: str) -> Sequence[str]:
        """Return words that begin so, whatever they name."""
        return _starting(self._now.words, head)

    def machines(self, head: str) -> Sequence[str]:
        """Return names of machines that begin so."""
        return _starting(self._now.machines, head)

    def runs(self, head: str) -> Sequence[str]:
        """Return names of runs, ids where they have none, that begin so."""
        return _starting(self._now.runs, head)

    def volumes(self, head: str) -> Sequence[str]:
        """Return names of volumes, ids where they have none, that begin so."""
        return _starting(self._now.volumes, head)

    def snapshots(self, head: str) -> Sequence[str]:
        """Return names of snapshots, ids where they have none, that begin so."""
        return _starting(self._now.snapshots, head)

    def tags(self, head: str) -> Sequence[str]:
        """Return KEY=VALUE of machines that begin so."""
        return _starting(self._now.tags, head)

    @property
    def _now(self) -> _Told:
        services = self._services
        fleet, runs, storage, checkpoints = (
            services.fleet.feed.latest,
            services.runs.feed.latest,
            services.volumes.feed.latest,
            services.checkpoints.feed().latest,
        )
        told = (fleet, runs, storage, checkpoints)
        if self._told is None or any(old is not new for old, new in zip(self._told.told, told, strict=True)):
            self._told = _Told(fleet, runs, storage, checkpoints)
        return self._told


@dataclass
class _Told:
    """The latest snapshots, as tables of words that are made when first asked for."""

    fleet: Snapshot[tuple[FleetRow, ...]] | None
    sessions: Snapshot[tuple[TrainingSession, ...]] | None
    storage: Snapshot[Storage] | None
    checkpoints: Snapshot[tuple[Checkpoint, ...]] | None
    _by_kind: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def told(self) -> tuple[object, ...]:
        return self.fleet, self.sessions, self.storage, self.checkpoints

    @cached_property
    def by_word(self) -> dict[str, _Thing]:
        found: dict[str, _Thing] = {}
        for thing in self._things():
            for word in thing.words:
                found.setdefault(word, thing)
        found.pop("", None)
        return found

    def of_kind(self, kind: str) -> Mapping[str, str] | None:
        told = {"machine": self.fleet, "run": self.sessions}.get(kind, self.storage)
        if told is None:
            return None
        if kind not in self._by_kind:
            things = [thing for thing in self._things() if thing.kind == kind]
            found = {word: thing.reference for thing in reversed(things) for word in thing.words if word}
            self._by_kind[kind] = {**found, **{thing.reference: thing.reference for thing in things}}
        return self._by_kind[kind]

    @cached_property
    def words(self) -> list[str]:
        return _typed(self.by_word)

    @cached_property
    def machines(self) -> list[str]:
        return _typed(row.instance.name for row in _rows(self.fleet))

    @cached_property
    def runs(self) -> list[str]:
        return _typed(run.name or run.id for run in _rows(self.sessions))

    @cached_property
    def volumes(self) -> list[str]:
        return _typed(one.name or one.id for one in (self.storage.value.volumes if self.storage else ()))

    @cached_property
    def snapshots(self) -> list[str]:
        return _typed(one.name or one.id for one in (self.storage.value.snapshots if self.storage else ()))

    @cached_property
    def tags(self) -> list[str]:
        return _typed(f"{key}={value}" for row in _rows(self.fleet) for key, value in row.instance.tags)

    def _things(self) -> Iterator[_Thing]:
        for row in _rows(self.fleet):
            yield _Thing("instance", row.key, "machine", (row.key, row.instance.id, row.instance.name))
        for run in _rows(self.sessions):
            yield _Thing("monitor", run.id, "run", (run.id, run.name))
        if self.storage is not None:
            for volume in self.storage.value.volumes:
                yield _Thing("volumes", volume.key, "volume", (volume.key, volume.id, volume.name))
            for snapshot in self.storage.value.snapshots:
                yield _Thing("snapshots", snapshot.key, "snapshot", (snapshot.key, snapshot.id, snapshot.name))
        for one in _rows(self.checkpoints):
            yield _Thing("checkpoints", one.run_id or one.folder, "checkpoint", (f"{one.run_id}/{one.name}",))


def _rows(told: Snapshot[tuple[T, ...]] | None) -> tuple[T, ...]:
    return () if told is None else told.value


def _typed(words: Iterable[str]) -> list[str]:
    """Return the words that can be typed without quotes, in order."""
    return sorted({word for word in words if word and " " not in word})


def _starting(words: Sequence[str], head: str) -> Sequence[str]:
    """Return the words of an ordered table that begin so: the first ones, and the last, so that all agree so far."""
    first, end = bisect_left(words, head), bisect_left(words, head + LAST_CHARACTER)
    return words[first:end] if end - first <= MOST else [*words[first : first + MOST], words[end - 1]]
