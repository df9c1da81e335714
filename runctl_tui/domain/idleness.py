"""Whether a machine works or idles, and what that rests on: what is known of its runs, and of its load; pure.

The fleet's remarks, the Costs screen, `resources insights` and `resources cleanup` all go by it. What is not known
makes a machine neither idle nor busy: that is said, with what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from runctl_tui.domain.durations import in_one_unit
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.resource import Market, ResourceState

if TYPE_CHECKING:
    from runctl_tui.domain.fleet import FleetRow
    from runctl_tui.domain.instance import Instance
    from runctl_tui.domain.run import ResourceUsage

IDLE_AFTER: Final = timedelta(minutes=30)
"""For how long a machine must be without a run before it is judged at all."""
LOAD_SERVES: Final = timedelta(minutes=10)
"""How old a measurement may be that says what a machine is doing."""
LOW_PERCENT: Final = 10.0
"""Of all processors, and of each GPU: below it nothing of weight is at work."""
LOW_CORES: Final = 0.5
"""The same in processors: one program that computes keeps one busy, however many there are."""
_TELLS_BY_NVIDIA: Final = re.compile(
    r"(?:NVIDIA )?(?:(?:A|B|H|K|L|M|P|T|V|GB|GH)\d|\d{4}\b|GeForce|[GR]TX|Quadro|Tesla)"
)
"""GPUs that compute with the driver alone whose tool tells their load."""


class Work(StrEnum):
    """What a machine without a run is doing."""

    BUSY = "busy"
    IDLE = "idle"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Idleness:
    """A machine without a run, judged."""

    work: Work
    since: datetime | None
    """From when on no run of it is known; None: unknown."""
    runs: str
    """What is known of its runs, in words."""
    load: str
    """What is known of its load, in words."""
    spent: Decimal | None
    """What its computing has cost since then; None: unknown."""

    @property
    def rests_on(self) -> str:
        """What the judgement rests on."""
        return f"{self.runs}; {self.load}"


@dataclass(frozen=True, slots=True)
class _Load:
    low: bool | None
    """None: unknown."""
    words: str


def idleness(row: FleetRow, now: datetime) -> Idleness | None:
    """Judge a running machine that nobody trains on; None where a run lives, or lived a moment ago."""
    machine = row.instance
    if machine.state is not ResourceState.RUNNING or machine.market is Market.LOCAL:
        return None
    if any(run.status.live for run in row.runs):
        return None
    since = max(_moments(row), default=None)
    if since is not None and now - since <= IDLE_AFTER:
        return None
    load = _load(machine, row.usage, now)
    spent = None
    if since is not None and not isinstance(row.price, Unknown):
        spent = row.price.value.usd_per_hour * Decimal(int((now - since).total_seconds())) / 3600
    return Idleness(_work(row, load, since), since, _runs(row, since, now), load.words, spent)


def _work(row: FleetRow, load: _Load, since: datetime | None) -> Work:
    if load.low is False:
        return Work.BUSY
    return Work.IDLE if load.low and since is not None and not row.runs_unknown else Work.UNKNOWN


def _moments(row: FleetRow) -> Iterator[datetime]:
    """Yield when it was launched, and when each run was last heard of."""
    if row.instance.launched_at is not None:
        yield row.instance.launched_at
    for run in row.runs:
        moment = run.ended_at or run.heard_at or run.started_at
        if moment is not None:
            yield moment


def _runs(row: FleetRow, since: datetime | None, now: datetime) -> str:
    if row.runs_unknown:
        return f"runs not known ({row.runs_unknown})"
    if since is None:
        return "no run known"
    return f"no run {'for' if row.runs else 'known for'} {in_one_unit((now - since).total_seconds())}"


def _load(machine: Instance, usage: ResourceUsage | None, now: datetime) -> _Load:
    if usage is None or usage.cpu_percent is None:
        return _Load(None, "load not known")
    age = max(now - usage.timestamp, timedelta(0))
    if age > LOAD_SERVES:
        return _Load(None, f"load not known for {in_one_unit(age.total_seconds())}")
    cores = usage.cpu_percent * (usage.cpus or 0) / 100
    low = usage.cpu_percent < LOW_PERCENT and cores < LOW_CORES
    gpus = _gpus(machine, usage)
    words = f"CPU {usage.cpu_percent:.0f} %{gpus.words}, {in_one_unit(age.total_seconds())} ago"
    return _Load(gpus.low if low else False, words)


def _gpus(machine: Instance, usage: ResourceUsage) -> _Load:
    """Judge the GPUs; those of a machine whose driver is absent compute nothing where no other driver would do."""
    known = [gpu.utilization for gpu in usage.gpus if gpu.utilization is not None]
    if usage.gpus_silent or len(known) < len(usage.gpus):
        return _Load(None, ", GPU load not told")
    if known:
        return _Load(max(known) < LOW_PERCENT, f", GPU {max(known):.0f} %")
    if machine.gpu is None:
        return _Load(True, "")
    if _TELLS_BY_NVIDIA.match(machine.gpu.name):
        return _Load(True, ", no GPU driver")
    return _Load(None, ", GPU load not told")
