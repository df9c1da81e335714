"""Every operation of the RunPod provider crossed with every fault that its calls can meet.

Each ends with what is true or with a problem that says what failed, why and what to do; nothing is made or sent twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from runctl_tui.domain.retry import ExponentialBackoffPolicy
from runctl_tui.sandbox.runpod import pods as emulated
from runctl_tui.services.runpod import logs, pods, web
from tests.faults.ends import check_error, end_of
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.runpod_operations import OPERATIONS, Operation
from tests.faults.runpod_wire import BODIES, RESET, Case, call_of
from tests.faults.shares import is_tried
from tests.services.runpod.conftest import Rig, needs_sdk, rig_in

pytestmark = needs_sdk
HASTY = 0.1
"""Seconds that a call waits where the fault is that nobody answers."""


@dataclass
class Stage:
    """What one operation is tried on."""

    rig: Rig
    proxy: FaultProxy


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.delenv("RUNPOD_API_BASE_URL", raising=False)
    monkeypatch.setattr(emulated, "BOOT_S", 0.0)
    monkeypatch.setattr(pods, "NAP", 0.001)
    monkeypatch.setattr(logs, "NAP", 0.001)
    monkeypatch.setattr(logs, "SLOWEST", 0.002)
    found: list[FaultProxy] = []
    with ExitStack() as ways:

        def between(url: str) -> str:
            found.append(ways.enter_context(fault_proxy(url, call_of)))
            return found[0].url

        async with rig_in(tmp_path, ExponentialBackoffPolicy(2, 0.001, maximum=0.001), between) as rig:
            yield Stage(rig, found[0])


def _pairs() -> list[object]:
    named = {
        f"{operation}--{call.replace(' ', '-')}--{case}": (operation, call, case)
        for operation in OPERATIONS
        for call in operation.calls
        for case in operation.cases(call)
    }
    return [pytest.param(*pair, id=name) for name, pair in named.items() if is_tried(name)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_where_nothing_is_wrong_it_makes_these_calls_and_succeeds(operation: Operation, stage: Stage) -> None:
    operation.arrange(stage.rig)
    end = await end_of(operation.work(stage.rig))
    assert end.error is None, end.error
    assert operation.true(stage.rig, end.value), end.value
    assert set(stage.proxy.arrived) == set(operation.calls)


@pytest.mark.parametrize(("operation", "call", "case"), _pairs())
async def test_it_ends_in_the_truth_or_in_a_problem(
    operation: Operation, call: str, case: Case, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation.arrange(stage.rig)
    if case.slow:
        monkeypatch.setattr(web, "TIMEOUT", HASTY)
        monkeypatch.setattr(web, "LOG_QUIET", HASTY)
    stage.proxy.arm(case.fault, call)
    end = await end_of(operation.work(stage.rig))
    assert stage.proxy.met, "the fault was not met"
    if end.error is None:
        assert operation.true(stage.rig, end.value), f"wrong: {end.value!r}"
    else:
        check_error(end.error, gone=case.gone)
        assert not case.harmless or call in operation.once, f"not tried again: {end.error}"
    for sent in operation.once:
        assert stage.proxy.arrived[sent] <= 1, f"{sent} was sent twice"
    if operation.after is not None:
        stage.proxy.disarm()
        await operation.after(stage.rig)


async def test_a_limit_of_calls_says_when_it_ends(stage: Stage) -> None:
    limit = next(case for case in OPERATIONS[0].cases("GET pods") if str(case) == "F25-rate-limit")
    stage.proxy.arm(limit.fault, "GET pods")
    end = await end_of(stage.rig.provider.list_resources())
    assert end.error is not None
    assert f"{RESET} s" in end.error.todo


def test_there_are_about_forty_bodies() -> None:
    assert len({str(case) for case in BODIES}) == len(BODIES) >= 40
