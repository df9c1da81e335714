"""The truth about an operation on a volume or snapshot in labelled lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.money import dollars
from runctl_tui.domain.plan import Operation, PlanLine
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.reasons import ago, count, known_or_none, unknown, what
from runctl_tui.domain.states import ON_SNAPSHOTS
from runctl_tui.domain.volume import Volume, VolumeSnapshot, newest_completed
from runctl_tui.domain.volume_shapes import NETWORK_LIMITS, settled

_NO_SHRINKING: Final = "none for the size, which never shrinks; the rest in 6 hours"
_LOSING: Final = frozenset({Operation.VOLUME_DETACH, Operation.VOLUME_DELETE, Operation.SNAPSHOT_DELETE})


def storage_lines(operation: Operation, facts: SafetyFacts) -> tuple[PlanLine, ...]:
    """Return WHAT, where it is or comes from, COST, DIES, STAYS and UNDO, as far as they concern the operation."""
    lines = [PlanLine("WHAT", what(facts))]
    if place := _place(operation, facts):
        lines.append(place)
    lines.append(PlanLine("COST", _cost(operation, facts)))
    if operation in _LOSING:
        lines.append(PlanLine("DIES", _dies(operation, facts)))
        lines.append(PlanLine("STAYS", _stays(operation, facts)))
    lines.append(PlanLine("UNDO", _undo(operation, facts)))
    return tuple(lines)


def _place(operation: Operation, facts: SafetyFacts) -> PlanLine | None:
    storage = facts.storage
    if operation is Operation.VOLUME_CREATE:
        source = storage.snapshot.value.id if isinstance(storage.snapshot, Known) else ""
        return PlanLine("WHERE", f"{storage.zone}{f', filled from {source}' if source else ', empty'}")
    if operation is Operation.SNAPSHOT_COPY:
        return PlanLine("WHERE", f"from {facts.target.region} to {storage.to_region}")
    if operation in ON_SNAPSHOTS:
        return PlanLine("OF", _source(facts))
    if isinstance(storage.volume, Unknown):
        return PlanLine("WHERE", unknown(storage.volume.reason))
    if storage.volume.value is None:
        return None
    seen_at = storage.volume.observed_at
    if operation is Operation.VOLUME_ATTACH:
        host = storage.host
        name = unknown(host.reason) if isinstance(host, Unknown) else host.value.name or host.value.id
        return PlanLine("WHERE", f"onto {name} as {storage.device}", seen_at)
    return PlanLine("WHERE", _where(storage.volume.value), seen_at)


def _where(volume: Volume) -> str:
    held = ", ".join(f"{each.host} as {each.device}" for each in volume.attachments)
    return f"on {held}" if held else f"attached to nothing, {volume.state.value}"


def _source(facts: SafetyFacts) -> str:
    volume = facts.storage.volume
    if isinstance(volume, Unknown):
        return f"its volume is {unknown(volume.reason)}"
    found = volume.value
    copied = known_or_none(facts.storage.snapshot)
    of = f"{copied.copy_of} in {copied.copied_from}, of " if copied is not None and copied.copy_of else ""
    return f'{of}volume {found.id} "{found.name}", which stays' if found else f"{of}a volume that is gone"


def _cost(operation: Operation, facts: SafetyFacts) -> str:
    now = _month(facts.storage.month)
    match operation:
        case Operation.VOLUME_CREATE:
            return f"{now} from now on, attached or not"
        case Operation.VOLUME_ATTACH | Operation.VOLUME_DETACH:
            return f"{now} as before, attached or not"
        case Operation.VOLUME_MODIFY:
            return f"{_before(facts)} becomes {now}"
        case Operation.VOLUME_SNAPSHOT | Operation.SNAPSHOT_COPY:
            return f"at most {now}: what is written is paid, what an earlier snapshot holds is not paid twice"
        case Operation.SNAPSHOT_DELETE:
            return f"saves at most {now}: what newer snapshots need is kept and paid"
    return f"saves {now}"


def _before(facts: SafetyFacts) -> str:
    volume = known_or_none(facts.storage.volume)
    return unknown("it was not read") if volume is None else _month(volume.usd_per_month)


def _month(fact: Fact[Decimal]) -> str:
    if isinstance(fact, Unknown):
        return unknown(fact.reason)
    return f"{dollars(fact.value)}/mo ({fact.source})"


def _dies(operation: Operation, facts: SafetyFacts) -> str:
    if operation is Operation.VOLUME_DETACH:
        return "what the machine has not yet written to it"
    if operation is Operation.SNAPSHOT_DELETE:
        return f"what the volume held {_then(facts.storage.snapshot, facts)}"
    volume = known_or_none(facts.storage.volume)
    size = volume.shape.words if volume else "the volume"
    snapshots = facts.storage.snapshots
    if isinstance(snapshots, Unknown):
        return f"{size}; its snapshots are {unknown(snapshots.reason)}"
    newest = newest_completed(snapshots.value)
    if newest is None and (copy := known_or_none(facts.storage.kept())) is not None:
        return f"{size}, and what was written since the snapshot whose copy is {copy.id} in {copy.region}"
    if newest is None:
        none = "no snapshot is whole" if snapshots.value else "there is no snapshot"
        return f"{size}, and everything on it: {none}"
    return f"{size}, and what was written since {newest.id}, {ago(newest.started_at, facts.at)} old"


def _stays(operation: Operation, facts: SafetyFacts) -> str:
    if operation is Operation.VOLUME_DETACH:
        return f"the volume with what is on it, {_month(facts.storage.month)}"
    snapshots, copies = facts.storage.snapshots, _copies(facts)
    if isinstance(snapshots, Unknown):
        return f"its snapshots: {unknown(snapshots.reason)}{copies}"
    if operation is Operation.SNAPSHOT_DELETE:
        others = [one for one in snapshots.value if one.id != facts.target.id]
        number = count(len(others), "other snapshot") if others else "no other snapshot"
        return f"{number} of the same volume{copies}"
    if not snapshots.value:
        return f"nothing here{copies}" if copies else "nothing"
    return f"{count(len(snapshots.value), 'snapshot')}, at most {_sum(snapshots.value)}{copies}"


def _copies(facts: SafetyFacts) -> str:
    """Return what is kept in other regions; nothing where nothing is, and not where nobody can tell."""
    copies = [one for one in known_or_none(facts.storage.copies) or () if one.id != facts.target.id]
    places = ", ".join(sorted({one.region for one in copies}))
    return f"; {'a copy' if len(copies) == 1 else f'{len(copies)} copies'} in {places}" if copies else ""


def _sum(snapshots: tuple[VolumeSnapshot, ...]) -> str:
    together = Decimal(0)
    for one in snapshots:
        if isinstance(one.usd_per_month, Unknown):
            return unknown(one.usd_per_month.reason)
        together += one.usd_per_month.value
    return f"{dollars(together)}/mo"


def _undo(operation: Operation, facts: SafetyFacts) -> str:
    match operation:
        case Operation.VOLUME_CREATE:
            kept = "" if facts.storage.no_snapshots else ", once a snapshot holds what is on it"
            return f"delete it{kept}; until then it is paid"
        case Operation.VOLUME_ATTACH:
            return "detach it"
        case Operation.VOLUME_DETACH:
            return "attach it again"
        case Operation.VOLUME_MODIFY:
            return _unmodify(facts)
        case Operation.VOLUME_SNAPSHOT | Operation.SNAPSHOT_COPY:
            return "delete the new snapshot"
        case Operation.SNAPSHOT_DELETE:
            return "none"
    newest = known_or_none(facts.storage.kept())
    if newest is not None and newest.copy_of:
        return f"copy {newest.id} back from {newest.region}, and restore that"
    return f"restore {newest.id}, as of {ago(newest.started_at, facts.at)} ago" if newest else "none"


def _unmodify(facts: SafetyFacts) -> str:
    volume, shape = known_or_none(facts.storage.volume), facts.storage.shape
    if shape is not None and shape.type in NETWORK_LIMITS:
        return "none: it never shrinks"
    if volume is not None and shape is not None and settled(shape).size_gib > volume.shape.size_gib:
        return _NO_SHRINKING
    return "modify it again; AWS allows that after 6 hours"


def _then(fact: Fact[VolumeSnapshot], facts: SafetyFacts) -> str:
    if isinstance(fact, Unknown):
        return f"when it was made, which is {unknown(fact.reason)}"
    begun = fact.value.started_at
    return "when it was made, which is not told" if begun is None else f"{ago(begun, facts.at)} ago"
