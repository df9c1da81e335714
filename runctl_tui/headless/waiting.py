"""The verb `instances wait`: stays until a machine is where it is wanted, its SSH answers, or its run has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from runctl_tui.domain import figures
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.resource import GONE, ResourceState
from runctl_tui.domain.run import TrainingSession
from runctl_tui.headless import output
from runctl_tui.headless.flags import strictly
from runctl_tui.headless.parser import Parser
from runctl_tui.headless.reply import Call, Reply
from runctl_tui.services.errors import HostError, HostKeyChanged, ResourceNotFound, StateError, TrainctlError
from runctl_tui.services.ports_services import Services

PAUSE_SECONDS: Final = 2.0
"""Between two looks."""
TIMEOUT_SECONDS: Final = 600
_STATES: Final = {
    "running": ResourceState.RUNNING,
    "stopped": ResourceState.STOPPED,
    "terminated": ResourceState.TERMINATED,
}
WANTED: Final = (*_STATES, "ssh", "done")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look saw."""

    words: str
    reached: bool = False
    facts: dict[str, object] = field(default_factory=dict)


Look = Callable[[], Awaitable[Seen]]


def add_wait_flags(parser: Parser) -> None:
    """Add what is waited for, and how long."""
    parser.add_argument(
        "--for", dest="wanted", choices=WANTED, required=True, help="what to wait for; done: its training run ended"
    )
    words = f"give up after so many seconds, with exit code 2; default: {TIMEOUT_SECONDS}"
    parser.add_argument("--timeout", metavar="TIME", type=strictly(_seconds), default=TIMEOUT_SECONDS, help=words)


async def wait(services: Services, call: Call) -> Reply:
    """Wait, and say on standard error what is seen meanwhile."""
    row = await services.fleet.find(call.args.instance)
    name, wanted, begun = row.instance.name or row.instance.id, call.args.wanted, services.clock.monotonic()
    look, seen = await _looker(services, row, wanted), Seen("nothing was seen yet")
    try:
        async with asyncio.timeout(call.args.timeout):
            async for seen in _looks(look, call, name):
                if seen.reached:
                    break
    except TimeoutError:
        what = f"{name} is not {_words(wanted)} after {output.duration(call.args.timeout)}"
        todo = f"wait longer with --timeout, or look: runctl-tui instances show {row.instance.id}"
        raise TrainctlError(what, seen.words, todo, code="wait.timeout") from None
    took = services.clock.monotonic() - begun
    data = {"id": row.instance.id, "name": row.instance.name, "for": wanted, "seconds": round(took, 1), **seen.facts}
    return Reply(data, f"{name}: {seen.words}, after {output.duration(took)}")


async def _looks(look: Look, call: Call, name: str) -> AsyncIterator[Seen]:
    """Yield what is seen, look after look, and say what is new in it."""
    said = ""
    while True:
        seen = await _try(look)
        if seen.words != said and not seen.reached:
            call.console.progress(f"{name}: {seen.words}")
            said = seen.words
        yield seen
        await asyncio.sleep(PAUSE_SECONDS)


async def _try(look: Look) -> Seen:
    """Look once; what may go better the next time is only said."""
    try:
        return await look()
    except TrainctlError as error:
        if not error.retryable:
            raise
        return Seen(str(error))


async def _looker(services: Services, row: FleetRow, wanted: str) -> Look:
    if wanted in _STATES:
        return lambda: _state(services, row, _STATES[wanted])
    if wanted == "ssh":
        return lambda: _ssh(services, row)
    runs = await _runs(services, row)
    if not runs:
        raise ResourceNotFound(
            f"{row.instance.name or row.instance.id} has no training run", todo="'runctl-tui runs list' shows them all"
        )
    return lambda: _done(services, row)


async def _state(services: Services, row: FleetRow, wanted: ResourceState) -> Seen:
    state = await _state_now(services, row)
    if state is wanted:
        return Seen(state.value, True, {"state": state})
    _check_possible(row, state, wanted.value)
    return Seen(state.value)


async def _ssh(services: Services, row: FleetRow) -> Seen:
    state = await _state_now(services, row)
    _check_possible(row, state, "reachable")
    if state is not ResourceState.RUNNING:
        return Seen(state.value)
    try:
        await services.shells.reach(row.key)
    except HostKeyChanged:
        raise
    except HostError as error:
        return Seen(f"{state.value}, SSH does not answer yet: {error.why or error.what}")
    return Seen("its SSH answers", True, {"state": state})


async def _done(services: Services, row: FleetRow) -> Seen:
    runs = await _runs(services, row)
    live = [run for run in runs if not run.status.ended]
    if live:
        at = f", step {live[0].progress.step}" if live[0].progress.step is not None else ""
        return Seen(f"{live[0].id} is {live[0].status}{at}")
    newest = runs[0]
    code = "" if newest.exit_code is None else f", exit code {newest.exit_code}"
    facts: dict[str, object] = {"run": newest.id, "status": newest.status, "exit_code": newest.exit_code}
    return Seen(f"{newest.id} {newest.status}{code}", True, facts)


async def _runs(services: Services, row: FleetRow) -> list[TrainingSession]:
    """Return the machine's runs, newest first, as their host tells them now."""
    machine = row.instance
    runs = (await services.runs.now()).value
    return [run for run in runs if (run.provider, run.instance_id) == (machine.provider, machine.id)]


async def _state_now(services: Services, row: FleetRow) -> ResourceState:
    machine = row.instance
    try:
        provider = services.registry.get(machine.provider)
        return (await provider.get_resource_status(machine.id, machine.region)).state
    except ResourceNotFound:
        return ResourceState.TERMINATED


def _check_possible(row: FleetRow, state: ResourceState, wanted: str) -> None:
    if state in GONE and wanted != ResourceState.TERMINATED.value:
        name = row.instance.name or row.instance.id
        raise StateError(f"{name} will never be {wanted}", f"it is {state.value}", code="wait.impossible")


def _words(wanted: str) -> str:
    return {"ssh": "reachable over SSH", "done": "done with its run"}.get(wanted, wanted)


def _seconds(text: str) -> float:
    return figures.duration(text, least=0.001, most=30 * 86_400)
