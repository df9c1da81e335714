"""The noun `resources`: everything that costs money in one list, its sums, and what deserves a look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from functools import partial

from runctl_tui.domain.facts import Known
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.insights import Insight, insights
from runctl_tui.domain.resource import BILLED_STATES, GONE, ResourceState
from runctl_tui.domain.volume import VOLUME
from runctl_tui.headless import cleaning, output
from runctl_tui.headless.parser import Nouns, Parser, add_noun, add_verbs
from runctl_tui.headless.reply import Call, Needs, Reply, about, check_provider, listed, require_sight
from runctl_tui.headless.resource_findings import findings
from runctl_tui.headless.rows import instance_row
from runctl_tui.headless.volume_rows import KEPT, tracked_volume_row
from runctl_tui.headless.watching import Seen, add_watch_flags, check_interval, watch
from runctl_tui.services.errors import ValidationError
from runctl_tui.services.ports_services import Services

_LIST = {
    "NAME": "name",
    "KIND": "kind",
    "ID": "id",
    "PROVIDER": "provider",
    "STATE": "state",
    "TYPE": "type",
    "PROJECT": "project",
    "OWNER": "owner",
    "$/H": "usd_per_hour",
    "DISKS $/MO": "disks_usd_per_month",
    "SO FAR": "so_far_usd",
    "NOTE": "note",
}
_TYPES = {"TYPE": "type", "RUNNING": "running", "ALL": "all", "$/H": "usd_per_hour"}
_INSIGHTS = {"": "sign", "SAVES": "saves", "DO": "do", "FINDING": "text"}


def register(nouns: Nouns[Parser], name: str, help_text: str) -> None:
    """Add the noun with its verbs."""
    verbs = add_verbs(add_noun(nouns, name, help_text))
    parser = add_noun(verbs, "list", "list every resource with state, price and money so far")
    parser.add_argument("--provider", metavar="PROVIDER", default="", help="only of this provider")
    parser.add_argument("--state", metavar="STATE", default="", help="only in this state")
    parser.add_argument("--tag", metavar="KEY[=VALUE]", default="", help="only with this tag")
    add_watch_flags(parser)
    parser.set_defaults(handler=list_all, needs=Needs.SERVICES)
    parser = add_noun(verbs, "summary", "count and price everything, and say which mark a sum has passed")
    parser.set_defaults(handler=summarise, needs=Needs.SERVICES)
    parser = add_noun(verbs, "insights", "say what is idle, forgotten or kept for nothing, and what ending it saves")
    parser.set_defaults(handler=advise, needs=Needs.SERVICES)
    cleaning.register(verbs)


async def list_all(services: Services, call: Call) -> Reply:
    """Every resource of every provider, once or again and again."""
    check_interval(call)
    check_provider(services, call.args.provider)
    check_state(call.args.state)
    if call.args.watch:
        return await watch(call, partial(_look, services, call))
    snapshot = about(await services.fleet.now(), call.args.provider)
    rows = await _rows(services, call, snapshot.value)
    return listed(snapshot, rows, output.table(rows, _LIST, "no resources"))


async def summarise(services: Services, call: Call) -> Reply:
    """Counts, sums and the marks that they have passed."""
    snapshot = await services.fleet.now()
    require_sight(snapshot, snapshot.value)
    costs = await services.costs.now()
    states = Counter(row.instance.state.value for row in snapshot.value)
    burn, today, month, forecast = map(costs.told, (costs.burn_per_hour, costs.today, costs.month, costs.forecast))
    day, week = (None if burn is None else burn * hours for hours in (24, 24 * 7))
    passed = insights((), costs, services.clock.now())
    accumulated = sum((row.so_far for row in snapshot.value if row.so_far is not None), Decimal(0))
    data = {
        "as_of": costs.as_of,
        "states": dict(states),
        "types": _types(snapshot.value),
        "usd_per_hour": burn,
        "usd_per_day": day,
        "usd_per_week": week,
        "today": today,
        "month": month,
        "forecast": forecast,
        "accumulated": accumulated,
        "budget": costs.budget,
        "left": costs.left,
        "excluded": costs.excluded,
        "marks": [_flat(one) for one in passed],
    }
    pairs = [
        ("resources", ", ".join(f"{count} {state}" for state, count in states.items()) or "none"),
        ("now", f"{output.dollars(burn)}/h, {output.dollars(day)} a day, {output.dollars(week)} a week"),
        ("today", output.dollars(today)),
        ("this month", f"{output.dollars(month)}, {output.dollars(forecast)} at its end"),
        ("so far", f"{output.dollars(accumulated)} for what exists now"),
        ("budget left", output.dollars(costs.left) if costs.budget is not None else ""),
        ("not included", ", ".join(costs.excluded)),
        *((f"{_sign(one)} mark", one.text) for one in passed),
    ]
    table = output.table(_types(snapshot.value), _TYPES, "no resources")
    return Reply(data, f"{output.facts(pairs)}\n\n{table}", snapshot.missing)


async def advise(services: Services, call: Call) -> Reply:
    """What deserves a look, what saves most first."""
    found, missing = await findings(services)
    shown = [{**_flat(one), "sign": _sign(one), "saves": _saves(one), "do": _command(one)} for one in found]
    whole = "nothing is idle, forgotten or kept for nothing, and no mark is passed"
    text = output.table(shown, _INSIGHTS, "nothing found in what could be read" if missing else whole)
    return Reply([_flat(one) for one in found], text, missing)


def check_state(name: str) -> None:
    """Raise ValidationError for a state in which nothing can be."""
    known = [*(state.value for state in ResourceState), KEPT]
    if name and name not in known:
        raise ValidationError(f"there is no state {name!r}", "", f"one of {', '.join(known)}")


async def _look(services: Services, call: Call) -> Seen:
    snapshot = about(await services.fleet.now(), call.args.provider)
    return Seen(await _rows(services, call, snapshot.value), snapshot.missing, snapshot.taken_at)


async def _rows(services: Services, call: Call, rows: Sequence[FleetRow]) -> list[output.Row]:
    """Return machines as they are, and of the ledger the volumes that cost by themselves, mounted or not."""
    now = services.clock.now()
    machines = [
        {**instance_row(row, now), "kind": "instance", "disks_usd_per_month": row.disks_per_month, "note": row.note}
        for row in rows
    ]
    volumes = [one for one in await services.costs.resources() if one.kind == VOLUME and one.state not in GONE]
    return [row for row in (*machines, *map(tracked_volume_row, volumes)) if _wanted(row, call)]


def _wanted(row: output.Row, call: Call) -> bool:
    key, equals, value = call.args.tag.partition("=")
    tags = row["tags"]
    tag = tags.get(key) if isinstance(tags, dict) else None
    return (
        call.args.provider in ("", row["provider"])
        and call.args.state in ("", str(row["state"]))
        and (not key or (tag is not None and (not equals or tag == value)))
    )


def _types(rows: Sequence[FleetRow]) -> list[output.Row]:
    """Return one line per machine type; a price that anybody lacks makes its sum unknown."""
    found: dict[str, list[FleetRow]] = {}
    for row in rows:
        found.setdefault(row.instance.type, []).append(row)
    return [
        {"type": kind, "running": len(billed), "all": len(same), "usd_per_hour": _rate(billed)}
        for kind, same in sorted(found.items())
        for billed in [[row for row in same if row.instance.state in BILLED_STATES]]
    ]


def _rate(rows: Sequence[FleetRow]) -> Decimal | None:
    prices = [row.price.value.usd_per_hour for row in rows if isinstance(row.price, Known)]
    return sum(prices, Decimal(0)) if len(prices) == len(rows) else None


def _flat(one: Insight) -> output.Row:
    return {**asdict(one), "saves_per_month": one.saves_per_month}


def _sign(one: Insight) -> str:
    return "▲" if one.warns else "·"


def _saves(one: Insight) -> str:
    """Return what acting on it saves per month, with the price per hour of what has one."""
    if not one.saves_something:
        return "-"
    if one.saves_per_hour is None:
        return "unknown"
    rate = "" if one.by_month else f" ({output.dollars(one.saves_per_hour)}/h)"
    return f"{output.dollars(one.saves_per_month)}/mo{rate}"


def _command(one: Insight) -> str:
    """Return the command that shows the fitting plan."""
    if one.operation is None or not one.reference:
        return one.advice
    noun = "volumes" if one.about_volume else "instances"
    return f"{noun} {one.operation.verb} {one.reference.partition('/')[2]}"
