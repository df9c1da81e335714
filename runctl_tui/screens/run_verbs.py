"""What may be done to a run, and why not; pure, used by the monitor's action menu."""

from __future__ import annotations

from typing import Final

from runctl_tui import modals
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.states import Operation
from runctl_tui.domain.text import EMPTY, safe

PLANS: Final = {"stop": Operation.RUN_STOP, "upload": Operation.RUN_UPLOAD}


def run_menu(run: TrainingSession | None, lock: str) -> tuple[modals.PickItem, ...]:
    """Return the action menu for the run under the cursor."""
    none = safe("no run here") if run is None else EMPTY
    name = safe(run.name or run.id) if run else EMPTY
    ended = safe("it has ended") if run and run.status.ended else none
    at_work = safe("it may still be working: stop it first") if run and not run.status.ended else none
    locked = safe(lock)
    bare = none if run is None or run.newest_checkpoint or run.checkpoint_count != 0 else safe("it has no checkpoint")
    return (
        modals.PickItem("stop", safe("Stop run…"), name, locked or ended),
        modals.PickItem("resume", safe("Resume from last checkpoint…"), name, locked or bare),
        modals.PickItem("upload", safe("Upload its checkpoints to S3…"), name, locked or bare),
        modals.PickItem("shell", safe("Shell on its machine"), name, locked or none),
        modals.PickItem("host", safe("Processes, CPU, memory, GPUs"), name, none),
        modals.PickItem("tunnel", safe("Tunnel to a port…"), name, none),
        modals.PickItem("checkpoints", safe("Its checkpoints"), name, none),
        modals.PickItem("forget", safe("Forget…"), name, at_work),
        modals.PickItem("launch", safe("Launch…"), safe("a new machine or a new run"), locked),
    )
