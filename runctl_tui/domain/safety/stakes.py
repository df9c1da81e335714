"""What an operation would hit, one short text for each thing: a confirmed plan holds only while nothing is added.

Reasons tell that something trains or dies; this tells which, so that another of its kind does not pass for it. No ages,
and of checkpoints only whose they are: a run that goes on writing them is the same hazard as before.
"""

from __future__ import annotations

from collections.abc import Iterator

from runctl_tui.domain.instance import TAG_OWNER
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.safety.facts import SafetyFacts, live_sessions, newest_checkpoints
from runctl_tui.domain.safety.reasons import ON_INSTANCES, TRAINING, known_or_none
from runctl_tui.domain.states import ON_PROCESSES, ON_SNAPSHOTS, ON_VOLUMES


def stakes(operation: Operation, facts: SafetyFacts) -> tuple[str, ...]:
    """Return what the operation would hit, in a stable order; nothing where it hits nothing that exists."""
    return tuple(f"{facts.target.id} {words}" for words in sorted(set(_stakes(operation, facts))))


def _stakes(operation: Operation, facts: SafetyFacts) -> Iterator[str]:
    yield from _always(facts)
    if operation in ON_INSTANCES or operation in TRAINING:
        yield from _machine(operation, facts)
    if operation in ON_VOLUMES:
        yield from _volume(facts)
    if operation in (Operation.VOLUME_DELETE, Operation.SNAPSHOT_DELETE):
        kept = known_or_none(facts.storage.kept(but=facts.target.id))
        yield f"can be had back from {kept.id if kept else 'nothing'}"
    if operation in ON_SNAPSHOTS and (snapshot := known_or_none(facts.storage.snapshot)) is not None:
        yield f"is {snapshot.state.value}"
    look = known_or_none(facts.process)
    if operation in ON_PROCESSES and look is not None and look.process is not None:
        yield f"is a process of {look.process.user or 'somebody unknown'}"


def _always(facts: SafetyFacts) -> Iterator[str]:
    tags = known_or_none(facts.tags)
    if owner := dict(tags or ()).get(TAG_OWNER):
        yield f"belongs to {owner}"
    if parent := known_or_none(facts.parent):
        yield f"would be replaced by {parent}"


def _machine(operation: Operation, facts: SafetyFacts) -> Iterator[str]:
    if facts.type:
        yield f"is a {facts.type}"
    if (state := known_or_none(facts.state)) is not None:
        yield f"is {state.value}"
    for session in known_or_none(live_sessions(facts)) or ():
        yield f"has run {session.id}"
    for one in newest_checkpoints(known_or_none(facts.checkpoints) or ()):
        if not one.safe_in_s3:
            yield f"has a checkpoint of {one.run_id} that is not safe in S3"
    yield from _disks(operation, facts)


def _disks(operation: Operation, facts: SafetyFacts) -> Iterator[str]:
    for disk in known_or_none(facts.disks) or ():
        dies = disk.delete_on_termination is not False if operation is Operation.TERMINATE else disk.lost_on_stop
        yield f"has disk {disk.volume_id or disk.name}, which {'dies' if dies else 'stays'}"
    if (lock := known_or_none(facts.protection)) is not None and lock.instance_store_disks:
        yield f"has {lock.instance_store_disks} instance-store disks"


def _volume(facts: SafetyFacts) -> Iterator[str]:
    if (volume := known_or_none(facts.storage.volume)) is None:
        return
    yield f"is {volume.state.value}, {volume.shape.words}"
    for held in volume.attachments:
        yield f"is attached to {held.instance_id} as {held.device}"
