"""What this program's own calls cost in time and errors, as figures and as text for Prometheus; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

THROTTLES: Final = ("Throttl", "RequestLimitExceeded", "TooManyRequests", "SlowDown", "RequestThrottled", "429")
"""Parts of codes with which a service says that it is asked too often."""
_PREFIX: Final = "runctl"
_OF_CALLS: Final = (
    ("calls_total", "counter", "Calls to services.", "calls"),
    ("call_errors_total", "counter", "Calls that ended badly.", "errors"),
    ("call_throttles_total", "counter", "Calls that were refused because there were too many.", "throttles"),
    ("call_retries_total", "counter", "Calls that were sent again.", "retries"),
    ("call_seconds_total", "counter", "Seconds spent waiting for answers.", "seconds"),
    ("call_slowest_seconds", "gauge", "The slowest call.", "slowest"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a service, ended well or badly."""

    service: str
    """ec2, s3, runpod, ssh."""
    operation: str
    """As the service calls it: DescribeInstances."""
    seconds: float
    retries: int = 0
    code: str = ""
    """Of the error it ended with; empty: it ended well."""
    request_id: str = ""
    region: str = ""

    @property
    def throttled(self) -> bool:
        """Whether the service said that it is asked too often."""
        return any(part in self.code for part in THROTTLES)


@dataclass(slots=True)
class CallSums:
    """What the calls of one operation came to."""

    calls: int = 0
    errors: int = 0
    throttles: int = 0
    retries: int = 0
    seconds: float = 0.0
    slowest: float = 0.0

    def add(self, call: Call) -> None:
        """Count one call."""
        self.calls += 1
        self.errors += bool(call.code)
        self.throttles += call.throttled
        self.retries += call.retries
        self.seconds += call.seconds
        self.slowest = max(self.slowest, call.seconds)

    @property
    def mean(self) -> float:
        """Seconds per call."""
        return self.seconds / self.calls if self.calls else 0.0


def sums_of(calls: Iterable[Call]) -> dict[tuple[str, str], CallSums]:
    """Return what calls came to, by service and operation."""
    found: dict[tuple[str, str], CallSums] = {}
    for call in calls:
        found.setdefault((call.service, call.operation), CallSums()).add(call)
    return found


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What one run is at."""

    id: str
    name: str
    step: int | None = None
    loss: float | None = None
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Everything that can be told of this program and what it watches."""

    calls: Mapping[tuple[str, str], CallSums] = field(default_factory=dict)
    ages: Mapping[str, float] = field(default_factory=dict)
    """Seconds since each feed was heard last."""
    burn_per_hour: Decimal | None = None
    month: Decimal | None = None
    runs: tuple[RunFigures, ...] = ()


def exposition(told: Telemetry) -> str:
    """Return the figures in Prometheus's text format, version 0.0.4; what is unknown is left out."""
    lines: list[str] = []
    for name, kind, help_text, attribute in _OF_CALLS:
        rows: list[_Row] = [
            ({"service": service, "operation": operation}, getattr(sums, attribute))
            for (service, operation), sums in sorted(told.calls.items())
        ]
        lines += _metric(name, kind, help_text, rows)
    ages = [({"feed": name}, age) for name, age in sorted(told.ages.items())]
    lines += _metric("feed_age_seconds", "gauge", "Seconds since a feed was heard last.", ages)
    lines += _metric("burn_usd_per_hour", "gauge", "What everything costs now.", _one(told.burn_per_hour))
    lines += _metric("month_usd", "gauge", "What was spent this month, UTC.", _one(told.month))
    lines += _metric("run_step", "gauge", "The last step of a run.", _runs(told, "step"))
    lines += _metric("run_loss", "gauge", "The last loss of a run.", _runs(told, "loss"))
    lines += _metric("run_usd", "gauge", "What a run has cost.", _runs(told, "usd"))
    return "\n".join([*lines, ""])


_Row = tuple[Mapping[str, str], object]


def _one(value: object) -> list[_Row]:
    return [] if value is None else [({}, value)]


def _runs(told: Telemetry, name: str) -> list[_Row]:
    rows = [({"run": run.id, "name": run.name}, getattr(run, name)) for run in told.runs]
    return [row for row in rows if row[1] is not None]


def _metric(name: str, kind: str, help_text: str, rows: Iterable[_Row]) -> list[str]:
    found = [f"{_PREFIX}_{name}{_labels(labels)} {_number(value)}" for labels, value in rows]
    return [f"# HELP {_PREFIX}_{name} {help_text}", f"# TYPE {_PREFIX}_{name} {kind}", *found] if found else []


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: object) -> str:
    """Return a number as Prometheus reads it: NaN and infinities have names of their own."""
    number = float(str(value))
    if number != number:
        return "NaN"
    return ("+Inf" if number > 0 else "-Inf") if number in (float("inf"), float("-inf")) else f"{number:.12g}"
