"""What a clean-up may take up: things of one's own that idle, are forgotten, left over or past their day; pure.

The Cleanup screen shows it. What is a stranger's, another person's, or protected, is never among it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.durations import in_one_unit
from runctl_tui.domain.facts import Known
from runctl_tui.domain.insights import CLEANED_UP, Insight, InsightKind, insights
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.protection import protected_until, protecting_tag
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.uploads import LEFT_AFTER as LEFT_BEHIND
from runctl_tui.domain.uploads import UPLOAD, UnfinishedUpload
from runctl_tui.domain.volume import SnapshotState, Storage, VolumeSnapshot, month

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow

ORPHANED: Final = "orphaned"
"""A snapshot whose volume is gone."""
LEFT_AFTER: Final = timedelta(days=1)
"""From which age on a snapshot without a volume was not just made to be restored."""
UNFINISHED: Final = "unfinished"
"""An upload to which nothing was added for a week."""
_MACHINE: Final = "machine"
_VOLUME: Final = "volume"
_SNAPSHOT: Final = "snapshot"
_KINDS: Final = (*CLEANED_UP, InsightKind.STOPPED)
_FIRST: Final = (InsightKind.DUE, InsightKind.FORGOTTEN, InsightKind.IDLE, InsightKind.UNATTACHED, InsightKind.STOPPED)
"""Which word wins where several are true of one thing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that may be cleaned up."""

    key: str
    name: str
    thing: str
    """machine, volume, snapshot, upload."""
    place: str
    """Its region."""
    why: str
    """idle, forgotten, stopped, unattached, orphaned, unfinished, due."""
    evidence: str
    """What that rests on."""
    operation: Operation
    usd_per_month: Decimal | None
    """What acting on it saves; None: unknown."""


def candidates(
    rows: Iterable[FleetRow],
    storage: Storage,
    now: datetime,
    silent: Collection[str] = (),
    uploads: Iterable[UnfinishedUpload] = (),
) -> tuple[Candidate, ...]:
    """Return what may be cleaned up, what saves most first.

    `silent` are the scopes whose volumes could not be read: a snapshot there may still have its volume.
    """
    machines = tuple(rows)
    names = _names(machines, storage)
    best: dict[str, Insight] = {}
    for one in insights(machines, None, now, storage.volumes):
        if one.ours and not one.protected and one.operation is not None and one.kind in _KINDS:
            before = best.get(one.reference)
            if before is None or _FIRST.index(one.kind) < _FIRST.index(before.kind):
                best[one.reference] = one
    found = [_candidate(one, *names[key]) for key, one in best.items()]
    found += [_of_snapshot(one, now) for one in _orphans(storage, now, silent)]
    found += left_uploads(uploads, now)
    return tuple(sorted(found, key=_order))


def left_uploads(uploads: Iterable[UnfinishedUpload], now: datetime) -> tuple[Candidate, ...]:
    """Return the uploads of one's own that were certainly left behind, and that nothing protects."""
    return tuple(_of_upload(one, now) for one in uploads if one.ours and _is_left(one, now))


def _is_left(one: UnfinishedUpload, now: datetime) -> bool:
    if not (isinstance(one.writers, Known) and isinstance(one.bucket_tags, Known)):
        return False
    tags = dict(one.bucket_tags.value)
    held = protecting_tag(tags) or protected_until(tags, now)
    return one.quiet_for(LEFT_BEHIND, now) and not one.writers.value and not held


def _of_upload(one: UnfinishedUpload, now: datetime) -> Candidate:
    age = in_one_unit((now - one.active_at).total_seconds()) if one.active_at else "unknown"
    parts = one.parts.value.words if isinstance(one.parts, Known) else "parts of unknown size"
    evidence = f"nothing new for {age}; {parts}, begun by {one.by}"
    return Candidate(
        one.reference, one.name, UPLOAD, one.region, UNFINISHED, evidence, Operation.UPLOAD_ABORT,
        month(one.usd_per_month),
    )  # fmt: skip


def _names(rows: Iterable[FleetRow], storage: Storage) -> Mapping[str, tuple[str, str]]:
    """Return name and place of everything by its key."""
    found = {row.key: (row.instance.name or row.instance.id, row.instance.region) for row in rows}
    return found | {volume.key: (volume.name or volume.id, volume.region) for volume in storage.volumes}


def _candidate(one: Insight, name: str, place: str) -> Candidate:
    thing = _VOLUME if one.about_volume else _MACHINE
    evidence = one.text.removeprefix(name).strip().removeprefix(str(one.kind)).lstrip(";:, ")
    assert one.operation is not None
    return Candidate(one.reference, name, thing, place, one.kind.value, evidence, one.operation, one.saves_per_month)


def _orphans(storage: Storage, now: datetime, silent: Collection[str]) -> Iterator[VolumeSnapshot]:
    there = {volume.id for volume in storage.volumes}
    for one in storage.snapshots:
        read = not {one.provider, one.region, f"{one.provider}/{one.region}", ""} & set(silent)
        old = one.started_at is not None and now - one.started_at > LEFT_AFTER
        held = protecting_tag(dict(one.tags)) or protected_until(dict(one.tags), now)
        done = one.state is SnapshotState.COMPLETED and one.ownership is Ownership.OURS
        orphan = one.volume_id not in there and not one.copy_of  # a copy in another region is kept on purpose
        if read and old and done and not held and orphan:
            yield one


def _of_snapshot(one: VolumeSnapshot, now: datetime) -> Candidate:
    age = in_one_unit((now - one.started_at).total_seconds()) if one.started_at else "unknown"
    evidence = f"of {one.volume_id or 'no volume'}, which is gone; {one.size_gib} GiB at most, {age} old"
    return Candidate(
        one.key, one.name or one.id, _SNAPSHOT, one.region, ORPHANED, evidence,
        Operation.SNAPSHOT_DELETE, month(one.usd_per_month),
    )  # fmt: skip


def _order(one: Candidate) -> tuple[bool, Decimal, str]:
    return one.usd_per_month is None, -(one.usd_per_month or Decimal(0)), one.name
