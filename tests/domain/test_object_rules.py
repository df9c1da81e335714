"""The rules about objects: D29 to D31, and accounts and protections as for machines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.objects import ObjectChangeFacts, Versioning
from runctl_tui.domain.plan import Level, Operation, Severity
from runctl_tui.domain.safety import CleanupSafety, Policy
from runctl_tui.domain.safety.facts import newest_checkpoints
from tests.domain.safety_facts import a_checkpoint, facts, known, reasons
from tests.fakes import START

DELETE, COPY = Operation.S3_DELETE, Operation.S3_COPY
KEEPS = Versioning("Enabled")


@pytest.mark.parametrize(("count", "level"), [(1, Level.YES), (10, Level.YES), (11, Level.NAME)])
def test_where_versions_stay_a_few_ask_for_a_yes(count: int, level: Level) -> None:
    found = reasons(DELETE, facts(objects=known(ObjectChangeFacts(count, KEEPS))))
    assert list(found) == ["delete_marker"]
    assert found["delete_marker"].level is level


@pytest.mark.parametrize("versioning", [Versioning("Off"), Versioning("Suspended"), None])
def test_what_is_gone_for_good_wants_a_reason(versioning: Versioning | None) -> None:
    found = reasons(DELETE, facts(objects=known(ObjectChangeFacts(1, versioning))))
    assert found["permanent_delete"].level is Level.REASON


def test_the_newest_checkpoint_is_not_deleted_and_not_moved() -> None:
    for operation in (DELETE, COPY):
        found = reasons(operation, facts(objects=known(ObjectChangeFacts(1, KEEPS, newest=("s3://b/ckpt/4000",)))))
        assert found["newest_ckpt"].severity is Severity.BLOCK
        assert "s3://b/ckpt/4000" in found["newest_ckpt"].text


def test_the_newest_checkpoint_is_replaced_by_a_reason_alone() -> None:
    change = ObjectChangeFacts(2, KEEPS, replaced=("s3://b/3", "s3://b/4"), newest_replaced=("s3://b/4",))
    found = reasons(COPY, facts(objects=known(change)))
    assert found["newest_ckpt"].level is Level.REASON
    assert "replaces the newest checkpoint of a run: s3://b/4" in found["newest_ckpt"].text
    assert found["onto_ckpt"].text == "it replaces a checkpoint of a run: s3://b/3"
    only = ObjectChangeFacts(1, KEEPS, replaced=("s3://b/4",), newest_replaced=("s3://b/4",))
    assert list(reasons(COPY, facts(objects=known(only)))) == ["newest_ckpt"]


def test_what_is_replaced_for_good_is_told_and_asks_for_nothing_more() -> None:
    for versioning, words in ((Versioning("Off"), "keeps no versions"), (None, "may keep no versions")):
        found = reasons(COPY, facts(objects=known(ObjectChangeFacts(2, versioning, replacing=2))))
        assert found["replaces_objects"].level is Level.ENTER
        assert found["replaces_objects"].text == f"2 objects would be replaced for good: the bucket {words}"
    assert reasons(COPY, facts(objects=known(ObjectChangeFacts(2, KEEPS, replacing=2)))) == {}


def test_the_folder_of_a_run_at_work_stays() -> None:
    found = reasons(DELETE, facts(objects=known(ObjectChangeFacts(2, KEEPS, written=("r-1",)))))
    assert found["busy"].level is Level.NEVER
    assert found["busy"].offer_operation is Operation.RUN_STOP
    assert found["busy"].offer_references == ("r-1",)


def test_a_checkpoint_is_replaced_by_a_yes() -> None:
    found = reasons(COPY, facts(objects=known(ObjectChangeFacts(1, None, replaced=("s3://b/ckpt/1",)))))
    assert found["onto_ckpt"].level is Level.YES
    assert reasons(COPY, facts(objects=known(ObjectChangeFacts(1, None)))) == {}


def test_what_is_not_known_is_not_deleted_and_not_replaced_in_passing() -> None:
    unknown = facts(objects=Unknown("throttled"))
    assert reasons(DELETE, unknown)["objects_unknown"].level is Level.NEVER
    assert reasons(COPY, unknown)["onto_ckpt"].level is Level.YES


def test_a_protected_bucket_asks_before_a_copy_and_refuses_a_deletion() -> None:
    tagged = facts(tags=known((("runctl:protected", "yes"),)))
    assert reasons(DELETE, tagged)["tag_protected"].level is Level.NEVER
    assert reasons(COPY, tagged)["tag_protected"].level is Level.YES
    untold = facts(tags=Unknown("denied"))
    assert reasons(DELETE, untold)["tags_unknown"].level is Level.REASON
    assert reasons(COPY, untold)["tags_unknown"].level is Level.YES


def test_nothing_is_deleted_in_a_production_account_or_one_that_is_not_known() -> None:
    production = facts(policy=Policy(production_accounts=frozenset({"111122223333"})))
    assert CleanupSafety().judge(DELETE, production).blocked
    assert "account_unlisted" in reasons(DELETE, facts(account=Unknown("no answer")))


def written(name: str, step: int | None, minutes: int, run_id: str = "r-1") -> Checkpoint:
    at = START + timedelta(minutes=minutes)
    return replace(a_checkpoint(), run_id=run_id, name=name, step=step, created_at=at)


def test_a_stray_file_or_an_old_copy_hides_no_checkpoint() -> None:
    rows = (
        written("step_100", 100, 50),
        written("step_500", 500, 30),
        written("step_600", 600, 40),
        written("notes.txt", None, 90),
        written("step_7", 7, 0, "r-2"),
    )
    assert {one.name for one in newest_checkpoints(rows)} == {"notes.txt", "step_100", "step_600", "step_7"}


def test_where_steps_and_times_agree_there_is_one_newest() -> None:
    rows = (written("step_500", 500, 30), written("step_600", 600, 40))
    assert [one.name for one in newest_checkpoints(rows)] == ["step_600"]
    assert newest_checkpoints(()) == ()


def test_of_checkpoints_of_one_moment_the_one_with_a_step_is_newest_and_of_those_the_highest() -> None:
    bare, first, second = written("step_x", None, 30), written("step_0", 0, 30), written("step_1", 1, 30)
    assert [one.name for one in newest_checkpoints((bare, first))] == ["step_0"]
    assert [one.name for one in newest_checkpoints((second, bare, first))] == ["step_1"]
    assert [one.name for one in newest_checkpoints((bare,))] == ["step_x"]
    assert [one.name for one in newest_checkpoints((bare, replace(bare, name="step_y")))] == ["step_y"]


def test_a_checkpoint_whose_time_nobody_wrote_is_as_old_as_its_copies() -> None:
    timeless = replace(written("step_9", 9, 0), created_at=None)
    young, old = (CheckpointCopy(CopyState.PRESENT, modified_at=START + timedelta(minutes=one)) for one in (40, 10))
    base = written("step_10", 10, 30)
    for newer in (replace(timeless, host=young), replace(timeless, s3=young), replace(timeless, host=young, s3=old)):
        assert {one.name for one in newest_checkpoints((base, newer))} == {"step_9", "step_10"}
    for older in (timeless, replace(timeless, host=old, s3=young), replace(timeless, s3=old)):
        assert {one.name for one in newest_checkpoints((base, older))} == {"step_10"}
