"""The truth about an operation in labelled lines; what is unknown says so, and why, and is never zero or blank."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import Disk
from runctl_tui.domain.money import HOURS_PER_MONTH, dollars
from runctl_tui.domain.plan import Operation, PlanLine
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.safety.cost_line import LOSING, cost_line
from runctl_tui.domain.safety.facts import SafetyFacts, live_sessions, newest_checkpoints, other_work
from runctl_tui.domain.safety.marks import mark_lines
from runctl_tui.domain.safety.processes import process_lines
from runctl_tui.domain.safety.reasons import ON_INSTANCES, age_words, count, known_or_none, process_brief, unknown, what
from runctl_tui.domain.safety.run_uploads import run_upload_lines
from runctl_tui.domain.safety.storage_lines import storage_lines
from runctl_tui.domain.safety.uploads import upload_lines
from runctl_tui.domain.states import MARKING, ON_PROCESSES, ON_UPLOADS, STORAGE
from runctl_tui.domain.text import MAX_QUOTED, safe

T = TypeVar("T")
_ON_RUNS: Final = frozenset({Operation.RUN_STOP, Operation.RUN_START, Operation.RUN_RESUME})


def plan_lines(operation: Operation, facts: SafetyFacts) -> tuple[PlanLine, ...]:
    """Return WHAT, RUNNING, CKPT, COST, DIES, STAYS and UNDO, as far as they concern the operation."""
    if operation in STORAGE:
        return storage_lines(operation, facts)
    if operation in ON_PROCESSES:
        return process_lines(operation, facts)
    if operation in ON_UPLOADS:
        return upload_lines(facts)
    if operation is Operation.RUN_UPLOAD:
        return run_upload_lines(facts)
    if operation in MARKING:
        return mark_lines(operation, facts)
    lines = [PlanLine("WHAT", what(facts))]
    if operation in ON_INSTANCES or operation in _ON_RUNS:
        lines += [_running(operation, facts), _checkpoints(facts)]
    lines.append(cost_line(operation, facts))
    if operation in LOSING:
        lines.append(PlanLine("DIES", _dies(operation, facts), _seen(facts.disks)))
        lines.append(PlanLine("STAYS", _stays(operation, facts), _seen(facts.disks)))
    lines.append(PlanLine("UNDO", _UNDO[operation]))
    return tuple(lines)


def _running(operation: Operation, facts: SafetyFacts) -> PlanLine:
    live = live_sessions(facts)
    if isinstance(live, Unknown):
        return PlanLine("RUNNING", unknown(live.reason))
    if not live.value and known_or_none(facts.state) is ResourceState.STOPPED:
        return PlanLine("RUNNING", "nothing: it is stopped", live.observed_at)
    words = [_run_words(one) for one in live.value] or ["no run of ours"]
    work = other_work(facts)
    if isinstance(work, Known):
        words += [process_brief(one) for one in work.value] or ([] if live.value else ["nothing else works on it"])
    elif operation in (Operation.STOP, Operation.TERMINATE):
        words.append(f"what else works on it: {unknown(work.reason)}")
    return PlanLine("RUNNING", "; ".join(words), live.observed_at)


def _run_words(session: TrainingSession) -> str:
    words = [f"{session.script or 'a run'}, run {session.id}"]
    if (step := session.progress.step) is not None:
        total = session.progress.total_steps
        words.append(f"step {step:,}" + (f" of {total:,}" if total is not None else ""))
    if session.status.value != "running":
        words.append(session.status.value)
    return ", ".join(words)


def _checkpoints(facts: SafetyFacts) -> PlanLine:
    if isinstance(facts.checkpoints, Unknown):
        return PlanLine("CKPT", unknown(facts.checkpoints.reason))
    newest = newest_checkpoints(facts.checkpoints.value)
    if not newest:
        return PlanLine("CKPT", "none written by a run of ours", facts.checkpoints.observed_at)
    words = []
    for one in sorted(newest, key=lambda item: item.safe_in_s3):
        written = one.created_at or one.host.modified_at
        age = f"{age_words(facts.at - written)} old" if written else unknown("its age is not told")
        state = "verified in S3" if one.safe_in_s3 else f"NOT safe in S3 ({one.s3.state.value})"
        words.append(f"newest of {one.run_id} {one.name}, {age}, {state}")
    return PlanLine("CKPT", "; ".join(words), facts.checkpoints.observed_at)


def _dies(operation: Operation, facts: SafetyFacts) -> str:
    if operation is Operation.RUN_STOP:
        return "the work since the last checkpoint"
    if operation is Operation.STOP:
        return _dies_on_stop(facts)
    if isinstance(facts.disks, Unknown):
        return unknown(facts.disks.reason)
    dying = [_disk_words(disk, facts.at) for disk in facts.disks.value if disk.delete_on_termination is not False]
    return " · ".join([*dying, *_instance_store(facts)]) or "no disk; the machine itself"


def _dies_on_stop(facts: SafetyFacts) -> str:
    lost = [_disk_name(disk) for disk in known_or_none(facts.disks) or () if disk.lost_on_stop]
    return " · ".join(["what is in memory and the public address", *lost, *_instance_store(facts)])


def _instance_store(facts: SafetyFacts) -> Iterator[str]:
    if isinstance(facts.protection, Unknown):
        yield f"instance-store disks: {unknown(facts.protection.reason)}"
    elif facts.protection.value.instance_store_disks:
        yield count(facts.protection.value.instance_store_disks, "instance-store disk")


def _stays(operation: Operation, facts: SafetyFacts) -> str:
    if operation is Operation.RUN_STOP:
        return "its log and checkpoints; the machine, which goes on costing"
    if isinstance(facts.disks, Unknown):
        return unknown(facts.disks.reason)
    if operation is not Operation.TERMINATE:
        month = disks_per_month_stopped(facts)
        keeps = f"{dollars(month)}/mo" if month is not None else unknown("no price")
        number = sum(not disk.lost_on_stop for disk in facts.disks.value)
        return f"{count(number, 'disk')}, {keeps}" if number else "no disk"
    staying = [disk for disk in facts.disks.value if disk.delete_on_termination is False]
    words = [f"{_disk_name(disk)}, {_month_of(disk)}" for disk in staying]
    return " · ".join(words) or "no disk; what is in S3"


def _month_of(disk: Disk) -> str:
    return f"${disk.usd_per_month}/mo" if disk.usd_per_month else unknown("no price")


def _disk_name(disk: Disk) -> str:
    name = (
        disk.name
        if disk.bound and disk.name
        else "root"
        if disk.root
        else f'"{safe(disk.name, MAX_QUOTED)}"'
        if disk.name
        else disk.volume_id
    )
    size = f"{disk.size_gib:,} GiB" if disk.size_gib is not None else f"size {unknown('not told')}"
    return " ".join(dict.fromkeys(part for part in (disk.volume_id, name, size) if part))


def _disk_words(disk: Disk, now: datetime) -> str:
    words = f"{_disk_name(disk)} (nothing can keep it)" if disk.bound and not disk.root else _disk_name(disk)
    if disk.delete_on_termination is None:
        words += f" (delete on termination {unknown('not told')})"
    if disk.root or disk.bound:
        return words
    if disk.last_snapshot_at is None:
        return f"{words} (no snapshot)"
    return f"{words} (snapshot {age_words(now - disk.last_snapshot_at)} old)"


def _seen(fact: Fact[T]) -> datetime | None:
    return fact.observed_at if isinstance(fact, Known) else None


def disks_per_month_stopped(facts: SafetyFacts) -> Decimal | None:
    """Return what the disks cost per month while the machine is stopped."""
    disks = known_or_none(facts.disks) or ()
    if not any(disk.lost_on_stop or disk.usd_per_month_stopped or disk.apart for disk in disks):
        return facts.disks_per_month
    prices = [disk.usd_per_month_stopped or disk.usd_per_month for disk in disks if not disk.lost_on_stop]
    return sum(map(Decimal, prices), Decimal(0)) if all(prices) else None


def per_hour(usd_per_month: Decimal | None) -> Decimal | None:
    """Return the hourly share of a monthly price; unknown stays unknown."""
    return None if usd_per_month is None else usd_per_month / HOURS_PER_MONTH


_UNDO: Final = {
    Operation.LAUNCH: "terminate it; the time until then is paid",
    Operation.START: "stop it; the time until then is paid",
    Operation.STOP: "start it again, if there is capacity",
    Operation.TERMINATE: "none",
    Operation.RUN_START: "stop the run",
    Operation.RUN_STOP: "resume it from its last checkpoint",
    Operation.RUN_RESUME: "stop the run",
    Operation.S3_DELETE: "none, unless the bucket keeps versions",
    Operation.S3_COPY: "delete the copies",
    Operation.S3_MOVE: "move them back",
}
