"""Rules about objects in S3: what a deletion leaves, and the checkpoints that runs are resumed from."""

from __future__ import annotations

from typing import Final

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.objects import ObjectChangeFacts
from runctl_tui.domain.plan import Level, Operation, Reason
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.reasons import block, count, known_or_none, offering, warn
from runctl_tui.domain.states import COPYING, IN_S3

FEW: Final = 10
"""Objects that a yes may delete where versions stay; more ask for the name."""


def objects_unknown(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D32: what could not be listed to its end, or checked against the runs, is not deleted."""
    if not isinstance(facts.objects, Unknown):
        return None
    if operation in COPYING:
        does = "takes a run's checkpoint away, or replaces one," if operation is Operation.S3_MOVE else (
            "replaces a run's checkpoint"
        )  # fmt: skip
        return warn("onto_ckpt", f"whether it {does} could not be told: {facts.objects.reason}")
    if operation is not Operation.S3_DELETE:
        return None
    return block("objects_unknown", f"what would go could not be told: {facts.objects.reason}", Level.NEVER)


def delete_marker(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D29: in a bucket that keeps versions a deletion can be taken back."""
    storage = known_or_none(facts.objects)
    if operation is not Operation.S3_DELETE or storage is None:
        return None
    if not _keeps(storage):
        return None
    text = "the bucket keeps versions: they stay behind a delete marker, and are paid for"
    return warn("delete_marker", text, Level.YES if storage.count <= FEW else Level.NAME)


def permanent_delete(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D30: without versions nothing comes back."""
    storage = known_or_none(facts.objects)
    if operation is not Operation.S3_DELETE or storage is None:
        return None
    if _keeps(storage):
        return None
    why = "whether the bucket keeps versions could not be told" if storage.versioning is None else (
        "the bucket keeps no versions" if storage.versioning.status == "Off" else "the bucket's versioning is suspended"
    )  # fmt: skip
    gone = "may" if storage.versioning is None else "would"
    return block("permanent_delete", f"{why}: {count(storage.count, 'object')} {gone} be gone for good")


def locked(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D34: what the bucket itself keeps from deletion is not deleted."""
    storage = known_or_none(facts.objects)
    held = storage.versioning.locked if storage is not None and storage.versioning is not None else ""
    if operation is not Operation.S3_DELETE or not held:
        return None
    return block("locked", f"the bucket keeps it from deletion: {held}", Level.NEVER)


def folder_busy(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D17: what a run is writing just now is not swept away beneath it."""
    storage = known_or_none(facts.objects)
    if operation not in IN_S3 or storage is None or not storage.written:
        return None
    run = storage.written[0]
    reason = block("busy", f"{run} is at work and uploads there", Level.NEVER, offer="stop the run first")
    return offering(reason, Operation.RUN_STOP, run)


def newest_checkpoint(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D31: the newest checkpoint of a known run neither goes nor moves away, nor is it replaced."""
    storage = known_or_none(facts.objects)
    if operation not in IN_S3 or storage is None or not (storage.newest or storage.newest_replaced):
        return None
    if storage.newest:
        text = f"the newest checkpoint of a run is among them: {_first(storage.newest)}"
        return block("newest_ckpt", text, offer="take it out of the selection")
    text = f"it replaces the newest checkpoint of a run: {_first(storage.newest_replaced)}"
    return block("newest_ckpt", text, offer="copy it elsewhere")


def onto_checkpoint(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D31 for what is replaced: a run's checkpoint is replaced only by somebody who says so."""
    storage = known_or_none(facts.objects)
    if operation not in COPYING or storage is None:
        return None
    older = tuple(one for one in storage.replaced if one not in storage.newest_replaced)
    return warn("onto_ckpt", f"it replaces a checkpoint of a run: {_first(older)}") if older else None


def replaces_objects(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """Tell of what is replaced for good; a copy onto a name is asked for, and needs no second word."""
    storage = known_or_none(facts.objects)
    if operation not in COPYING or storage is None or not storage.replacing or _keeps(storage):
        return None
    kept = "keeps no versions" if storage.versioning is not None else "may keep no versions"
    many = count(storage.replacing, "object")
    return warn("replaces_objects", f"{many} would be replaced for good: the bucket {kept}", Level.ENTER)


def off_checkpoint(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D31 for what moves away: a run does not find its older checkpoints elsewhere."""
    storage = known_or_none(facts.objects)
    if operation is not Operation.S3_MOVE or storage is None:
        return None
    older = tuple(one for one in storage.leaving if one not in storage.newest)
    return warn("off_ckpt", f"it takes a checkpoint away from its run: {_first(older)}") if older else None


def _keeps(storage: ObjectChangeFacts) -> bool:
    return storage.versioning is not None and storage.versioning.keeps


def _first(places: tuple[str, ...]) -> str:
    return places[0] + (f" and {len(places) - 1} more" if len(places) > 1 else "")
