"""Volumes take their time as EC2's do: snapshots are pending and attachments on their way for a moment."""

from __future__ import annotations

import re
import threading
from typing import Any, Final

from runctl_tui.sandbox.answers import Call
from runctl_tui.sandbox.cloud import Cloud

PASSING_S: Final = 1.5
_SNAPSHOT: Final = re.compile(rb"<snapshotId>(snap-[0-9a-f]+)</snapshotId>")


class Volumes:
    """Lets granted calls on volumes reach their end state in a while; a world that is read again has reached it."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def after(self, call: Call, body: bytes) -> None:
        """Begin the passing state of what a call has made or changed."""
        backend = self._cloud.ec2(call.region)
        if call.action in ("CreateSnapshot", "CopySnapshot"):
            if found := _SNAPSHOT.search(body):
                self._pass(backend.snapshots.get(found.group(1).decode()), "pending", "completed")
        elif call.action == "AttachVolume":
            volume = backend.volumes.get(call.form.get("VolumeId", ""))
            if volume is not None:
                self._pass(volume.attachment, "attaching", "attached")

    def _pass(self, thing: Any, now: str, then: str) -> None:
        if thing is None:
            return
        with self._cloud.lock:
            thing.status = now
        timer = threading.Timer(PASSING_S, self._end, (thing, then))
        timer.daemon = True
        timer.start()

    def _end(self, thing: Any, state: str) -> None:
        with self._cloud.lock:
            thing.status = state
        self._cloud.changed()
