"""What may be done to machines, and why not; pure, used by the Instances screen's action menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from runctl_tui import modals
from runctl_tui.domain.resource import Ownership, ResourceState
from runctl_tui.domain.safety.reasons import count
from runctl_tui.domain.states import Capability
from runctl_tui.domain.text import EMPTY, safe
from runctl_tui.screens.marking import mark_item

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow

WhyNot = Callable[[str, Capability], str]
"""Returns why a provider cannot do something, or nothing."""
_GOING: Final = (ResourceState.TERMINATED, ResourceState.TERMINATING)
_NEEDS: Final = {
    "train": (ResourceState.RUNNING,),
    "start": (ResourceState.STOPPED,),
    "stop": (ResourceState.RUNNING, ResourceState.STARTING),
    "shell": (ResourceState.RUNNING,),
    "host": (ResourceState.RUNNING,),
    "tunnel": (ResourceState.RUNNING,),
}
_READING: Final = ("host", "tunnel")
"""Verbs that change nothing."""
_ANYBODYS: Final = ("shell", *_READING)
"""Verbs that are open on machines of others too."""
_CAPABILITY: Final = {
    "train": Capability.TRAIN,
    "start": Capability.START,
    "stop": Capability.STOP,
    "terminate": Capability.TERMINATE,
    "shell": Capability.SHELL,
    "host": Capability.SHELL,
    "tunnel": Capability.SHELL,
}


def instance_menu(rows: Sequence[FleetRow], why_not: WhyNot, lock: str, mine: int = 0) -> tuple[modals.PickItem, ...]:
    """Return the action menu for the marked rows, or for the one under the cursor; `mine` is how many of ours run."""
    which = "" if not rows else rows[0].instance.name or rows[0].instance.id
    which = f"{len(rows)} machines" if len(rows) > 1 else which
    runs = [run for row in rows for run in row.runs]

    def item(verb: str, label: str, single: bool = False) -> modals.PickItem:
        reason = lock if lock and verb not in _READING else _reason(verb, rows, why_not, single)
        return modals.PickItem(verb, safe(label), safe(which), safe(reason) if reason else EMPTY)

    locked = safe(lock)
    return (
        modals.PickItem("launch", safe("Launch…"), safe("a new machine, with or without training"), locked),
        item("train", "Train here…", single=True),
        item("start", "Start…"),
        item("stop", "Stop…"),
        item("terminate", "Terminate…"),
        mark_item([row.instance for row in rows], which, lock, why_not),
        item("shell", "Shell", single=True),
        item("tunnel", "Tunnel to a port…", single=True),
        item("host", "Processes, CPU, memory, GPUs", single=True),
        modals.PickItem(
            "stop_all",
            safe("Stop all of mine…"),
            safe(count(mine, "running machine")),
            locked or (EMPTY if mine else safe("nothing of yours is running")),
        ),
        modals.PickItem("monitor", safe("Open in monitor"), safe(which), EMPTY if runs else safe("it has no runs")),
    )


def _reason(verb: str, rows: Sequence[FleetRow], why_not: WhyNot, single: bool) -> str:
    if not rows:
        return "no machine here"
    if single and len(rows) > 1:
        return "one machine at a time"
    for row in rows:
        machine = row.instance
        if cannot := why_not(machine.provider, _CAPABILITY[verb]):
            return cannot
        if verb in _NEEDS and machine.state not in _NEEDS[verb]:
            return f"{machine.name or machine.id} is {machine.state.value}"
        if verb == "terminate" and machine.state in _GOING:
            return f"{machine.name or machine.id} is {machine.state.value}"
        if verb not in _ANYBODYS and machine.provider != "local" and machine.ownership is Ownership.FOREIGN:
            return f"{machine.name or machine.id} was not made by this program"
    return ""
