"""Changes of volumes and snapshots within `ActionService`'s one path: plan, steps, call, verified end state."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.facts import Known
from runctl_tui.domain.plan import Operation, Plan, Step, Target
from runctl_tui.domain.safety import CleanupSafety, SafetyFacts
from runctl_tui.domain.safety.cleanup import already_done
from runctl_tui.domain.states import DESTROYING, ON_SNAPSHOTS
from runctl_tui.domain.volume import VolumeChange
from runctl_tui.domain.volume_shapes import settled
from runctl_tui.services.action_calls import entry_for
from runctl_tui.services.action_plans import call_steps, plan_of
from runctl_tui.services.errors import PlanChanged, ValidationError
from runctl_tui.services.journal_rows import JournalState
from runctl_tui.services.volume_facts import new_lock
from runctl_tui.services.volume_store import StorageCall, volume_store
from runctl_tui.services.volume_wait import END, Waiter

if TYPE_CHECKING:
    from runctl_tui.services.action_calls import Caller
    from runctl_tui.services.jobs import JobHandle
    from runctl_tui.services.volume_facts import VolumeFactGatherer

_REMEMBERED: Final = 32
"""Changes whose plans may still be confirmed."""
_TYPED: Final = (Operation.VOLUME_CREATE, Operation.VOLUME_ATTACH, Operation.VOLUME_MODIFY, Operation.SNAPSHOT_COPY)
"""Operations that need more than keys."""


@dataclass(frozen=True, slots=True)
class VolumeParts:
    """What changes of volumes work with."""

    facts: VolumeFactGatherer
    caller: Caller
    safety: CleanupSafety


class VolumeActions:
    """Plans and carries out changes of volumes; locks, confirmation and re-check are `ActionService`'s."""

    def __init__(self, parts: VolumeParts) -> None:
        self._parts = parts
        self._changes: OrderedDict[str, VolumeChange] = OrderedDict()

    async def plan(self, change: VolumeChange, planned_account: str | None) -> tuple[Plan, list[SafetyFacts]]:
        """Freeze what a change would do, with its verdict and the facts behind it."""
        _check(change)
        references = tuple(dict.fromkeys(change.references)) or ("",)
        batch = [await self._parts.facts.of(change, one, planned_account) for one in references]
        verdict = self._parts.safety.judge_batch(change.operation, batch, await self._class_size(change))
        effect = "; ".join(_effect(change, facts) for facts in batch)
        plan = plan_of(change.operation, batch, verdict, effect, _parameters(change, batch))
        self._changes[plan.hash] = change
        while len(self._changes) > _REMEMBERED:
            self._changes.popitem(last=False)
        return plan, batch

    async def _class_size(self, change: VolumeChange) -> int | None:
        """Return of how many volumes, or snapshots, several are about to be changed."""
        if len(change.references) < 2 or change.operation not in DESTROYING | {Operation.VOLUME_DETACH}:
            return None
        known = (await self._parts.facts.volumes.now()).value
        return len(known.snapshots if change.operation in ON_SNAPSHOTS else known.volumes)

    async def again(self, plan: Plan) -> tuple[Plan, list[SafetyFacts]]:
        """Make a plan again from strong reads, for the account that it was made for."""
        return await self.plan(self._change_of(plan), plan.account)

    async def look(self, plan: Plan, target: Target) -> SafetyFacts:
        """Return the facts about one target of a plan as they are now."""
        return await self._parts.facts.of(self._change_of(plan), target.key, plan.account)

    def locks(self, plan: Plan) -> tuple[str, ...]:
        """Return the names under which a plan's resources are locked and journaled."""
        change = self._change_of(plan)
        return (new_lock(change),) if change.new is not None else tuple(target.key for target in plan.targets)

    def steps(self, plan: Plan) -> tuple[Step, ...]:
        """Return the visible steps of carrying a plan out."""
        return call_steps(plan, END[plan.operation])

    async def carry_out(self, plan: Plan, target: Target, facts: SafetyFacts, job: JobHandle) -> str:
        """Change one target: asked by dry run, written down, called once, watched until its end state."""
        change, caller = self._change_of(plan), self._parts.caller
        store = volume_store(caller.registry, target.provider)
        token = f"op-{uuid.uuid4().hex}"
        call = _call(change, target, facts, token)
        async with job.step(f"ask:{target.id}"):
            await store.change(call, dry=True)
        region = call.to_region or target.region
        entry = replace(entry_for(plan, target, _resource(change, target), token), region=region)
        made: list[str] = []

        async def send() -> None:
            made.append(await store.change(call))

        async with job.step(f"call:{target.id}"):
            await caller.call(entry, send)
        waiter = Waiter(store, caller.clock, caller.sleep)
        async with job.step(f"wait:{target.id}") as step:
            name = made[0] if made else await store.find_by_token(token, region) or target.id
            words = await waiter.wait(replace(call, id=name, region=region), facts, step)
        await caller.journal.mark(token, JournalState.VERIFIED, words)
        return words

    def _change_of(self, plan: Plan) -> VolumeChange:
        change = self._changes.get(plan.hash)
        if change is None:
            raise PlanChanged("this plan is not known any more", "", "make it again")
        return change


def _check(change: VolumeChange) -> None:
    """Raise ValidationError where a change lacks what it is about."""
    if change.operation in _TYPED and len(change.references) > 1:
        raise ValidationError(f"{change.operation.verb} takes one at a time")
    if change.operation is Operation.VOLUME_CREATE:
        if change.new is None or not change.new.name:
            raise ValidationError("a new volume needs a name", "", "say how it shall be called")
        return
    if not change.references:
        raise ValidationError(f"nothing to {change.operation.verb}", "", "name at least one volume or snapshot")
    missing = {
        Operation.VOLUME_ATTACH: "" if change.instance else "the machine",
        Operation.VOLUME_MODIFY: "" if change.shape else "what it shall become",
        Operation.SNAPSHOT_COPY: "" if change.region else "the region to copy to",
    }.get(change.operation, "")
    if missing:
        raise ValidationError(f"{change.operation.verb} needs {missing}")


def _effect(change: VolumeChange, facts: SafetyFacts) -> str:
    """Return one sentence about one target; no ages or times in it."""
    name = f' "{facts.target.name}"' if facts.target.name else ""
    what, storage = f"{facts.target.id}{name}", facts.storage
    if (done := already_done(change.operation, facts)) is not None:
        return f"nothing on {what}: {done.text}"
    match change.operation:
        case Operation.VOLUME_CREATE:
            source = f" from {change.new.snapshot_id}" if change.new and change.new.snapshot_id else ""
            words = settled(storage.shape).words if storage.shape else ""
            return f"create volume{name} of {words} in {storage.zone}{source}"
        case Operation.VOLUME_ATTACH:
            host = storage.host.value if isinstance(storage.host, Known) else None
            onto = _named(host.id, host.name) if host else change.instance
            return f"attach {what} to {onto} as {storage.device}"
        case Operation.VOLUME_DETACH:
            volume = storage.volume.value if isinstance(storage.volume, Known) else None
            held = volume.attachment if volume else None
            return f"detach {what}" + (f" from {_named(held.instance_id, held.instance_name)}" if held else "")
        case Operation.VOLUME_MODIFY:
            return f"modify {what} to {settled(storage.shape).words if storage.shape else ''}"
        case Operation.SNAPSHOT_COPY:
            return f"copy {what} to {change.region}"
    return f"{change.operation.verb} {what}"


def _named(machine_id: str, name: str) -> str:
    """Return a machine by both, so that what was done to its disks is found with it."""
    return f"{name} ({machine_id})" if name else machine_id


def _parameters(change: VolumeChange, batch: Sequence[SafetyFacts]) -> tuple[tuple[str, str], ...]:
    """Return what a change needs beyond its targets, in a stable order."""
    found: dict[str, object] = {
        "instance": change.instance,
        "device": batch[0].storage.device,
        "region": change.region,
        "name": change.name,
        "shape": settled(change.shape).words if change.shape else "",
    }
    if change.new is not None:
        found |= {"zone": change.new.zone, "encrypted": change.new.encrypted, "snapshot": change.new.snapshot_id}
        found |= {"project": change.new.project}
    return tuple((name, str(value)) for name, value in sorted(found.items()) if value not in ("", None, False))


def _call(change: VolumeChange, target: Target, facts: SafetyFacts, token: str) -> StorageCall:
    storage = facts.storage
    volume = storage.volume.value if isinstance(storage.volume, Known) else None
    held = volume.attachment if volume else None
    host = storage.host.value if isinstance(storage.host, Known) else None
    snapshot = storage.snapshot.value if isinstance(storage.snapshot, Known) else None
    tags = dict(facts.tags.value) if isinstance(facts.tags, Known) else {}
    return StorageCall(
        operation=change.operation,
        region=target.region,
        id=target.id,
        token=token,
        new=change.new,
        shape=change.shape,
        instance_id=held.instance_id if held else host.id if host else "",
        device=held.device if held else storage.device,
        to_region=change.region,
        name=change.name or target.name,
        project=change.new.project if change.new else tags.get("runctl:project", ""),
        volume_id=snapshot.volume_id if snapshot else "",
        taken_at=snapshot.as_of.isoformat() if snapshot and snapshot.as_of else "",
    )


def _resource(change: VolumeChange, target: Target) -> str:
    return new_lock(change) if change.new is not None else target.key
