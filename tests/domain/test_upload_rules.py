"""D35 in detail: which unfinished uploads may be aborted, what the plan says is lost, and how they are named."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from runctl_tui.domain.candidates import candidates
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.plan import Level, Operation, Target
from runctl_tui.domain.safety import CleanupSafety, plan_lines, reversibility
from runctl_tui.domain.safety.uploads import upload_effect
from runctl_tui.domain.uploads import LEFT_AFTER, UploadedParts, split_upload, upload_reference
from runctl_tui.domain.volume import Storage
from tests.domain.safety_facts import LEFT, facts, known, reasons
from tests.fakes import START

ABORT = Operation.UPLOAD_ABORT
TARGET = Target("upload", LEFT.id, LEFT.name, "aws", "us-east-1")


def looked(**changes: Any) -> Any:
    return facts(target=TARGET, upload=known(replace(LEFT, **changes)))


def lines(**changes: Any) -> dict[str, str]:
    return {line.label: line.text for line in plan_lines(ABORT, looked(**changes))}


def test_one_s_own_that_rests_asks_for_its_name_and_cannot_be_undone() -> None:
    verdict = CleanupSafety().judge(ABORT, looked())
    assert (verdict.level, verdict.reasons) == (Level.NAME, ())
    assert reversibility(ABORT).value == "R3"
    assert ABORT.verb == "abort"


@pytest.mark.parametrize(("hours", "young"), [(23, True), (24, False)])
def test_a_day_after_the_last_part_it_is_not_under_way_any_more(hours: int, young: bool) -> None:
    parts = known(UploadedParts(4, 9, START - timedelta(hours=hours)))
    assert ("upload_young" in reasons(ABORT, looked(parts=parts))) is young


def test_one_without_parts_counts_from_its_beginning() -> None:
    begun = looked(parts=known(UploadedParts(0, 0)), started_at=START - timedelta(hours=2))
    assert "2 h ago" in reasons(ABORT, begun)["upload_young"].text


def test_a_stranger_s_is_named_and_what_sends_it_is_waited_for() -> None:
    assert "bob" in reasons(ABORT, looked(ours=False, by="bob"))["foreign_upload"].text
    busy = reasons(ABORT, looked(writers=known(("run r-1",))))["busy"]
    assert "run r-1" in busy.text
    assert busy.offer


def test_what_protects_the_bucket_and_the_account_protects_uploads_too() -> None:
    protected = replace(looked(), tags=known((("runctl:protected", "yes"),)))
    assert reasons(ABORT, protected)["tag_protected"].level is Level.NEVER
    assert "account_unlisted" in reasons(ABORT, replace(looked(), account=Unknown("no answer")))


def test_the_plan_says_what_is_lost_saved_and_left() -> None:
    told = lines()
    assert told["BEGUN"] == "12 d ago by you; its last part came 12 d ago"
    assert told["COST"] == "saves $0.0011/mo (test)"
    assert told["DIES"].startswith("3 parts (48.0 MB): ")
    assert told["STAYS"].startswith("whatever s3://my-data/shards/train-0048.tar is now")
    assert told["UNDO"] == "none"


def test_the_plan_says_what_is_unknown() -> None:
    told = lines(parts=Unknown("throttled"), usd_per_month=Unknown("no price"), started_at=None, by="")
    assert told["DIES"] == "what has arrived: unknown (throttled)"
    assert told["COST"] == "saves unknown (no price)"
    assert told["BEGUN"] == "unknown (not told) by somebody who is not told"
    lost = {line.label: line.text for line in plan_lines(ABORT, replace(looked(), upload=Unknown("denied")))}
    assert lost["WHAT"].endswith("unknown (denied)")


def test_the_effect_names_size_and_place_and_never_an_age() -> None:
    place = "s3://my-data/shards/train-0048.tar"
    assert upload_effect(looked()) == f"abort the unfinished upload of {place} and drop 3 parts (48.0 MB)"
    assert upload_effect(looked(parts=Unknown("x"))).endswith("and drop what has arrived")


def test_an_upload_was_left_behind_a_week_after_its_last_part() -> None:
    grown = replace(LEFT, parts=known(UploadedParts(4, 9, START - timedelta(days=6))))
    assert LEFT.quiet_for(LEFT_AFTER, START)
    assert not grown.quiet_for(LEFT_AFTER, START)
    assert not replace(LEFT, parts=Unknown("x")).quiet_for(LEFT_AFTER, START)


def test_a_clean_up_takes_up_what_was_left_behind_with_evidence_and_money() -> None:
    (found,) = candidates((), Storage(), START, uploads=[LEFT])
    assert (found.key, found.name, found.thing, found.why) == (LEFT.reference, LEFT.name, "upload", "unfinished")
    assert found.evidence == "nothing new for 12 d; 3 parts (48.0 MB), begun by you"
    assert (found.operation, found.usd_per_month) == (ABORT, Decimal("0.0011"))


@pytest.mark.parametrize(
    "changes",
    [
        {"ours": False},
        {"started_at": START - timedelta(days=6)},
        {"started_at": None},
        {"parts": Unknown("throttled")},
        {"parts": known(UploadedParts(1, 9, START - timedelta(days=6)))},
        {"writers": known(("run r-1",))},
        {"writers": Unknown("no way there")},
        {"bucket_tags": known((("runctl:protected", "yes"),))},
        {"bucket_tags": known((("runctl:protect-until", "2099-01-01"),))},
        {"bucket_tags": Unknown("denied")},
    ],
)
def test_nothing_of_others_nothing_young_and_nothing_unknown_is_a_candidate(changes: dict[str, Any]) -> None:
    assert candidates((), Storage(), START, uploads=[replace(LEFT, **changes)]) == ()


def test_what_has_no_price_is_a_candidate_of_unknown_price() -> None:
    (found,) = candidates((), Storage(), START, uploads=[replace(LEFT, usd_per_month=Unknown("no price"))])
    assert found.usd_per_month is None


@pytest.mark.parametrize("key", ["a/b", "a#b", "#", " ä\x1b[2J", "a//b/"])
def test_any_key_comes_back_from_a_reference(key: str) -> None:
    assert split_upload(upload_reference("my-data", key, "id.1_x-")) == ("my-data", key, "id.1_x-")


@pytest.mark.parametrize("text", ["", "aws/i-1", "aws/s3://b/k", "aws/s3://b/k#", "aws/s3://b#1", "aws/s3:///k#1"])
def test_what_names_no_upload_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no|no address"):
        split_upload(text)
