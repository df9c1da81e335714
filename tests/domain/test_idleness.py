"""Who idles, who works and of whom nobody knows; and the words that say what it rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.fleet import NOT_ASKED, FleetRow
from runctl_tui.domain.idleness import Work, idleness
from runctl_tui.domain.instance import Gpu
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import GpuReading, ResourceUsage, TrainingStatus
from tests.fakes import START, a_price, a_run, an_instance

BOX = an_instance(launched_at=START - timedelta(hours=3))
QUIET = ResourceUsage(START - timedelta(minutes=4), cpu_percent=2.0, cpus=4)


def row(instance: Any = BOX, **more: Any) -> FleetRow:
    known: dict[str, Any] = {"usage": QUIET, "runs_unknown": ""} | more
    return FleetRow(instance, Known(a_price("2"), START, "test"), Decimal(0), None, **known)


def gpu(percent: float | None) -> GpuReading:
    return GpuReading(0, "A10G", percent, None, None)


def test_a_machine_without_a_run_and_without_load_idles_and_it_is_said_why() -> None:
    judged = idleness(row(), START)
    assert judged is not None
    assert (judged.work, judged.since, judged.spent) == (Work.IDLE, BOX.launched_at, Decimal(6))
    assert judged.rests_on == "no run known for 3 h; CPU 2 %, 4 min ago"
    ended = a_run(BOX, TrainingStatus.COMPLETED, ended_at=START - timedelta(minutes=38))
    judged = idleness(row(runs=(ended,)), START)
    assert judged is not None
    assert judged.rests_on.startswith("no run for 38 min;")


@pytest.mark.parametrize(
    ("more", "work", "words"),
    [
        ({"usage": None}, Work.UNKNOWN, "no run known for 3 h; load not known"),
        ({"usage": replace(QUIET, cpu_percent=None)}, Work.UNKNOWN, "load not known"),
        ({"usage": replace(QUIET, timestamp=START - timedelta(minutes=25))}, Work.UNKNOWN, "load not known for 25 min"),
        ({"runs_unknown": NOT_ASKED}, Work.UNKNOWN, "runs not known (not asked yet); CPU 2 %, 4 min ago"),
        ({"runs_unknown": "box-1 cannot be reached", "usage": None}, Work.UNKNOWN, "(box-1 cannot be reached)"),
        ({"usage": replace(QUIET, cpu_percent=93.0)}, Work.BUSY, "CPU 93 %, 4 min ago"),
        ({"usage": replace(QUIET, cpu_percent=93.0), "runs_unknown": NOT_ASKED}, Work.BUSY, "runs not known"),
        ({"usage": replace(QUIET, cpu_percent=1.1, cpus=96)}, Work.BUSY, "CPU 1 %"),
        ({"usage": replace(QUIET, gpus=(gpu(0.0), gpu(97.0)))}, Work.BUSY, "CPU 2 %, GPU 97 %, 4 min"),
        ({"usage": replace(QUIET, gpus=(gpu(0.0), gpu(None)))}, Work.UNKNOWN, "GPU load not told"),
        ({"usage": replace(QUIET, gpus_silent="nvidia-smi does not answer")}, Work.UNKNOWN, "GPU load not told"),
        ({"usage": replace(QUIET, gpus=(gpu(1.0),))}, Work.IDLE, "CPU 2 %, GPU 1 %"),
        ({"instance": replace(BOX, gpu=Gpu("A10G", 1))}, Work.IDLE, "no GPU driver"),
        ({"instance": replace(BOX, gpu=Gpu("4090", 1))}, Work.IDLE, "no GPU driver"),
        ({"instance": replace(BOX, gpu=Gpu("Radeon Pro V520", 1))}, Work.UNKNOWN, "GPU load not told"),
        ({"instance": replace(BOX, gpu=Gpu("MI300X", 1))}, Work.UNKNOWN, "GPU load not told"),
        ({"instance": replace(BOX, launched_at=None)}, Work.UNKNOWN, "no run known; CPU 2 %"),
    ],
)
def test_what_is_not_known_makes_nobody_idle_and_nobody_busy(more: Any, work: Work, words: str) -> None:
    judged = idleness(row(**more), START)
    assert judged is not None
    assert judged.work is work
    assert words in judged.rests_on


@pytest.mark.parametrize(
    "more",
    [
        {"runs": (a_run(BOX),)},
        {"runs": (a_run(BOX, TrainingStatus.UNREACHABLE),), "runs_unknown": NOT_ASKED},
        {"runs": (a_run(BOX, TrainingStatus.COMPLETED, ended_at=START - timedelta(minutes=12)),)},
        {"instance": replace(BOX, launched_at=START - timedelta(minutes=30))},
        {"instance": replace(BOX, market=Market.LOCAL)},
        {"instance": replace(BOX, state=ResourceState.STOPPED)},
    ],
)
def test_there_is_nothing_to_judge_where_a_run_lives_or_lived_a_moment_ago(more: Any) -> None:
    assert idleness(row(**more), START) is None


def test_without_a_price_what_it_cost_is_unknown() -> None:
    judged = idleness(replace(row(), price=Unknown("not told")), START)
    assert judged is not None
    assert judged.spent is None
