"""Claims, protections and days of deletion: what they come to, what stands against them, when they are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.fleet import FleetRow
from runctl_tui.domain.insights import CLEANED_UP, InsightKind, insights
from runctl_tui.domain.instance import ApiProtection
from runctl_tui.domain.marks import MOST_TAGS, Mark, MarkRequest, Way, due_since, kind_of, mark_of, wrong_with
from runctl_tui.domain.plan import Level, Operation, Severity
from runctl_tui.domain.resource import Ownership, ResourceState
from runctl_tui.domain.safety import CleanupSafety, plan_lines
from tests.domain.safety_facts import FREE, facts, known, reasons
from tests.fakes import OWNER, START, an_instance

O = Operation  # noqa: E741 - short, because every line of this file names one
TODAY = date(2026, 11, 10)


def request(operation: Operation, way: Way = Way.TAG, **changes: Any) -> MarkRequest:
    return replace(MarkRequest(operation, "instance", ("aws/i-1",), way), **changes)


@pytest.mark.parametrize(
    ("asked", "tags", "wanted"),
    [
        (request(O.CLAIM), {}, Mark((("runctl:owner", "alice"),))),
        (request(O.PROTECT), {}, Mark((("runctl:protected", "true"),))),
        (request(O.PROTECT, Way.UNTIL, day=TODAY), {}, Mark((("runctl:protect-until", "2026-11-10"),))),
        (request(O.PROTECT, Way.TERMINATION), {}, Mark(termination=True)),
        (request(O.UNPROTECT, Way.TERMINATION), {}, Mark(termination=False)),
        (request(O.PROTECT, Way.STOP), {}, Mark(stop=True)),
        (request(O.UNPROTECT, Way.STOP), {}, Mark(stop=False)),
        (request(O.UNPROTECT), {"runctl:important": "", "runctl:persistent": "x", "a": "b"},
         Mark(remove=("runctl:important", "runctl:persistent"))),
        (request(O.UNPROTECT), {}, Mark(remove=("runctl:protected",))),
        (request(O.UNPROTECT, Way.UNTIL), {}, Mark(remove=("runctl:protect-until",))),
        (request(O.SCHEDULE, day=TODAY), {}, Mark((("runctl:delete-after", "2026-11-10"),))),
        (request(O.UNSCHEDULE), {}, Mark(remove=("runctl:delete-after",))),
    ],
)  # fmt: skip
def test_what_a_request_comes_to(asked: MarkRequest, tags: dict[str, str], wanted: Mark) -> None:
    mark = mark_of(asked, "alice", tags)
    assert mark == wanted
    assert mark.words
    after = {key: value for key, value in tags.items() if key not in mark.remove} | dict(mark.set)
    lock = ApiProtection(bool(mark.termination), bool(mark.stop))
    assert mark.holds(after, lock)
    assert not mark.holds({**after, "runctl:owner": "x", **dict.fromkeys(mark.remove, "1")}, None) or mark.set


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (request(O.PROTECT, references=()), "at least one"),
        (request(O.PROTECT, Way.STOP, kind="volume"), "only machines"),
        (request(O.PROTECT, Way.UNTIL), "wants a day"),
        (request(O.SCHEDULE), "wants a day"),
        (request(O.SCHEDULE, day=TODAY - timedelta(days=1)), "has passed"),
        (request(O.SCHEDULE, day=TODAY), ""),
        (request(O.CLAIM), ""),
    ],
)
def test_what_is_wrong_with_a_request(asked: MarkRequest, words: str) -> None:
    wrong = wrong_with(asked, TODAY)
    assert words in wrong
    assert bool(wrong) is bool(words)


OWNER_MARK = Mark((("runctl:owner", OWNER),))


@pytest.mark.parametrize(
    ("operation", "changes", "code", "level"),
    [
        (O.CLAIM, {"ownership": known(Ownership.FOREIGN), "tags": known(())}, "claims_foreign", Level.REASON),
        (O.CLAIM, {"ownership": known(Ownership.OTHER), "tags": known((("runctl:owner", "bob"),))}, "claims_other",
         Level.REASON),
        (O.CLAIM, {"mark": Mark((("a", "b"),)), "ownership": Unknown("throttled")}, "owner_unknown", Level.NEVER),
        (O.PROTECT, {"ownership": known(Ownership.FOREIGN), "tags": known(())}, "foreign", Level.NEVER),
        (O.UNPROTECT, {"mark": Mark(remove=("runctl:owner",))}, "protection_goes", Level.NAME),
        (O.UNPROTECT, {"mark": Mark(stop=True), "ownership": known(Ownership.OTHER)}, "other_owner", Level.NAME),
        (O.PROTECT, {"tags": Unknown("throttled")}, "marks_unknown", Level.NEVER),
        (O.PROTECT, {"mark": Mark(termination=True), "protection": Unknown("denied")}, "marks_unknown", Level.NEVER),
        (O.PROTECT, {"mark": Mark((("runctl:protected", "true"),)), "state": known(ResourceState.TERMINATED)}, "gone",
         Level.NEVER),
        (O.PROTECT, {"mark": Mark((("a", "b"),)), "tags": known(tuple((f"t{n}", "") for n in range(MOST_TAGS)))},
         "too_many_tags", Level.NEVER),
    ],
)  # fmt: skip
def test_what_stands_against_it(operation: Operation, changes: dict[str, Any], code: str, level: Level) -> None:
    found = reasons(operation, facts(**{"mark": OWNER_MARK, **changes}))
    assert found[code].level is level
    usual = facts(mark=Mark((("x", "y"),)))
    if code != "protection_goes":
        assert code not in reasons(operation, usual)


@pytest.mark.parametrize("ownership", [Ownership.RUNCTL, Ownership.FOREIGN, Ownership.OTHER])
def test_a_claim_needs_no_owner_and_what_runctl_made_only_a_yes(ownership: Ownership) -> None:
    verdict = CleanupSafety().judge(O.CLAIM, facts(ownership=known(ownership), tags=known(()), mark=OWNER_MARK))
    assert verdict.level is (Level.YES if ownership is Ownership.RUNCTL else Level.REASON)
    assert "foreign" not in {one.code for one in verdict.reasons}


@pytest.mark.parametrize("operation", [O.CLAIM, O.PROTECT, O.UNPROTECT, O.SCHEDULE, O.UNSCHEDULE])
def test_what_is_marked_so_already_is_not_marked_again(operation: Operation) -> None:
    done = reasons(operation, facts(mark=OWNER_MARK))
    assert (done["already_done"].severity, len(done)) == (Severity.ALLOW, 1)
    lines = {line.label: line.text for line in plan_lines(operation, facts(mark=Mark(stop=True)))}
    assert lines["THEN"] == "stop protection on"
    assert lines["NOW"] == f"runctl:owner={OWNER}"
    assert lines["UNDO"]


def test_lines_say_what_is_not_known_and_what_is_locked() -> None:
    locked = facts(protection=known(ApiProtection(True, True)), tags=known(()))
    assert {line.label: line.text for line in plan_lines(O.PROTECT, locked)}["NOW"] == (
        "termination protection, stop protection"
    )
    lost = {line.label: line.text for line in plan_lines(O.PROTECT, facts(tags=Unknown("throttled")))}
    assert lost["NOW"] == "unknown (throttled)"
    assert lost["THEN"] == "nothing changes"


@pytest.mark.parametrize(
    ("value", "due"),
    [("2026-11-09", date(2026, 11, 9)), ("2026-11-10", None), ("soon", None), ("", None), (" 2025-1-1", None)],
)
def test_a_deletion_is_due_after_its_day(value: str, due: date | None) -> None:
    assert due_since({"runctl:delete-after": value}, TODAY) == due


def test_what_is_due_is_found_among_what_is_ours_and_only_offered() -> None:
    tags = (("runctl:owner", OWNER), ("runctl:delete-after", "2026-11-01"))
    box = replace(an_instance(), state=ResourceState.STOPPED, tags=tags, owner_label=OWNER)
    volume = replace(FREE, tags=tags, owner_label=OWNER)
    row = FleetRow(box, Unknown("no price"), Decimal(8), None)
    found = [one for one in insights([row], None, START, [volume]) if one.kind is InsightKind.DUE]
    assert {(one.operation, one.reference, one.about_volume) for one in found} == {
        (O.TERMINATE, box.key, False), (O.VOLUME_DELETE, volume.key, True),
    }  # fmt: skip
    assert all(one.ours and "after 2026-11-01" in one.text for one in found)
    assert InsightKind.DUE in CLEANED_UP
    kept = replace(box, tags=(*tags, ("runctl:protected", "true")))
    (held,) = [one for one in insights([replace(row, instance=kept)], None, START) if one.kind is InsightKind.DUE]
    assert (held.operation, held.protected) == (None, True)
    theirs = replace(box, tags=(("runctl:delete-after", "2026-11-01"),))
    assert not [one for one in insights([replace(row, instance=theirs)], None, START) if one.kind is InsightKind.DUE]


def test_ids_tell_their_kind() -> None:
    assert [kind_of(key) for key in ("aws/i-1", "aws/vol-1", "snap-1", "llama")] == [
        "instance", "volume", "snapshot", "instance",
    ]  # fmt: skip
