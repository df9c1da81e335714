"""The one way to act: nothing without a confirmed plan that still holds, and every call written down first."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.instance import ApiProtection, Instance
from runctl_tui.domain.launch import LaunchRequest
from runctl_tui.domain.plan import Confirmation, Level, Operation, Step, StepState
from runctl_tui.domain.resource import Market, ResourceState
from runctl_tui.domain.run import TrainingJob, TrainingStatus
from runctl_tui.domain.safety import CleanupResult, Policy
from runctl_tui.domain.secret import Secret
from runctl_tui.domain.states import Capability
from runctl_tui.services.errors import (
    AwsError,
    CloudProviderError,
    NoCapacity,
    PlanChanged,
    Refused,
    ResourceNotFound,
    ValidationError,
)
from runctl_tui.services.job_handle import JobHandle
from runctl_tui.services.journal_rows import JournalState
from runctl_tui.services.launch.parts import LAST
from runctl_tui.services.safe_cleanup import last_view, safe_cleanup
from tests.domain.safety_facts import a_checkpoint
from tests.fakes import START, a_price, a_run, an_instance
from tests.services.actions_rig import JOB, OPTIONS, Rig, codes, yes

T, S, R = Operation.TERMINATE, Operation.STOP, Operation.START
BOX = an_instance()
OFF = an_instance(2, state=ResourceState.STOPPED)
MakeRig = Callable[..., Rig]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeRig]:
    rigs: list[Rig] = []

    def made(*machines: Instance) -> Rig:
        rigs.append(Rig(tmp_path, *(machines or (BOX, OFF))))
        return rigs[-1]

    yield made
    for rig in rigs:
        rig.close()


@pytest.mark.parametrize(
    ("operation", "machine", "verb", "end"),
    [
        (T, BOX, "terminate", ResourceState.TERMINATED),
        (S, BOX, "stop", ResourceState.STOPPED),
        (R, OFF, "start", ResourceState.RUNNING),
    ],
)
async def test_acts_once_and_verifies(
    make: MakeRig, operation: Operation, machine: Instance, verb: str, end: ResourceState
) -> None:
    rig = make()
    view = await rig.do(operation, machine.id)
    assert view.ok, view.result
    assert rig.provider.calls == [(verb, machine.id)]
    assert rig.provider.dry_runs == [(operation, machine.id)]
    assert rig.state(machine) is end
    assert [step.state.value for step in view.steps] == ["done"] * 3
    (row,) = await rig.rows()
    assert row.state is JournalState.VERIFIED
    assert row.entry.plan_hash


async def test_a_host_that_takes_its_time_makes_no_fact_of_the_provider_stale(make: MakeRig) -> None:
    rig = make()
    rig.evidence.slow_seconds = 14
    assert not (await rig.actions.plan(T, [BOX.id])).verdict.blocked


async def test_the_intent_is_on_the_disk_before_the_call(make: MakeRig, tmp_path: Path) -> None:
    rig = make()
    found: list[str] = []

    def look() -> None:
        with sqlite3.connect(f"file:{tmp_path / 'state.db'}?mode=ro", uri=True) as other:
            found.extend(row[0] for row in other.execute("SELECT state FROM journal"))
        other.close()

    rig.provider.before_call = look
    await rig.do(T, BOX.id)
    assert found == ["sent"]


async def test_a_plan_tells_the_truth_in_lines(make: MakeRig) -> None:
    rig = make()
    plan = await rig.actions.plan(T, [BOX.name])
    assert plan.effect == f'terminate {BOX.id} "box-1" and delete 1 disk'
    assert [line.label for line in plan.lines] == ["WHAT", "RUNNING", "CKPT", "COST", "DIES", "STAYS", "UNDO"]
    text = {line.label: line.text for line in plan.lines}
    assert "root 30 GiB" in text["DIES"]
    assert "$2.00 so far" in text["COST"]
    assert text["UNDO"] == "none"
    assert (plan.account, plan.who, plan.name_to_type) == ("111122223333", "alice", "box-1")


@pytest.mark.parametrize(
    "answer",
    [
        {"name": ""},
        {"name": "BOX-1"},
        {"name": "box-1 "},
    ],
)
async def test_destroying_needs_the_exact_name(make: MakeRig, answer: dict[str, Any]) -> None:
    rig = make()
    plan = await rig.actions.plan(T, [BOX.id])
    with pytest.raises(Refused, match="name"):
        await rig.actions.commit(plan, replace(yes(plan), **answer))
    assert rig.provider.calls == []


async def test_another_hash_confirms_nothing(make: MakeRig) -> None:
    rig = make()
    plan = await rig.actions.plan(S, [BOX.id])
    with pytest.raises(PlanChanged):
        await rig.actions.commit(plan, Confirmation("0" * 12, yes=True))
    assert rig.provider.calls == []


async def test_a_start_shows_its_price_and_asks_for_a_yes(make: MakeRig) -> None:
    rig = make()
    plan = await rig.actions.plan(R, [OFF.id])
    assert (plan.usd_per_hour, plan.verdict.level) == (Decimal("1.00"), Level.YES)
    with pytest.raises(Refused, match="yes"):
        await rig.actions.commit(plan, Confirmation(plan.hash))


async def test_an_unknown_price_needs_a_typed_cap(make: MakeRig) -> None:
    rig = make()
    rig.provider.prices.clear()
    plan = await rig.actions.plan(R, [OFF.id])
    assert plan.price_unknown
    with pytest.raises(Refused, match="price is unknown"):
        await rig.actions.commit(plan, yes(plan))
    known = rig.policy
    rig.policy = replace(known, cap_per_hour=Decimal(2))
    with pytest.raises(Refused, match="over the cap"):
        await rig.actions.commit(plan, yes(plan, "3"))
    with pytest.raises(PlanChanged, match="more than was confirmed"):
        await rig.actions.commit(plan, yes(plan, "1.50"))
    rig.policy = known
    assert (await rig.commit(plan, "1.50")).ok


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda rig: setattr(rig, "policy", replace(rig.policy, ordinary_accounts=frozenset())), "account_unlisted"),
        (lambda rig: rig.provider.locks.update({BOX.id: ApiProtection(True, False)}), "api_protected"),
        (lambda rig: rig.provider.failures.update(protections=AwsError("denied")), "protection_unknown"),
        (lambda rig: rig.provider.failures.update(get_resource_status=AwsError("throttled")), "state_unknown"),
        (lambda rig: rig.provider.failures.update(identity=AwsError("expired")), "account_unlisted"),
        (lambda rig: rig.change(BOX, tags=()), "foreign"),
        (lambda rig: rig.change(BOX, tags=(*BOX.tags, ("runctl:protected", "true"))), "tag_protected"),
        (lambda rig: rig.provider.refused.update({Capability.TERMINATE: "it cannot"}), "unsupported"),
    ],
)
async def test_refuses_to_terminate(make: MakeRig, prepare: Callable[[Rig], object], code: str) -> None:
    rig = make()
    prepare(rig)
    plan = await rig.actions.plan(T, [BOX.id])
    assert code in codes(plan)
    with pytest.raises(Refused):
        await rig.actions.commit(plan, yes(plan))
    assert rig.provider.calls == []


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (lambda rig: rig.evidence.runs.update({BOX.id: (a_run(BOX),)}), "training_running"),
        (lambda rig: setattr(rig.evidence, "runs_unknown", "no way to the host"), "training_unknown"),
        (lambda rig: rig.evidence.copies.update({BOX.id: (a_checkpoint(CopyState.UPLOADING),)}), "ckpt_only_copy"),
        (lambda rig: setattr(rig.evidence, "checkpoints_unknown", "S3 did not answer"), "ckpt_unknown"),
    ],
)
async def test_what_stands_against_it_is_acknowledged_one_by_one(
    make: MakeRig, prepare: Callable[[Rig], object], code: str
) -> None:
    rig = make()
    prepare(rig)
    plan = await rig.actions.plan(T, [BOX.id])
    whole = yes(plan)
    assert code in whole.acknowledged
    for less in (
        replace(whole, acknowledged=whole.acknowledged - {code}),
        replace(whole, reason="   because   "),
        replace(whole, name="other"),
    ):
        with pytest.raises(Refused):
            await rig.actions.commit(plan, less)
    assert rig.provider.calls == []
    rig.policy = replace(rig.policy, acknowledgeable=False)
    with pytest.raises(PlanChanged, match="more than was confirmed"):
        await rig.actions.commit(plan, whole)
    rig.policy = replace(rig.policy, acknowledgeable=True)
    assert (await rig.commit(plan)).ok
    assert [call for call, *_ in rig.provider.calls] == ["terminate"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rig: rig.evidence.runs.update({BOX.id: (a_run(BOX),)}), "training is running"),
        (lambda rig: rig.change(BOX, name="other"), "other"),
        (lambda rig: rig.change(BOX, disks=()), "terminate"),
        (lambda rig: rig.provider.locks.update({BOX.id: ApiProtection(True, False)}), "protection"),
        (lambda rig: setattr(rig.provider, "account", "999"), "999"),
        (lambda rig: rig.change(BOX, state=ResourceState.TERMINATED), "nothing"),
        (lambda rig: setattr(rig.evidence, "checkpoints_unknown", "S3 is down"), "S3 is down"),
    ],
)
async def test_a_world_that_changed_stops_the_call(make: MakeRig, change: Callable[[Rig], object], words: str) -> None:
    rig = make()
    plan = await rig.actions.plan(T, [BOX.id])
    change(rig)
    with pytest.raises(PlanChanged, match=words):
        await rig.actions.commit(plan, yes(plan))
    assert rig.provider.calls == []
    assert await rig.rows() == ()


async def test_a_dearer_price_stops_a_start_and_a_lower_one_does_not(make: MakeRig) -> None:
    rig = make()
    plan = await rig.actions.plan(R, [OFF.id])
    rig.provider.prices["m5.large"] = a_price("1.01")
    with pytest.raises(PlanChanged, match=r"\$1\.01"):
        await rig.actions.commit(plan, yes(plan))
    rig.provider.prices["m5.large"] = a_price("0.99")
    assert (await rig.commit(plan)).ok


async def test_a_hazard_that_went_away_does_not_stop_the_call(make: MakeRig) -> None:
    rig = make(an_instance(created_at=START - timedelta(minutes=4), launched_at=None))
    plan = await rig.actions.plan(T, [BOX.id])
    assert "too_new" in codes(plan)
    rig.clock.advance(120)
    assert (await rig.commit(plan)).ok


async def test_read_only_is_checked_where_the_call_is_made(make: MakeRig) -> None:
    rig = make()
    plan = await rig.actions.plan(S, [BOX.id])
    rig.policy = Policy(read_only="production account")
    with pytest.raises(Refused, match="read-only"):
        await rig.actions.commit(plan, yes(plan))
    assert rig.provider.calls == []


async def test_two_windows_do_not_act_on_one_machine(make: MakeRig) -> None:
    rig, other = make(), make()
    plan, same = await rig.actions.plan(T, [BOX.id]), await other.actions.plan(T, [BOX.id])
    with rig.locks.hold(f"fake/{BOX.id}"), pytest.raises(Refused, match="busy"):
        await other.actions.commit(same, yes(same))
    assert (await rig.commit(plan)).ok
    assert other.provider.calls == []


async def test_a_machine_that_is_done_costs_no_call(make: MakeRig) -> None:
    rig = make()
    view = await rig.do(S, OFF.id)
    assert view.ok
    assert "stopped already" in view.result
    assert rig.provider.calls == []


async def test_a_permission_that_is_missing_is_found_before_the_call(make: MakeRig) -> None:
    rig = make()
    rig.provider.failures["dry_run"] = AwsError("not allowed", "no ec2:StopInstances", code="UnauthorizedOperation")
    view = await rig.do(S, BOX.id)
    assert view.ok is False
    assert "ec2:StopInstances" in view.result
    assert rig.provider.calls == []
    assert await rig.rows() == ()


async def test_a_refusal_by_the_provider_fails_the_operation(make: MakeRig) -> None:
    rig = make()
    rig.provider.failures["stop"] = AwsError("no", code="OperationNotPermitted")
    assert (await rig.do(S, BOX.id)).ok is False
    assert (await rig.rows())[0].state is JournalState.FAILED


async def test_a_lost_answer_is_settled_by_looking(make: MakeRig) -> None:
    rig = make()
    rig.provider.lose_answer = True
    view = await rig.do(T, BOX.id)
    assert view.ok, view.result
    assert rig.provider.calls == [("terminate", BOX.id)]
    assert (await rig.rows())[0].state is JournalState.VERIFIED


async def test_an_outcome_that_nobody_knows_blocks_until_it_is_settled(make: MakeRig) -> None:
    rig = make()
    rig.provider.failures["stop"] = CloudProviderError("the connection was lost", transient=True)
    assert (await rig.do(S, BOX.id)).ok is False
    assert (await rig.rows())[0].state is JournalState.AMBIGUOUS
    del rig.provider.failures["stop"]
    plan = await rig.actions.plan(T, [BOX.id])
    assert "reconcile_first" in codes(plan)
    rig.clock.advance(61)
    plan = await rig.actions.plan(T, [BOX.id])
    assert "reconcile_first" not in codes(plan)
    assert (await rig.commit(plan)).ok


async def test_looks_that_fail_do_not_fail_an_accepted_call(make: MakeRig) -> None:
    rig = make()
    plan = await rig.actions.plan(T, [BOX.id])
    job_id = await rig.actions.commit(plan, yes(plan))
    rig.provider.failures["get_resource_status"] = CloudProviderError("throttled", transient=True)
    seen = []
    async for view in rig.jobs.watch(job_id):
        seen.append(view)
        if any("throttled" in step.detail for step in view.steps):
            rig.provider.failures.clear()
    assert seen[-1].ok
    assert rig.state(BOX) is ResourceState.TERMINATED


async def test_a_batch_makes_one_call_each_and_goes_on_after_a_failure(make: MakeRig) -> None:
    boxes = [an_instance(number) for number in (1, 2, 3)]
    rig = make(*boxes, *(an_instance(number) for number in range(10, 30)))
    plan = await rig.actions.plan(T, [box.id for box in boxes])
    assert plan.name_to_type == "terminate 3"
    view = await rig.commit(plan)
    assert view.ok
    assert rig.provider.calls == [("terminate", box.id) for box in boxes]
    assert len(await rig.rows()) == 3


async def test_a_batch_with_a_refused_member_does_nothing(make: MakeRig) -> None:
    rig = make(BOX, an_instance(3, tags=()))
    plan = await rig.actions.plan(T, [BOX.id, an_instance(3).id])
    assert "batch_member" in codes(plan)
    with pytest.raises(Refused):
        await rig.actions.commit(plan, yes(plan))
    assert rig.provider.calls == []


async def test_a_launch_is_planned_confirmed_and_carried_out_once(make: MakeRig) -> None:
    rig = make()
    plan = await rig.actions.plan_launch(LaunchRequest(OPTIONS, job=JOB))
    assert (plan.operation, plan.verdict.level, plan.usd_per_hour) == (Operation.LAUNCH, Level.YES, Decimal("1.00"))
    assert "hf_secret" not in repr(plan)
    view = await rig.commit(plan)
    assert view.ok, view.result
    assert rig.provider.calls == [("create", "new-box")]
    assert rig.provider.tokens == {view.id: view.instance_id}
    assert (await rig.rows())[0].state is JournalState.VERIFIED


async def test_a_launch_hash_is_the_same_in_the_next_program(make: MakeRig) -> None:
    first = await make().actions.plan_launch(LaunchRequest(OPTIONS, job=JOB))
    rig = make()
    rig.clock.advance(3600)
    second = await rig.actions.plan_launch(LaunchRequest(OPTIONS, job=JOB))
    assert first.hash == second.hash
    other = await rig.actions.plan_launch(LaunchRequest(OPTIONS, job=replace(JOB, args=("--steps", "6"))))
    assert other.hash != first.hash


def all_of(folder: Path) -> bytes:
    """Return the content of every file in a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_plan_and_the_journal_tell_names_of_variables_and_never_values(make: MakeRig, tmp_path: Path) -> None:
    rig = make()
    options = replace(OPTIONS, ports=("8888/http",), environment=(("HF_TOKEN", Secret("hunter2")),), volume="data")
    plan = await rig.actions.plan_launch(LaunchRequest(options))
    assert dict(plan.parameters)["environment"] == "('HF_TOKEN',)"
    assert "8888/http" in dict(plan.parameters)["ports"]
    assert plan.hash != (await rig.actions.plan_launch(LaunchRequest(OPTIONS))).hash
    await rig.commit(plan)
    launched = rig.executor.launched[0].options
    assert launched is not None
    assert launched.environment[0][1].reveal() == "hunter2"
    written = all_of(tmp_path)
    assert b"new-box" in written, "the journal has the launch"
    assert b"hunter2" not in written
    assert "hunter2" not in repr(plan)


async def test_the_typed_cap_is_the_most_that_a_spot_machine_may_cost(make: MakeRig) -> None:
    rig = make()
    rig.provider.prices.clear()
    plan = await rig.actions.plan_launch(LaunchRequest(replace(OPTIONS, market=Market.SPOT)))
    with pytest.raises(Refused):
        await rig.actions.commit(plan, yes(plan))
    assert (await rig.commit(plan, "0.50")).ok
    options = rig.executor.launched[0].options
    assert options is not None
    assert options.spot_max_price == Decimal("0.50")


async def test_a_launch_over_the_cap_is_refused(make: MakeRig) -> None:
    rig = make()
    rig.policy = Policy(cap_per_hour=Decimal("0.50"))
    plan = await rig.actions.plan_launch(LaunchRequest(OPTIONS))
    with pytest.raises(Refused, match="cap"):
        await rig.actions.commit(plan, Confirmation(plan.hash, yes=True, name=plan.name_to_type))
    rig.policy = Policy(hard_cap_per_hour=Decimal("0.50"))
    plan = await rig.actions.plan_launch(LaunchRequest(OPTIONS))
    with pytest.raises(Refused, match="hard cap"):
        await rig.actions.commit(plan, yes(plan))


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (NoCapacity("none left"), JournalState.FAILED),
        (CloudProviderError("lost", transient=True), JournalState.AMBIGUOUS),
    ],
)
async def test_a_failed_launch_says_whether_something_may_exist(
    make: MakeRig, error: Exception, state: JournalState
) -> None:
    rig = make()
    rig.executor.error = error
    view = await rig.commit(await rig.actions.plan_launch(LaunchRequest(OPTIONS)))
    assert view.ok is False
    assert (await rig.rows())[0].state is state


async def test_training_on_a_machine_needs_it_running(make: MakeRig) -> None:
    rig = make()
    plan = await rig.actions.plan_launch(LaunchRequest(instance_key=f"fake/{OFF.id}", job=JOB))
    assert plan.operation is Operation.RUN_START
    assert "not_running" in codes(plan)
    plan = await rig.actions.plan_launch(LaunchRequest(instance_key=f"fake/{BOX.id}", job=JOB))
    assert not plan.verdict.blocked
    assert (await rig.commit(plan)).ok


async def test_a_resume_on_a_new_machine_costs_money(make: MakeRig) -> None:
    rig = make()
    resume = replace(JOB, name="tiny", parent="r-000001", resume_from="s3://b/step_100")
    plan = await rig.actions.plan_launch(LaunchRequest(OPTIONS, job=resume))
    assert plan.effect.startswith(f"resume tiny from step_100: {JOB.script}")
    assert f'on a new {OPTIONS.type} "{OPTIONS.name}"' in plan.effect
    assert (plan.operation, plan.verdict.level) == (Operation.RUN_RESUME, Level.YES)


async def test_a_run_is_stopped_by_the_executor(make: MakeRig) -> None:
    rig = make()
    rig.evidence.runs[BOX.id] = (a_run(BOX),)
    plan = await rig.actions.plan(Operation.RUN_STOP, ["tiny"])
    assert (plan.targets[0].id, plan.verdict.level) == ("r-000001", Level.YES)
    assert (await rig.commit(plan)).ok
    assert rig.executor.stopped == ["r-000001"]
    assert rig.provider.calls == []


async def test_several_runs_are_stopped_by_one_plan(make: MakeRig) -> None:
    rig = make()
    second = replace(a_run(BOX), id="r-000002", name="second")
    rig.evidence.runs[BOX.id] = (a_run(BOX), second)
    view = await rig.do(Operation.RUN_STOP, "r-000001", "r-000002")
    assert view.ok, view.result
    assert rig.executor.stopped == ["r-000001", "r-000002"]
    assert [(row.entry.resource, row.state) for row in await rig.rows()] == [
        ("r-000001", JournalState.VERIFIED),
        ("r-000002", JournalState.VERIFIED),
    ]


async def test_a_run_that_has_ended_needs_no_stop(make: MakeRig) -> None:
    rig = make()
    rig.evidence.runs[BOX.id] = (a_run(BOX, TrainingStatus.COMPLETED),)
    view = await rig.do(Operation.RUN_STOP, "r-000001")
    assert "has ended already: completed" in view.result
    assert rig.executor.stopped == []


@pytest.mark.parametrize(
    ("operation", "references", "error"),
    [(T, [], ValidationError), (T, ["nobody"], ResourceNotFound), (Operation.LAUNCH, ["x"], ValidationError)],
)
async def test_what_cannot_be_planned_is_said(
    make: MakeRig, operation: Operation, references: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await make().actions.plan(operation, references)


async def test_safe_cleanup_sorts_what_it_was_given(make: MakeRig) -> None:
    failing = an_instance(4)
    rig = make(BOX, an_instance(3, tags=()), failing)
    rig.evidence.runs[failing.id] = (a_run(failing),)
    result = await safe_cleanup([BOX.id, an_instance(3).id, failing.id, "gone", BOX.id], rig.actions, rig.jobs)
    assert result.deleted == (BOX.id,)
    assert [reference for reference, _ in result.skipped] == [an_instance(3).id, failing.id]
    assert "training is running" in result.skipped[1][1]
    assert [reference for reference, _ in result.errors] == ["gone"]
    assert rig.provider.calls == [("terminate", BOX.id)]


@pytest.mark.parametrize(
    ("job", "why"),
    [(None, "no run's end can be waited for"), (JOB, "its checkpoints would die with it")],
)
async def test_no_machine_is_launched_to_end_with_a_run_that_leaves_nothing(
    make: MakeRig, job: TrainingJob | None, why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        await make().actions.plan_launch(LaunchRequest(OPTIONS, job=job, terminate_after=True))


async def test_a_launch_that_was_cut_short_while_it_waited_is_taken_up_once(make: MakeRig) -> None:
    rig = make()
    steps = (*(Step(name, name, StepState.DONE) for name in ("create", "detached")), *LAST)

    async def cut_short(job: JobHandle) -> str:
        job.set(run_id="r-1", instance_id=BOX.id)
        raise asyncio.CancelledError

    waiting = rig.jobs.start("launch box-1", steps, cut_short)
    other = rig.jobs.start("launch box-2", LAST, cut_short)
    await asyncio.sleep(0)
    again = await rig.actions.take_up(waiting)
    with pytest.raises(Refused, match=f"taken up by {again}"):
        await rig.actions.take_up(waiting)
    await asyncio.sleep(0)
    assert rig.jobs.view(again).waits_for_run, "cut short once more, it could be taken up as well"
    rig.executor.ended.set()
    view = await last_view(rig.jobs, again)
    assert (view.ok, view.title, rig.executor.taken_up) == (True, "launch box-1, taken up", ["r-1"])
    third = rig.jobs.start("launch box-1", steps, cut_short)
    await asyncio.sleep(0)
    with rig.locks.hold("waiting for r-1"), pytest.raises(Refused, match="waiting for r-1 is busy"):
        await rig.actions.take_up(third)
    with pytest.raises(Refused, match="does not wait"):
        await rig.actions.take_up(other)
    rig.policy = replace(rig.policy, read_only="production")
    with pytest.raises(Refused, match="read-only"):
        await rig.actions.take_up(third)


async def test_a_dry_cleanup_changes_nothing(make: MakeRig) -> None:
    rig = make()
    result = await safe_cleanup([BOX.id], rig.actions, rig.jobs, dry_run=True)
    assert result == CleanupResult(
        skipped=((BOX.id, f'dry run: it would terminate {BOX.id} "box-1" and delete 1 disk'),)
    )
    assert rig.provider.calls == []


async def test_a_cancelled_batch_stops_between_its_calls(make: MakeRig) -> None:
    boxes = [an_instance(number) for number in (1, 2, 3)]
    rig = make(*boxes, *(an_instance(number) for number in range(10, 30)))
    plan = await rig.actions.plan(S, [box.id for box in boxes])
    job_id = ""
    rig.provider.before_call = lambda: rig.jobs.cancel(job_id)
    job_id = await rig.actions.commit(plan, yes(plan))
    await rig.jobs.drain()
    assert len(rig.provider.calls) == 1


async def test_hanging_evidence_leaves_the_fact_unknown(make: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(instance: Instance) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("runctl_tui.services.action_facts.PATIENCE", 0.01)
    rig = make()
    monkeypatch.setattr(rig.evidence, "runs_on", hang)
    plan = await rig.actions.plan(T, [BOX.id])
    assert "training_unknown" in codes(plan)
