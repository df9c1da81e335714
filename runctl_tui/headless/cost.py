"""The noun `cost`: the tracker's figures."""

from __future__ import annotations

from runctl_tui.headless import output
from runctl_tui.headless.parser import Nouns, Parser, add_noun
from runctl_tui.headless.reply import Call, Needs, Reply
from runctl_tui.services.ports import Services

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
    parser.add_argument("--by", choices=("project", "run", "type", "provider"), help="this month, divided by this")
    parser.set_defaults(handler=cost, needs=Needs.SERVICES)


async def cost(services: Services, call: Call) -> Reply:
    """Now, today, this month, the forecast; or this month divided."""
    fleet = await services.fleet.now()
    if call.args.by:
        rows = [{call.args.by: name, "usd": float(dollars)} for name, dollars in await services.costs.by(call.args.by)]
        return Reply(
            rows,
            output.table(rows, {call.args.by.upper(): call.args.by, "$ THIS MONTH": "usd"}, "nothing yet"),
            fleet.missing,
        )
    summary = await services.costs.now()
    resources = await services.costs.resources()
    data = {
        "as_of": summary.as_of,
        "burn_per_hour": summary.burn_per_hour,
        "today": summary.today,
        "month": summary.month,
        "forecast": summary.forecast,
        "budget": summary.budget,
        "left": summary.left,
        "estimated": summary.estimated,
        "running": summary.running,
        "excluded": summary.excluded,
        "resources": resources,
    }
    text = output.facts(
        [
            ("now", f"{output.dollars(summary.burn_per_hour)} per hour, {summary.running} running"),
            ("today", output.dollars(summary.today)),
            ("this month", output.dollars(summary.month)),
            ("forecast", f"{output.dollars(summary.forecast)}{' (estimate)' if summary.estimated else ''}"),
            ("budget left", output.dollars(summary.left) if summary.budget is not None else ""),
            ("not included", ", ".join(summary.excluded)),
        ]
    )
    rows = [{key: getattr(resource, key) for key in _RESOURCES.values()} for resource in resources]
    return Reply(data, f"{text}\n\n{output.table(rows, _RESOURCES, 'nothing tracked yet')}", fleet.missing)
