"""Settles what a call came to whose end nobody saw: by its token, its tags, its name or the state of its resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from runctl_tui.domain.facts import Known
from runctl_tui.domain.launch import launch_tokens
from runctl_tui.domain.marks import INSTANCE, Mark
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.states import MARKING, ON_UPLOADS, STORAGE
from runctl_tui.services.errors import ResourceNotFound, TrainctlError
from runctl_tui.services.journal_rows import JournalState, Row
from runctl_tui.services.ports import ProviderRegistry

SETTLING: Final = timedelta(seconds=60)
"""How long after a call its effect may still be invisible."""
Settled = tuple[JournalState, str]
"""What an operation came to, and why."""
Settler = Callable[[Row, ProviderRegistry, bool], Awaitable[Settled]]
"""Looks once; the flag says that what was done may still be invisible."""
Witness = Callable[[Row], Awaitable[Settled]]
"""Looks once where no provider can be asked."""
_ARRIVED: Final = {
    Operation.START: {ResourceState.RUNNING, ResourceState.STARTING},
    Operation.STOP: {ResourceState.STOPPED, ResourceState.STOPPING},
    Operation.TERMINATE: {ResourceState.TERMINATED, ResourceState.TERMINATING},
}


_ENDED: Final = "the program ended in the middle; the thing itself tells how far it came"
_IN_THE_MIDDLE: Final = {
    Operation.RUN_UPLOAD: "the program ended before it was all there; its host goes on with it",
}


async def settle(row: Row, registry: ProviderRegistry, now: datetime, witness: Witness | None = None) -> Settled:
    """Return what an unsettled operation came to, as far as its provider, or a witness, can tell now.

    A provider's lists lag behind its calls, so that only time makes 'not there' mean 'never arrived'.
    """
    settler = _settler(row.entry.operation)
    try:
        if witness is not None:
            return await witness(row)
        if settler is None:
            return JournalState.FAILED, _IN_THE_MIDDLE.get(row.entry.operation, _ENDED)
        return await settler(row, registry, now - row.at < SETTLING)
    except (TrainctlError, ValueError) as error:
        return row.state, str(error)


def _settler(operation: Operation) -> Settler | None:
    """Return who looks what became of a call; None: nobody can look."""
    if operation in STORAGE:
        return _settle_storage
    if operation in ON_UPLOADS:
        return _settle_upload
    if operation in MARKING:
        return _settle_mark
    if operation in _ARRIVED:
        return _settle_machine
    return _settle_launch if operation is Operation.LAUNCH else None


async def _settle_machine(row: Row, registry: ProviderRegistry, early: bool) -> Settled:
    entry = row.entry
    try:
        machine = await registry.get(entry.provider).get_resource_status(entry.resource.partition("/")[2], entry.region)
    except ResourceNotFound:
        gone = entry.operation is Operation.TERMINATE
        return (JournalState.VERIFIED if gone else JournalState.FAILED), "it no longer exists"
    words = f"it is {machine.state.value}"
    if machine.state in _ARRIVED[entry.operation]:
        return JournalState.VERIFIED, words
    if early:
        return row.state, words
    if row.state is JournalState.ACKED:
        return JournalState.VERIFIED, f"the call was accepted; {words} now, by what came after it"
    return JournalState.FAILED, f"{words}: the call never arrived"


async def _settle_storage(row: Row, registry: ProviderRegistry, early: bool) -> Settled:
    from runctl_tui.services.volume_store import StorageCall, volume_store
    from runctl_tui.services.volume_wait import settle_change

    entry = row.entry
    call = StorageCall(entry.operation, entry.region, entry.resource.partition("/")[2], entry.token)
    arrived, words = await settle_change(volume_store(registry, entry.provider), call, row.at - SETTLING)
    if arrived:
        return JournalState.VERIFIED, words
    return (row.state, words) if early else (JournalState.FAILED, f"{words}: the call never arrived")


async def _settle_upload(row: Row, registry: ProviderRegistry, early: bool) -> Settled:
    from runctl_tui.domain.uploads import split_upload
    from runctl_tui.services.upload_store import find_upload, upload_store

    try:
        await find_upload(upload_store(registry, row.entry.provider), *split_upload(row.entry.resource))
    except ResourceNotFound:
        return JournalState.VERIFIED, "it is gone"
    words = "it is still listed"
    return (row.state, words) if early else (JournalState.FAILED, f"{words}: the call never arrived")


async def _settle_mark(row: Row, registry: ProviderRegistry, early: bool) -> Settled:
    from runctl_tui.services.mark_store import mark_store

    entry, resource_id = row.entry, row.entry.resource.partition("/")[2]
    mark, lock = Mark.from_text(entry.token), None
    if entry.kind == INSTANCE:
        told = await registry.get(entry.provider).protections(resource_id, entry.region)
        lock = told.value if isinstance(told, Known) else None
    tags = await mark_store(registry, entry.provider).tags(resource_id, entry.region)
    if mark.holds(tags, lock):
        return JournalState.VERIFIED, f"it has {mark.words}"
    return (row.state, "not seen yet") if early else (JournalState.FAILED, f"it has not {mark.words}")


async def _settle_launch(row: Row, registry: ProviderRegistry, early: bool) -> Settled:
    provider = registry.get(row.entry.provider)
    for token in launch_tokens(row.entry.token):
        made = await provider.find_by_token(token, row.entry.region)
        if made is not None:
            return JournalState.VERIFIED, f"it created {made.id}"
    return (row.state, "not found yet") if early else (JournalState.FAILED, "nothing was created")
