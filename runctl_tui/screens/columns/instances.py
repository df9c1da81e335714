"""The columns of the Instances screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.durations import in_a_word
from runctl_tui.domain.facts import Known
from runctl_tui.domain.resource import BILLED_STATES, OUR_TAGS, Market, Ownership, ResourceState
from runctl_tui.modals.words import age, figure, hourly, percent
from runctl_tui.screens.columns.words import cell, run_state, state_cell
from runctl_tui.widgets.columns import Cell, Column

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.run import TrainingSession

_ORDER: Final = list(ResourceState)
Now = Callable[[], datetime]


def instance_columns(now: Now) -> tuple[Column[FleetRow], ...]:
    """Return the columns; those of least priority are dropped first when the screen is narrow."""
    columns = (
        Column(
            "name", "NAME", _name, 14, wide=18, priority=75, flexible=True, stays=True,
            sort_key=lambda row: row.instance.name.casefold(),
        ),
        Column("state", "STATE", _state, 10, wide=13, priority=90, sort_key=_state_order, stays=True),
        Column("type", "TYPE", _type, 12, priority=80, sort_key=lambda row: row.instance.type),
        Column("gpu", "GPU", _gpu, 6, wide=9, priority=40, sort_key=_gpu_count, descending=True),
        Column("region", "REGION", _region, 10, wide=15, priority=30, sort_key=lambda row: _region(row).text),
        Column("age", "AGE", lambda row: _age(row, now()), 4, "right", 50, sort_key=_newest_first, restless=True),
        Column("price", "$/h", _price, 6, "right", 70, sort_key=_price_now, descending=True),
        Column(
            "sofar", "SO FAR", _so_far, 7, "right", 65, sort_key=lambda row: row.so_far, descending=True, restless=True
        ),
        Column("run", "RUN", run_note, 12, wide=25, priority=95, flexible=True, sort_key=_note_text, restless=True),
        Column("tags", "TAGS", _tags, 22, wide=40, priority=10, flexible=True),
    )  # fmt: skip
    return tuple(replace(column, cell=_dimmed(column.cell)) for column in columns)


def _dimmed(draw: Callable[[FleetRow], Cell]) -> Callable[[FleetRow], Cell]:
    """Draw a machine that is gone, or that its provider does not tell now, in grey."""

    def cell_of(row: FleetRow) -> Cell:
        drawn = draw(row)
        gone = row.instance.state is ResourceState.TERMINATED or row.seen_at is not None
        return Cell(drawn.text, "$muted") if gone else drawn

    return cell_of


def _note_text(row: FleetRow) -> str:
    return run_note(row).text


def _name(row: FleetRow) -> Cell:
    return cell(row.instance.name or row.instance.id, "$strong")


def _state(row: FleetRow) -> Cell:
    return state_cell(row.instance.state)


def _state_order(row: FleetRow) -> int:
    return _ORDER.index(row.instance.state)


def _type(row: FleetRow) -> Cell:
    return cell(row.instance.type + (" s" if row.instance.market is Market.SPOT else ""))


def _gpu(row: FleetRow) -> Cell:
    gpu = row.instance.gpu
    return cell("-", "$muted") if gpu is None else cell(f"{gpu.count} {gpu.name}")


def _gpu_count(row: FleetRow) -> int:
    return row.instance.gpu.count if row.instance.gpu else 0


def _region(row: FleetRow) -> Cell:
    return cell(row.instance.zone or row.instance.region)


def _age(row: FleetRow, now: datetime) -> Cell:
    return cell(age(row.instance.launched_at or row.instance.created_at, now))


def _newest_first(row: FleetRow) -> float | None:
    since = row.instance.launched_at or row.instance.created_at
    return None if since is None else -since.timestamp()


def _price_now(row: FleetRow) -> Decimal | None:
    if row.instance.state not in BILLED_STATES:
        return Decimal(0)
    return row.price.value.usd_per_hour if isinstance(row.price, Known) else None


def _price(row: FleetRow) -> Cell:
    if row.instance.state not in BILLED_STATES:
        return cell("0.00", "$muted")
    text = hourly(row.price, 6)
    return cell(text, "$warn" if text == "?" else "$cost")


def _so_far(row: FleetRow) -> Cell:
    if row.instance.market is Market.LOCAL:
        return cell("-", "$muted")
    return cell(figure(row.so_far, 7), "$warn" if row.so_far is None else "")


def run_note(row: FleetRow) -> Cell:
    """Return what a machine is doing: its live run, else what is remarkable about it."""
    live = [run for run in row.runs if run.status.live]
    if row.note and row.note.startswith("idle"):
        return cell(f"▲ {row.note}", "$warn")
    if live:
        more = f"  and {len(live) - 1} more" if len(live) > 1 else ""
        return cell(_progress(live[0], row.instance.name) + more)
    if row.note:
        return cell(f"▲ {row.note}" if row.seen_at is not None else row.note, "$muted")
    return cell(_remark(row), "$muted")


def _progress(run: TrainingSession, machine: str) -> str:
    progress = run.progress
    words = [] if run.name == machine else [run.name or run.script]
    if progress.step is not None and progress.total_steps:
        words.append(percent(progress.step, progress.total_steps))
    if progress.eta_seconds is not None:
        words.append(f" eta {in_a_word(progress.eta_seconds)}")
    return " ".join(words).strip() or run.status.value


def _remark(row: FleetRow) -> str:
    machine = row.instance
    if machine.market is Market.LOCAL:
        return f"{len(row.runs)} run{'' if len(row.runs) == 1 else 's'}" if row.runs else ""
    if machine.state is ResourceState.STOPPED and row.disks_per_month:
        return f"disk costs ${row.disks_per_month:.0f}/mo"
    if machine.ownership is Ownership.FOREIGN:
        return "foreign"
    if machine.ownership is Ownership.OTHER:
        return f"belongs to {machine.tag('runctl:owner')}"
    if machine.ownership is Ownership.RUNCTL:
        return Ownership.RUNCTL.words
    return _last_run(row.runs[0], machine.name) if row.runs else ""


def _last_run(run: TrainingSession, machine: str) -> str:
    symbol, _ = run_state(run.status)
    name = "" if run.name == machine else f" {run.name or run.id}"
    code = f", exit code {run.exit_code}" if run.exit_code else ""
    return f"{symbol}{name} {run.status.value}{code}"


def _tags(row: FleetRow) -> Cell:
    tags = sorted(row.instance.tags, key=lambda pair: pair[0].startswith(OUR_TAGS))  # people's own come first
    pairs = [f"{key}={value}" for key, value in tags if key != "Name"]
    return cell("  ".join(pairs), "$muted")
