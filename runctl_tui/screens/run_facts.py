"""The facts beside a followed run: rate, time left, money, checkpoints, host; pure, used by the monitor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.run import GpuReading, ResourceUsage, RunProgress, TrainingSession
from runctl_tui.modals.describe import fact
from runctl_tui.modals.words import bar, duration, loss, money, percent, seen
from runctl_tui.widgets.facts import Fact


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything that the facts are made of."""

    session: TrainingSession
    progress: RunProgress
    machine: FleetRow | None
    """None: the machine is gone."""
    spent: str | None
    """Dollars of this run this month, from the ledger; None: not known."""
    now: datetime


def run_facts(facts: RunFacts) -> tuple[Fact, ...]:
    """Return the rows under the list of runs."""
    session = facts.session
    rows = [_status(facts), fact("rate", _rate(facts.progress)), fact("left", _left(facts)), fact("cost", _cost(facts))]
    rows.append(_checkpoints(session))
    if session.heard_at is not None:
        rows.append(fact("heard", seen(session.heard_at, facts.now)))
    return tuple(rows)


def usage_facts(usage: ResourceUsage | None) -> tuple[Fact, ...]:
    """Return the rows about the host under the chart."""
    if usage is None:
        return (fact("host", "no reading yet", "$muted"),)
    parts = []
    if usage.cpu_percent is not None:
        parts.append(f"cpu {usage.cpu_percent:.0f} %")
    if usage.memory_used_mib is not None and usage.memory_total_mib:
        parts.append(f"mem {usage.memory_used_mib / 1024:.0f}/{usage.memory_total_mib / 1024:.0f} GB")
    if usage.disk_used_gib is not None and usage.disk_total_gib:
        parts.append(f"disk {percent(usage.disk_used_gib, usage.disk_total_gib)}")
    if usage.load is not None:
        parts.append(f"load {usage.load:.1f}")
    return (fact("host", "  ".join(parts) or "no reading yet"), *(_gpu(gpu) for gpu in usage.gpus))


def _gpu(gpu: GpuReading) -> Fact:
    parts = []
    if gpu.utilization is not None:
        parts.append(f"{gpu.utilization:3.0f} % {bar(gpu.utilization / 100)}")
    if gpu.memory_used_mib is not None and gpu.memory_total_mib:
        parts.append(f"mem {gpu.memory_used_mib / 1024:.0f}/{gpu.memory_total_mib / 1024:.0f} GB")
    if gpu.temperature_c is not None:
        parts.append(f"{gpu.temperature_c:.0f} °C")
    if gpu.power_w is not None:
        parts.append(f"{gpu.power_w:.0f} W")
    return fact(f"gpu {gpu.index}", "  ".join(parts))


def _status(facts: RunFacts) -> Fact:
    session = facts.session
    words = session.status.value
    if session.exit_code is not None:
        words += f", exit code {session.exit_code}"
    if session.reason:
        words += f", {session.reason}"
    return fact("state", words, "$danger" if session.exit_code else "")


def _rate(progress: RunProgress) -> str:
    parts = []
    if progress.step_seconds:
        parts.append(f"{progress.step_seconds:.2g} s/step")
    if progress.tokens_per_second:
        parts.append(f"{progress.tokens_per_second:,.0f} tok/s")
    if progress.loss is not None:
        parts.append(f"loss {loss(progress.loss)}")
    return " · ".join(parts) or "not told by the log"


def _left(facts: RunFacts) -> str:
    if facts.session.status.ended:
        ended = facts.session.ended_at
        return f"ended {seen(ended, facts.now)}" if ended else "ended"
    seconds = facts.progress.eta_seconds
    return "not told by the log" if seconds is None else duration(seconds)


def _cost(facts: RunFacts) -> str:
    spent = "?" if facts.spent is None else f"${facts.spent}"
    rate = _hourly(facts.machine)
    parts = [f"{spent} so far"]
    if not facts.session.status.ended:
        parts.append("free machine" if rate == 0 else f"{money(rate)}/h")
        seconds = facts.progress.eta_seconds
        if rate and seconds is not None:
            parts.append(f"{money(rate * Decimal(seconds) / 3600)} to finish")
    return " · ".join(parts)


def _hourly(machine: FleetRow | None) -> Decimal | None:
    if machine is None or not isinstance(machine.price, Known):
        return None
    return machine.price.value.usd_per_hour


def _checkpoints(session: TrainingSession) -> Fact:
    uploads = session.uploads
    if not session.checkpoints:
        return fact("ckpt", "none yet", "$muted")
    words = f"{session.checkpoints}, newest {session.newest_checkpoint or '?'}"
    if not session.output_dest:
        return fact("ckpt", f"{words} · only on the host", "$warn")
    words += f" · S3 {uploads.done} done"
    if uploads.pending:
        words += f", {uploads.pending} waiting"
    if uploads.failed:
        words += f", {uploads.failed} failed"
    if uploads.waiting:
        words += f" ▲ {uploads.waiting}"
    return fact("ckpt", words, "$warn" if uploads.waiting or uploads.failed else "")
