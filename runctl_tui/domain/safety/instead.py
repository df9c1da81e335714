"""Milder ways to the end that an irreversible operation serves."""

from __future__ import annotations

from typing import Final

from runctl_tui.domain.marks import TAG_DELETE_AFTER
from runctl_tui.domain.plan import Level, Operation, Reason, Severity
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.lines import disks_per_month_stopped
from runctl_tui.domain.safety.reasons import known_or_none, offering

SCHEDULABLE: Final = frozenset({Operation.TERMINATE, Operation.VOLUME_DELETE, Operation.SNAPSHOT_DELETE})
"""What may be put off to a day on which a person confirms it."""


def _outlasts_stop(facts: SafetyFacts) -> bool:
    """Tell whether a stop may keep a disk; what is not known may."""
    disks = known_or_none(facts.disks)
    return disks is None or not all(disk.lost_on_stop for disk in disks)


def stop_instead(facts: SafetyFacts) -> Reason | None:
    """Offer the stop that keeps the disks which outlast it; None: none does."""
    if not _outlasts_stop(facts):
        return None
    keeps = "" if (month := disks_per_month_stopped(facts)) is None else f", for ${month:.2f}/mo"
    lock = known_or_none(facts.protection)
    losing = any(disk.lost_on_stop for disk in known_or_none(facts.disks) or ()) or (lock and lock.instance_store_disks)
    kept = "the disks that outlast a stop" if losing else "its disks"
    reason = Reason("stop_instead", Severity.ALLOW, f"stopping it instead keeps {kept}{keeps}", Level.ENTER)
    return offering(reason, Operation.STOP, facts.target.key)


def schedule_instead(facts: SafetyFacts) -> Reason | None:
    """Offer a day on which the deletion is shown as due; None: it is not ours, has no tags, or has such a day."""
    tags = known_or_none(facts.tags)
    if facts.local or facts.no_tags or tags is None or known_or_none(facts.ownership) is not Ownership.OURS:
        return None
    if TAG_DELETE_AFTER in dict(tags):
        return None
    text = "giving it a day instead deletes nothing now: it is shown as due then"
    reason = Reason("schedule_instead", Severity.ALLOW, text, Level.ENTER)
    return offering(reason, Operation.SCHEDULE, facts.target.key)
