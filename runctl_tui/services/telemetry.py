"""Notes every call to a service: one line in the log, and sums for as long as the process lives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.telemetry import Call, CallSums, RunFigures, Telemetry, exposition
from runctl_tui.services.errors import TrainctlError
from runctl_tui.services.log_file import FACTS
from runctl_tui.services.whole_file import write_whole

if TYPE_CHECKING:
    from runctl_tui.services.ports_services import Services

_LOG: Final = logging.getLogger(__name__)
_OPERATION: Final[ContextVar[str]] = ContextVar("operation", default="")


@dataclass(slots=True)
class Meter:
    """The sums of this process; threads may count."""

    sums: dict[tuple[str, str], CallSums] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: Call) -> None:
        """Count one call."""
        with self._lock:
            self.sums.setdefault((call.service, call.operation), CallSums()).add(call)


METER: Final = Meter()


@contextlib.contextmanager
def working_on(operation: str) -> Iterator[None]:
    """Let every call that is made inside, also in threads of a pool, be told with the operation that it is for."""
    before = _OPERATION.set(operation)
    try:
        yield
    finally:
        _OPERATION.reset(before)


def told(call: Call) -> None:
    """Take note of a call."""
    METER.add(call)
    facts = {name: value for name, value in asdict(call).items() if value not in ("", 0) or name == "seconds"} | {
        "op": _OPERATION.get()
    }
    level = logging.WARNING if call.code else logging.INFO
    _LOG.log(level, "%s %s", call.service, call.operation, extra={FACTS: facts})


@contextlib.contextmanager
def measured(service: str, operation: str) -> Iterator[None]:
    """Tell of the call that is made inside, with the code of the error that it raises."""
    began, code = time.monotonic(), ""
    try:
        yield
    except BaseException as error:
        code = getattr(error, "code", "") or type(error).__name__
        raise
    finally:
        told(Call(service, operation, round(time.monotonic() - began, 4), code=str(code)))


def calls_in(log: Path) -> tuple[Call, ...]:
    """Return the calls that all processes of a state folder have written down, in the log and what it was before."""
    found = []
    for path in sorted((*log.parent.glob(f"{log.name}.*"), log), reverse=True):
        with contextlib.suppress(OSError):
            found += [call for line in path.read_bytes().splitlines() if (call := _call_of(line)) is not None]
    return tuple(found)


def _call_of(line: bytes) -> Call | None:
    if b'"call"' not in line:
        return None
    try:
        facts: Mapping[str, Any] = json.loads(line)[FACTS]
        return Call(
            str(facts["service"]),
            str(facts["operation"]),
            float(facts["seconds"]),
            int(facts.get("retries", 0)),
            str(facts.get("code", "")),
        )
    except (ValueError, KeyError, TypeError):
        return None


async def telemetry(services: Services, calls: Mapping[tuple[str, str], CallSums] | None = None) -> Telemetry:
    """Return what can be told now; `calls` are this process's sums unless others are given."""
    now = services.clock.now()
    fleet, known_runs, volumes = services.fleet.feed.latest, services.runs.feed.latest, services.volumes.feed.latest
    heard = {"fleet": fleet, "runs": known_runs, "volumes": volumes}
    ages = {name: max(0.0, (now - seen.taken_at).total_seconds()) for name, seen in heard.items() if seen is not None}
    costs = await services.costs.now()
    runs = []
    for run in (known_runs or await services.runs.now()).value:
        if run.status.live:
            usd = await services.costs.run_cost(run.id)
            runs.append(RunFigures(run.id, run.name, run.progress.step, run.progress.loss, usd))
    known = costs if costs.known else None
    return Telemetry(
        METER.sums if calls is None else calls,
        ages,
        known.burn_per_hour if known else None,
        known.month if known else None,
        tuple(runs),
    )


async def write_figures(services: Services, path: str) -> None:
    """Put the figures into a file at once; what keeps them from it costs only the file."""
    try:
        text = exposition(await telemetry(services))
        await asyncio.to_thread(lambda: write_whole(Path(path).expanduser(), text))
    except (OSError, TrainctlError) as error:
        _LOG.warning("the figures are not in %s: %s", path, error)
