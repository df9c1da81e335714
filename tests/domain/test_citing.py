"""Each reason names the facts that it rests on: all of them, and when and by whom they were seen."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.plan import Cited, Operation, Reason
from runctl_tui.domain.safety import RULES, CleanupSafety, SafetyFacts
from runctl_tui.domain.safety.citing import cited
from runctl_tui.domain.safety.data import checkpoint_unknown, training_running
from runctl_tui.domain.safety.facts import fact_names
from runctl_tui.domain.safety.storage import undo_exists
from tests.domain.drawn_facts import drawn, examples
from tests.domain.safety_facts import SAFE, SAVED, STORED, known
from tests.fakes import START, a_run, an_instance

RUN = a_run(an_instance())


def on(rule: Callable[[Operation, SafetyFacts], Reason | None], operation: Operation, facts: SafetyFacts) -> Any:
    """Return what is cited, by its name."""
    reason = cited(partial(rule, operation), facts)
    return reason and {one.name: replace(one, name="") for one in reason.facts}


@settings(max_examples=examples())
@given(st.sampled_from(RULES), st.sampled_from(list(Operation)), st.integers(0, 2**32 - 1))
def test_what_is_not_cited_makes_no_difference(rule: Any, operation: Operation, seed: int) -> None:
    facts = drawn(random.Random(seed))
    reason, found = rule(operation, facts), cited(partial(rule, operation), facts)
    if reason is None:
        assert found is None
        return
    assert found is not None
    assert replace(found, facts=()) == reason
    values = {(one.seen_at, one.source, one.unknown) for one in found.facts}
    for name in [each for each in fact_names() if getattr(facts, each) is not None]:
        fact = getattr(facts, name)
        told = ("" if isinstance(fact, Unknown) else fact.source, fact.reason if isinstance(fact, Unknown) else "")
        if (getattr(fact, "observed_at", None), *told) not in values:
            lost: dict[str, Any] = {name: Unknown("lost")}
            assert rule(operation, replace(facts, **lost)) == reason, name


def test_a_fact_is_cited_with_its_source_and_time() -> None:
    facts = replace(SAFE, sessions=Known((RUN,), START, "the agent"))
    assert on(training_running, Operation.TERMINATE, facts) == {
        "runs": Cited("", "the agent", START),
        "state": Cited("", SAFE.state.source if isinstance(SAFE.state, Known) else "", START),
    }
    assert on(training_running, Operation.START, facts) is None


def test_what_is_not_known_is_cited_with_its_reason() -> None:
    facts = replace(SAFE, checkpoints=Unknown("no way there"))
    assert on(checkpoint_unknown, Operation.TERMINATE, facts)["checkpoints"] == Cited("", unknown="no way there")


def test_what_is_looked_at_through_what_belongs_together_is_cited_too() -> None:
    storage = replace(STORED, snapshots=known(()), copies=Known((SAVED,), START, "elsewhere"))
    told = on(undo_exists, Operation.VOLUME_DELETE, replace(SAFE, storage=storage))
    assert told["copies elsewhere"].source == "elsewhere"
    assert "snapshots" in told


@pytest.mark.parametrize("operation", [Operation.STOP, Operation.TERMINATE])
def test_every_reason_of_a_verdict_cites(operation: Operation) -> None:
    reasons = CleanupSafety().judge(operation, replace(SAFE, sessions=known((RUN,)))).reasons
    assert reasons
    assert all(one.facts for one in reasons), [one.code for one in reasons if not one.facts]
