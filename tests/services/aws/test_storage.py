"""Plans and transfers of objects against moto: nothing goes by mistake, nothing is half there."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState
from runctl_tui.domain.facts import Fact, Known, Unknown
from runctl_tui.domain.objects import CopyRequest, DeleteRequest, NamePattern, ObjectFacts
from runctl_tui.domain.plan import Confirmation, Level, Operation, Plan
from runctl_tui.domain.run import TrainingStatus
from runctl_tui.domain.safety import Policy
from runctl_tui.services.action_calls import entry_for
from runctl_tui.services.aws import object_io
from runctl_tui.services.aws.object_io import ObjectIo
from runctl_tui.services.errors import PlanChanged, Refused, ResourceNotFound, ValidationError
from runctl_tui.services.journal_rows import Entry, JournalState
from runctl_tui.services.safe_cleanup import last_view
from runctl_tui.services.storage import names
from runctl_tui.services.witnesses import Witnesses, places_of, token_of
from tests.fakes import START
from tests.services.aws.world import World
from tests.services.storage_rig import Rig, codes

BUCKET = "my-data-here"
OTHER = "others-are-there"


@pytest.fixture
async def rig(tmp_path: Path, world: World) -> AsyncIterator[Rig]:
    await world.provider.store.ensure_bucket(BUCKET, "us-east-1")
    await world.provider.store.ensure_bucket(OTHER, "us-west-2")
    rig = Rig(tmp_path / "state", world)
    yield rig
    rig.close()


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def keep_versions(rig: Rig) -> None:
    s3: Any = rig.world.raw("s3")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})


def a_checkpoint(step: int, key: str) -> Checkpoint:
    made = CheckpointCopy(CopyState.VERIFIED, f"s3://{BUCKET}/{key}")
    absent = CheckpointCopy(CopyState.ABSENT)
    return Checkpoint("r-000001", f"step_{step}", step, "pt", 1, None, None, absent, made)


async def test_a_prefix_takes_its_neighbours_not_along(rig: Rig) -> None:
    await rig.put(BUCKET, "ckpt/1", "ckpt/sub/2", "ckpt-old/1", "ckpt")
    plan = await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("ckpt/",)))
    assert "2 objects" in plan.effect
    assert (await rig.commit(plan)).ok
    assert await rig.keys(BUCKET) == ["ckpt", "ckpt-old/1"]
    with pytest.raises(ValidationError, match="no folder"):
        await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("ckpt",)))


async def test_all_pages_are_deleted_in_batches(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runctl_tui.services.aws.objects.PAGE", 3)
    monkeypatch.setattr("runctl_tui.services.storage.carry.BATCH", 4)
    monkeypatch.setattr(object_io, "FEW", 2)
    await rig.put(BUCKET, *[f"many/{number}" for number in range(10)])
    plan = await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("many/",)))
    assert any(line.text == "10 objects, 10 B" for line in plan.lines)
    assert any(line.text == "many/0 · many/1 · many/2 · many/3 · many/4 and 5 more" for line in plan.lines)
    assert (await rig.commit(plan)).result == "deleted 10 objects, 10 B"
    assert await rig.keys(BUCKET) == []


async def test_a_deletion_says_what_is_paid_no_more_or_goes_on(rig: Rig) -> None:
    def cost(plan: Plan) -> str:
        (line,) = [line.text for line in plan.lines if line.label == "COST"]
        return line

    await rig.put(BUCKET, "a/1", "a/2", content=b"x" * 1024)
    asked: list[tuple[str, str]] = []

    def month(region: str, kind: str, size: int) -> Fact[Decimal]:
        asked.append((region, kind))
        return Known(Decimal(size), START, "test")

    rig.desk._parts = replace(rig.desk._parts, month=month)
    assert cost(await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("a/",)))) == "$2,048.00/mo ends (test)"
    assert asked == [("us-east-1", "STANDARD")]
    keep_versions(rig)
    said = cost(await rig.desk.plan(DeleteRequest(BUCKET, keys=("a/1",))))
    assert said == "$1,024.00/mo goes on: every version is paid for (test)"
    rig.desk._parts = replace(rig.desk._parts, month=lambda *_: Unknown("the prices are not here yet"))
    assert cost(await rig.desk.plan(DeleteRequest(BUCKET, keys=("a/1",)))) == "unknown (the prices are not here yet)"


async def test_without_versions_it_wants_the_name_and_a_reason(rig: Rig) -> None:
    await rig.put(BUCKET, "a/model.bin")
    plan = await rig.desk.plan(DeleteRequest(BUCKET, keys=("a/model.bin",)))
    assert (plan.verdict.level, plan.name_to_type) == (Level.REASON, "model.bin")
    assert codes(plan) == {"permanent_delete"}
    with pytest.raises(Refused, match="name does not match"):
        await rig.commit(plan, name="model")
    with pytest.raises(Refused, match="gone for good"):
        await rig.desk.commit(plan, Confirmation(plan.hash, True, "model.bin"))
    assert await rig.keys(BUCKET) == ["a/model.bin"]


async def test_with_versions_a_few_ask_for_a_yes_and_many_for_the_name(rig: Rig) -> None:
    keep_versions(rig)
    await rig.put(BUCKET, *[f"a/{number}" for number in range(11)])
    plan = await rig.desk.plan(DeleteRequest(BUCKET, keys=("a/1",)))
    assert (plan.verdict.level, codes(plan)) == (Level.YES, {"delete_marker"})
    assert (await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("a/",)))).verdict.level is Level.NAME
    assert (await rig.commit(plan)).ok
    s3: Any = rig.world.raw("s3")
    assert [one["Key"] for one in s3.list_object_versions(Bucket=BUCKET, Prefix="a/1")["Versions"]] == ["a/1", "a/10"]


async def test_the_newest_checkpoint_of_a_run_stays_unless_somebody_says_why(rig: Rig) -> None:
    rig.checkpoints.rows = (
        a_checkpoint(1, "runs/r-000001/checkpoints/step_1"),
        a_checkpoint(2, "runs/r-000001/checkpoints/step_2"),
    )
    await rig.put(BUCKET, "runs/r-000001/checkpoints/step_1", "runs/r-000001/checkpoints/step_2/model.bin")
    plan = await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("runs/",)))
    assert "newest_ckpt" in codes(plan)
    with pytest.raises(Refused, match="step_2"):
        await rig.desk.commit(plan, Confirmation(plan.hash, True, plan.name_to_type))
    older = await rig.desk.plan(DeleteRequest(BUCKET, keys=("runs/r-000001/checkpoints/step_1",)))
    assert "newest_ckpt" not in codes(older)
    away = CopyRequest(f"s3://{BUCKET}/runs/", f"s3://{OTHER}/", recursive=True, move=True)
    assert {"newest_ckpt", "off_ckpt"} <= codes(await rig.desk.plan(away))


@pytest.mark.parametrize("elsewhere", [f"s3://{OTHER}/", "here/"])
async def test_an_older_checkpoint_is_taken_away_only_by_a_yes(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    monkeypatch.chdir(tmp_path)
    rig.checkpoints.rows = tuple(a_checkpoint(step, f"runs/r-000001/checkpoints/step_{step}") for step in (1, 2))
    await rig.put(BUCKET, "runs/r-000001/checkpoints/step_1", "runs/r-000001/checkpoints/step_2")
    away = CopyRequest(f"s3://{BUCKET}/runs/r-000001/checkpoints/step_1", elsewhere, move=True)
    plan = await rig.desk.plan(away)
    assert (plan.operation, plan.verdict.level, codes(plan)) == (Operation.S3_MOVE, Level.YES, {"off_ckpt"})
    copied = await rig.desk.plan(replace(away, move=False))
    assert (copied.operation, codes(copied)) == (Operation.S3_COPY, set())


async def test_runs_that_cannot_be_asked_about_keep_everything(rig: Rig) -> None:
    rig.checkpoints.broken = True
    await rig.put(BUCKET, "runs/r-000001/a", "runs/r-0000012/a")
    plan = await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("runs/",)))
    assert "objects_unknown" in codes(plan)
    assert plan.verdict.forbidden
    assert not (await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("runs/r-0000012/",)))).verdict.forbidden
    assert rig.checkpoints.asked == ["r-000001"], "a run that writes elsewhere is not asked about"


async def test_a_checkpoint_is_replaced_only_by_a_yes(rig: Rig, tmp_path: Path) -> None:
    folder = "runs/r-000001/checkpoints"
    rig.checkpoints.rows = tuple(a_checkpoint(step, f"{folder}/step_{step}.pt") for step in (1, 2))
    await rig.put(BUCKET, f"{folder}/step_1.pt", f"{folder}/step_2.pt")
    for name in ("step_1.pt", "step_2.pt"):
        (tmp_path / name).write_bytes(b"new")
    keep_versions(rig)
    plan = await rig.desk.plan(CopyRequest(str(tmp_path / "step_1.pt"), f"s3://{BUCKET}/{folder}/"))
    assert (plan.verdict.level, codes(plan)) == (Level.YES, {"onto_ckpt"})
    newest = await rig.desk.plan(CopyRequest(str(tmp_path / "step_2.pt"), f"s3://{BUCKET}/{folder}/"))
    assert (newest.verdict.level, codes(newest)) == (Level.REASON, {"newest_ckpt"})
    beside = await rig.desk.plan(CopyRequest(str(tmp_path / "step_2.pt"), f"s3://{BUCKET}/elsewhere/"))
    assert beside.verdict.level is Level.ENTER


async def test_what_is_replaced_for_good_is_told(rig: Rig, tmp_path: Path) -> None:
    await rig.put(BUCKET, "notes.txt")
    (tmp_path / "notes.txt").write_bytes(b"new")
    copy = CopyRequest(str(tmp_path / "notes.txt"), f"s3://{BUCKET}/")
    plan = await rig.desk.plan(copy)
    assert (plan.verdict.level, codes(plan)) == (Level.ENTER, {"replaces_objects"})
    assert [line.text for line in plan.lines if line.label == "UNDO"] == ["none for what is replaced"]
    keep_versions(rig)
    plan = await rig.desk.plan(copy)
    assert codes(plan) == set()
    assert [line.text for line in plan.lines if line.label == "UNDO"] == ["restore the earlier versions, which stay"]


@pytest.mark.parametrize("swept", ["", "runs/", "runs/r-000001/", "runs/r-000001/checkpoints/"])
async def test_what_a_run_is_writing_is_not_swept_away_beneath_it(rig: Rig, swept: str) -> None:
    keep_versions(rig)
    await rig.put(BUCKET, "runs/r-000001/checkpoints/step_1", "runs/r-000002/a")
    everything = DeleteRequest(BUCKET, prefixes=(swept,))
    assert "busy" not in codes(await rig.desk.plan(everything))
    for rig.checkpoints.status, rig.checkpoints.silent in (
        (TrainingStatus.RUNNING, False),
        (TrainingStatus.LOST, True),
    ):
        plan = await rig.desk.plan(everything)
        assert plan.verdict.forbidden, "at work, or nobody has heard that it ended"
        assert "busy" in codes(plan)
        away = CopyRequest(f"s3://{BUCKET}/{swept}", f"s3://{OTHER}/", recursive=True, move=True)
        assert "busy" in codes(await rig.desk.plan(away))
        assert "busy" not in codes(await rig.desk.plan(replace(away, move=False)))
        beside = DeleteRequest(BUCKET, prefixes=("runs/r-000002/",))
        assert "busy" not in codes(await rig.desk.plan(beside))
        older = DeleteRequest(BUCKET, keys=("runs/r-000001/checkpoints/step_1",))
        assert "busy" not in codes(await rig.desk.plan(older)), "one object is not its folder"


@pytest.mark.parametrize(("owner", "level"), [("tester", Level.YES), ("bob", Level.REASON)])
async def test_a_bucket_of_another_person_wants_a_reason(rig: Rig, owner: str, level: Level, tmp_path: Path) -> None:
    keep_versions(rig)
    await rig.put(BUCKET, "a")
    s3: Any = rig.world.raw("s3")
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "runctl:owner", "Value": owner}]})
    plan = await rig.desk.plan(DeleteRequest(BUCKET, keys=("a",)))
    assert (plan.verdict.level, "other_owner" in codes(plan)) == (level, owner == "bob")
    (tmp_path / "b").write_bytes(b"new")
    into = await rig.desk.plan(CopyRequest(str(tmp_path / "b"), f"s3://{BUCKET}/"))
    assert into.verdict.level is (Level.YES if owner == "bob" else Level.ENTER)
    away = await rig.desk.plan(CopyRequest(f"s3://{BUCKET}/a", f"s3://{OTHER}/", move=True))
    assert ("other_owner" in codes(away)) is (owner == "bob"), "whichever end is another's"


async def test_what_changed_after_the_plan_is_not_deleted(rig: Rig) -> None:
    await rig.put(BUCKET, "a/1", "a/2")
    plan = await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("a/",)))
    await rig.put(BUCKET, "a/2", content=b"other")
    with pytest.raises(PlanChanged):
        await rig.commit(plan)
    assert await rig.keys(BUCKET) == ["a/1", "a/2"]


async def test_what_changes_at_the_last_moment_is_saved_by_the_server(rig: Rig) -> None:
    await rig.put(BUCKET, "a/1", "a/2")
    listed = [entry async for page in rig.objects.pages(BUCKET, "a/") for entry in page]
    await rig.put(BUCKET, "a/2", content=b"other")
    assert await rig.mover.delete(BUCKET, listed) == (("a/2", "it changed since the plan"),)
    assert await rig.keys(BUCKET) == ["a/2"]


async def test_a_protected_bucket_keeps_its_objects(rig: Rig) -> None:
    await rig.put(BUCKET, "a")
    s3: Any = rig.world.raw("s3")
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "runctl:protected", "Value": "yes"}]})
    plan = await rig.desk.plan(DeleteRequest(BUCKET, keys=("a",)))
    assert "tag_protected" in codes(plan)
    assert plan.verdict.level is Level.NEVER
    copying = await rig.desk.plan(CopyRequest(f"s3://{BUCKET}/a", f"s3://{BUCKET}/b"))
    assert copying.verdict.level is Level.YES


async def test_read_only_changes_nothing_and_still_downloads(rig: Rig, tmp_path: Path) -> None:
    await rig.put(BUCKET, "a", content=b"hello")
    rig.policy = Policy(who="tester", sandbox=True, read_only="--read-only")
    assert (await rig.desk.plan(DeleteRequest(BUCKET, keys=("a",)))).verdict.level is Level.NEVER
    with pytest.raises(Refused):
        await rig.do(CopyRequest(f"s3://{BUCKET}/a", f"s3://{BUCKET}/b"))
    with pytest.raises(Refused):
        await rig.do(CopyRequest(f"s3://{BUCKET}/a", str(tmp_path / "a"), move=True))
    assert (await rig.do(CopyRequest(f"s3://{BUCKET}/a", str(tmp_path / "a")))).ok
    assert (tmp_path / "a").read_bytes() == b"hello"


async def test_keys_that_no_request_can_quote_are_deleted_exactly(rig: Rig) -> None:
    strange = ["a/ \x1b[2J", "a/ä [x]<&>", "a//b", "a/../c"]
    await rig.put(BUCKET, *strange, "c")
    assert (await rig.do(DeleteRequest(BUCKET, prefixes=("a/",)))).ok
    assert await rig.keys(BUCKET) == ["c"]


async def test_patterns_choose_what_goes(rig: Rig) -> None:
    await rig.put(BUCKET, "a/1.log", "a/b/2.log", "a/3.bin")
    patterns = (NamePattern(False, "*"), NamePattern(True, "*.log"))
    assert (await rig.do(DeleteRequest(BUCKET, prefixes=("a/",), patterns=patterns))).ok
    assert await rig.keys(BUCKET) == ["a/3.bin"]


async def test_nothing_to_delete_is_said(rig: Rig) -> None:
    with pytest.raises(ResourceNotFound, match="nothing to delete"):
        await rig.desk.plan(DeleteRequest(BUCKET, prefixes=("none/",)))
    with pytest.raises(ResourceNotFound):
        await rig.desk.plan(DeleteRequest(BUCKET, keys=("none",)))


async def test_a_deletion_is_journaled_with_its_plan(rig: Rig) -> None:
    await rig.put(BUCKET, "a")
    plan = await rig.desk.plan(DeleteRequest(BUCKET, keys=("a",)))
    await rig.commit(plan)
    (row,) = await rig.rows()
    assert (row.entry.plan_hash, row.entry.resource, row.state) == (plan.hash, f"s3://{BUCKET}/a", "verified")


async def test_a_folder_goes_up_and_comes_back_the_same(rig: Rig, tmp_path: Path) -> None:
    up = tmp_path / "up"
    (up / "sub").mkdir(parents=True)
    files = {"a.txt": b"A", "sub/b.bin": bytes(range(256)) * 40, "empty": b""}
    for name, content in files.items():
        (up / name).write_bytes(content)
    view = await rig.do(CopyRequest(str(up), f"s3://{BUCKET}/in", recursive=True))
    assert view.result == "copied 3 objects, 10.2 kB"
    down = tmp_path / "down"
    assert (await rig.do(CopyRequest(f"s3://{BUCKET}/in/", str(down), recursive=True))).ok
    assert {path.relative_to(down).as_posix(): path.read_bytes() for path in down.rglob("*") if path.is_file()} == files


async def test_large_files_go_in_parts_and_come_in_pieces(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 5 * 1024 * 1024
    monkeypatch.setattr(object_io, "PART", size)
    monkeypatch.setattr(object_io, "CHUNK", 1_000_003)
    content = bytes(range(251)) * 50_000
    (tmp_path / "large").write_bytes(content)
    assert (await rig.do(CopyRequest(str(tmp_path / "large"), f"s3://{OTHER}/large"))).ok
    facts = await rig.objects.head(OTHER, "large")
    assert facts.etag.endswith("-3")
    view = await rig.do(CopyRequest(f"s3://{OTHER}/large", str(tmp_path / "back")))
    assert (tmp_path / "back").read_bytes() == content
    assert view.steps[0].done == 1


async def test_a_download_that_breaks_off_leaves_nothing_behind(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_io, "CHUNK", 4)
    await rig.put(BUCKET, "a", content=b"0123456789")
    (entry,) = [entry async for page in rig.objects.pages(BUCKET, "a") for entry in page]
    (tmp_path / "a").write_bytes(b"mine")

    def changed(moved: int) -> None:
        rig.world.raw("s3").put_object(Bucket=BUCKET, Key="a", Body=b"abcdefghij")

    with pytest.raises(PlanChanged, match="changed"):
        await rig.mover.download(entry, tmp_path, "a", changed)
    assert (tmp_path / "a").read_bytes() == b"mine"
    assert list(contents(tmp_path, "a*")) == ["a"]


async def test_a_download_replaces_nobodys_own_part_file(rig: Rig, tmp_path: Path) -> None:
    await rig.put(BUCKET, "a", content=b"new")
    (tmp_path / "a.part").write_bytes(b"mine")
    (tmp_path / "a").write_bytes(b"old")
    plan = await rig.desk.plan(CopyRequest(f"s3://{BUCKET}/a", str(tmp_path / "a")))
    assert codes(plan) == {"replaces_files"}
    assert (await rig.commit(plan)).ok
    assert contents(tmp_path, "a*") == {"a": b"new", "a.part": b"mine"}
    (entry,) = [entry async for page in rig.objects.pages(BUCKET, "a") for entry in page]
    assert entry.modified_at is not None
    assert (tmp_path / "a").stat().st_mtime == entry.modified_at.timestamp(), "or the next sync would send it back"


async def test_a_cancelled_transfer_says_how_far_it_came(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def hang(self: ObjectIo, entry: object, folder: object, name: object, moved: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ObjectIo, "download", hang)
    await rig.put(BUCKET, "a/1", "a/2")
    plan = await rig.desk.plan(CopyRequest(f"s3://{BUCKET}/a/", str(tmp_path / "a"), recursive=True))
    job_id = await rig.desk.commit(plan, Confirmation(plan.hash))
    await begun.wait()
    rig.jobs.cancel(job_id)
    view = await last_view(rig.jobs, job_id)
    assert (view.ok, "0 of 2 were done" in view.result) == (False, True)


ODD = {
    "../../evil": names.OUTSIDE,
    "/etc/passwd": names.OUTSIDE,
    "a//b": names.NAMELESS,
    "./here": names.NAMELESS,
    "both": "it is a folder too, which 'both/inner' lies in",
    "esc\x1b[2Jape": names.CONTROLS,
    "link/out": names.LINKED,
}


async def test_an_odd_key_is_skipped_with_its_reason_and_all_others_come(rig: Rig, tmp_path: Path) -> None:
    safe, elsewhere = tmp_path / "safe", tmp_path / "elsewhere"
    for folder in (safe, elsewhere):
        folder.mkdir()
    (safe / "link").symlink_to(elsewhere)
    await rig.put(BUCKET, "x/good", "x/both/inner", *(f"x/{name}" for name in ODD))
    plan = await rig.desk.plan(CopyRequest(f"s3://{BUCKET}/x/", str(safe), recursive=True, move=True))
    assert dict(plan.skipped) == ODD
    assert any(line.label == "SKIPS" and line.text.startswith("7 keys") for line in plan.lines)
    assert (await rig.commit(plan)).result == "moved 2 objects, 2 B, 7 skipped"
    assert files(tmp_path) >= {"safe/good", "safe/both/inner"}
    assert not any(name.startswith("elsewhere/") for name in files(tmp_path))
    assert not files(safe) - {"good", "both/inner"}
    assert sorted(await rig.keys(BUCKET)) == sorted(f"x/{name}" for name in ODD), "what was skipped is not moved away"


async def test_keys_that_look_the_same_are_skipped_before_anything_is_written(rig: Rig, tmp_path: Path) -> None:
    composed, apart = "caf\u00e9", "cafe\u0301"
    await rig.put(BUCKET, "x/good", f"x/{composed}", f"x/{apart}")
    plan = await rig.desk.plan(CopyRequest(f"s3://{BUCKET}/x/", str(tmp_path / "safe"), changed_only=True))
    assert [name for name, why in plan.skipped if "the same file" in why] == [apart, composed]
    assert (await rig.commit(plan)).ok
    assert files(tmp_path / "safe") == {"good"}


@pytest.mark.parametrize("name", ["..", "a\x00b"])
async def test_the_only_key_there_is_to_copy_is_refused_where_it_can_be_no_file(
    rig: Rig, tmp_path: Path, name: str
) -> None:
    told = ObjectFacts(BUCKET, f"x/{name}", 1, "e1", rig.world.clock.now())
    rig.objects.head = AsyncMock(return_value=told)  # type: ignore[method-assign]  # moto takes no such keys
    with pytest.raises(ValidationError, match="cannot be a file"):
        await rig.desk.plan(CopyRequest(f"s3://{BUCKET}/x/{name}", f"{tmp_path}/"))


async def test_nothing_is_copied_or_moved_onto_itself_and_keys_are_compared_as_they_stand(rig: Rig) -> None:
    await rig.put(BUCKET, "k", "d/x", "d/sub/x")
    here = f"s3://{BUCKET}"
    for move in (True, False):
        for source, target in ((f"{here}/k", f"{here}/k"), (f"{here}/k", f"{here}/"), (f"{here}/k", here)):
            with pytest.raises(ValidationError, match="onto itself"):
                await rig.desk.plan(CopyRequest(source, target, move=move))
        with pytest.raises(ValidationError, match="onto itself"):
            await rig.desk.plan(CopyRequest(f"{here}/d/", f"{here}/d", recursive=True, move=move))
        with pytest.raises(ValidationError, match="d/sub/x, which is to be"):
            await rig.desk.plan(CopyRequest(f"{here}/d/", f"{here}/d/sub/", recursive=True, move=move))
    assert (await rig.do(CopyRequest(f"{here}/k", f"{here}/./k", move=True))).ok
    assert await rig.keys(BUCKET) == ["./k", "d/sub/x", "d/x"]


async def test_a_bucket_that_there_is_none_of_is_said_with_where_to_look(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(ResourceNotFound) as refused:
        await rig.desk.plan(CopyRequest(str(tmp_path / "a"), "s3://nobody-has-this/a"))
    assert "nobody-has-this" in refused.value.what
    assert "runctl-tui s3 ls" in refused.value.todo


async def test_a_move_removes_the_source_once_its_copy_is_there(rig: Rig) -> None:
    await rig.put(BUCKET, "a/1", "a/2")
    assert (await rig.do(CopyRequest(f"s3://{BUCKET}/a/", f"s3://{OTHER}/b/", recursive=True, move=True))).ok
    assert (await rig.keys(BUCKET), await rig.keys(OTHER)) == ([], ["b/1", "b/2"])


async def test_sync_copies_what_differs_and_tells_what_is_surplus(rig: Rig, tmp_path: Path) -> None:
    for name in ("same", "other"):
        (tmp_path / name).write_bytes(b"1")
    request = CopyRequest(str(tmp_path), f"s3://{BUCKET}/s", recursive=True, changed_only=True)
    patterns = (NamePattern(False, "state/*"),)
    request = replace(request, patterns=patterns)
    assert (await rig.do(request)).result == "copied 2 objects, 2 B"
    (tmp_path / "other").write_bytes(b"22")
    await rig.put(BUCKET, "s/surplus")
    plan = await rig.desk.plan(request)
    assert "1 file (2 B)" in plan.effect
    assert (await rig.commit(plan)).result == "copied 1 object, 2 B, 1 unchanged"
    assert "s/surplus" in await rig.keys(BUCKET)
    again = await rig.desk.plan(request)
    assert again.effect == f"nothing to copy from {tmp_path} to s3://{BUCKET}/s: 2 unchanged"


async def test_links_are_left_out_and_named_unless_they_shall_be_followed(rig: Rig, tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "secret"
    folder.mkdir()
    outside.write_bytes(b"secret")
    (folder / "file").write_bytes(b"1")
    (folder / "link").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "nowhere").symlink_to(tmp_path / "nothing")
    request = CopyRequest(str(folder), f"s3://{BUCKET}/in", recursive=True)
    plan = await rig.desk.plan(request)
    assert plan.skipped == (
        ("link", f"a link to {outside}"),
        ("loop", f"a link to {folder}"),
        ("nowhere", f"a link to {tmp_path / 'nothing'}"),
    )
    assert (await rig.commit(plan)).ok
    assert await rig.keys(BUCKET) == ["in/file"]
    followed = await rig.desk.plan(replace(request, follow_links=True))
    assert [name for name, _ in followed.skipped] == ["loop", "nowhere"], "no folder behind a link is entered"
    assert (await rig.commit(followed)).ok
    assert await rig.keys(BUCKET) == ["in/file", "in/link"]


@pytest.mark.parametrize("move", [False, True])
async def test_into_a_folder_that_others_write_only_by_a_yes(
    rig: Rig, tmp_path: Path, move: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.put(BUCKET, "k")
    folder = tmp_path / "shared"
    folder.mkdir()
    request = CopyRequest(f"s3://{BUCKET}/k", f"{folder}/new/", move=move)
    assert "open_folder" not in codes(await rig.desk.plan(request))
    folder.chmod(0o777)
    plan = await rig.desk.plan(request)
    assert (plan.verdict.level, codes(plan)) == (Level.YES, {"open_folder"})
    assert f"anybody on this machine can change what lands in {folder}" in plan.verdict.reasons[0].text
    folder.chmod(0o1777)
    assert "open_folder" not in codes(await rig.desk.plan(request)), "others cannot touch what is ours there"
    me = folder.stat().st_uid
    if me == 0:
        os.chown(folder, 54_321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    (reason,) = (await rig.desk.plan(request)).verdict.reasons
    assert reason.text.startswith(f"{folder} belongs to ")


async def test_sync_with_delete_asks_as_a_deletion_does(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "new").write_bytes(b"1")
    await rig.put(BUCKET, "s/surplus", "s/kept.log", "s-beside/x")
    request = CopyRequest(
        str(tmp_path / "in"), f"s3://{BUCKET}/s", recursive=True, changed_only=True, delete=True,
        patterns=(NamePattern(False, "*.log"),),
    )  # fmt: skip
    plan = await rig.desk.plan(request)
    assert (plan.operation, plan.verdict.level) == (Operation.S3_DELETE, Level.REASON)
    with pytest.raises(Refused):
        await rig.commit(plan, name="")
    assert (await rig.commit(plan)).ok
    assert await rig.keys(BUCKET) == ["s-beside/x", "s/kept.log", "s/new"]


async def test_how_a_job_ended_is_on_the_disk_before_anybody_hears_of_it(rig: Rig) -> None:
    await rig.put(BUCKET, "a")
    view = await rig.do(DeleteRequest(BUCKET, keys=("a",)))
    rows = await rig.store.run(lambda db: db.execute("SELECT ended FROM jobs WHERE id = ?", (view.id,)).fetchall())
    assert [row["ended"] for row in rows] == [1]


async def test_a_file_that_fails_is_named_and_the_others_arrive(rig: Rig, tmp_path: Path) -> None:
    await rig.put(BUCKET, "d/a", "d/b")
    (tmp_path / "t" / "a").mkdir(parents=True)
    view = await rig.do(CopyRequest(f"s3://{BUCKET}/d/", str(tmp_path / "t"), recursive=True))
    assert view.ok is False
    assert "1 of 2 could not be copied" in view.result
    assert (tmp_path / "t" / "b").read_bytes() == b"x"


async def test_another_program_that_starts_leaves_a_living_operation_alone(rig: Rig) -> None:
    await rig.put(BUCKET, "a/1")
    plan = await rig.desk.plan(DeleteRequest(BUCKET, keys=("a/1",)))
    with rig.desk._hold(plan):
        await rig.journal.begin(entry_for(plan, plan.targets[0], plan.targets[0].id, "op-1"))
        await rig.journal.mark("op-1", JournalState.SENT)
        (living,) = await rig.journal.reconcile(rig.registry)
        assert living.state is JournalState.SENT
    assert await rig.journal.reconcile(rig.registry) == (), "its program has died"


@pytest.mark.parametrize("came", [0, 1, 2])
async def test_s3_tells_how_far_a_deletion_came(rig: Rig, came: int) -> None:
    rig.journal.witnesses = {
        Operation.S3_DELETE: Witnesses(AsyncMock(), AsyncMock(), lambda: rig.objects, AsyncMock()).deleted
    }
    await rig.put(BUCKET, "a/1", "a/2", "b")
    plan = await rig.desk.plan(DeleteRequest(BUCKET, keys=("b",), prefixes=("a/",)))
    token = token_of([target.id for target in plan.targets])
    assert json.loads(token) == [f"s3://{BUCKET}/b", f"s3://{BUCKET}/a/"]
    texts = ("object", plan.targets[0].id, "b", "aws", "us-east-1", plan.hash, token, "alice", plan.effect)
    await rig.journal.begin(Entry("op-1", Operation.S3_DELETE, *texts))
    await rig.journal.mark("op-1", JournalState.SENT)
    for gone in (["b"], ["a/1", "a/2"])[:came]:
        listed = [entry async for page in rig.objects.pages(BUCKET, recursive=True) for entry in page]
        await rig.mover.delete(BUCKET, [entry for entry in listed if entry.key in gone])
    await rig.journal.reconcile(rig.registry)
    (row,) = await rig.rows()
    assert row.state is (JournalState.VERIFIED if came == 2 else JournalState.FAILED)
    first = f"s3://{BUCKET}/a/" if came else f"s3://{BUCKET}/b"
    words = "it is gone" if came == 2 else f"{2 - came} of 2 are still there, {first} first; delete it again"
    assert row.detail == words


@pytest.mark.parametrize("move", [False, True])
@pytest.mark.parametrize("came", [0, 1, 2, 3])
async def test_s3_tells_how_far_a_copy_or_a_move_came(rig: Rig, came: int, move: bool) -> None:
    operation = Operation.S3_MOVE if move else Operation.S3_COPY
    rig.journal.witnesses = Witnesses(
        AsyncMock(), AsyncMock(), lambda: rig.objects, AsyncMock()
    ).by_operation()  # fmt: skip
    await rig.put(BUCKET, "a/1", "a/2")
    request = CopyRequest(f"s3://{BUCKET}/a/", f"s3://{BUCKET}/b/", recursive=True, move=move)
    prepared = await rig.desk._plan(request, None)
    texts = ("folder", f"s3://{BUCKET}/b/", "b", "aws", "us-east-1", "hash", prepared.keeps, "alice", "copy")
    await rig.journal.begin(Entry("op-1", operation, *texts))
    await rig.journal.mark("op-1", JournalState.SENT)
    await rig.put(BUCKET, *["b/1", "b/2"][:came])
    if came == 3:
        listed = [entry async for page in rig.objects.pages(BUCKET, "a/", recursive=True) for entry in page]
        await rig.mover.delete(BUCKET, listed)
    await rig.journal.reconcile(rig.registry)
    (row,) = await rig.rows()
    left = max(0, 2 - came) if not move else 0 if came == 3 else 2
    first = "b/2" if came == 1 and not move else "b/1"
    again = "do it again: that changes nothing where it is done"
    words = f"{left} of 2 are not done, s3://{BUCKET}/{first} first; {again}" if left else "all 2 are there"
    assert (row.state, row.detail) == (JournalState.FAILED if left else JournalState.VERIFIED, words)


async def test_a_sync_writes_down_what_goes_and_never_the_whole_folder(rig: Rig, tmp_path: Path) -> None:
    await rig.put(BUCKET, "b/old", "b/kept")
    here = tmp_path / "here"
    here.mkdir()
    (here / "kept").write_bytes(b"x")
    request = CopyRequest(str(here), f"s3://{BUCKET}/b/", recursive=True, changed_only=True, delete=True)
    assert (await rig.do(request)).ok
    (row,) = await rig.rows()
    assert places_of(row.entry.token) == (f"s3://{BUCKET}/b/old",)
    assert await rig.keys(BUCKET) == ["b/kept"]


async def test_a_deletion_writes_down_what_it_is_about(rig: Rig) -> None:
    await rig.put(BUCKET, "a", "b")
    assert (await rig.do(DeleteRequest(BUCKET, keys=("a", "b")))).ok
    (row,) = await rig.rows()
    assert places_of(row.entry.token) == ("s3://my-data-here/a", "s3://my-data-here/b")
