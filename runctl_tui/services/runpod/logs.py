"""A pod's container log, followed: read piece by piece, each from behind the last event that was heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from runctl_tui.services.errors import ResourceNotFound, TrainctlError
from runctl_tui.services.runpod.web import RunpodWeb

PIECE: Final = 10.0
"""Seconds for which one connection is listened to; no thread is held for longer."""
NAP: Final = 1.0
SLOWEST: Final = 15.0
PATIENCE: Final = 6
"""Failures in a row after which the log is given up."""


async def printed(web: RunpodWeb, pod_id: str, follow: bool) -> AsyncIterator[str]:
    """Yield the last lines, and what comes until the pod is gone where followed; raises when RunPod stays silent."""
    what, last, failures = f"The log of {pod_id} could not be read", "", 0
    while True:
        try:
            part = await web.log(what, pod_id, PIECE, last)
        except ResourceNotFound:
            if not last:
                raise
            return
        except TrainctlError as error:
            failures += 1
            if not error.retryable or failures >= PATIENCE:
                raise
        else:
            failures, last = 0, part.last
            for line in part.lines:
                yield line
            if not follow:
                return
        await asyncio.sleep(min(NAP * 2**failures, SLOWEST))
