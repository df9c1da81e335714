"""The columns of the Costs screen: what money was spent on, and what is worth a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from runctl_tui.domain.cost import RUN, CostReport, CostShare
from runctl_tui.domain.insights import Insight
from runctl_tui.modals.words import UNKNOWN, bar, figure
from runctl_tui.screens.columns.words import cell
from runctl_tui.widgets.columns import Cell, Column

BAR: Final = 12
"""Cells of the longest bar."""


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One share with what it is measured by."""

    share: CostShare
    total: Decimal
    largest: Decimal
    name: str
    """Its label as people know it; what carries none says so."""


def share_rows(report: CostReport, runs: Mapping[str, str]) -> tuple[ShareRow, ...]:
    """Return the shares of a report as rows; `runs` gives a run's name by its id."""
    largest = max((one.usd for one in report.shares), default=Decimal(0))
    names = runs if report.by == RUN else {}
    return tuple(
        ShareRow(one, report.total, largest, names.get(one.name) or one.name or "(none)") for one in report.shares
    )


def no_budgets(report: CostReport) -> tuple[str, ...]:
    """Return the columns that say nothing in a report in which nothing has a budget."""
    return () if any(share.budget is not None for share in report.shares) else ("budget", "left")


def share_columns() -> tuple[Column[ShareRow], ...]:
    """Return the columns of what money was spent on."""
    return (
        Column(
            "name", "SPENT ON", _name, 10, wide=18, priority=90, flexible=True, sort_key=lambda row: row.name.casefold()
        ),
        Column("usd", "$", _usd, 10, "right", 100, sort_key=lambda row: row.share.usd, descending=True),
        Column("budget", "BUDGET", _budget, 7, "right", 75, sort_key=lambda row: row.share.budget, descending=True),
        Column("left", "LEFT", _left, 11, "right", 85, sort_key=lambda row: row.share.left),
        Column("part", "%", _part, 3, "right", 70, sort_key=lambda row: row.share.usd, descending=True),
        Column("bar", "", _bar, BAR, priority=50),
    )


def insight_columns() -> tuple[Column[Insight], ...]:
    """Return the columns of what is worth a look."""
    return (
        Column("finding", "FINDING", _finding, 40, priority=100, flexible=True, sort_key=lambda one: one.text),
        Column(
            "saves", "SAVES $/MO", _saves, 10, "right", 90, sort_key=lambda one: one.saves_per_hour, descending=True
        ),
        Column("rate", "$/H", _rate, 6, "right", 60, sort_key=lambda one: one.saves_per_hour, descending=True),
        Column("do", "ENTER", _do, 15, wide=22, priority=80, sort_key=lambda one: one.advice),
    )


def _name(row: ShareRow) -> Cell:
    return cell(row.name, "$strong" if row.share.name else "$muted")


def _usd(row: ShareRow) -> Cell:
    if not row.share.unpriced_seconds:
        return cell(figure(row.share.usd, 10))
    return cell(f"{figure(row.share.usd, 6)} + {UNKNOWN}" if row.share.usd else UNKNOWN, "$warn")


def _budget(row: ShareRow) -> Cell:
    budget = row.share.budget
    return cell("-" if budget is None else figure(budget, 7), "$muted")


def _left(row: ShareRow) -> Cell:
    """Say in words what is over; that much is certain also where more is unknown."""
    share = row.share
    if share.over is not None:
        more = "" if share.left is not None else f" + {UNKNOWN}"
        return cell(f"over {figure(share.over, 6 - len(more))}{more}", "$warn bold")
    if share.budget is None:
        return cell("-", "$muted")
    return cell(figure(share.left, 11), "$warn" if share.left is None else "$strong")


def _part(row: ShareRow) -> Cell:
    if row.share.unpriced_seconds and not row.share.usd:
        return cell(UNKNOWN, "$warn")
    return cell(f"{100 * row.share.usd / row.total:.0f}" if row.total else "-", "$muted")


def _bar(row: ShareRow) -> Cell:
    return cell(bar(float(row.share.usd / row.largest), BAR) if row.largest else "", "$chart-1")


def _finding(one: Insight) -> Cell:
    return cell(f"{'▲' if one.warns else '·'} {one.text}", "$warn" if one.warns else "")


def _saves(one: Insight) -> Cell:
    """Say what is saved per month; unknown is a question mark."""
    if not one.saves_something:
        return cell("-", "$muted")
    amount = one.saves_per_month
    return cell(figure(amount, 10), "$warn" if amount is None else "$cost")


def _rate(one: Insight) -> Cell:
    """Say the price per hour that is saved; storage has none."""
    if not one.saves_something or one.by_month:
        return cell("-", "$muted")
    return cell(figure(one.saves_per_hour, 6), "$warn" if one.saves_per_hour is None else "$muted")


def _do(one: Insight) -> Cell:
    return cell(one.advice, "$muted")
