"""What is worth a look because of its money: idle, forgotten and stopped machines, unused volumes, sums; pure.

The Costs screen and `resources insights` show it; the marks are those that runctl had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.durations import in_one_unit
from runctl_tui.domain.facts import Known
from runctl_tui.domain.idleness import Idleness, Work, idleness
from runctl_tui.domain.instance import TAG_OWNER, TAG_PROTECT_UNTIL
from runctl_tui.domain.marks import due_since, kind_of
from runctl_tui.domain.money import HOURS_PER_MONTH, dollars
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.protection import protected_until, protecting_tag
from runctl_tui.domain.resource import GONE, Market, Ownership, ResourceState
from runctl_tui.domain.volume import VOLUME, VolumeState, month
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS

if TYPE_CHECKING:
    from runctl_tui.domain.cost import CostSummary, ProjectBudget
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.volume import Volume

BURN_MARKS: Final = (Decimal(10), Decimal(25), Decimal(50))
"""Dollars per hour: worth knowing, worth a note, worth a warning."""
DAY_MARK: Final = Decimal(100)
"""Dollars spent today."""
MONTH_MARK: Final = Decimal(500)
"""Dollars spent this month."""
OLD_AFTER: Final = timedelta(hours=24)
UNUSED_AFTER: Final = timedelta(hours=1)
"""From which age on a volume that nothing uses was not just made to be attached."""
_LOOK: Final = "see the machine"
_LOOK_AT_VOLUME: Final = "see the volume"


class InsightKind(StrEnum):
    """What kind of thing it is."""

    IDLE = "idle"
    FORGOTTEN = "forgotten"
    """Idle for more than a day."""
    STOPPED = "stopped"
    UNATTACHED = "unattached"
    """A volume that is attached to nothing."""
    DUE = "due"
    """Somebody set a day for its deletion, and that has passed."""
    UNCLEAR = "unclear"
    """Nobody can tell whether it idles."""
    LONG = "long"
    """It has run for more than a day, and works."""
    RATE = "rate"
    SPENT = "spent"
    BUDGET = "budget"
    PROJECT_BUDGET = "project budget"


CLEANED_UP: Final = frozenset({InsightKind.IDLE, InsightKind.FORGOTTEN, InsightKind.UNATTACHED, InsightKind.DUE})
"""What a clean-up takes up; a stopped machine was stopped by somebody who may want it again."""


@dataclass(frozen=True, slots=True)
class Insight:
    """One remark about money, and what to do about it."""

    kind: InsightKind
    text: str
    advice: str
    """What `enter` leads to, in words."""
    warns: bool = True
    """False: a note, nothing is wrong."""
    saves_per_hour: Decimal | None = None
    """What acting on it saves; None: unknown, or nothing that can be said."""
    saves_something: bool = False
    """Whether acting on it saves money at all, also where nobody knows how much."""
    operation: Operation | None = None
    """The change whose plan fits; None: only a look."""
    reference: str = ""
    """The key of the machine or volume; empty: it is about everything together."""
    ours: bool = False
    """Whether it is about something that carries this person's own tag."""
    protected: bool = False
    """Whether a tag protects it: a clean-up leaves it out."""

    @property
    def id(self) -> str:
        """What tables know it by."""
        return f"{self.kind} {self.reference or self.text}"

    @property
    def saves_per_month(self) -> Decimal | None:
        """What acting on it saves in 730 hours."""
        return None if self.saves_per_hour is None else self.saves_per_hour * HOURS_PER_MONTH

    @property
    def about_volume(self) -> bool:
        """Whether the reference is a volume's."""
        return self.kind is InsightKind.UNATTACHED or (
            self.kind is InsightKind.DUE and kind_of(self.reference) == VOLUME
        )

    @property
    def by_month(self) -> bool:
        """Whether only storage is saved, which has no price by the hour."""
        return self.kind in (InsightKind.STOPPED, InsightKind.UNATTACHED)


def insights(
    rows: Iterable[FleetRow], summary: CostSummary | None, now: datetime, volumes: Iterable[Volume] = ()
) -> tuple[Insight, ...]:
    """Return every remark, what saves most first; what belongs to strangers is none of our business."""
    found = [one for row in rows for one in _of_machine(row, now)]
    found += [one for volume in volumes for one in _of_volume(volume, now)]
    if summary is not None and summary.known:
        found += _of_sums(summary)
    return tuple(sorted(found, key=_order))


def _order(one: Insight) -> tuple[bool, bool, Decimal, str]:
    return not one.saves_something, not one.warns, -(one.saves_per_hour or Decimal(0)), one.text


def _of_machine(row: FleetRow, now: datetime) -> Iterator[Insight]:
    machine = row.instance
    if machine.ownership is Ownership.FOREIGN or machine.market is Market.LOCAL:
        return
    name = machine.name or machine.id
    if machine.state not in GONE:
        yield from _due(machine, name, row.disks_per_month, now)
    if machine.state is ResourceState.STOPPED and row.disks_per_month != 0:
        yield _stopped(row, name, now)
    elif machine.state is ResourceState.RUNNING:
        judged = idleness(row, now)
        age = None if machine.launched_at is None else now - machine.launched_at
        live = [run for run in row.runs if run.status.live]
        if judged is not None:
            yield from _of_idleness(row, judged, now)
        elif age is not None and age > OLD_AFTER and live:
            yield _long(row, f"{name} up {in_one_unit(age.total_seconds())}; {live[0].name or live[0].id} is at work")


def _of_idleness(row: FleetRow, judged: Idleness, now: datetime) -> Iterator[Insight]:
    """Say what a machine without a run does, and what that rests on; what is not known offers no plan."""
    machine = row.instance
    name = machine.name or machine.id
    quiet = None if judged.since is None else now - judged.since
    since = f", {dollars(judged.spent)} since" if judged.spent is not None else ""
    if judged.work is Work.IDLE:
        old = quiet is not None and quiet > OLD_AFTER
        kind = InsightKind.FORGOTTEN if old else InsightKind.IDLE
        text = f"{name} {kind}: {judged.runs}{since}; {judged.load} ({machine.type})"
        yield _ending(row, kind, text, now)
    elif judged.work is Work.UNKNOWN:
        text = f"{name}: idle or not is unknown: {judged.rests_on} ({machine.type})"
        yield _of_owner(Insight(InsightKind.UNCLEAR, text, _LOOK, reference=row.key), row.instance, _LOOK)
    elif quiet is not None and quiet > OLD_AFTER:
        yield _long(row, f"{name} is at work without a run: {judged.rests_on} ({machine.type})")


def _long(row: FleetRow, text: str) -> Insight:
    return Insight(InsightKind.LONG, text, _LOOK, warns=False, reference=row.key)


def _stopped(row: FleetRow, name: str, now: datetime) -> Insight:
    per_hour = None if row.disks_per_month is None else row.disks_per_month / HOURS_PER_MONTH
    found = Insight(InsightKind.STOPPED, f"{name} stopped; its disks keep costing", "", True, per_hour, True)
    return _acting(found, row.instance, Operation.TERMINATE, now)


def _ending(row: FleetRow, kind: InsightKind, text: str, now: datetime) -> Insight:
    """Stop what can be stopped: a spot machine cannot."""
    price = row.price.value.usd_per_hour if isinstance(row.price, Known) else None
    spot = row.instance.market is Market.SPOT
    found = Insight(kind, text, "", True, price, True)
    return _acting(found, row.instance, Operation.TERMINATE if spot else Operation.STOP, now)


def _acting(found: Insight, thing: Instance | Volume, operation: Operation, now: datetime) -> Insight:
    """Offer the plan for what is ours and not protected; else say whose it is, or what protects it."""
    look = _LOOK_AT_VOLUME if operation is Operation.VOLUME_DELETE else _LOOK
    planned = replace(found, advice=f"plan: {operation.verb}", operation=operation, reference=thing.key)
    return _of_owner(_protected(planned, dict(thing.tags), look, now), thing, look)


def _protected(found: Insight, tags: Mapping[str, str], look: str, now: datetime) -> Insight:
    """Say by which tag something is protected, and what can be done instead: a machine that is kept can be stopped."""
    held = protecting_tag(tags)
    words = f"protected by the tag {held}={tags[held]}" if held else protected_until(tags, now).removeprefix("it is ")
    if not words:
        return found
    if found.operation is Operation.STOP:
        return replace(found, text=f"{found.text}; {words}: a stop asks for its name", protected=True)
    change = "remove the tag first" if held else f"change the tag {TAG_PROTECT_UNTIL} first"
    return replace(found, text=f"{found.text}; {words}: {change}", advice=look, operation=None, protected=True)


def _of_volume(volume: Volume, now: datetime) -> Iterator[Insight]:
    age = None if volume.created_at is None else now - volume.created_at
    if volume.ownership is not Ownership.FOREIGN:
        yield from _due(volume, volume.name or volume.id, month(volume.usd_per_month), now)
    if volume.ownership is Ownership.FOREIGN or volume.state is not VolumeState.AVAILABLE or volume.attachments:
        return
    if age is not None and age < UNUSED_AFTER:
        return
    bare = isinstance(volume.last_snapshot, Known) and volume.last_snapshot.value is None
    saved = ", no snapshot" if bare and volume.shape.type not in NETWORK_LIMITS else ""
    old = "" if age is None else f", {in_one_unit(age.total_seconds())} old"
    text = f"{volume.name or volume.id} unattached, {volume.shape.size_gib} GiB{old}{saved}"
    monthly = month(volume.usd_per_month)
    per_hour = None if monthly is None else monthly / HOURS_PER_MONTH
    yield _acting(Insight(InsightKind.UNATTACHED, text, "", True, per_hour, True), volume, Operation.VOLUME_DELETE, now)


def _due(thing: Instance | Volume, name: str, usd_per_month: Decimal | None, now: datetime) -> Iterator[Insight]:
    day = due_since(dict(thing.tags), now.date())
    if day is None:
        return
    operation = Operation.VOLUME_DELETE if kind_of(thing.key) == VOLUME else Operation.TERMINATE
    per_hour = None if usd_per_month is None else usd_per_month / HOURS_PER_MONTH
    found = Insight(InsightKind.DUE, f"{name} was to be deleted after {day.isoformat()}", "", True, per_hour, True)
    yield _acting(found, thing, operation, now)


def _of_owner(found: Insight, thing: Instance | Volume, look: str) -> Insight:
    """Leave the plan away where somebody else of this tool's users owns it."""
    if thing.ownership is Ownership.OTHER:
        return replace(found, text=f"{found.text} (of {thing.tag(TAG_OWNER)})", advice=look, operation=None)
    return replace(found, ours=thing.ownership is Ownership.OURS)


def _of_sums(summary: CostSummary) -> Iterator[Insight]:
    passed = [mark for mark in BURN_MARKS if summary.burn_per_hour > mark]
    if passed:
        text = f"{dollars(summary.burn_per_hour)}/h is more than ${passed[-1]}/h"
        yield Insight(InsightKind.RATE, text, "see machines", warns=passed[-1] == BURN_MARKS[-1])
    for words, amount, mark in (("today", summary.today, DAY_MARK), ("this month", summary.month, MONTH_MARK)):
        if amount > mark:
            yield Insight(InsightKind.SPENT, f"{dollars(amount)} spent {words}, more than ${mark}", "see machines")
    yield from _of_budget(summary)
    for one in summary.projects:
        yield from _of_project(one)


def _of_budget(summary: CostSummary) -> Iterator[Insight]:
    budget = summary.budget
    if budget is not None and summary.month >= budget:
        yield Insight(InsightKind.BUDGET, f"the budget of {dollars(budget)} is spent", "set the budget")
    elif budget is not None and summary.forecast > budget:
        over = dollars(summary.forecast - budget)
        yield Insight(InsightKind.BUDGET, f"at this rate the month ends {over} over the budget", "set the budget")


def _of_project(one: ProjectBudget) -> Iterator[Insight]:
    kind, advice = InsightKind.PROJECT_BUDGET, "set the budgets"
    if one.spent > one.budget:
        over = f"{dollars(one.spent - one.budget)} over its budget of {dollars(one.budget)}"
        yield Insight(kind, f"project {one.project} is {over}", advice)
    elif one.forecast > one.budget:
        over = f"{dollars(one.forecast - one.budget)} over its budget of {dollars(one.budget)}"
        yield Insight(kind, f"at this rate project {one.project} ends the month {over}", advice)
