"""What may be done to volumes and snapshots, and why not; pure, used by the two screens' action menus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from runctl_tui import modals
from runctl_tui.domain.resource import Ownership
from runctl_tui.domain.states import Capability
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.domain.volume import SnapshotState, VolumeState
from runctl_tui.screens.marking import mark_item

if TYPE_CHECKING:
    from runctl_tui.domain.volume import Volume, VolumeSnapshot

WhyNot = Callable[[str, Capability], str]
"""Tells by a provider's name why it cannot do a thing; empty: it can."""
_STATES: Final = {
    "attach": (VolumeState.AVAILABLE,),
    "detach": (VolumeState.IN_USE,),
    "modify": (VolumeState.AVAILABLE, VolumeState.IN_USE),
    "snapshot": (VolumeState.AVAILABLE, VolumeState.IN_USE),
    "delete": (VolumeState.AVAILABLE, VolumeState.IN_USE, VolumeState.ERROR),
}
"""States in which a verb makes sense; one that is attached gets as far as the delete plan, which says what is first."""
_NEEDS: Final = {"attach": Capability.ATTACH, "detach": Capability.ATTACH, "snapshot": Capability.SNAPSHOTS}
_FREE: Final = ("snapshot", "restore", "copy")
"""Verbs that leave what they are about as it is, so that they may be about other people's."""


def volume_menu(rows: Sequence[Volume], lock: str, why_not: WhyNot) -> tuple[modals.PickItem, ...]:
    """Return the action menu for the marked volumes, or for the one under the cursor."""
    which = _which(rows, "volumes")

    def item(verb: str, label: str, single: bool = False) -> modals.PickItem:
        reason = lock or _incapable(verb, rows, why_not) or _volume_reason(verb, rows, single)
        return modals.PickItem(verb, safe(label), safe(which), safe(reason))

    held = safe("") if len(rows) == 1 and rows[0].attachment else safe("it is attached to nothing")
    return (
        modals.PickItem("create", safe("New volume…"), safe("empty"), safe(lock)),
        item("attach", "Attach…", single=True),
        item("detach", "Detach…"),
        item("modify", "Modify…", single=True),
        item("snapshot", "Snapshot…"),
        item("delete", "Delete…"),
        mark_item(rows, which, lock, why_not),
        modals.PickItem("machine", safe("Its machine"), safe(which), held),
        modals.PickItem("snapshots", safe("Its snapshots"), safe(which), EMPTY if rows else safe("no volume here")),
    )


def network_item(lock: str) -> modals.PickItem:
    """Return the entry that makes a network volume, for where there is RunPod."""
    label = safe("New network volume…")
    return modals.PickItem("create-network", label, safe("RunPod"), safe(lock))


def snapshot_menu(rows: Sequence[VolumeSnapshot], lock: str, why_not: WhyNot) -> tuple[modals.PickItem, ...]:
    """Return the action menu for the marked snapshots, or for the one under the cursor."""
    which = _which(rows, "snapshots")

    def item(verb: str, label: str, single: bool = False) -> modals.PickItem:
        reason = lock or _snapshot_reason(verb, rows, single)
        return modals.PickItem(verb, safe(label), safe(which), safe(reason))

    return (
        item("restore", "Restore to a new volume…", single=True),
        item("copy", "Copy to another region…", single=True),
        item("delete", "Delete…"),
        mark_item(rows, which, lock, why_not),
        modals.PickItem("volume", safe("Its volume"), safe(which), EMPTY if rows else safe("no snapshot here")),
    )


def _which(rows: Sequence[Volume | VolumeSnapshot], noun: str) -> str:
    if not rows:
        return ""
    return f"{len(rows)} {noun}" if len(rows) > 1 else rows[0].name or rows[0].id


def _volume_reason(verb: str, rows: Sequence[Volume], single: bool) -> str:
    if not rows:
        return "no volume here"
    if single and len(rows) > 1:
        return "one volume at a time"
    for row in rows:
        if row.state not in _STATES[verb]:
            return f"{row.name or row.id} is {row.state.value}"
    return _foreign(verb, rows)


def _incapable(verb: str, rows: Sequence[Volume], why_not: WhyNot) -> str:
    if verb not in _NEEDS:
        return ""
    return next((reason for row in rows if (reason := why_not(row.provider, _NEEDS[verb]))), "")


def _snapshot_reason(verb: str, rows: Sequence[VolumeSnapshot], single: bool) -> str:
    if not rows:
        return "no snapshot here"
    if single and len(rows) > 1:
        return "one snapshot at a time"
    for row in rows:
        if verb in _FREE and row.state is not SnapshotState.COMPLETED:
            return f"{row.name or row.id} is {row.state.value}"
    return _foreign(verb, rows)


def _foreign(verb: str, rows: Sequence[Volume | VolumeSnapshot]) -> str:
    for row in rows:
        if verb not in _FREE and row.ownership is Ownership.FOREIGN:
            return f"{row.name or row.id} was not made by this program"
    return ""
