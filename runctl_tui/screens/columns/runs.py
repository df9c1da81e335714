"""The columns of the Monitor's list of runs."""

from __future__ import annotations

from runctl_tui.domain.durations import in_a_word
from runctl_tui.domain.run import TrainingSession
from runctl_tui.domain.text import safe
from runctl_tui.modals.words import loss
from runctl_tui.screens.columns.words import cell, run_state
from runctl_tui.widgets.columns import Cell, Column


def run_columns() -> tuple[Column[TrainingSession], ...]:
    """Return the columns; a narrow list keeps name and step."""
    return (
        Column("run", "RUN", _name, 10, wide=18, priority=100, flexible=True, sort_key=lambda run: run.name.casefold()),
        Column("status", "STATE", _status, 9, wide=11, priority=20, sort_key=lambda run: run.status.value),
        Column(
            "step",
            "STEP",
            _step,
            11,
            "right",
            80,
            sort_key=lambda run: run.progress.step,
            descending=True,
            restless=True,
        ),
        Column("loss", "LOSS", _loss, 5, "right", 60, sort_key=lambda run: run.progress.loss, restless=True),
        Column("eta", "ETA", _eta, 4, "right", 70, sort_key=lambda run: run.progress.eta_seconds, restless=True),
    )


def _name(run: TrainingSession) -> Cell:
    symbol, style = run_state(run.status)
    return Cell(safe(f"{symbol} {run.name or run.id}"), style if run.status.live else "")


def _status(run: TrainingSession) -> Cell:
    return cell(run.status.value, run_state(run.status)[1])


def _step(run: TrainingSession) -> Cell:
    progress = run.progress
    if progress.step is None:
        return cell("-", "$muted")
    return cell(_short(progress.step) + (f"/{_short(progress.total_steps)}" if progress.total_steps else ""))


def _short(step: int) -> str:
    return f"{step:,}" if step < 10_000 else f"{step / 1000:.0f}k" if step < 1_000_000 else f"{step / 1e6:.1f}M"


def _loss(run: TrainingSession) -> Cell:
    value = run.progress.loss
    bad = value is not None and value != value
    return cell(loss(value), "$danger" if bad else "")


def _eta(run: TrainingSession) -> Cell:
    if run.status.ended:
        return cell("-", "$muted")
    seconds = run.progress.eta_seconds
    return cell("-", "$muted") if seconds is None else cell(in_a_word(seconds))
