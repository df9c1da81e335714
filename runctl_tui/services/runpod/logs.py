"""A pod's container log, followed: read piece by piece, each from behind the last event that was heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.services.errors import ResourceNotFound
from runctl_tui.services.retrying import Retrying
from runctl_tui.services.runpod.web import RunpodWeb

PIECE: Final = 10.0
"""Seconds for which one connection is listened to; no thread is held for longer."""
NAP: Final = 1.0
SLOWEST: Final = 15.0
PATIENCE: Final = 6
"""Failures in a row after which the log is given up."""


async def printed(web: RunpodWeb, pod_id: str, follow: bool) -> AsyncIterator[str]:
    """Yield the last lines, and what comes until the pod is gone where followed; raises when RunPod stays silent."""
    what, last = f"The log of {pod_id} could not be read", ""
    reads = Retrying(ExponentialBackoffPolicy(PATIENCE, NAP, maximum=SLOWEST), PATIENCE)
    while True:
        try:
            part = await reads.read(partial(web.log, what, pod_id, PIECE, last))
        except ResourceNotFound:
            if not last:
                raise
            return
        last = part.last
        for line in part.lines:
            yield line
        if not follow:
            return
        await asyncio.sleep(NAP)
