"""The rules about volumes and snapshots, one by one: D25 to D28, and D03 to D09 where they hold for storage."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.instance import Disk
from runctl_tui.domain.plan import Level, Operation, Reason, Severity, Target
from runctl_tui.domain.resource import Ownership, ResourceState
from runctl_tui.domain.safety import CleanupSafety, Policy, SafetyFacts, plan_lines
from runctl_tui.domain.safety.storage_facts import StorageFacts
from runctl_tui.domain.states import STORAGE
from runctl_tui.domain.volume import Attachment, SnapshotState, VolumeShape, VolumeState
from tests.domain.safety_facts import FREE, HELD, HOST, SAFE, SAVED, SHAPE, STORED, known
from tests.fakes import OWNER, START, a_run, an_instance

O = Operation  # noqa: E741 - short, because every line of this file names one


def facts(operation: Operation, **storage: Any) -> SafetyFacts:
    kind = "snapshot" if operation in (O.SNAPSHOT_COPY, O.SNAPSHOT_DELETE) else "volume"
    key = "" if operation is O.VOLUME_CREATE else "snap-1" if kind == "snapshot" else "vol-1"
    if operation is O.VOLUME_DETACH:
        storage = {"volume": known(HELD), **storage}
    if operation is O.VOLUME_MODIFY:
        storage = {"shape": replace(SHAPE, size_gib=200), **storage}
    stored = replace(STORED, **storage)
    return replace(SAFE, target=Target(kind, key, "data", "aws", "us-east-1"), storage=stored)


def judged(operation: Operation, given: SafetyFacts) -> dict[str, Reason]:
    return {reason.code: reason for reason in CleanupSafety().judge(operation, given).reasons}


@pytest.mark.parametrize(
    ("operation", "level"),
    [
        (O.VOLUME_CREATE, Level.YES),
        (O.VOLUME_ATTACH, Level.ENTER),
        (O.VOLUME_DETACH, Level.NAME),
        (O.VOLUME_MODIFY, Level.YES),
        (O.VOLUME_SNAPSHOT, Level.YES),
        (O.VOLUME_DELETE, Level.NAME),
        (O.SNAPSHOT_COPY, Level.YES),
        (O.SNAPSHOT_DELETE, Level.NAME),
    ],
)
def test_what_it_takes_where_nothing_is_wrong(operation: Operation, level: Level) -> None:
    verdict = CleanupSafety().judge(operation, facts(operation))
    assert (verdict.blocked, verdict.level) == (False, level)


@pytest.mark.parametrize(
    ("state", "progress", "words"),
    [
        (SnapshotState.PENDING, "37%", "pending 37%"),
        (SnapshotState.PENDING, "100%", "pending"),
        (SnapshotState.PENDING, "", "pending"),
        (SnapshotState.COMPLETED, "100%", "completed"),
    ],
)
def test_how_far_a_snapshot_is_never_contradicts_its_state(state: SnapshotState, progress: str, words: str) -> None:
    assert replace(SAVED, state=state, progress=progress).stands == words


NONE = known(())
PENDING = known((replace(SAVED, state=SnapshotState.PENDING),))
STOPPED = known(replace(HOST, state=ResourceState.STOPPED))
ROOT = replace(HOST, disks=(Disk("vol-1", "/dev/sda1", 100, "gp3", True, root=True),))


@pytest.mark.parametrize(
    ("operation", "changes", "code", "offers"),
    [
        (O.VOLUME_DELETE, {"volume": known(HELD)}, "attached", O.VOLUME_DETACH),
        (O.VOLUME_DELETE, {"volume": known(replace(FREE, state=VolumeState.CREATING))}, "attached", None),
        (O.VOLUME_DELETE, {"snapshots": NONE}, "no_undo", O.VOLUME_SNAPSHOT),
        (O.VOLUME_DELETE, {"snapshots": PENDING}, "no_undo", None),
        (O.VOLUME_DELETE, {"snapshots": Unknown("throttled")}, "no_undo", None),
        (O.VOLUME_DELETE, {"volume": Unknown("throttled")}, "state_unknown", None),
        (O.SNAPSHOT_DELETE, {"images": known(("ami-1",))}, "referenced", None),
        (O.SNAPSHOT_DELETE, {"images": Unknown("denied")}, "referenced", None),
        (O.SNAPSHOT_DELETE, {"snapshots": known((SAVED,))}, "last_snapshot", O.VOLUME_SNAPSHOT),
        (O.SNAPSHOT_DELETE, {"snapshots": Unknown("throttled")}, "last_snapshot", None),
        (O.SNAPSHOT_DELETE, {"snapshots": known((SAVED,)), "volume": Unknown("throttled")}, "last_snapshot", None),
        (O.VOLUME_ATTACH, {"host": known(replace(HOST, zone="us-east-1b"))}, "other_zone", None),
        (O.VOLUME_ATTACH, {"host": Unknown("throttled")}, "host_unknown", None),
        (O.VOLUME_ATTACH, {"host": known(replace(HOST, state=ResourceState.STARTING))}, "host_state", None),
        (O.VOLUME_ATTACH, {"device": "/dev/sda1", "host": known(ROOT)}, "device_taken", None),
        (O.VOLUME_ATTACH, {"volume": known(HELD)}, "attached", O.VOLUME_DETACH),
        (O.VOLUME_DETACH, {"host": known(ROOT)}, "root_disk", None),
        (O.VOLUME_MODIFY, {"shape": replace(SHAPE, size_gib=50)}, "volume_shrinks", None),
        (O.VOLUME_MODIFY, {"shape": replace(SHAPE, iops=90_000)}, "volume_limits", None),
        (O.VOLUME_CREATE, {"shape": replace(SHAPE, size_gib=50)}, "volume_limits", None),
        (O.VOLUME_CREATE, {"zone": "us-west-2a"}, "other_region", None),
        (O.VOLUME_CREATE, {"snapshot": known(replace(SAVED, state=SnapshotState.PENDING))}, "snapshot_state", None),
        (O.SNAPSHOT_COPY, {"snapshot": known(replace(SAVED, state=SnapshotState.PENDING))}, "snapshot_state", None),
        (O.VOLUME_SNAPSHOT, {"volume": known(replace(FREE, state=VolumeState.CREATING))}, "volume_state", None),
    ],
)
def test_what_blocks(operation: Operation, changes: dict[str, Any], code: str, offers: Operation | None) -> None:
    reason = judged(operation, facts(operation, **changes))[code]
    assert (reason.severity, reason.offer_operation) == (Severity.BLOCK, offers)
    assert code not in judged(operation, facts(operation))


def test_an_undo_that_exists_is_named_with_its_age() -> None:
    reason = judged(O.VOLUME_DELETE, facts(O.VOLUME_DELETE))["undo_exists"]
    assert (reason.severity, reason.level) == (Severity.WARN, Level.NAME)
    assert "2 d old" in reason.text


AGED = "its newest snapshot is 2 d old"


@pytest.mark.parametrize(
    ("used_at", "words"),
    [
        (known(START - timedelta(days=1)), f"{AGED}, and it was in use 24 h ago: what was written since exists once"),
        (known(None), f"{AGED}, and when it was in use last is not told: what was written since exists once"),
        (Unknown("locked"), f"{AGED}, and when it was in use last is not told: what was written since exists once"),
    ],
)
def test_a_snapshot_from_before_the_last_use_is_no_undo(used_at: Fact[datetime | None], words: str) -> None:
    found = judged(O.VOLUME_DELETE, facts(O.VOLUME_DELETE, used_at=used_at))
    assert "undo_exists" not in found
    assert (found["undo_old"].level, found["undo_old"].text) == (Level.REASON, words)
    assert found["undo_old"].offer_operation is O.VOLUME_SNAPSHOT


def test_a_snapshot_of_today_is_an_undo_where_nobody_tells_of_the_last_use() -> None:
    young = known((replace(SAVED, started_at=START - timedelta(hours=23)),))
    found = judged(O.VOLUME_DELETE, facts(O.VOLUME_DELETE, used_at=known(None), snapshots=young))
    assert found["undo_exists"].text == "its newest snapshot is 23 h old: what was written since is lost"


def test_the_only_copy_of_a_volume_that_is_gone_is_called_so() -> None:
    given = facts(O.SNAPSHOT_DELETE, volume=known(None), snapshots=known((SAVED,)))
    assert judged(O.SNAPSHOT_DELETE, given)["last_copy"].severity is Severity.WARN


def test_detaching_asks_more_while_it_may_be_mounted_and_is_refused_while_training_runs() -> None:
    assert "maybe_mounted" in judged(O.VOLUME_DETACH, facts(O.VOLUME_DETACH))
    assert "maybe_mounted" not in judged(O.VOLUME_DETACH, facts(O.VOLUME_DETACH, host=STOPPED))
    training = replace(facts(O.VOLUME_DETACH), sessions=known((a_run(an_instance()),)))
    reason = judged(O.VOLUME_DETACH, training)["training_running"]
    assert (reason.severity, reason.offer_operation) == (Severity.BLOCK, O.RUN_STOP)


@pytest.mark.parametrize("operation", [O.VOLUME_DELETE, O.SNAPSHOT_DELETE])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"account": Unknown("no credentials")}, "account_unlisted"),
        ({"policy": Policy(production_accounts=frozenset({"111122223333"}))}, "prod_account"),
        ({"ownership": known(Ownership.FOREIGN)}, "foreign"),
        ({"ownership": known(Ownership.OTHER)}, "other_owner"),
        ({"ownership": Unknown("throttled")}, "owner_unknown"),
        ({"tags": known((("runctl:protected", "yes"),))}, "tag_protected"),
        ({"tags": known((("runctl:protect-until", "2999-01-01"),))}, "protect_until"),
        ({"tags": Unknown("throttled")}, "tags_unknown"),
        ({"created_at": Unknown("not told")}, "age_unknown"),
        ({"open_rows": ("volume-delete sent",)}, "reconcile_first"),
        ({"journal_ok": False}, "no_journal"),
        ({"policy": Policy(who=OWNER, read_only="asked for")}, "ro_mode"),
    ],
)
def test_destroying_storage_is_as_hard_as_destroying_a_machine(
    operation: Operation, changes: dict[str, Any], code: str
) -> None:
    assert judged(operation, replace(facts(operation), **changes))[code].severity is Severity.BLOCK


def test_a_snapshot_of_somebody_else_s_volume_may_be_made_but_the_volume_not_touched() -> None:
    foreign = {"ownership": known(Ownership.FOREIGN)}
    assert "foreign" not in judged(O.VOLUME_SNAPSHOT, replace(facts(O.VOLUME_SNAPSHOT), **foreign))  # type: ignore[arg-type] # by name
    for operation in (O.VOLUME_ATTACH, O.VOLUME_DETACH, O.VOLUME_MODIFY):
        assert "foreign" in judged(operation, replace(facts(operation), **foreign))  # type: ignore[arg-type] # by name


@pytest.mark.parametrize(
    ("operation", "changes"),
    [
        (O.VOLUME_DETACH, {"volume": known(FREE)}),
        (O.VOLUME_DELETE, {"volume": known(replace(FREE, state=VolumeState.DELETING))}),
        (O.VOLUME_ATTACH, {"volume": known(replace(HELD, attachments=(Attachment(HOST.id, "/dev/sdf"),)))}),
        (O.VOLUME_MODIFY, {"shape": VolumeShape("gp3", 100)}),
    ],
)
def test_where_the_end_is_reached_nothing_is_called(operation: Operation, changes: dict[str, Any]) -> None:
    assert list(judged(operation, facts(operation, **changes))) == ["already_done"]


@pytest.mark.parametrize("operation", sorted(STORAGE))
@pytest.mark.parametrize("name", [each.name for each in fields(StorageFacts) if str(each.type).startswith("Fact[")])
def test_ignorance_about_storage_never_eases(operation: Operation, name: str) -> None:
    judge = CleanupSafety().judge
    lost = facts(operation, **{name: Unknown("lost")})
    before, after = judge(operation, facts(operation)), judge(operation, lost)
    assert after.level >= before.level
    assert after.blocked >= before.blocked
    assert all(line.text.strip() for line in plan_lines(operation, lost))


def test_what_is_too_old_counts_as_unknown() -> None:
    old = facts(O.VOLUME_DELETE, volume=known(FREE, age=11))
    assert "state_unknown" in judged(O.VOLUME_DELETE, old)


def test_lines_say_what_dies_and_what_brings_it_back() -> None:
    lines = {line.label: line.text for line in plan_lines(O.VOLUME_DELETE, facts(O.VOLUME_DELETE))}
    assert lines["COST"] == "saves $8.00/mo (test)"
    assert lines["DIES"] == "100 GiB gp3, 3,000 IOPS, 125 MiB/s, and what was written since snap-2, 2 d old"
    assert lines["STAYS"] == "2 snapshots, at most $10.00/mo"
    assert lines["UNDO"] == "restore snap-2, as of 2 d ago"
    bare = {line.label: line.text for line in plan_lines(O.VOLUME_DELETE, facts(O.VOLUME_DELETE, snapshots=NONE))}
    assert (bare["UNDO"], bare["STAYS"]) == ("none", "nothing")
    unpriced = plan_lines(O.VOLUME_CREATE, facts(O.VOLUME_CREATE, month=Unknown("no list")))
    assert {line.label: line.text for line in unpriced}["COST"] == "unknown (no list) from now on, attached or not"


NETWORK = replace(FREE, provider="runpod", zone="EU-RO-1", region="EU-RO-1", shape=VolumeShape("network", 100))
ON_RUNPOD = {
    "volume": known(NETWORK),
    "snapshots": known(()),
    "no_attach": "mounted",
    "no_snapshots": "RunPod has none",
}


def test_a_network_volume_is_deleted_for_a_reason_since_nothing_could_save_it() -> None:
    reasons = judged(O.VOLUME_DELETE, facts(O.VOLUME_DELETE, **ON_RUNPOD))
    assert (reasons["no_undo"].severity, reasons["no_undo"].level) == (Severity.BLOCK, Level.REASON)
    assert "RunPod has none" in reasons["no_undo"].text
    assert CleanupSafety().judge(O.VOLUME_DELETE, facts(O.VOLUME_DELETE, **ON_RUNPOD)).level is Level.REASON


@pytest.mark.parametrize(
    ("operation", "undo"),
    [(O.VOLUME_CREATE, "delete it; until then it is paid"), (O.VOLUME_MODIFY, "none: it never shrinks")],
)
def test_the_way_back_of_a_network_volume_promises_nothing_that_runpod_lacks(operation: O, undo: str) -> None:
    wanted = replace(NETWORK.shape, size_gib=200)
    lines = plan_lines(operation, facts(operation, **ON_RUNPOD, shape=wanted))
    assert next(line.text for line in lines if line.label == "UNDO") == undo


def test_a_network_volume_that_pods_mount_is_not_deleted_and_offers_their_end() -> None:
    pods = (Attachment("p1", "/x", instance_name="one"), Attachment("p2", "/x", instance_name="two"))
    held = replace(NETWORK, state=VolumeState.IN_USE, attachments=pods)
    reason = judged(O.VOLUME_DELETE, facts(O.VOLUME_DELETE, **{**ON_RUNPOD, "volume": known(held)}))["netvol_used"]
    assert (reason.severity, reason.level) == (Severity.BLOCK, Level.NEVER)
    assert reason.offer_operation is O.TERMINATE
    assert reason.offer_references == ("runpod/p1", "runpod/p2")


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        (VolumeShape("network", 5_000), "volume_limits"),
        (VolumeShape("network", 50), "volume_shrinks"),
        (VolumeShape("network-fast", 200), "volume_type"),
        (VolumeShape("network", 200, 3000), "volume_limits"),
    ],
)
def test_a_network_volume_grows_within_its_limits_and_nothing_else(shape: VolumeShape, code: str) -> None:
    assert code in judged(O.VOLUME_MODIFY, facts(O.VOLUME_MODIFY, **ON_RUNPOD, shape=shape))


def test_a_network_volume_may_grow() -> None:
    found = judged(O.VOLUME_MODIFY, facts(O.VOLUME_MODIFY, **ON_RUNPOD, shape=VolumeShape("network", 200)))
    assert not [one for one in found.values() if one.severity is Severity.BLOCK]


def test_what_is_claimed_without_tags_says_how() -> None:
    given = replace(facts(O.VOLUME_DELETE, **ON_RUNPOD), ownership=known(Ownership.FOREIGN), no_tags="write it there")
    reason = judged(O.VOLUME_DELETE, given)["foreign"]
    assert (reason.level, reason.offer) == (Level.NEVER, "if it is yours, claim it: write it there")


def test_a_deletion_may_get_a_day_instead() -> None:
    for operation in (O.VOLUME_DELETE, O.SNAPSHOT_DELETE):
        given = facts(operation)
        found = judged(operation, given)["schedule_instead"]
        assert (found.severity, found.level) == (Severity.ALLOW, Level.ENTER)
        assert (found.offer_operation, found.offer_references) == (O.SCHEDULE, (given.target.key,))
        for other in (
            replace(given, ownership=known(Ownership.OTHER)),
            replace(given, no_tags="RunPod has none"),
            replace(given, tags=Unknown("throttled")),
            replace(given, tags=known((("runctl:owner", OWNER), ("runctl:delete-after", "2099-01-01")))),
        ):
            assert "schedule_instead" not in judged(operation, other)
    assert "schedule_instead" not in judged(O.VOLUME_DETACH, facts(O.VOLUME_DETACH))


@pytest.mark.parametrize(
    ("tags", "code", "level"),
    [
        ((), "foreign", Level.NEVER),
        ((("CreatedBy", "runctl"),), "foreign", Level.NEVER),
        ((("runctl:owner", "bob"),), "other_owner", Level.NAME),
    ],
)
def test_a_disk_is_put_only_on_a_machine_of_ones_own(
    tags: tuple[tuple[str, str], ...], code: str, level: Level
) -> None:
    found = judged(O.VOLUME_ATTACH, facts(O.VOLUME_ATTACH, host=known(replace(HOST, tags=tags))))
    assert found[code].level is level
    assert code not in judged(O.VOLUME_DETACH, facts(O.VOLUME_DETACH, host=known(replace(HOST, tags=tags))))
    assert code not in judged(O.VOLUME_ATTACH, facts(O.VOLUME_ATTACH))


def test_what_else_holds_a_volume_s_contents_is_as_old_as_what_was_looked_at() -> None:
    newer = replace(SAVED, id="snap-9", started_at=START)
    kept = replace(STORED, snapshots=known((SAVED, newer), 60))
    assert kept.kept() == Known(newer, START - timedelta(seconds=60), "test")
    assert kept.kept(but="snap-9") == Known(SAVED, START - timedelta(seconds=60), "test")


def test_a_copy_counts_only_where_there_is_no_snapshot_and_never_the_one_that_goes() -> None:
    copied = replace(SAVED, id="snap-copy", region="us-west-2")
    alone = replace(STORED, snapshots=known(()), copies=known((copied,), 30))
    assert alone.kept() == Known(copied, START - timedelta(seconds=30), "test")
    assert alone.kept(but="snap-copy") == Known(None, START - timedelta(seconds=30), "test")
    assert replace(alone, copies=Unknown("silent")).kept() == Unknown("silent")
