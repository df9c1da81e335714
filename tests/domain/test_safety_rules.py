"""Each row of the decision table by its code: the one fact that decides, everything else being safe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import Disk
from runctl_tui.domain.plan import Level, Operation, Severity, Target
from runctl_tui.domain.resource import Ownership, ResourceState
from runctl_tui.domain.run import TrainingStatus
from runctl_tui.domain.safety import CleanupSafety, Policy
from tests.domain.safety_facts import ROOT, SAFE, a_checkpoint, facts, known, reasons
from tests.fakes import a_price, a_run, an_instance

T, S, R = Operation.TERMINATE, Operation.STOP, Operation.START
LOST = Unknown("throttled")
OWNED = ("runctl:owner", "alice")
OFF = {"state": known(ResourceState.STOPPED)}
SCRATCH = Disk("vol-scratch", "/dev/sdf", 1000, "gp3", delete_on_termination=True, name="scratch")
RUN = a_run(an_instance())


def tags(**values: str) -> Any:
    return known((OWNED, *((f"runctl:{name.replace('_', '-')}", value) for name, value in values.items())))


def run(status: TrainingStatus = TrainingStatus.RUNNING, **changes: Any) -> Any:
    return known((a_run(an_instance(), status, **changes),))


@pytest.mark.parametrize(
    ("operation", "changes"),
    [
        (T, {}),
        (T, {"tags": tags(protected="false")}),
        (T, {"tags": tags(protect_until="2026-11-09")}),
        (T, {"state": known(ResourceState.STOPPED), "sessions": LOST}),
        (T, {"sessions": run(TrainingStatus.COMPLETED), "checkpoints": known((a_checkpoint(),))}),
        (T, {"checkpoints": known((a_checkpoint(CopyState.ABSENT, 100), a_checkpoint(CopyState.VERIFIED, 200)))}),
        (T, {"disks": known((ROOT, Disk("vol-data", "/dev/sdf", 9, "gp3", delete_on_termination=False)))}),
        (T, {"policy": Policy(sandbox=True, production_accounts=frozenset({"111122223333"}))}),
        (S, {}),
        (R, {"state": known(ResourceState.STOPPED)}),
        (Operation.LAUNCH, {}),
    ],
)
def test_lets_pass_what_is_safe(operation: Operation, changes: dict[str, Any]) -> None:
    verdict = CleanupSafety().judge(operation, facts(**changes))
    assert not verdict.blocked, verdict.reasons
    assert verdict.level < Level.REASON


def test_asks_more_the_more_is_at_stake() -> None:
    judge = CleanupSafety().judge
    assert judge(T, SAFE).level is Level.NAME
    assert judge(S, SAFE).level is Level.ENTER
    assert judge(R, facts(state=known(ResourceState.STOPPED))).level is Level.YES
    assert judge(Operation.LAUNCH, SAFE).level is Level.YES


@pytest.mark.parametrize("operation", [R, S, T])
def test_this_machine_is_never_touched(operation: Operation) -> None:
    here = facts(target=Target("instance", "local", "this machine", "local", "local"))
    assert reasons(operation, here)["local_machine"].level is Level.NEVER


def test_a_run_on_this_machine_can_be_stopped() -> None:
    here = facts(target=Target("run", "r-1", "tiny", "local", "local"), sessions=run())
    assert not CleanupSafety().judge(Operation.RUN_STOP, here).blocked


@pytest.mark.parametrize("state", [ResourceState.STOPPING, ResourceState.TERMINATED, ResourceState.TERMINATING])
def test_only_a_stopped_machine_starts(state: ResourceState) -> None:
    assert reasons(R, facts(state=known(state)))["cannot_start"].level is Level.NEVER


def test_a_refusal_says_what_to_do_first() -> None:
    training = reasons(S, facts(sessions=known((RUN,))))["training_running"]
    assert training.offer == "stop the run first"
    foreign = reasons(T, facts(ownership=known(Ownership.FOREIGN)))["foreign"]
    assert (foreign.offer_operation, foreign.offer_references) == (Operation.CLAIM, (SAFE.target.key,))
    tagless = reasons(T, facts(ownership=known(Ownership.FOREIGN), no_tags="put it behind its name"))["foreign"]
    assert (tagless.offer_operation, "behind its name" in tagless.offer) == (None, True)


def test_a_start_shows_its_price() -> None:
    found = reasons(R, facts(state=known(ResourceState.STOPPED), price=known(a_price("22.57"))))
    assert "$22.57" in found["costs_money"].text


def test_a_blocked_plan_names_one_thing_to_do_and_the_most_basic_one() -> None:
    theirs = {"ownership": known(Ownership.FOREIGN), "sessions": LOST, "checkpoints": LOST}
    verdict = CleanupSafety().judge(T, facts(**theirs))
    assert {"foreign", "training_unknown", "ckpt_unknown"} <= {one.code for one in verdict.blocking}
    assert verdict.way_out == "claim it first, if it is yours"
    assert CleanupSafety().judge(T, facts(sessions=run(), checkpoints=LOST)).way_out == "stop the run first"
    assert CleanupSafety().judge(T, facts()).way_out == ""
    both = CleanupSafety().judge_batch(T, [facts(), facts(**theirs)])
    assert both.way_out == "take them out of the selection"


def test_a_batch_with_one_refused_member_is_refused() -> None:
    bad = facts(ownership=known(Ownership.FOREIGN), target=Target("instance", "i-2", "db", "aws", "us-east-1"))
    verdict = CleanupSafety().judge_batch(T, [SAFE, bad])
    assert "batch_member" in {reason.code for reason in verdict.reasons}
    assert verdict.level is Level.NEVER
    assert any('"db"' in reason.text for reason in verdict.reasons if reason.code == "foreign")


@pytest.mark.parametrize("count", [4, 11])
def test_many_stops_at_once_only_have_to_be_meant(count: int) -> None:
    (found,) = [r for r in CleanupSafety().judge_batch(S, [SAFE] * count, count).reasons if r.code == "batch_cap"]
    assert (found.severity, found.level) == (Severity.WARN, Level.NAME)


@pytest.mark.parametrize(
    ("count", "fleet", "capped"), [(10, 100, False), (11, 100, True), (4, 10, True), (3, 5, False)]
)
def test_a_batch_is_bounded(count: int, fleet: int, capped: bool) -> None:
    verdict = CleanupSafety().judge_batch(T, [SAFE] * count, fleet)
    assert ("batch_cap" in {reason.code for reason in verdict.reasons}) is capped


@pytest.mark.parametrize(
    ("disks", "words"),
    [
        ((replace(ROOT, tags=None),), "the tags of its disk vol-root could not be read"),
        (
            (replace(ROOT, tags=None), replace(SCRATCH, tags=None)),
            'the tags of its disks vol-root, vol-scratch "scratch" could not be read',
        ),
    ],
)
def test_disks_whose_tags_could_not_be_read_are_named(disks: tuple[Disk, ...], words: str) -> None:
    assert reasons(T, facts(disks=known(disks)))["tags_unknown"].text == words
