"""The laws of safety: hazards and ignorance never ease, order never matters, many are never milder than one."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from runctl_tui.domain.checkpoint import CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.host import Guard
from runctl_tui.domain.instance import ApiProtection, Disk
from runctl_tui.domain.plan import Level, Operation, Severity, Verdict
from runctl_tui.domain.resource import Market, Ownership, ResourceState
from runctl_tui.domain.run import TrainingStatus, UploadSummary
from runctl_tui.domain.safety import RULES, CleanupSafety, Policy, SafetyFacts, plan_lines
from runctl_tui.domain.safety.cleanup import already_done
from runctl_tui.domain.safety.facts import fact_names
from runctl_tui.domain.states import ON_PROCESSES
from tests.domain.safety_facts import LOOK, PROCESS, ROOT, SAFE, a_checkpoint, known
from tests.fakes import START, a_price, a_run, an_instance

HAZARDS: dict[str, list[Any]] = {
    "policy": [Policy(read_only="x"), Policy(production_accounts=frozenset({"111122223333"}))],
    "planned_account": ["other"],
    "journal_ok": [False],
    "open_rows": [("stop sent",), None],
    "incapable": ["it cannot"],
    "tags": [known((("runctl:protected", "1"),)), known((("runctl:protect-until", "2999-01-01"),))],
    "ownership": [known(Ownership.FOREIGN), known(Ownership.OTHER), known(Ownership.RUNCTL)],
    "created_at": [known(START), known(START + timedelta(days=1))],
    "protection": [known(ApiProtection(True, True)), known(ApiProtection(False, False, True, 4))],
    "disks": [known((ROOT, Disk("vol-2", "/dev/sdf", 5, "gp3", delete_on_termination=None)))],
    "market": [known(Market.SPOT)],
    "parent": [known("eks: pool")],
    "type": ["p5.48xlarge"],
    "sessions": [
        known((a_run(an_instance()),)),
        known((a_run(an_instance(), TrainingStatus.UNKNOWN),)),
        known((a_run(an_instance(), TrainingStatus.COMPLETED, uploads=UploadSummary(pending=1)),)),
    ],
    "checkpoints": [known((a_checkpoint(CopyState.UPLOADING),))],
    "process": [known(replace(LOOK, guard=guard)) for guard in Guard if guard]
    + [
        known(replace(LOOK, process=None, instead="nginx")),
        known(replace(LOOK, process=replace(PROCESS, user=""))),
        known(replace(LOOK, process=replace(PROCESS, own=False))),
    ],
    "price": [known(a_price("900"))],
    "warnings": [("50 instances run already",)],
}
operations = st.sampled_from(list(Operation))
running_states = st.sampled_from([ResourceState.RUNNING, ResourceState.STOPPED])


@st.composite
def some_facts(draw: st.DrawFn) -> SafetyFacts:
    chosen = draw(st.sets(st.sampled_from(sorted(HAZARDS)), max_size=5))
    changes = {name: draw(st.sampled_from(HAZARDS[name])) for name in sorted(chosen)}
    for name in sorted(draw(st.sets(st.sampled_from(sorted(fact_names())), max_size=3))):
        changes[name] = Unknown("drawn")
    return (
        replace(SAFE, state=known(draw(running_states)), **changes)
        if "state" not in changes
        else replace(SAFE, **changes)
    )


def weight(verdict: Verdict) -> tuple[int, Level]:
    return [Severity.ALLOW, Severity.WARN, Severity.BLOCK].index(verdict.severity), verdict.level


def no_milder(verdict: Verdict, than: Verdict) -> bool:
    return all(mine >= other for mine, other in zip(weight(verdict), weight(than), strict=True))


@given(operations, some_facts(), st.data())
def test_a_hazard_never_eases(operation: Operation, facts: SafetyFacts, data: st.DataObject) -> None:
    safe_names = [name for name in sorted(HAZARDS) if getattr(facts, name) == getattr(SAFE, name)]
    name = data.draw(st.sampled_from(safe_names or ["type"]))
    worse = replace(facts, **{name: data.draw(st.sampled_from(HAZARDS[name]))})
    assume(already_done(operation, worse) is None)
    judge = CleanupSafety().judge
    assert no_milder(judge(operation, worse), judge(operation, facts))


@given(operations, some_facts(), st.sampled_from(sorted(fact_names())))
def test_ignorance_never_eases(operation: Operation, facts: SafetyFacts, name: str) -> None:
    judge = CleanupSafety().judge
    safe: dict[str, Any] = {name: getattr(SAFE, name)}
    lost: dict[str, Any] = {name: Unknown("lost")}
    assert no_milder(judge(operation, replace(facts, **lost)), judge(operation, replace(facts, **safe)))


@given(operations, some_facts(), st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(operation: Operation, facts: SafetyFacts, luck: random.Random) -> None:
    shuffled = list(RULES)
    luck.shuffle(shuffled)
    assert CleanupSafety(tuple(shuffled)).judge(operation, facts) == CleanupSafety().judge(operation, facts)


@given(operations, st.lists(some_facts(), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_many_are_no_milder_than_one(operation: Operation, batch: list[SafetyFacts], luck: random.Random) -> None:
    safety = CleanupSafety()
    verdict = safety.judge_batch(operation, batch, 100)
    assert all(no_milder(verdict, safety.judge(operation, facts)) for facts in batch)
    shuffled = list(batch)
    luck.shuffle(shuffled)
    assert safety.judge_batch(operation, shuffled, 100) == verdict


@given(operations, some_facts())
def test_what_blocks_cannot_be_confirmed_away(operation: Operation, facts: SafetyFacts) -> None:
    verdict = CleanupSafety().judge(operation, facts)
    assert all((reason.severity is Severity.BLOCK) == (reason.level >= Level.REASON) for reason in verdict.reasons)
    assert verdict.blocked == (verdict.level >= Level.REASON)


@given(operations, some_facts())
def test_lines_never_hide_what_is_unknown(operation: Operation, facts: SafetyFacts) -> None:
    lines = plan_lines(operation, facts)
    assert all(line.text.strip() for line in lines)
    by_label = {line.label: line.text for line in lines}
    if operation not in {Operation.RUN_STOP} | ON_PROCESSES and isinstance(facts.price, Unknown):
        assert "unknown (" in by_label["COST"]
    if operation is Operation.TERMINATE and isinstance(facts.disks, Unknown):
        assert "unknown (" in by_label["DIES"]
        assert "unknown (" in by_label["STAYS"]
    if operation is Operation.TERMINATE and isinstance(facts.checkpoints, Unknown):
        assert "unknown (" in by_label["CKPT"]


def test_a_forgotten_fact_blocks() -> None:
    """Facts are unknown by default, so a caller that forgets one is refused."""
    bare = SafetyFacts(START, SAFE.target, SAFE.policy)
    for operation in (Operation.TERMINATE, Operation.STOP, Operation.START, *ON_PROCESSES):
        assert CleanupSafety().judge(operation, bare).blocked
