"""The laws of safety: hazards and ignorance never ease, order never matters, many are never milder than one."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.plan import Level, Operation, Severity, Verdict
from runctl_tui.domain.safety import RULES, CleanupSafety, SafetyFacts, plan_lines
from runctl_tui.domain.safety.cleanup import already_done
from runctl_tui.domain.safety.facts import fact_names
from runctl_tui.domain.states import IN_S3, MARKING, ON_PROCESSES, ON_UPLOADS, STORAGE
from tests.domain.drawn_facts import HAZARDS, drawn, examples
from tests.domain.safety_facts import SAFE
from tests.fakes import START

operations = st.sampled_from([one for one in Operation if one is not Operation.CLEAN_UP])  # made of the others
some_facts = st.integers(0, 2**32 - 1).map(lambda seed: drawn(random.Random(seed)))
LAW = settings(max_examples=examples())


def weight(verdict: Verdict) -> tuple[int, Level]:
    return [Severity.ALLOW, Severity.WARN, Severity.BLOCK].index(verdict.severity), verdict.level


def no_milder(verdict: Verdict, than: Verdict) -> bool:
    return all(mine >= other for mine, other in zip(weight(verdict), weight(than), strict=True))


@LAW
@given(operations, some_facts, st.data())
def test_a_hazard_never_eases(operation: Operation, facts: SafetyFacts, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(HAZARDS)))
    safe: dict[str, Any] = {name: getattr(SAFE, name)}
    worse: dict[str, Any] = {name: data.draw(st.sampled_from(HAZARDS[name]))}
    assume(already_done(operation, replace(facts, **worse)) is None)
    judge = CleanupSafety().judge
    assert no_milder(judge(operation, replace(facts, **worse)), judge(operation, replace(facts, **safe)))


@LAW
@given(operations, some_facts, st.sampled_from(sorted(fact_names())))
def test_ignorance_never_eases(operation: Operation, facts: SafetyFacts, name: str) -> None:
    judge = CleanupSafety().judge
    safe: dict[str, Any] = {name: getattr(SAFE, name)}
    lost: dict[str, Any] = {name: Unknown("lost")}
    assert no_milder(judge(operation, replace(facts, **lost)), judge(operation, replace(facts, **safe)))


@LAW
@given(operations, some_facts, st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(operation: Operation, facts: SafetyFacts, luck: random.Random) -> None:
    shuffled = list(RULES)
    luck.shuffle(shuffled)
    assert CleanupSafety(tuple(shuffled)).judge(operation, facts) == CleanupSafety().judge(operation, facts)


@LAW
@given(operations, st.lists(some_facts, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_many_are_no_milder_than_one(operation: Operation, batch: list[SafetyFacts], luck: random.Random) -> None:
    safety = CleanupSafety()
    verdict = safety.judge_batch(operation, batch, 100)
    assert all(no_milder(verdict, safety.judge(operation, facts)) for facts in batch)
    shuffled = list(batch)
    luck.shuffle(shuffled)
    assert safety.judge_batch(operation, shuffled, 100) == verdict


@LAW
@given(operations, some_facts)
def test_what_blocks_cannot_be_confirmed_away(operation: Operation, facts: SafetyFacts) -> None:
    verdict = CleanupSafety().judge(operation, facts)
    assert all((reason.severity is Severity.BLOCK) == (reason.level >= Level.REASON) for reason in verdict.reasons)
    assert verdict.blocked == (verdict.level >= Level.REASON)


@LAW
@given(operations, some_facts)
def test_lines_never_hide_what_is_unknown(operation: Operation, facts: SafetyFacts) -> None:
    lines = plan_lines(operation, facts)
    assert all(line.text.strip() for line in lines)
    by_label = {line.label: line.text for line in lines}
    silent = {Operation.RUN_STOP, Operation.RUN_UPLOAD} | ON_PROCESSES | ON_UPLOADS | STORAGE | IN_S3 | MARKING
    if operation not in silent and isinstance(facts.price, Unknown):
        assert "unknown (" in by_label["COST"]
    if operation is Operation.VOLUME_DELETE and isinstance(facts.storage.month, Unknown):
        assert "unknown (" in by_label["COST"]
    if operation is Operation.RUN_UPLOAD and isinstance(facts.destination, Unknown):
        assert all("unknown (" in by_label[label] for label in ("TO", "COST"))
    if operation is Operation.RUN_UPLOAD and isinstance(facts.checkpoints, Unknown):
        assert "unknown (" in by_label["SENDS"]
    if operation is Operation.TERMINATE and isinstance(facts.disks, Unknown):
        assert "unknown (" in by_label["DIES"]
        assert "unknown (" in by_label["STAYS"]
    if operation is Operation.TERMINATE and isinstance(facts.checkpoints, Unknown):
        assert "unknown (" in by_label["CKPT"]


def test_a_forgotten_fact_blocks() -> None:
    """Facts are unknown by default, so a caller that forgets one is refused."""
    bare = SafetyFacts(START, SAFE.target, SAFE.policy)
    for operation in (
        Operation.TERMINATE,
        Operation.STOP,
        Operation.START,
        Operation.RUN_UPLOAD,
        *ON_PROCESSES,
        *ON_UPLOADS,
    ):
        assert CleanupSafety().judge(operation, bare).blocked
