"""Circumstances of a run whose checkpoints are to be brought to S3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from runctl_tui.domain.checkpoint import CheckpointCopy, CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingStatus, UploadSummary
from runctl_tui.domain.run_uploads import NO_PLACE
from tests.domain.circumstances.telling import RUN, Circumstance
from tests.domain.safety_facts import GOES, a_checkpoint, known

ENDED: Final = replace(RUN, status=TrainingStatus.COMPLETED)
ABSENT: Final = CheckpointCopy(CopyState.ABSENT)
DAMAGED: Final = a_checkpoint(CopyState.ABSENT, damaged=True, host=CheckpointCopy(CopyState.UNKNOWN))


def copies(*states: CopyState, **changes: Any) -> dict[str, Any]:
    made = [a_checkpoint(state, 100 * (place + 1), **changes) for place, state in enumerate(states)]
    return {"checkpoints": known(tuple(reversed(made)))}


RUN_UPLOADS: Final[dict[str, Circumstance]] = {
    "nobody has said where to": {"destination": Unknown("nobody has said where", "say where to", NO_PLACE)},
    "the bucket cannot be looked at": {"destination": Unknown("access denied", "ask its owner")},
    "it has been going there all along": {"destination": known(replace(GOES, own=True))},
    "what it costs to keep is not known": {"destination": known(replace(GOES, usd_per_month=Unknown("no price")))},
    "its machine is stopped": {"state": known(ResourceState.STOPPED), **copies(CopyState.ABSENT)},
    "its machine is stopped, and whose run it is is not known": {
        "state": known(ResourceState.STOPPED), "sessions": Unknown("no link"), **copies(CopyState.ABSENT),
    },
    "its machine is gone": {"state": known(ResourceState.TERMINATED), **copies(CopyState.ABSENT)},
    "its checkpoints cannot be listed": {"checkpoints": Unknown("the host does not answer")},
    "it has written nothing": {"checkpoints": known(())},
    "all is verified in S3": copies(CopyState.VERIFIED, CopyState.VERIFIED),
    "one of two is verified in S3": copies(CopyState.VERIFIED, CopyState.ABSENT),
    "only S3 has what is not verified there": copies(CopyState.PRESENT, host=ABSENT),
    "six are missing": copies(*[CopyState.ABSENT] * 6),
    "size and age are not told": copies(CopyState.ABSENT, size_bytes=None, created_at=None),
    "the last one of an ended run is damaged": {"sessions": known((ENDED,)), "checkpoints": known((DAMAGED,))},
    "the last one of a live run is damaged": {"sessions": known((RUN,)), "checkpoints": known((DAMAGED,))},
    "a live run is still writing one": {
        "sessions": known((RUN,)), **copies(CopyState.ABSENT, host=CheckpointCopy(CopyState.WRITING)),
    },
    "older checkpoints of an ended run wait for the relay": {
        "sessions": known((replace(ENDED, uploads=UploadSummary(pending=2, waiting="waiting for the relay")),)),
    },
}  # fmt: skip
