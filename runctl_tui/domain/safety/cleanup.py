"""`CleanupSafety`: every rule looks, the strictest decides, and nothing but rules may lower friction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from runctl_tui.domain.facts import Known
from runctl_tui.domain.plan import Level, Operation, Reason, Reversibility, Severity, Verdict
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.safety import (
    access,
    data,
    disks,
    machine,
    marks,
    money,
    objects,
    processes,
    run_uploads,
    storage,
    uploads,
)
from runctl_tui.domain.safety.citing import cited
from runctl_tui.domain.safety.facts import SafetyFacts
from runctl_tui.domain.safety.instead import SCHEDULABLE, schedule_instead, stop_instead
from runctl_tui.domain.safety.reasons import ON_INSTANCES, Rule, block, known_or_none, warn
from runctl_tui.domain.states import ON_PROCESSES

BATCH_CAP: Final = 10
BATCH_SHARE: Final = 0.3
"""Of all machines; judged for more than three targets."""

RULES: Final[tuple[Rule, ...]] = (
    access.read_only,
    access.identity_changed,
    access.account_unlisted,
    access.production_account,
    access.foreign,
    access.other_owner,
    access.ownership_unknown,
    access.tag_protected,
    access.cooling_down,
    access.protect_until,
    access.tags_unknown,
    access.api_protected,
    access.protection_unknown,
    access.reconcile_first,
    access.no_journal,
    machine.local_machine,
    machine.incapable,
    machine.too_new,
    machine.age_unknown,
    machine.cannot_stop,
    machine.market_unknown,
    machine.cannot_start,
    machine.state_unknown,
    machine.machine_not_running,
    machine.managed_parent,
    machine.may_not_restart,
    machine.tied_to_its_host,
    data.training_running,
    data.training_unknown,
    data.other_work_running,
    data.other_work_unknown,
    data.checkpoint_only_copy,
    data.checkpoint_unknown,
    data.busy,
    data.data_volume_dies,
    data.disks_unknown,
    data.root_dies,
    disks.disk_protected,
    disks.disk_protected_until,
    disks.disk_of_others,
    disks.disk_tags_unknown,
    data.instance_store_lost,
    data.stopped_disk_costs_more,
    data.volume_stays_and_costs,
    data.run_state_unknown,
    data.work_lost,
    storage.not_read,
    storage.attached,
    storage.no_undo,
    storage.undo_exists,
    storage.referenced,
    storage.last_copy,
    storage.cannot_change,
    storage.cannot_hold,
    storage.host_of_others,
    storage.root_disk,
    storage.maybe_mounted,
    storage.used_by_training,
    storage.wrong_shape,
    storage.changed_lately,
    storage.snapshot_not_whole,
    storage.copy_leads_nowhere,
    storage.restore_fits,
    storage.snapshot_costs,
    objects.objects_unknown,
    objects.delete_marker,
    objects.permanent_delete,
    objects.locked,
    objects.folder_busy,
    objects.newest_checkpoint,
    objects.onto_checkpoint,
    objects.replaces_objects,
    objects.off_checkpoint,
    marks.claims_of_others,
    marks.marks_unknown,
    marks.marks_no_more,
    marks.protection_goes,
    processes.process_unknown,
    processes.process_other,
    processes.process_guarded,
    processes.process_of_run,
    uploads.upload_unknown,
    uploads.foreign_upload,
    uploads.upload_under_way,
    uploads.upload_busy,
    run_uploads.run_upload_no_place,
    run_uploads.run_upload_host_off,
    run_uploads.run_upload_unreadable,
    money.price_unknown,
    money.fallback_unknown,
    money.cost_cap,
    money.costs_money,
    money.provider_warns,
)

_BASE: Final = {
    Operation.LAUNCH: Level.YES,
    Operation.START: Level.YES,
    Operation.STOP: Level.ENTER,
    Operation.TERMINATE: Level.NAME,
    Operation.RUN_START: Level.ENTER,
    Operation.RUN_STOP: Level.YES,
    Operation.RUN_RESUME: Level.ENTER,
    Operation.RUN_UPLOAD: Level.ENTER,
    Operation.VOLUME_CREATE: Level.YES,
    Operation.VOLUME_ATTACH: Level.ENTER,
    Operation.VOLUME_DETACH: Level.YES,
    Operation.VOLUME_MODIFY: Level.YES,
    Operation.VOLUME_SNAPSHOT: Level.YES,
    Operation.VOLUME_DELETE: Level.NAME,
    Operation.SNAPSHOT_COPY: Level.YES,
    Operation.SNAPSHOT_DELETE: Level.NAME,
    Operation.S3_DELETE: Level.YES,
    Operation.S3_COPY: Level.ENTER,
    Operation.S3_MOVE: Level.ENTER,
    Operation.CLAIM: Level.YES,
    Operation.PROTECT: Level.ENTER,
    Operation.UNPROTECT: Level.NAME,
    Operation.SCHEDULE: Level.YES,
    Operation.UNSCHEDULE: Level.ENTER,
    Operation.PROCESS_END: Level.YES,
    Operation.PROCESS_KILL: Level.YES,
    Operation.UPLOAD_ABORT: Level.NAME,
}
_REVERSIBILITY: Final = {
    Operation.STOP: Reversibility.REVERSIBLE,
    Operation.TERMINATE: Reversibility.IRREVERSIBLE,
    Operation.RUN_STOP: Reversibility.LOSSY,
    Operation.VOLUME_DETACH: Reversibility.LOSSY,
    Operation.VOLUME_MODIFY: Reversibility.LOSSY,
    Operation.VOLUME_DELETE: Reversibility.IRREVERSIBLE,
    Operation.SNAPSHOT_DELETE: Reversibility.IRREVERSIBLE,
    Operation.S3_DELETE: Reversibility.IRREVERSIBLE,
    Operation.PROCESS_END: Reversibility.LOSSY,
    Operation.PROCESS_KILL: Reversibility.LOSSY,
    Operation.UPLOAD_ABORT: Reversibility.IRREVERSIBLE,
}


def reversibility(operation: Operation) -> Reversibility:
    """Return how much of an operation can be undone."""
    return _REVERSIBILITY.get(operation, Reversibility.REVERSIBLE)


def already_done(operation: Operation, facts: SafetyFacts) -> Reason | None:
    """D46: where the end state is reached there is nothing to do, and nothing is called."""
    if operation in ON_INSTANCES:
        state = facts.state.value if isinstance(facts.state, Known) else None
        if state is None or state not in _DONE[operation] or facts.local:
            return None
        return Reason("already_done", Severity.ALLOW, f"it is {state.value} already", Level.ENTER)
    words = storage.done(operation, facts) or processes.process_done(operation, facts)
    words = words or run_uploads.run_upload_done(operation, facts)
    if words := words or marks.mark_done(operation, facts):
        return Reason("already_done", Severity.ALLOW, words, Level.ENTER)
    if operation is Operation.RUN_STOP and isinstance(facts.sessions, Known):
        ended = [one for one in facts.sessions.value if one.status.ended]
        if ended and len(ended) == len(facts.sessions.value):
            return Reason("already_done", Severity.ALLOW, f"it has ended already: {ended[0].status.value}", Level.ENTER)
    return None


@dataclass(frozen=True, slots=True)
class CleanupSafety:
    """Judges operations: a pure function of facts, the same for one target, many, headless use and the sandbox."""

    rules: tuple[Rule, ...] = RULES

    def judge(self, operation: Operation, facts: SafetyFacts) -> Verdict:
        """Return the verdict on one target; facts that are too old count as unknown."""
        facts = facts.fresh()
        if (done := cited(partial(already_done, operation), facts)) is not None:
            return Verdict((done,))
        found = (cited(partial(rule, operation), facts) for rule in self.rules)
        reasons = [reason for reason in found if reason is not None]
        if (instead := self._instead(operation, facts)) is not None:
            reasons.append(instead)
        return _verdict(reasons, _BASE[operation], facts.policy.acknowledgeable)

    def _instead(self, operation: Operation, facts: SafetyFacts) -> Reason | None:
        """Return the milder way to the same end, where the rules let it pass: a stop, else a day to come."""
        if operation is Operation.TERMINATE and self._may_stop(facts) and (found := cited(stop_instead, facts)):
            return found
        if operation not in SCHEDULABLE or self.judge(Operation.SCHEDULE, facts).blocked:
            return None
        return cited(schedule_instead, facts)

    def _may_stop(self, facts: SafetyFacts) -> bool:
        """Tell whether the machine runs and could be stopped instead, by the same rules."""
        running = known_or_none(facts.state) is ResourceState.RUNNING
        return running and not self.judge(Operation.STOP, facts).blocked

    def judge_batch(self, operation: Operation, batch: Sequence[SafetyFacts], fleet_size: int | None = None) -> Verdict:
        """Return the verdict on many targets, one at least: never milder than on any of them, and bounded in size."""
        verdicts = [(facts, self.judge(operation, facts)) for facts in batch]
        if len(verdicts) == 1:
            return verdicts[0][1]
        reasons = [_named(reason, facts) for facts, verdict in verdicts for reason in verdict.reasons]
        reasons += _batch_reasons(operation, verdicts, fleet_size)
        base = max(verdict.base_level for _, verdict in verdicts)
        return _verdict(reasons, base, all(facts.policy.acknowledgeable for facts in batch))


def _verdict(reasons: Sequence[Reason], base: Level, acknowledgeable: bool) -> Verdict:
    """Return the verdict; where the policy lets nobody argue, what stands against it forbids it."""
    if not acknowledgeable:
        reasons = [replace(one, level=Level.NEVER) if one.level is Level.REASON else one for one in reasons]
    return Verdict(tuple(sorted(reasons, key=_order)), base)


_DONE: Final = {
    Operation.START: (ResourceState.RUNNING, ResourceState.STARTING),
    Operation.STOP: (ResourceState.STOPPED,),
    Operation.TERMINATE: (ResourceState.TERMINATED, ResourceState.TERMINATING),
}


_BASIC: Final = (
    "ro_mode", "identity_changed", "batch_member", "batch_cap", "foreign", "other_owner", "training_running",
)  # fmt: skip
"""Codes of reasons while which mending another one helps nobody; the first of them comes first."""


def _order(reason: Reason) -> tuple[object, ...]:
    rank = _BASIC.index(reason.code) if reason.code in _BASIC else len(_BASIC)
    words = reason.code, reason.text, reason.offer, reason.severity
    return rank, -reason.level, *words, reason.offer_references, repr(reason.facts)


def _named(reason: Reason, facts: SafetyFacts) -> Reason:
    return replace(reason, text=f'"{facts.target.name or facts.target.id}": {reason.text}')


def _batch_reasons(
    operation: Operation, verdicts: Sequence[tuple[SafetyFacts, Verdict]], fleet_size: int | None
) -> list[Reason]:
    reasons = []
    refused = sorted(facts.target.name or facts.target.id for facts, verdict in verdicts if _alone_only(verdict))
    if refused:
        text = f"{len(refused)} of {len(verdicts)} may not be touched: {', '.join(refused)}"
        reasons.append(block("batch_member", text, Level.NEVER, offer="take them out of the selection"))
    share = fleet_size is not None and len(verdicts) > 3 and len(verdicts) > BATCH_SHARE * fleet_size
    if len(verdicts) > BATCH_CAP or share:
        reasons.append(_too_many(operation, len(verdicts)))
    if dear := money.batch_cap(operation, [facts for facts, _ in verdicts]):
        reasons.append(dear)
    return reasons


def together(number: int) -> Reason | None:
    """D42: return why so many at once, of whatever kinds and for whatever operations, are too many."""
    if number <= BATCH_CAP:
        return None
    return block("batch_cap", f"{number} at once are too many", offer=f"select at most {BATCH_CAP}")


def _alone_only(verdict: Verdict) -> bool:
    """D41: what nobody may touch, or only one by one, is not touched among others."""
    return verdict.forbidden or "prod_account" in verdict.to_acknowledge


def _too_many(operation: Operation, number: int) -> Reason:
    """Too many at once are a mistake; a stop, which a start undoes, only has to be meant."""
    if operation is Operation.STOP:
        return warn("batch_cap", f"{number} at once are many", Level.NAME)
    offer = f"select at most {BATCH_CAP}" + ("" if operation in ON_PROCESSES else ", and no more than 30 % of all")
    return block("batch_cap", f"{number} at once are too many", offer=offer)
