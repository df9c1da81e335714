"""Waits for the end state of a change of a volume or snapshot, and tells after a crash how far one came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.plan import Operation
from runctl_tui.domain.volume import SnapshotState, VolumeState
from runctl_tui.domain.volume_shapes import settled
from runctl_tui.services.errors import CloudProviderError, ResourceNotFound, TrainctlError

if TYPE_CHECKING:
    from datetime import datetime

    from runctl_tui.domain.clock import Clock
    from runctl_tui.domain.safety import SafetyFacts
    from runctl_tui.services.jobs import StepHandle
    from runctl_tui.services.volume_store import StorageCall, VolumeStore

FIRST_POLL: Final = 1.0
SLOWEST_POLL: Final = 10.0
GIVE_UP: Final = 600.0
GIVE_UP_ON_SNAPSHOT: Final = 6 * 3600.0
"""Seconds; the first snapshot of a large volume takes hours."""
END: Final = {
    Operation.VOLUME_CREATE: "it is available",
    Operation.VOLUME_ATTACH: "it is attached",
    Operation.VOLUME_DETACH: "it is available",
    Operation.VOLUME_MODIFY: "it has its new shape",
    Operation.VOLUME_SNAPSHOT: "the snapshot is complete",
    Operation.VOLUME_DELETE: "it is gone",
    Operation.SNAPSHOT_COPY: "the copy is complete",
    Operation.SNAPSHOT_DELETE: "it is gone",
}
_SLOW: Final = (Operation.VOLUME_SNAPSHOT, Operation.SNAPSHOT_COPY)
_DELETES: Final = (Operation.VOLUME_DELETE, Operation.SNAPSHOT_DELETE)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found."""

    words: str
    done: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Waiter:
    """Looks until the end state is there; a look that fails is no failure of the call."""

    store: VolumeStore
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]

    async def wait(self, call: StorageCall, facts: SafetyFacts, step: StepHandle) -> str:
        """Return in words how it ended; `call.id` is what was made or changed."""
        patience = GIVE_UP_ON_SNAPSHOT if call.operation in _SLOW else GIVE_UP
        deadline, nap = self.clock.monotonic() + patience, FIRST_POLL
        while self.clock.monotonic() < deadline:
            try:
                seen = await look(self.store, call)
            except TrainctlError as error:
                step.progress(detail=f"could not look: {error}")
            else:
                step.progress(detail=seen.words)
                if seen.failed:
                    raise CloudProviderError(f"{call.name or call.id} could not be changed", seen.words)
                if seen.done:
                    return f"{call.name or facts.target.id}: {seen.words}"
            await self.sleep(nap)
            nap = min(nap * 1.5, SLOWEST_POLL)
        what = f"{call.name or call.id}: {END[call.operation]} did not come true within {patience / 60:.0f} minutes"
        raise CloudProviderError(what, "the call was accepted", "look at it again later", transient=True)


async def look(store: VolumeStore, call: StorageCall) -> Look:
    """Return how far a change has come."""
    if call.operation in _DELETES:
        return await _gone(store, call)
    if call.operation in _SLOW:
        snapshot = await store.snapshot(call.id, call.region)
        words = f"{snapshot.id} is {snapshot.stands}"
        return Look(words, snapshot.state is SnapshotState.COMPLETED, snapshot.state is SnapshotState.ERROR)
    if call.operation is Operation.VOLUME_MODIFY:
        return await _modified(store, call)
    volume = await store.volume(call.id, call.region)
    words = f"{volume.id} is {volume.state.value}"
    if call.operation is Operation.VOLUME_ATTACH:
        held = volume.attachment
        on = held is not None and held.state == "attached"
        return Look(f"{words} as {held.device}" if held else words, on and volume.state is VolumeState.IN_USE)
    return Look(words, volume.state is VolumeState.AVAILABLE, volume.state is VolumeState.ERROR)


async def settle_change(store: VolumeStore, call: StorageCall, since: datetime) -> tuple[bool, str]:
    """Return whether a call whose answer was lost took effect, as far as can be seen now, and in which words.

    A change of shape that began before `since` was another one.
    """
    match call.operation:
        case Operation.VOLUME_CREATE | Operation.VOLUME_SNAPSHOT | Operation.SNAPSHOT_COPY:
            made = await store.find_by_token(call.token, call.region)
            return bool(made), f"it made {made}" if made else "nothing was made"
        case Operation.VOLUME_MODIFY:
            change = await store.modification(call.id, call.region)
            if change is None or change.started_at is None or change.started_at < since:
                return False, "no change of its shape began"
            return True, f"its change is {change.state}"
        case Operation.VOLUME_ATTACH | Operation.VOLUME_DETACH:
            held = (await store.volume(call.id, call.region)).attachment
            wanted = call.operation is Operation.VOLUME_ATTACH
            return (held is not None) is wanted, f"it is on {held.host}" if held else "it is attached to nothing"
    seen = await _gone(store, call)
    return seen.done or seen.words == f"it is {VolumeState.DELETING.value}", seen.words


async def _gone(store: VolumeStore, call: StorageCall) -> Look:
    try:
        if call.operation is Operation.SNAPSHOT_DELETE:
            snapshot = await store.snapshot(call.id, call.region)
            return Look(f"it is still {snapshot.state.value}")
        volume = await store.volume(call.id, call.region)
    except ResourceNotFound:
        return Look("it is gone", done=True)
    return Look(f"it is {volume.state.value}", volume.state is VolumeState.DELETED)


async def _modified(store: VolumeStore, call: StorageCall) -> Look:
    change = await store.modification(call.id, call.region)
    if change is not None and change.state == "failed":
        return Look(change.why or "AWS gives no reason", failed=True)
    volume = await store.volume(call.id, call.region)
    same = call.shape is not None and settled(volume.shape) == settled(call.shape)
    words = f"it has {settled(volume.shape).words}"
    return Look(words, same and (change is None or change.usable))
