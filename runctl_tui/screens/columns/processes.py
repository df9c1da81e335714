"""The columns of the Host screen: processes with what they use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runctl_tui.domain.durations import in_a_word
from runctl_tui.domain.host import HostProcess
from runctl_tui.modals.words import UNKNOWN, size
from runctl_tui.screens.columns.words import cell
from runctl_tui.widgets.columns import Cell, Column

MIB = 1024**2
BUSY_PERCENT = 80.0


def process_columns(run_names: Callable[[], Mapping[str, str]]) -> tuple[Column[HostProcess], ...]:
    """Return the columns; `run_names` gives a run's name by its id."""

    def run(row: HostProcess) -> Cell:
        return cell(run_names().get(row.run_id) or row.run_id, "$state-running")

    return (
        Column("pid", "PID", lambda row: cell(row.pid, "$muted"), 7, "right", 95, sort_key=lambda row: row.pid),
        Column("user", "USER", _user, 7, wide=10, priority=60, sort_key=lambda row: row.user),
        Column("cpu", "CPU %", _cpu, 6, "right", 100, sort_key=lambda row: row.cpu_percent, descending=True),
        Column(
            "mem", "MEM", lambda row: cell(size(row.memory_bytes)), 8, "right", 90,
            sort_key=lambda row: row.memory_bytes, descending=True,
        ),
        Column("gpu", "GPU MEM", gpu_memory, 8, "right", 80, sort_key=lambda row: row.gpu_use, descending=True),
        Column("time", "AGE", _age, 4, "right", 50, sort_key=lambda row: row.seconds),
        Column(
            "run", "RUN", run, 8, wide=14, priority=40, sort_key=lambda row: row.run_id, fact=lambda row: row.run_id
        ),
        Column(
            "command", "COMMAND", _command, 20, priority=92, flexible=True, sort_key=lambda row: row.command.casefold()
        ),
    )  # fmt: skip


def gpu_memory(row: HostProcess) -> Cell:
    """Return memory on GPUs with their numbers; a question mark where the driver does not say how much."""
    if not row.gpus and row.gpu_memory_mib is None:
        return cell("-", "$muted")
    return cell(UNKNOWN if row.gpu_memory_mib is None else size(row.gpu_memory_mib * MIB), "$strong")


def _user(row: HostProcess) -> Cell:
    return cell(row.user or UNKNOWN, "" if row.own else "$muted")


def _cpu(row: HostProcess) -> Cell:
    return cell(f"{row.cpu_percent:.1f}", "$strong" if row.cpu_percent >= BUSY_PERCENT else "")


def _age(row: HostProcess) -> Cell:
    return cell(UNKNOWN if row.seconds is None else in_a_word(row.seconds))


def _command(row: HostProcess) -> Cell:
    return cell(row.brief, "" if row.own else "$muted")
