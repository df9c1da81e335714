"""Rules about disks that die with their machine: what would keep each of them by itself keeps it here too."""

from __future__ import annotations

from runctl_tui.domain.instance import TAG_OWNER, Disk
from runctl_tui.domain.plan import Level, Operation, Reason
from runctl_tui.domain.protection import protected_until, protecting_tag
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.reasons import block, known_or_none

_SPARE = "take that away in a plan of its own, or switch the disk's delete-on-termination off"


def disk_protected(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D07: a protected disk does not die because its machine may."""
    for disk in _dying(operation, facts):
        tags = dict(disk.tags or ())
        if held := protecting_tag(tags):
            text = f"its disk {_called(disk)} is protected by the tag {held}={tags[held]}"
            return block("tag_protected", text, Level.NEVER, offer=_SPARE)
    return None


def disk_protected_until(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D08: nor does one that a date protects."""
    for disk in _dying(operation, facts):
        if why := protected_until(dict(disk.tags or ()), facts.at):
            return block("protect_until", f"its disk {_called(disk)}: {why}", Level.NEVER, offer=_SPARE)
    return None


def disk_of_others(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D06: nor does another person's without a word."""
    for disk in _dying(operation, facts):
        owner = dict(disk.tags or ()).get(TAG_OWNER)
        if owner and owner != facts.policy.who:
            return block("other_owner", f"its disk {_called(disk)} belongs to {owner}", offer=f"ask {owner}")
    return None


def disk_tags_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D09: tags that could not be read may hold a protection."""
    unread = [_called(disk) for disk in _dying(operation, facts) if disk.tags is None]
    if not unread:
        return None
    noun = "disk" if len(unread) == 1 else "disks"
    return block("tags_unknown", f"the tags of its {noun} {', '.join(unread)} could not be read", offer="look again")


def _dying(operation: Operation, facts: SafetyFacts) -> list[Disk]:
    if operation is not Operation.TERMINATE:
        return []
    return [disk for disk in known_or_none(facts.disks) or () if disk.delete_on_termination is not False]


def _called(disk: Disk) -> str:
    return f'{disk.volume_id} "{disk.name}"' if disk.name else disk.volume_id
