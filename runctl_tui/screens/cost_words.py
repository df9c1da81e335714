"""What the Costs screen says besides its tables: figures, where they come from, what they leave out; pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from runctl_tui import modals
from runctl_tui.domain.cost import ALL_INCLUDED, CostReport, CostSummary, not_included
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.insights import Insight
from runctl_tui.domain.text import safe
from runctl_tui.modals.words import duration, money, seen
from runctl_tui.widgets.day_bars import DayBar
from runctl_tui.widgets.text import Piece


def figures(summary: CostSummary) -> tuple[Piece, ...]:
    """Return the line of figures; nothing that is unknown is shown as zero."""
    told, month = summary.told, f"{summary.as_of:%b}"
    star = "*" if summary.estimated and told(summary.burn_per_hour) is not None else ""
    out = [
        Piece(safe(f"today {money(told(summary.today))}"), "$strong", 90),
        Piece(safe(f"burn {money(told(summary.burn_per_hour))}/h{star}"), "$cost bold", 100),
        Piece(
            safe(f"{month} so far {money(told(summary.month))}"), "$strong", 80,
            safe(f"{month} {money(told(summary.month))}"),
        ),
        Piece(safe(f"forecast {_whole(told(summary.forecast))}{star}"), _forecast_style(summary), 70),
    ]  # fmt: skip
    if summary.budget is None:
        return (*out, Piece(safe("no budget"), "$muted", 10))
    left = f"left {_whole(summary.left)}"
    return (
        *out,
        Piece(safe(f"budget {_whole(summary.budget)}"), "", 50),
        Piece(safe(f"{left}{_lasts(summary)}"), _forecast_style(summary), 60, safe(left)),
    )


def sources(report: CostReport, rows: Iterable[FleetRow], summary: CostSummary, now: datetime) -> tuple[Piece, ...]:
    """Return where the figures come from and how old they are."""
    begun = report.recorded_since
    ledger = f"ledger since {begun:%-d %b %Y}, {seen(summary.as_of, now)}" if begun else "nothing is recorded yet"
    prices = price_sources(rows)
    names, oldest = ", ".join(one.source for one in prices), min((one.read_at for one in prices), default=now)
    read = f"read {seen(oldest, now)}"
    told = f"prices: {names}, {read}" if prices else "prices: none known"
    return (
        Piece(safe(ledger), "$muted", 60),
        Piece(safe(told), "$muted", 50, safe(f"prices {read}" if prices else told)),
        Piece(safe("days are UTC"), "$muted", 10),
    )


def billed(summary: CostSummary, ours: Mapping[str, Decimal], now: datetime) -> tuple[Piece, ...]:
    """Return what providers say themselves that this month has cost, beside our figure."""
    return tuple(
        Piece(safe(f"{one.label} billed ?"), "$warn", 70)
        if isinstance(one.bill, Unknown)
        else Piece(
            safe(
                f"{one.label} billed {money(one.bill.value.month)}, ours {money(ours.get(one.provider))}, "
                f"{seen(one.bill.observed_at, now)}"
            ),
            "$muted",
            70,
            safe(f"{one.label} billed {money(one.bill.value.month)}"),
        )
        for one in summary.billed
    )


def bills(summary: CostSummary, ours: Mapping[str, Decimal], now: datetime) -> tuple[modals.Section, ...]:
    """Return the providers' own bills in full, with source and age."""
    rows = []
    for one in summary.billed:
        known = isinstance(one.bill, Known)
        rows.append(
            modals.fact(
                one.label,
                one.words(ours.get(one.provider)),
                "" if known else "$warn",
                seen(one.bill.observed_at, now) if isinstance(one.bill, Known) else "",
            )
        )
        rows += [modals.fact("source", f"{one.bill.source}; the whole account")] if isinstance(one.bill, Known) else []
    return (modals.Section(safe("Billed by the providers"), tuple(rows)),) if rows else ()


@dataclass(frozen=True, slots=True)
class PriceSource:
    """Somebody who tells prices."""

    source: str
    as_of: date
    read_at: datetime


def price_sources(rows: Iterable[FleetRow]) -> tuple[PriceSource, ...]:
    """Return each source of the machines' prices with its oldest date and reading."""
    found: dict[str, PriceSource] = {}
    for row in rows:
        if isinstance(row.price, Known) and row.price.value.usd_per_hour:
            price, read_at = row.price.value, row.price.observed_at
            before = found.get(price.source, PriceSource(price.source, price.as_of, read_at))
            oldest = PriceSource(price.source, min(before.as_of, price.as_of), min(before.read_at, read_at))
            found[price.source] = oldest
    return tuple(found.values())


def total(report: CostReport, summary: CostSummary | None) -> str:
    """Return the sum of a report; what was never recorded or could not be read is unknown."""
    if not report.days or (summary is not None and summary.told(report.total) is None):
        return "?"
    return f"{money(report.total)}{' + ?' if report.unpriced_seconds else ''}"


def filters(spent: str, findings: str) -> str:
    """Return what filters the two tables; a filter says whose it is, because both are in view."""
    both = (("spent on", spent), ("findings", findings))
    return "   ".join(f"{name}: {text}" for name, text in both if text)


def nothing(report: CostReport, summary: CostSummary | None) -> str:
    """Return why there is nothing to show: nobody spent anything, nobody could look, or nobody wrote it down."""
    if report.days and summary is not None and summary.unread:
        return f"nothing known was spent; without {summary.excluded[0]}" if summary.excluded else "nothing known"
    if report.days:
        return "nothing was spent"
    begun = report.recorded_since
    return f"nothing is recorded before {begun:%-d %b %Y}" if begun else "nothing is recorded yet"


def left_out(report: CostReport, summary: CostSummary) -> tuple[Piece, ...]:
    """Return what is in none of the figures."""
    words = not_included(summary, report)
    if not words:
        return (Piece(safe(ALL_INCLUDED), "$muted", 10),)
    return (Piece(safe(f"▲ without {', '.join(words)}"), "$warn", 100),)


def day_bars(report: CostReport) -> tuple[DayBar, ...]:
    """Return the days of the report's month, those to come too."""
    known = {each.day.day: each for each in report.days}
    last = monthrange(report.since.year, report.since.month)[1]
    return tuple(
        DayBar(day, float(known[day].usd), bool(known[day].unpriced_seconds)) if day in known else DayBar(day, None)
        for day in range(1, last + 1)
    )


def in_full(
    summary: CostSummary, report: CostReport, rows: tuple[FleetRow, ...], now: datetime
) -> tuple[modals.Section, ...]:
    """Return every figure with its source and age."""
    fact = modals.fact
    age, ledger = seen(summary.as_of, now), "sum of the ledger's priced intervals"
    budget = "costs.monthly_budget; set it in 9 Settings" if summary.budget is None else "costs.monthly_budget"
    facts = (
        fact(
            "burn", f"{money(summary.told(summary.burn_per_hour))}/h  of {summary.running} running, disks too", "", age
        ),
        fact("today", f"{money(summary.told(summary.today))}  {ledger}, since 00:00 UTC", "", age),
        fact("this month", f"{money(summary.told(summary.month))}  {ledger}, since the 1st, UTC", "", age),
        fact(
            "forecast",
            f"{money(summary.told(summary.forecast))}  this month and its rest at the present burn, an estimate",
            "",
            age,
        ),
        fact("budget", f"{money(summary.budget)}  {budget}" if summary.budget is not None else f"none  {budget}"),
        fact("left", f"{money(summary.left)}{_lasts(summary)}" if summary.budget is not None else "-"),
    )
    prices = tuple(
        fact("prices", f"{one.source} of {one.as_of:%-d %b %Y}", "", seen(one.read_at, now))
        for one in price_sources(rows)
    )
    begun = f"{report.recorded_since:%-d %b %Y %H:%M} UTC" if report.recorded_since else "nothing is recorded"
    out = tuple(fact("", words) for words in summary.excluded)
    unknown = tuple(fact("", f"{name}: its price is unknown") for name in report.unpriced)
    return (
        modals.Section(safe("Figures"), facts),
        modals.Section(safe("Sources"), (fact("ledger since", begun), *prices)),
        modals.Section(safe("Left out"), (*out, *unknown) or (fact("", "nothing known"),)),
    )


def finding(one: Insight) -> modals.Section:
    """Return a remark in full, with what acting on it saves and what can be done."""
    rate = "" if one.by_month or one.saves_per_hour is None else f"  {money(one.saves_per_hour)}/h"
    saves = f"{money(one.saves_per_month)}/mo{rate}" if one.saves_something else "-"
    facts = (modals.fact("what", one.text), modals.fact("saves", saves), modals.fact("enter", one.advice))
    return modals.Section(safe("Finding"), facts)


def _forecast_style(summary: CostSummary) -> str:
    over = summary.budget is not None and summary.forecast > summary.budget
    return "$warn bold" if over else "$strong"


def _lasts(summary: CostSummary) -> str:
    """Return how long the rest of the budget lasts at the present burn."""
    if summary.left is None or summary.left <= 0 or not summary.burn_per_hour:
        return ""
    return f", lasts {duration(float(summary.left / summary.burn_per_hour) * 3600)}"


def _whole(amount: Decimal | None) -> str:
    return "?" if amount is None else f"${amount:,.0f}" if abs(amount) >= 100 else money(amount)
