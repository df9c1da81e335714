"""`doctor --metrics` and `--prometheus`: what this program's own calls, feeds and runs are at."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path

from runctl_tui.domain.money import dollars
from runctl_tui.domain.telemetry import RunFigures, Telemetry, exposition, sums_of
from runctl_tui.headless import output
from runctl_tui.headless.reply import Call, Reply
from runctl_tui.services.ports_services import Services
from runctl_tui.services.telemetry import calls_in, telemetry

_COLUMNS = {
    "CALL": "call",
    "CALLS": "calls",
    "ERRORS": "errors",
    "THROTTLED": "throttles",
    "RETRIES": "retries",
    "MEAN S": "mean",
    "SLOWEST S": "slowest",
}


async def figures(services: Services, call: Call) -> Reply:
    """What the calls that the log still holds came to, what is burnt, and where each live run is."""
    await services.fleet.now()
    found = await telemetry(services, sums_of(await asyncio.to_thread(calls_in, Path(services.log_path))))
    calls = [
        {"service": service, "operation": operation, **asdict(sums), "mean": round(sums.mean, 3)}
        for (service, operation), sums in sorted(found.calls.items())
    ]
    data = {**asdict(replace(found, calls={})), "calls": calls}
    return Reply(data, exposition(found).rstrip() if call.args.prometheus else _text(found, calls))


def _text(found: Telemetry, calls: list[dict[str, object]]) -> str:
    rows = [{**one, "call": f"{one['service']} {one['operation']}"} for one in calls]
    burn = f"burn {dollars(found.burn_per_hour)}/h, this month {dollars(found.month)}"
    return "\n".join([output.table(rows, _COLUMNS, "no calls are in the log"), "", burn, *map(_run, found.runs)])


def _run(run: RunFigures) -> str:
    step = "?" if run.step is None else run.step
    loss = "?" if run.loss is None else run.loss
    return f"run {run.name or run.id}: step {step}, loss {loss}, {dollars(run.usd)}"
