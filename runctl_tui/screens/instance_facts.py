"""Everything known about one machine, in sections; pure, used by the describe view and the page of a machine."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from runctl_tui import modals
from runctl_tui.domain.facts import Known
from runctl_tui.domain.instance import TAG_SSH, Instance
from runctl_tui.domain.protection import protection_words
from runctl_tui.domain.text import safe
from runctl_tui.domain.volume import VolumeShape
from runctl_tui.domain.volume_shapes import extra_words
from runctl_tui.modals.words import age, duration, money, number, seen
from runctl_tui.screens.columns.words import run_state, state_cell
from runctl_tui.screens.run_facts import usage_facts

if TYPE_CHECKING:
    from decimal import Decimal

    from runctl_tui.domain.facts import Unknown
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.instance import ApiProtection, Disk, Instance
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.widgets.facts import Fact


def sections(row: FleetRow, now: datetime) -> tuple[modals.Section, ...]:
    """Return machine, money, runs, host, disks and tags."""
    none = (modals.fact("", "none", "$muted"),)
    so_far = modals.fact("so far", money(row.so_far))
    found = [
        modals.Section(safe("Machine"), machine_facts(row, now)),
        modals.Section(safe("Money"), (*price_facts(row, now), so_far)),
        modals.Section(safe("Runs"), tuple(run_fact(run, now, by_id=True) for run in row.runs) or none),
    ]
    if row.usage is not None:
        found.append(modals.Section(safe(f"Host, {seen(row.usage.timestamp, now)}"), usage_facts(row.usage)))
    disks = tuple(disk_fact(disk, now) for disk in row.instance.disks) or (modals.fact("", "none known", "$muted"),)
    tags = tuple(modals.fact(key, value) for key, value in row.instance.tags) or none
    return (*found, modals.Section(safe("Disks"), disks), modals.Section(safe("Tags"), tags))


def fields(row: FleetRow) -> tuple[tuple[str, str], ...]:
    """Return what can be copied from a machine: (name, value)."""
    machine = row.instance
    pairs = (
        ("id", machine.id),
        ("name", machine.name),
        ("public address", machine.public_ip),
        ("ssh address", machine.tag(TAG_SSH) or ""),
        ("private address", machine.private_ip),
        ("type", machine.type),
        ("zone", machine.zone),
        ("image", machine.image),
        ("key pair", machine.key_name),
        ("newest run", row.runs[0].id if row.runs else ""),
    )
    return tuple((name, value) for name, value in pairs if value)


def machine_facts(row: FleetRow, now: datetime) -> tuple[Fact, ...]:
    """Return what a machine is and how it stands."""
    machine = row.instance
    state = state_cell(machine.state)
    gpu = machine.gpu
    size = [
        f"{machine.vcpus} vCPU" if machine.vcpus else "",
        f"{machine.memory_gib:.4g} GB" if machine.memory_gib else "",
    ]
    if gpu is not None:
        size.append(f"{gpu.count} {gpu.name}" + (f" {gpu.memory_gib:.0f} GB" if gpu.memory_gib else ""))
    made = f", made {age(machine.created_at, now)} ago" if machine.created_at else ""
    rows = [
        modals.fact("id", machine.id),
        modals.fact("state", state.text + (f", {machine.state_reason}" if machine.state_reason else ""), state.style),
        modals.fact("type", f"{machine.type}, {machine.market.value}"),
        modals.fact("size", " · ".join(part for part in size if part) or "?"),
        modals.fact("where", f"{machine.provider} {machine.zone or machine.region}"),
        modals.fact("address", _address(machine)),
        modals.fact("up", age(machine.launched_at, now) + made),
        modals.fact("whose", machine.ownership.words),
    ]
    optional = (("image", machine.image), ("key pair", machine.key_name), ("IAM profile", machine.profile),
                ("managed by", machine.parent))  # fmt: skip
    return (*rows, *(modals.fact(label, value) for label, value in optional if value))


def protection_fact(machine: Instance, lock: Known[ApiProtection] | Unknown, now: datetime) -> Fact:
    """Return what keeps a machine from its end: tags, dates and its provider's own locks."""
    words, held = protection_words(dict(machine.tags), lock, now)
    return modals.fact("protected", words, "$warn" if held else "")


def price_facts(row: FleetRow, now: datetime) -> tuple[Fact, ...]:
    """Return what a machine and its disks cost, and who says so."""
    if isinstance(row.price, Known):
        price = row.price.value
        source = f"{price.kind.value}, {price.source}, {price.as_of}" + (", estimate" if price.estimate else "")
        first = modals.fact("price", f"{money(price.usd_per_hour)}/h, {money(price.usd_per_day)} per day", "$cost")
        rows = (first, modals.fact("source", source, seen_at=seen(row.price.observed_at, now)))
    else:
        rows = (modals.fact("price", f"unknown: {row.price.reason}", "$warn"), modals.fact("source", "-"))
    changes = any(disk.lost_on_stop or disk.usd_per_month_stopped for disk in row.instance.disks)
    words = "in this state" if changes else "running or not"
    disks = "unknown" if row.disks_per_month is None else f"{money(row.disks_per_month)}/mo, {words}"
    return (*rows, modals.fact("disks", disks))


def run_fact(run: TrainingSession, now: datetime, cost: Decimal | None = None, by_id: bool = False) -> Fact:
    """Return one run in a line: how it stands, how far it came, what it cost where that is known."""
    symbol, style = run_state(run.status)
    words = f"{symbol} {run.status.value}" + (f"  {run.name}" if by_id else "")
    if run.progress.step is not None:
        words += f"  step {number(run.progress.step)}"
        words += f"/{number(run.progress.total_steps)}" if run.progress.total_steps else ""
    if run.started_at is not None and run.ended_at is not None:
        words += f"  took {duration((run.ended_at - run.started_at).total_seconds())}"
    words += f"  {money(cost)}" if cost is not None else ""
    return modals.fact(run.id if by_id else run.name or run.id, words, style, age(run.started_at, now))


def disk_fact(disk: Disk, now: datetime) -> Fact:
    """Return one disk: size, price, and what becomes of it."""
    dies = {True: "dies with the machine", False: "stays", None: "unknown whether it stays"}[disk.delete_on_termination]
    size = "?" if disk.size_gib is None else f"{disk.size_gib:,} GB"
    snapshot = f"snapshot {age(disk.last_snapshot_at, now)} ago" if disk.last_snapshot_at else "no snapshot"
    price = f"${disk.usd_per_month}/mo" if disk.usd_per_month else "price unknown"
    if disk.bound:
        when = "lost when it stops" if disk.lost_on_stop else f"${disk.usd_per_month_stopped}/mo while stopped"
        return modals.fact(disk.name, f"{size} at {disk.device} · {price} · {when} · {dies}")
    name = "root" if disk.root else disk.name or disk.device
    speed = extra_words(VolumeShape(disk.type, disk.size_gib or 0, disk.iops, disk.throughput))
    return modals.fact(name, f"{size} {disk.type}{speed} · {price} · {dies} · {snapshot} · {disk.volume_id}")


def _address(machine: Instance) -> str:
    """Return where it is reached; a pod's SSH has a user and a port of its own."""
    parts = (machine.tag(TAG_SSH) or machine.public_ip, machine.private_ip)
    return " · ".join(part for part in parts if part) or "-"
