"""The noun `cost`: the tracker's figures, and any stretch of its ledger divided by day or by what it was spent on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from runctl_tui.domain import figures, validation
from runctl_tui.domain.cost import (
    ALL_INCLUDED,
    DIMENSIONS,
    TAG,
    Billed,
    CostReport,
    CostShare,
    CostSummary,
    TrackedResource,
    not_included,
)
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.money import CENT, cents, rounded
from runctl_tui.domain.resource import GONE
from runctl_tui.domain.volume import VOLUME
from runctl_tui.headless import output
from runctl_tui.headless.parser import Nouns, Parser, UsageError, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.headless.volume_rows import KEPT
from runctl_tui.services.ports_services import Services

_DIMENSIONS = (*DIMENSIONS, "day")
_NO_FUTURE = "name days up to today; without --since it is this month so far"
_RESOURCES = {
    "NAME": "name",
    "ID": "id",
    "KIND": "kind",
    "STATE": "state",
    "PROJECT": "project",
    "$/H": "usd_per_hour",
    "SO FAR": "accumulated",
}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun."""
    parser = add_noun(nouns, name, help_text)
    words = f"divide by {', '.join(_DIMENSIONS)} or {TAG}KEY"
    parser.add_argument("--by", metavar="DIM", type=_dimension, help=words)
    parser.add_argument("--since", metavar="DATE", type=_day, help="first day that counts (UTC); default: the 1st")
    parser.add_argument("--until", metavar="DATE", type=_day, help="last day that counts (UTC); default: today")
    parser.set_defaults(handler=cost, needs=Needs.SERVICES)


async def cost(services: Services, call: Call) -> Reply:
    """Now, today, this month, the forecast; or a stretch of time divided."""
    args = call.args
    return await (_divided if args.by or args.since or args.until else _figures)(services, call)


async def _figures(services: Services, call: Call) -> Reply:
    fleet = await services.fleet.now()
    summary = await services.costs.now()
    resources = await services.costs.resources()
    excluded = not_included(summary, await services.costs.report("project"))
    ours = {share.name: share.usd for share in (await services.costs.report("provider")).shares}
    told = summary.told
    forecast = told(summary.forecast)
    star = " (estimate)" if summary.estimated and forecast is not None else ""
    data = {
        "as_of": summary.as_of,
        "burn_per_hour": told(summary.burn_per_hour),
        "today": told(summary.today),
        "month": told(summary.month),
        "forecast": forecast,
        "budget": summary.budget,
        "left": summary.left,
        "estimated": summary.estimated,
        "running": summary.running,
        "excluded": excluded,
        "billed": [_billed(one, ours.get(one.provider)) for one in summary.billed],
        "resources": resources,
    }
    text = output.facts(
        [
            ("now", f"{output.dollars(told(summary.burn_per_hour))} per hour, {summary.running} running"),
            ("today", output.dollars(told(summary.today))),
            ("this month", output.dollars(told(summary.month))),
            ("forecast", f"{output.dollars(forecast)}{star}"),
            ("budget left", output.dollars(summary.left) if summary.budget is not None else ""),
            ("not included", ", ".join(excluded) or ALL_INCLUDED),
            *((f"{one.label} billed", _billed_words(one, ours, summary.as_of)) for one in summary.billed),
        ]
    )
    rows = [{key: getattr(one, key) for key in _RESOURCES.values()} | _so_far(one) | _kept(one) for one in resources]
    return Reply(data, f"{text}\n\n{output.table(rows, _RESOURCES, 'nothing tracked yet')}", fleet.missing)


def _billed(one: Billed, ours: Decimal | None) -> output.Row:
    """Return a provider's own bill beside our figure."""
    if isinstance(one.bill, Unknown):
        return {"provider": one.provider, "month": None, "today": None, "ours": ours, "why_unknown": one.bill.reason}
    bill = one.bill.value
    told = {"month": bill.month, "today": bill.today, "parts": dict(bill.parts), "since": bill.since}
    return {"provider": one.provider, **told, "ours": ours, "source": one.bill.source, "as_of": one.bill.observed_at}


def _billed_words(one: Billed, ours: Mapping[str, Decimal], now: datetime) -> str:
    words = one.words(ours.get(one.provider))
    if isinstance(one.bill, Unknown):
        return words
    return f"{words} ({one.bill.source}, {output.age(int((now - one.bill.observed_at).total_seconds()))} old)"


def _so_far(resource: TrackedResource) -> output.Row:
    """Return what a resource has cost; unknown where no time of it has a known price."""
    unknown = not resource.accumulated and resource.unpriced_seconds > 0
    return {"accumulated": None} if unknown else {}


def _kept(resource: TrackedResource) -> output.Row:
    """Return the state of a volume, which neither runs nor is stopped."""
    return {"state": KEPT} if resource.kind == VOLUME and resource.state not in GONE else {}


async def _divided(services: Services, call: Call) -> Reply:
    dimension = call.args.by or "day"
    since, until = call.args.since, call.args.until and call.args.until + timedelta(days=1)
    if since and until and since >= until:
        raise UsageError("--until lies before --since", todo="name the first day and the last one")
    if until and not since:
        since = (until - timedelta(days=1)).replace(day=1)
    today = services.clock.now()
    if since and since > today:
        raise UsageError(f"{since:%Y-%m-%d} has not come yet", f"today is {today:%Y-%m-%d} (UTC)", _NO_FUTURE)
    missing = (await services.fleet.now()).missing
    summary = await services.costs.now()
    report = await services.costs.report("provider" if dimension == "day" else dimension, since, until)
    rows = _days(report) if dimension == "day" else _shares(report, dimension)
    excluded = not_included(summary, report)
    data = {
        "by": dimension,
        "since": report.since,
        "until": report.until,
        "recorded_since": report.recorded_since,
        "total": _total(report, summary),
        "rows": rows,
        "unpriced": report.unpriced,
        "excluded": excluded,
    }
    return Reply(data, _words(report, dimension, rows, data), missing, scope=(_period(report),))


def _period(report: CostReport) -> str:
    last = report.until - timedelta(microseconds=1)
    return f"{report.since:%Y-%m-%d} to {last:%Y-%m-%d} (UTC)"


def _shares(report: CostReport, dimension: str) -> list[output.Row]:
    return [
        {
            dimension: share.name,
            "usd": rounded(share.usd),
            "share": float(share.usd / report.total) if report.total else None,
            "resources": share.resources,
            "unpriced_seconds": round(share.unpriced_seconds),
            **(_budget(share) if dimension == "project" else {}),
        }
        for share in report.shares
    ]


def _budget(share: CostShare) -> output.Row:
    """Return the project's budget; what is left is null where it is unknown too."""
    left = None if share.left is None else cents(share.left)
    return {"budget": share.budget, "left": left, "over": None if share.over is None else cents(share.over)}


def _days(report: CostReport) -> list[output.Row]:
    return [
        {"day": each.day.isoformat(), "usd": rounded(each.usd), "unpriced_seconds": round(each.unpriced_seconds)}
        for each in report.days
    ]


def _total(report: CostReport, summary: CostSummary) -> Decimal | None:
    """Return the sum; unknown where nothing was recorded, or nothing was found and some place was not read."""
    return summary.told(report.total) if report.days else None


def _words(report: CostReport, dimension: str, rows: list[output.Row], data: Mapping[str, Any]) -> str:
    amounts = [_amount(row) for row in rows]
    room = max(map(len, amounts), default=0)
    shown = [
        {**row, dimension: row[dimension] or "(none)", "$": amount.rjust(room), "%": _percent(row)}
        for row, amount in zip(rows, amounts, strict=True)
    ]
    columns = {dimension.upper(): dimension, "$": "$"}
    if dimension != "day":
        columns |= {"%": "%", "RESOURCES": "resources"}
    if any(share.budget is not None for share in report.shares):
        columns |= {"BUDGET": "budget", "LEFT": "left"}
        shown = [{**row, "budget": _whole(row["budget"]), "left": _left(row)} for row in shown]
    facts = output.facts(
        [
            ("total", f"{output.dollars(data['total'])} from {_period(report)}"),
            ("ledger since", f"{report.recorded_since:%Y-%m-%d}" if report.recorded_since else "nothing is recorded"),
            ("not included", ", ".join(data["excluded"]) or ALL_INCLUDED),
        ]
    )
    return f"{output.table(shown, columns, 'nothing was spent, or nothing was recorded')}\n\n{facts}"


def _amount(row: output.Row) -> str:
    """Return the dollars, with what is not in them; unknown alone is a question mark and never zero."""
    usd = Decimal(str(row["usd"]))
    amount = "<0.01" if 0 < usd < CENT else f"{usd:,.2f}"
    if not row["unpriced_seconds"]:
        return amount
    return f"{amount} + ?" if usd else "?"


def _whole(budget: object) -> str:
    return "-" if budget is None else f"{budget:,}"


def _left(row: output.Row) -> str:
    """Return what is left of the budget; what is over is certain also where more is unknown."""
    if row["over"] is not None:
        return f"over {row['over']:,}{'' if row['left'] is not None else ' + ?'}"
    return "-" if row["budget"] is None else "?" if row["left"] is None else f"{row['left']:,}"


def _percent(row: output.Row) -> int | None:
    share = row.get("share")
    unknown = row["unpriced_seconds"] and not row["usd"]
    return round(100 * share) if isinstance(share, float) and not unknown else None


def _dimension(word: str) -> str:
    """Return a word after --by; UsageError names the nearest."""
    if word.startswith(TAG) and word != TAG:
        return word
    if word not in _DIMENSIONS:
        nearest = validation.nearest(word, _DIMENSIONS)
        todo = f"did you mean {nearest}?" if nearest else f"one of: {', '.join(_DIMENSIONS)}, {TAG}KEY"
        raise UsageError(f"costs are not kept by {word!r}", todo=todo)
    return word


def _day(word: str) -> datetime:
    try:
        return datetime.combine(figures.day(word), time(), UTC)
    except ValueError as error:
        raise UsageError(str(error), todo="write it as 2026-11-30") from None
