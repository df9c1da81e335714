"""Law (i): whatever providers call things, a plan is plain text: its words, its hash, the dialog, the command line."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.objects import DeleteRequest, Deletion, EntryKind, ObjectEntry
from runctl_tui.domain.plan import Cited, Operation, Plan, PlanLine, Reason, Severity
from runctl_tui.domain.safety import CleanupSafety, SafetyFacts
from runctl_tui.domain.states import IN_S3
from runctl_tui.headless.confirm import describe
from runctl_tui.modals.confirm import _reasons, dialog_for
from runctl_tui.services.action_plans import effect_of, plan_of
from runctl_tui.services.storage.words import deletion_plan
from tests.domain.circumstances.telling import usual
from tests.domain.drawn_facts import drawn
from tests.fakes import START, an_instance
from tests.services.actions_rig import Rig
from tests.ui.fake_feed import FakeClock
from tests.ui.widgets.hostile import PAYLOADS

HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
LAW: Final = settings(max_examples=2000 if settings.get_current_profile_name() == "fuzz" else 100, deadline=None)
hostile = st.one_of(st.sampled_from(PAYLOADS[1:]), st.text(min_size=1, max_size=40))
operations = st.sampled_from([one for one in Operation if one is not Operation.CLEAN_UP and one not in IN_S3])


def everywhere(value: Any, text: str) -> Any:
    """Return a value with this text at the end of every text in it, at any depth."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return f"{value}{text}"
    if isinstance(value, tuple):
        return tuple(everywhere(one, text) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if not field.name.startswith("usd")]
        changes = {name: everywhere(getattr(value, name), text) for name in names}
        return replace(value, **changes)
    return value


def provided(facts: SafetyFacts, text: str) -> SafetyFacts:
    """Return facts in which all that comes from elsewhere has this text in it."""
    every: SafetyFacts = everywhere(facts, text)
    return replace(every, policy=facts.policy)


def unplain(plan: Plan) -> list[str]:
    """Return what of a plan's text is not plain, wherever it is read."""
    reasons = [word for one in plan.verdict.reasons for word in (one.code, one.text, one.offer)]
    reasons += [word for one in plan.verdict.reasons for each in one.facts for word in (each.source, each.unknown)]
    lines = [word for line in plan.lines for word in (line.label, line.text)]
    drawn_facts = [*dialog_for(FakeClock(), plan)._all_facts(), *_reasons(plan, START)]
    dialog = [word for fact in drawn_facts for word in (fact.label, fact.value, fact.seen)]
    words = [plan.effect, plan.hash, plan.name_to_type, *plan.stakes, *reasons, *lines]
    read = [*dialog, *describe(plan).split("\n")]
    return [word for word in (*words, *read) if any(unicodedata.category(letter) in HIDDEN for letter in word)]


@LAW
@given(operation=operations, seed=st.integers(0, 2**32 - 1), text=hostile)
@example(operation=Operation.TERMINATE, seed=0, text="\x1b]52;c;ZXZpbA==\x07")
def test_law_i_no_name_of_a_provider_is_more_than_text_in_a_plan(operation: Operation, seed: int, text: str) -> None:
    for facts in (usual(operation), drawn(random.Random(seed))):
        given_text = provided(facts, text)
        plan = plan_of(
            operation, [given_text], CleanupSafety().judge(operation, given_text), effect_of(operation, given_text)
        )
        assert unplain(plan) == []


@pytest.mark.parametrize("text", PAYLOADS)
def test_law_i_no_key_of_an_object_is_more_than_text_in_a_plan(text: str) -> None:
    facts = usual(Operation.S3_DELETE)
    entries = (ObjectEntry(EntryKind.OBJECT, "my-data", f"runs/{text}", 1),)
    request = DeleteRequest("my-data", (f"runs/{text}",))
    verdict = CleanupSafety().judge(Operation.S3_DELETE, provided(facts, text))
    plan = deletion_plan(
        request, Deletion("my-data", entries), provided(facts, text), verdict, (facts.target,), Unknown(text)
    )
    assert unplain(plan) == []


@pytest.mark.parametrize("text", PAYLOADS[1:])
async def test_law_i_such_a_machine_is_ended_like_any_other_and_written_down_plainly(text: str, tmp_path: Path) -> None:
    box = an_instance(name=f"box{text}")
    rig = Rig(tmp_path, box)
    try:
        plan = await rig.actions.plan(Operation.TERMINATE, [box.id])
        assert unplain(plan) == []
        view = await rig.commit(plan)
        assert view.ok, view.result
        (row,) = await rig.rows()
        assert not any(unicodedata.category(letter) in HIDDEN for letter in row.entry.name + row.entry.effect)
    finally:
        rig.close()


def test_law_i_the_words_are_plain_whoever_writes_them() -> None:
    reason = Reason("code", Severity.WARN, "a\x1b[2J", 0, offer="c\n")  # type: ignore[arg-type]  # a level by its number
    assert (reason.text, reason.offer) == ("a␛[2J", "c␊")
    assert Cited("state", "b\u202e", unknown="d\r") == Cited("state", "b\\u{202e}", unknown="d␍")
    assert PlanLine("W\x07", "x\x9b").text == "x\\u{9b}"
