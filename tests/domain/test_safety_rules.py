"""Each row of the decision table by its code: the one fact that decides, everything else being safe."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.instance import ApiProtection, Disk
from runctl_tui.domain.plan import Level, Operation, Severity, Target
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.run import TrainingStatus, UploadSummary
from runctl_tui.domain.safety import CleanupSafety, Policy
from tests.domain.safety_facts import ROOT, SAFE, a_checkpoint, facts, known, reasons
from tests.fakes import OWNER, START, a_price, a_run, an_instance

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


ROWS: list[tuple[str, Operation, dict[str, Any], str, Severity, Level]] = [
    ("D01", T, {"policy": Policy(read_only="--read-only")}, "ro_mode", Severity.BLOCK, Level.NEVER),
    ("D01", R, {**OFF, "policy": Policy(read_only="--read-only")}, "ro_mode", Severity.BLOCK, Level.NEVER),
    ("D02", T, {"planned_account": "999"}, "identity_changed", Severity.BLOCK, Level.NEVER),
    ("D02", T, {"account": LOST}, "identity_changed", Severity.BLOCK, Level.NEVER),
    ("D03", T, {"account": LOST, "planned_account": None}, "account_unlisted", Severity.BLOCK, Level.NEVER),
    ("D03", T, {"account": known(""), "planned_account": ""}, "account_unlisted", Severity.BLOCK, Level.NEVER),
    (
        "D04",
        T,
        {"policy": Policy(production_accounts=frozenset({"111122223333"}))},
        "prod_account",
        Severity.BLOCK,
        Level.REASON,
    ),
    ("D05", T, {"ownership": known(Ownership.FOREIGN)}, "foreign", Severity.BLOCK, Level.NEVER),
    ("D05", S, {"ownership": known(Ownership.RUNCTL)}, "foreign", Severity.BLOCK, Level.NEVER),
    ("D05", S, {"ownership": LOST}, "owner_unknown", Severity.BLOCK, Level.NEVER),
    ("D06", T, {"ownership": known(Ownership.OTHER)}, "other_owner", Severity.BLOCK, Level.REASON),
    ("D06", S, {"ownership": known(Ownership.OTHER)}, "other_owner", Severity.WARN, Level.NAME),
    ("D07", T, {"tags": tags(protected="yes")}, "tag_protected", Severity.BLOCK, Level.NEVER),
    ("D07", T, {"tags": tags(important="")}, "tag_protected", Severity.BLOCK, Level.NEVER),
    ("D07", T, {"tags": tags(persistent="True")}, "tag_protected", Severity.BLOCK, Level.NEVER),
    ("D08", T, {"tags": tags(protect_until="2026-11-10")}, "protect_until", Severity.BLOCK, Level.NEVER),
    ("D08", T, {"tags": tags(protect_until="next week")}, "protect_until", Severity.BLOCK, Level.NEVER),
    ("D08", T, {"tags": tags(protect_until="2026-11-10T14:00:00+01:00")}, "protect_until", Severity.BLOCK, Level.NEVER),
    ("D09", T, {"tags": LOST}, "tags_unknown", Severity.BLOCK, Level.NEVER),
    ("D10", T, {"protection": known(ApiProtection(True, False))}, "api_protected", Severity.BLOCK, Level.NEVER),
    ("D10", T, {"protection": known(ApiProtection(False, True))}, "api_protected", Severity.BLOCK, Level.NEVER),
    ("D10", T, {"protection": LOST}, "protection_unknown", Severity.BLOCK, Level.NEVER),
    ("D11", S, {"protection": known(ApiProtection(False, True))}, "api_stop_protected", Severity.BLOCK, Level.NEVER),
    ("D12", T, {"sessions": run()}, "training_running", Severity.BLOCK, Level.REASON),
    ("D12", S, {"sessions": run(TrainingStatus.PREPARING)}, "training_running", Severity.BLOCK, Level.REASON),
    ("D13", T, {"sessions": LOST}, "training_unknown", Severity.BLOCK, Level.REASON),
    ("D13", T, {"sessions": run(TrainingStatus.UNREACHABLE)}, "training_unknown", Severity.BLOCK, Level.REASON),
    ("D13", T, {"sessions": known((), age=31)}, "training_unknown", Severity.BLOCK, Level.REASON),
    ("D14", S, {"sessions": LOST}, "training_unknown", Severity.WARN, Level.NAME),
    (
        "D15",
        T,
        {"checkpoints": known((a_checkpoint(CopyState.ABSENT),))},
        "ckpt_only_copy",
        Severity.BLOCK,
        Level.REASON,
    ),
    (
        "D15",
        T,
        {"checkpoints": known((a_checkpoint(CopyState.PRESENT),))},
        "ckpt_only_copy",
        Severity.BLOCK,
        Level.REASON,
    ),
    ("D16", T, {"checkpoints": LOST}, "ckpt_unknown", Severity.BLOCK, Level.REASON),
    ("D16", T, {"checkpoints": known((), age=121)}, "ckpt_unknown", Severity.BLOCK, Level.REASON),
    (
        "D17",
        T,
        {"sessions": run(TrainingStatus.COMPLETED, uploads=UploadSummary(pending=2))},
        "busy",
        Severity.BLOCK,
        Level.NEVER,
    ),
    (
        "D17",
        T,
        {"sessions": run(TrainingStatus.COMPLETED, uploads=UploadSummary(pending=2, waiting="no relay"))},
        "uploads_incomplete",
        Severity.WARN,
        Level.NAME,
    ),
    ("D18", T, {"created_at": known(START - timedelta(seconds=299))}, "too_new", Severity.WARN, Level.NAME),
    ("D19", T, {"created_at": LOST}, "age_unknown", Severity.BLOCK, Level.REASON),
    ("D19", T, {"created_at": known(START + timedelta(seconds=61))}, "age_unknown", Severity.BLOCK, Level.REASON),
    ("D20", T, {"disks": known((ROOT, SCRATCH))}, "data_volume_dies", Severity.BLOCK, Level.REASON),
    ("D20", T, {"disks": LOST}, "disks_unknown", Severity.BLOCK, Level.REASON),
    ("D21", T, {}, "root_dies", Severity.WARN, Level.NAME),
    (
        "D22",
        S,
        {"protection": known(ApiProtection(False, False, False, 2))},
        "instance_store_lost",
        Severity.WARN,
        Level.NAME,
    ),
    ("D23", S, {"market": known(Market.SPOT)}, "cannot_stop", Severity.BLOCK, Level.NEVER),
    ("D23", S, {"state": known(ResourceState.STOPPING)}, "cannot_stop", Severity.BLOCK, Level.NEVER),
    ("D24", T, {"parent": known("autoscaling: web")}, "managed_parent", Severity.BLOCK, Level.REASON),
    ("D24", S, {"parent": LOST}, "managed_parent", Severity.BLOCK, Level.REASON),
    ("D40", Operation.LAUNCH, {"price": LOST}, "price_unknown", Severity.WARN, Level.YES),
    ("D40", R, {"state": known(ResourceState.STOPPED), "price": LOST}, "price_unknown", Severity.WARN, Level.YES),
    (
        "D40",
        Operation.LAUNCH,
        {"price": known(a_price("32.77")), "policy": Policy(cap_per_hour=Decimal(10))},
        "cost_cap",
        Severity.BLOCK,
        Level.REASON,
    ),
    ("D43", T, {"state": known(ResourceState.RUNNING, age=11)}, "state_unknown", Severity.BLOCK, Level.NEVER),
    ("D44", T, {"open_rows": ("terminate sent",)}, "reconcile_first", Severity.BLOCK, Level.NEVER),
    ("D44", R, {**OFF, "open_rows": None}, "reconcile_first", Severity.BLOCK, Level.NEVER),
    ("D45", T, {"journal_ok": False}, "no_journal", Severity.BLOCK, Level.NEVER),
    ("D46", T, {"state": known(ResourceState.TERMINATED)}, "already_done", Severity.ALLOW, Level.ENTER),
    ("D46", S, {"state": known(ResourceState.STOPPED)}, "already_done", Severity.ALLOW, Level.ENTER),
    ("D46", R, {"state": known(ResourceState.RUNNING)}, "already_done", Severity.ALLOW, Level.ENTER),
    ("D47", S, {"type": "g5.xlarge"}, "may_not_restart", Severity.WARN, Level.YES),
    ("D47", S, {"type": "p4d.24xlarge"}, "may_not_restart", Severity.WARN, Level.YES),
]


@pytest.mark.parametrize(("row", "operation", "changes", "code", "severity", "level"), ROWS)
def test_row(
    row: str, operation: Operation, changes: dict[str, Any], code: str, severity: Severity, level: Level
) -> None:
    found = reasons(operation, facts(**changes))
    assert code in found, f"{row}: {sorted(found)}"
    assert (found[code].severity, found[code].level) == (severity, level)


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
    assert "give it the tag runctl:owner=" in reasons(T, facts(ownership=known(Ownership.FOREIGN)))["foreign"].offer


def test_a_start_shows_its_price() -> None:
    found = reasons(R, facts(state=known(ResourceState.STOPPED), price=known(a_price("22.57"))))
    assert "$22.57" in found["costs_money"].text


def test_a_blocked_plan_names_one_thing_to_do_and_the_most_basic_one() -> None:
    theirs = {"ownership": known(Ownership.FOREIGN), "sessions": LOST, "checkpoints": LOST}
    verdict = CleanupSafety().judge(T, facts(**theirs))
    assert {"foreign", "training_unknown", "ckpt_unknown"} <= {one.code for one in verdict.blocking}
    assert verdict.way_out == f"if it is yours, give it the tag runctl:owner={OWNER} at its provider"
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
