"""Every operation of the AWS provider crossed with every fault that its calls can meet.

Each ends with what is true or with a problem that says what failed, why and what to do; nothing is made or sent twice.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from runctl_tui.services.aws import object_io
from tests.faults.account import Account, Stage
from tests.faults.aws_reads import READS, Operation
from tests.faults.aws_uploads import UPLOADS
from tests.faults.aws_writes import EC2_WRITES, LEAST, S3_WRITES
from tests.faults.ends import check_error, end_of
from tests.faults.proxy import fault_proxy
from tests.faults.shares import is_tried
from tests.faults.wire import CASES, ELSEWHERE, Case, call_of

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
OPERATIONS: Final = (*READS, *EC2_WRITES, *S3_WRITES, *UPLOADS)


def _pairs() -> list[object]:
    named = {
        f"{operation}--{call.replace(' ', '-')}--{case}": (operation, call, case)
        for operation in OPERATIONS
        for call in operation.calls
        for case in CASES
        if operation.meets(call, case)
    }
    return [pytest.param(*pair, id=name) for name, pair in named.items() if is_tried(name)]


@pytest.fixture(scope="module")
def account(moto_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with fault_proxy(moto_url, call_of) as proxy:
        yield Account(moto_url, proxy, tmp_path_factory.mktemp("account"))


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)  # shared by all, it would run out
    monkeypatch.setattr(object_io, "CHUNK", 32)


def _prepare(operation: Operation, account: Account, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    if operation.name == "upload in parts":
        monkeypatch.setattr(object_io, "PART", LEAST)
    if operation.fresh or not account.clean:
        account.reset()
    operation.arrange(stage)
    account.clean = not operation.fresh


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if not one.unplayed], ids=str)
async def test_where_nothing_is_wrong_it_makes_these_calls_and_succeeds(
    operation: Operation, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with account.stage(tmp_path) as stage:
        _prepare(operation, account, stage, monkeypatch)
        account.proxy.disarm()
        end = await end_of(operation.work(stage))
        assert end.error is None, end.error
        assert operation.true(stage, end.value)
        own = {call for call in account.proxy.arrived if not call.endswith(" west")}
        assert own == {call for call in operation.calls if not call.endswith(" west")}


@pytest.mark.parametrize(("operation", "call", "case"), _pairs())
async def test_it_ends_in_the_truth_or_in_a_problem(
    operation: Operation, call: str, case: Case, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with account.stage(tmp_path, hasty=case.slow) as stage:
        _prepare(operation, account, stage, monkeypatch)
        account.proxy.arm(case.make(call), call)
        end = await end_of(operation.work(stage))
        early = case.slow and end.error is not None  # another call may take too long on a busy machine
        assert account.proxy.met or early, "the fault was not met"
        if end.error is None:
            assert operation.true(stage, end.value), f"wrong: {end.value!r}"
        else:
            check_error(end.error, gone=case.gone)
            assert case.code != "F06" or "clock" in end.error.why, end.error
            played = not (operation.unplayed or call in operation.once)
            assert not (case.harmless and played), f"not tried again: {end.error}"
        for sent in operation.once:
            assert account.proxy.arrived[sent] <= 1, f"{sent} was sent twice"
    if case.slow:
        gc.collect()  # a read that timed out leaves its socket to the collector
    if operation.after is not None:
        account.proxy.disarm()
        with account.stage(tmp_path) as later:
            later.made.update(stage.made)
            await operation.after(later)


def test_every_fault_of_the_table_is_tried_here_or_elsewhere() -> None:
    tried = {case.code for case in CASES} | set(ELSEWHERE)
    assert tried == {f"F{number:02}" for number in range(1, 30)}
