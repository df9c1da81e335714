"""States as symbol, word and colour, the same in every table and pane."""

from __future__ import annotations

from typing import Final

from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.states import CopyState, TrainingStatus
from runctl_tui.domain.text import safe
from runctl_tui.widgets.columns import Cell

_RESOURCE: Final = {
    ResourceState.STARTING: ("◐", "$state-starting"),
    ResourceState.RUNNING: ("●", "$state-running"),
    ResourceState.STOPPING: ("◐", "$state-stopping"),
    ResourceState.STOPPED: ("○", "$state-stopped"),
    ResourceState.TERMINATING: ("◐", "$state-stopping"),
    ResourceState.TERMINATED: ("·", "$state-ended"),
    ResourceState.ERROR: ("✗", "$state-failed"),
    ResourceState.UNKNOWN: ("?", "$state-unknown"),
}
_RUN: Final = {
    TrainingStatus.PREPARING: ("◐", "$state-starting"),
    TrainingStatus.RUNNING: ("●", "$state-running"),
    TrainingStatus.STOPPING: ("◐", "$state-stopping"),
    TrainingStatus.COMPLETED: ("✓", "$ok"),
    TrainingStatus.FAILED: ("✗", "$state-failed"),
    TrainingStatus.CANCELLED: ("■", "$state-ended"),
    TrainingStatus.LOST: ("✗", "$state-failed"),
    TrainingStatus.UNREACHABLE: ("▲", "$warn"),
    TrainingStatus.UNKNOWN: ("?", "$state-unknown"),
}
_COPY: Final = {
    CopyState.ABSENT: ("-", "$muted"),
    CopyState.WRITING: ("◐ writing", "$state-starting"),
    CopyState.UPLOADING: ("◐ uploading", "$state-starting"),
    CopyState.PRESENT: ("● present", "$state-running"),
    CopyState.VERIFIED: ("✓ verified", "$ok"),
    CopyState.UNKNOWN: ("? unknown", "$state-unknown"),
}


def cell(text: object, style: str = "") -> Cell:
    """Return a cell of untrusted text."""
    return Cell(safe(text), style)


def state_cell(state: ResourceState) -> Cell:
    """Return a machine's state as symbol and word."""
    symbol, style = _RESOURCE[state]
    return cell(f"{symbol} {state.value}", style)


def run_state(status: TrainingStatus) -> tuple[str, str]:
    """Return symbol and style of a run's status."""
    return _RUN[status]


def copy_cell(state: CopyState) -> Cell:
    """Return the state of a checkpoint's copy as symbol and word."""
    return cell(*_COPY[state])
