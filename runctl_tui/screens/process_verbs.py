"""What may be done to the processes of a host, and why not; pure, used by the Host screen's action menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from runctl_tui import modals
from runctl_tui.domain.states import Operation
from runctl_tui.domain.text import safe

if TYPE_CHECKING:
    from runctl_tui.domain.host import HostProcess

PLANS: Final = {"end": Operation.PROCESS_END, "kill": Operation.PROCESS_KILL}


def ending_menu(rows: Sequence[HostProcess], lock: str, incapable: str) -> tuple[modals.PickItem, ...]:
    """Return the entries that end the marked processes, or the one under the cursor; `incapable` is why none can be."""
    which = f"{len(rows)} processes" if len(rows) > 1 else "".join(f"{row.pid} {row.name}" for row in rows)
    reason = safe(lock or incapable or _reason(rows))
    what = ("the process", "the processes")[len(rows) > 1]
    return (
        modals.PickItem("end", safe(f"End {what} (TERM)…"), safe(which), reason),
        modals.PickItem("kill", safe(f"Kill {what} (KILL)…"), safe(which), reason),
    )


def _reason(rows: Sequence[HostProcess]) -> str:
    if not rows:
        return "no process here"
    others = [row for row in rows if not row.own]
    return f"{others[0].pid} belongs to {others[0].user or 'an unknown user'}" if others else ""
