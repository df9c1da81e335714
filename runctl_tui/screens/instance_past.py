"""One machine's past and belongings as facts: stretches, money, runs, checkpoints, deeds; pure, used by its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from statistics import fmean as mean
from typing import TYPE_CHECKING, Final

from runctl_tui import modals
from runctl_tui.domain.facts import Known
from runctl_tui.modals.words import age, duration, loss, money, number, size
from runctl_tui.screens.columns.words import copy_cell, state_cell
from runctl_tui.screens.host_facts import LEVELS
from runctl_tui.screens.instance_facts import run_fact

if TYPE_CHECKING:
    from runctl_tui.domain.checkpoint import Checkpoint
    from runctl_tui.domain.facts import Fact as Heard
    from runctl_tui.domain.history import Account, Deed, History, Stretch
    from runctl_tui.domain.run import TrainingSession
    from runctl_tui.domain.snapshot import Snapshot
    from runctl_tui.widgets.facts import Fact

Facts = tuple["Fact", ...]
FEWEST: Final = 3
"""Readings from which on they are drawn."""
DRAWN: Final = 24
"""Letters of a drawing."""
MOST: Final = 12
"""Stretches, deeds and checkpoints that are shown; the rest is counted."""
READING: Final = modals.fact("", "reading the ledger…", "$muted")


def timeline_facts(account: Heard[Account] | None) -> Facts:
    """Return the states with their prices and what each stretch cost, newest first."""
    if not isinstance(account, Known):
        return (_unread(account),)
    stretches = account.value.stretches
    return _newest([_stretch(one) for one in stretches], "earlier") or (modals.fact("", "nothing yet", "$muted"),)


def money_facts(account: Heard[Account] | None, run_names: Mapping[str, str]) -> Facts:
    """Return what the machine cost today, this month and in all, by project and run."""
    if not isinstance(account, Known):
        return (_unread(account),)
    known = account.value
    rows = [
        modals.fact("today", money(known.today), "$cost"),
        modals.fact("this month", money(known.month), "$cost"),
        modals.fact(
            "in all", f"{money(known.total)}, {f'project {known.project}' if known.project else 'no project'}", "$cost"
        ),
    ]
    if known.unpriced_seconds:
        words = f"{duration(known.unpriced_seconds)} at an unknown price, in no sum"
        rows.append(modals.fact("left out", words, "$warn"))
    for run, usd in known.by_run:
        name = f"run {run_names.get(run) or run}" if run else "while no run was on it"
        rows.append(modals.fact("", f"{money(usd):>10}  {name}"))
    return tuple(rows)


def usage_facts(history: History | None) -> Facts:
    """Return how busy processors and GPUs were, drawn over the time since the first reading that is kept."""
    readings = history.usage if history else ()
    cpu = [(one.timestamp, one.cpu_percent) for one in readings if one.cpu_percent is not None]
    busy = ((one.timestamp, [gpu.utilization for gpu in one.gpus if gpu.utilization is not None]) for one in readings)
    gpus = [(at, mean(values)) for at, values in busy if values]
    return tuple(_trend(label, known) for label, known in (("cpu was", cpu), ("gpu was", gpus)) if len(known) >= FEWEST)


def _trend(label: str, known: Sequence[tuple[datetime, float]]) -> Fact:
    values = [value for _, value in known]
    span = duration((known[-1][0] - known[0][0]).total_seconds())
    return modals.fact(label, f"{levels(values)}  {mean(values):.0f} % on average, at most {max(values):.0f} %, {span}")


def levels(percents: Sequence[float]) -> str:
    """Draw at most 24 means of neighbouring values, one letter each."""
    count = min(DRAWN, len(percents))
    edges = [len(percents) * step // count for step in range(count + 1)]
    return "".join(LEVELS[min(7, int(mean(percents[start:end]) / 12.5))] for start, end in pairwise(edges))


def run_facts(runs: Sequence[TrainingSession], costs: Mapping[str, Decimal], now: datetime) -> Facts:
    """Return the runs on the machine with what each did and cost, newest first."""
    rows = [run_fact(run, now, costs.get(run.id)) for run in runs]
    return _newest(rows, "older") or (modals.fact("", "no runs; x, Train here… starts one", "$muted"),)


def checkpoint_facts(
    snapshot: Snapshot[tuple[Checkpoint, ...]] | None, runs: Sequence[TrainingSession], now: datetime
) -> Facts:
    """Return the checkpoints of the machine's runs, newest first, and what could not be told."""
    if not runs:
        return (modals.fact("", "none: it has no runs", "$muted"),)
    if snapshot is None:
        return (modals.fact("", "asking host and S3…", "$muted"),)
    ids = {run.id for run in runs}
    own = sorted(
        (one for one in snapshot.value if one.run_id in ids),
        key=lambda one: (one.created_at is not None, one.created_at or datetime.min.replace(tzinfo=UTC)),
        reverse=True,
    )
    silent = tuple(modals.fact("▲", problem.what, "$warn") for problem in snapshot.missing if problem.scope in ids)
    rows = _newest([_checkpoint(one, now) for one in own], "older")
    return (*silent, *rows) or (modals.fact("", "none yet", "$muted"),)


def deed_facts(history: History | None, now: datetime) -> Facts:
    """Return what was done to the machine: when, what, by whom, and how it ended, newest first."""
    if history is None:
        return (READING,)
    rows = [fact for deed in history.deeds for fact in _deed(deed, now)]
    return _newest(rows, "earlier") or (modals.fact("", "nothing by this program", "$muted"),)


@dataclass(frozen=True, slots=True)
class _End:
    """Sign and colour of how something ended."""

    sign: str
    style: str


_ENDS: Final = {True: _End("✓", "$ok"), False: _End("✗", "$danger"), None: _End("◐", "$warn")}


def _deed(deed: Deed, now: datetime) -> Facts:
    end = _ENDS[deed.ok]
    head = modals.fact(_moment(deed.at), f"{end.sign} {deed.verb} by {deed.who}", end.style, f"{age(deed.at, now)} ago")
    return head, modals.fact("", f"  {deed.result}", "$muted")


def _stretch(one: Stretch) -> Fact:
    state = state_cell(one.state) if one.state else None
    words = state.text if state else "? not seen"
    length = duration((one.end - one.start).total_seconds())
    if not one.counted:
        return modals.fact(_moment(one.start), f"{words:12} {'?':>11} {length:>11}  not seen", "$muted")
    text = f"{words:12} {f'{money(one.usd_per_hour)}/h':>11} {length:>11} {money(one.usd):>9}"
    return modals.fact(_moment(one.start), text, state.style if state else "$muted")


def _checkpoint(one: Checkpoint, now: datetime) -> Fact:
    name = f"step {number(one.step)}" if one.step is not None else one.name
    host = copy_cell(one.host.state).text.partition(" ")[0]
    words = f"{size(one.size_bytes):>8}  loss {loss(one.loss):>5}  host {host} S3 {copy_cell(one.s3.state).text}"
    return modals.fact(name, words, "" if one.safe_in_s3 else "$warn", age(one.created_at, now))


def _unread(account: Heard[Account] | None) -> Fact:
    return READING if account is None or isinstance(account, Known) else modals.fact("", account.reason, "$muted")


def _newest(rows: Sequence[Fact], others: str) -> Facts:
    rest = len(rows) - MOST
    return (*rows[:MOST], modals.fact("", f"and {rest} {others}", "$muted")) if rest > 0 else tuple(rows)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%d %b %H:%M").lstrip("0")
