"""The facts beside a followed run: rate, time left, money, checkpoints, host; pure, used by the monitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui import modals
from runctl_tui.domain.facts import Known
from runctl_tui.modals.words import bar, duration, loss, money, percent, seen

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.run import GpuReading, ResourceUsage, RunProgress, TrainingSession
    from runctl_tui.widgets.facts import Fact

MOST_GPUS: Final = 4
"""GPUs that have a row of their own."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything that the facts are made of."""

    session: TrainingSession
    progress: RunProgress
    machine: FleetRow | None
    """None: the machine is gone."""
    spent: Decimal | None
    """Dollars of this run this month, from the ledger; None: not known."""
    now: datetime


def run_facts(facts: RunFacts, brief: bool = False) -> tuple[Fact, ...]:
    """Return the rows under the list of runs; brief ones are short and few."""
    session = facts.session
    rows = [
        _status(facts),
        modals.fact("rate", _rate(facts.progress, brief)),
        modals.fact("left", _left(facts)),
        modals.fact("cost", _cost(facts)),
        _checkpoints(session, brief),
    ]
    if session.uploads.waiting and session.checkpoints and session.output_dest and not brief:
        rows.append(modals.fact("", f"▲ {session.uploads.waiting}", "$warn"))
    if session.heard_at is not None and not brief:
        rows.append(modals.fact("heard", seen(session.heard_at, facts.now)))
    return tuple(rows)


def usage_facts(usage: ResourceUsage | None, brief: bool = False) -> tuple[Fact, ...]:
    """Return the rows about the host under the curve; brief ones are one for the host and one for all GPUs."""
    if usage is None:
        return (modals.fact("host", "no reading yet; h looks at it", "$muted"),)
    parts = []
    if usage.cpu_percent is not None:
        parts.append(f"cpu {usage.cpu_percent:.0f} %")
    if usage.memory_used_mib is not None and usage.memory_total_mib:
        words = percent(usage.memory_used_mib, usage.memory_total_mib)
        parts.append(f"mem {words if brief else _gib(usage.memory_used_mib, usage.memory_total_mib)}")
    if usage.disk_used_gib is not None and usage.disk_total_gib:
        parts.append(f"disk {percent(usage.disk_used_gib, usage.disk_total_gib)}")
    if usage.load is not None and not brief:
        parts.append(f"load {usage.load:.1f}")
    host = modals.fact("host", "  ".join(parts) or "no reading yet")
    if brief and usage.gpus:
        return (host, _gpus_together(usage.gpus))
    shown = usage.gpus[:MOST_GPUS]
    rest = usage.gpus[MOST_GPUS:]
    return (host, *(_gpu(gpu) for gpu in shown), *((_gpus_together(rest),) if rest else ()))


def _gib(used: float, total: float) -> str:
    return f"{used / 1024:.0f}/{total / 1024:.0f} GB"


def _gpu(gpu: GpuReading) -> Fact:
    parts = []
    if gpu.utilization is not None:
        parts.append(f"{gpu.utilization:3.0f} % {bar(gpu.utilization / 100)}")
    if gpu.memory_used_mib is not None and gpu.memory_total_mib:
        parts.append(f"mem {_gib(gpu.memory_used_mib, gpu.memory_total_mib)}")
    if gpu.temperature_c is not None:
        parts.append(f"{gpu.temperature_c:.0f} °C")
    if gpu.power_w is not None:
        parts.append(f"{gpu.power_w:.0f} W")
    return modals.fact(f"gpu {gpu.index}", "  ".join(parts))


def _gpus_together(gpus: Sequence[GpuReading]) -> Fact:
    busy = [gpu.utilization for gpu in gpus if gpu.utilization is not None]
    heat = [gpu.temperature_c for gpu in gpus if gpu.temperature_c is not None]
    parts = [f"{sum(busy) / len(busy):.0f} %" if busy else "?", f"{max(heat):.0f} °C" if heat else ""]
    label = f"gpu {gpus[0].index}" + (f"-{gpus[-1].index}" if len(gpus) > 1 else "")
    return modals.fact(label, "  ".join(part for part in parts if part))


def _status(facts: RunFacts) -> Fact:
    session = facts.session
    words = session.status.value
    if session.exit_code is not None:
        words += f", exit code {session.exit_code}"
    if session.reason:
        words += f", {session.reason}"
    return modals.fact("state", words, "$danger" if session.exit_code else "")


def _rate(progress: RunProgress, brief: bool) -> str:
    parts = []
    if progress.step_seconds:
        parts.append(f"{progress.step_seconds:.2g} s/step")
    if progress.tokens_per_second:
        parts.append(f"{progress.tokens_per_second:,.0f} tok/s")
    if progress.loss is not None and not brief and not progress.tokens_per_second:
        parts.append(f"loss {loss(progress.loss)}")
    return " · ".join(parts) or "not told by the log"


def _left(facts: RunFacts) -> str:
    if facts.session.status.ended:
        ended = facts.session.ended_at
        return f"ended {seen(ended, facts.now)}" if ended else "ended"
    seconds = facts.progress.eta_seconds
    if seconds is None:
        return "not told by the log"
    hourly = _hourly(facts.machine)
    more = f" · {money(hourly * Decimal(seconds) / 3600)} more" if hourly else ""
    return f"{duration(seconds)}{more}"


def _cost(facts: RunFacts) -> str:
    hourly = _hourly(facts.machine)
    parts = [f"{money(facts.spent)} so far"]
    if not facts.session.status.ended:
        parts.append("free machine" if hourly == 0 else f"{money(hourly)}/h")
    return " · ".join(parts)


def _hourly(machine: FleetRow | None) -> Decimal | None:
    if machine is None or not isinstance(machine.price, Known):
        return None
    return machine.price.value.usd_per_hour


def _checkpoints(session: TrainingSession, brief: bool) -> Fact:
    uploads = session.uploads
    if session.checkpoint_count is None:
        return modals.fact("ckpt", "unknown: its host was never asked", "$muted")
    if not session.checkpoints:
        return modals.fact("ckpt", "none yet", "$muted")
    words = f"{session.checkpoints}" if brief else f"{session.checkpoints}, {session.newest_checkpoint or '?'}"
    if not session.output_dest:
        return modals.fact("ckpt", f"{words} · only on the host", "$warn")
    words += f" · S3 {uploads.done} done"
    if uploads.pending:
        words += f", {uploads.pending} waiting"
    if uploads.failed:
        words += f", {uploads.failed} failed"
    return modals.fact("ckpt", words, "$warn" if uploads.waiting or uploads.failed else "")
