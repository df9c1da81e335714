"""Unfinished uploads on moto: found to the last page, told whose, aborted once, and only by the one way to act."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.plan import Confirmation, Level, Operation
from runctl_tui.domain.run import TrainingStatus, UploadSummary
from runctl_tui.domain.safety import Policy
from runctl_tui.domain.uploads import upload_reference
from runctl_tui.services import uploads as book
from runctl_tui.services.action_calls import entry_for
from runctl_tui.services.clean_up import plan_clean_up
from runctl_tui.services.errors import AwsError, PlanChanged, Refused, ResourceNotFound, ValidationError
from runctl_tui.services.journal_rows import JournalState
from tests.fakes import a_run, an_instance
from tests.services.aws.world import World
from tests.services.upload_rig import BUCKET, MOTO, PART, Rig, codes

WEST = "others-are-there"
KEY = "shards/train-0048.tar"


@pytest.fixture
async def rig(tmp_path: Path, world: World) -> AsyncIterator[Rig]:
    await world.provider.store.ensure_bucket(BUCKET, "us-east-1")
    await world.provider.store.ensure_bucket(WEST, "us-west-2")
    rig = Rig(tmp_path / "state", world)
    yield rig
    rig.close()


def answering(rig: Rig, monkeypatch: pytest.MonkeyPatch, pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Have S3 answer lists of uploads so, because moto knows one page only; returns what it was asked."""
    asked: list[dict[str, Any]] = []

    async def call(bucket: str, what: str, work: Any, **_: Any) -> Any:
        class S3:
            def list_multipart_uploads(self, **request: Any) -> dict[str, Any]:
                asked.append(request)
                return pages[len(asked) - 1]

        return work(S3())

    monkeypatch.setattr(rig.world.provider.store, "call", call)
    return asked


def row(key: str, upload: str = "u") -> dict[str, Any]:
    return {"Key": key, "UploadId": upload, "Initiated": datetime(2026, 11, 1, tzinfo=UTC), "Initiator": {"ID": MOTO}}


async def test_what_is_unfinished_is_told_with_size_price_and_whose_it_is(rig: Rig) -> None:
    upload = rig.begin(KEY, parts=2)
    rig.begin("elsewhere/x")
    (found,) = await rig.rows("shards/")
    assert (found.key, found.upload_id, found.region, found.initiator) == (KEY, upload, "us-east-1", MOTO)
    assert isinstance(found.parts, Known)
    assert (found.parts.value.count, found.parts.value.size) == (2, 2 * PART)
    assert isinstance(found.usd_per_month, Known)
    assert found.usd_per_month.value == Decimal("0.023") * 2 * PART / 1024**3
    assert (found.ours, found.by) == (True, "you")
    assert found.writers == Known((), rig.clock.now(), "journal and register of runs")


async def test_all_buckets_are_looked_at_each_in_its_region_and_one_that_refuses_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.begin(KEY)
    rig.begin("far", bucket=WEST, region="us-west-2")
    seen = [snapshot async for snapshot in rig.book.below()]
    assert [len(one.value) for one in seen] == [1, 2, 2], "the first rows do not wait for the last"
    assert {one.key: one.region for one in seen[-1].value} == {KEY: "us-east-1", "far": "us-west-2"}
    far = next(one for one in seen[-1].value if one.key == "far")
    assert isinstance(far.usd_per_month, Unknown), "nobody told the price of that region"
    whole = rig.world.provider.store.region_of

    async def refused(bucket: str) -> str:
        if bucket == WEST:
            raise AwsError("denied", code="AccessDenied")
        return await whole(bucket)

    monkeypatch.setattr(rig.world.provider.store, "region_of", refused)
    partial = await rig.book.now()
    assert [one.key for one in partial.value] == [KEY]
    assert [problem.code for problem in partial.missing] == ["AccessDenied"]


async def test_every_page_is_asked_for_and_keys_are_decoded_exactly(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {"EncodingType": "url", "Uploads": [row("a%2Bb+c"), row("%1B%5B2J")], "IsTruncated": True}
    markers = {"NextKeyMarker": "%1B%5B2J", "NextUploadIdMarker": "u"}
    pages: list[dict[str, Any]] = [first | markers, {"Uploads": [row("last+one")]}]
    asked = answering(rig, monkeypatch, pages)
    found = [one.key async for page in rig.world.provider.uploads.pages(BUCKET) for one in page]
    assert found == ["a+b c", "\x1b[2J", "last+one"]
    assert (asked[1]["KeyMarker"], asked[1]["UploadIdMarker"]) == ("\x1b[2J", "u")


@pytest.mark.parametrize("markers", [{}, {"NextKeyMarker": "a", "NextUploadIdMarker": "u"}])
async def test_a_list_that_cannot_be_read_to_its_end_is_an_error(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, markers: dict[str, str]
) -> None:
    endless = {"Uploads": [row("a")], "IsTruncated": True, **markers}
    answering(rig, monkeypatch, [endless, endless])
    with pytest.raises(AwsError, match="there is more"):
        _ = [page async for page in rig.world.provider.uploads.pages(BUCKET)]


async def test_parts_are_counted_over_all_pages(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runctl_tui.services.aws.uploads.PAGE", 2)
    rig.begin(KEY, parts=5)
    (found,) = await rig.rows()
    assert isinstance(found.parts, Known)
    assert (found.parts.value.count, found.parts.value.size) == (5, 5 * PART)


async def test_only_the_oldest_of_very_many_are_measured(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "MEASURED", 1)
    rig.begin("a")
    rig.begin("b")
    first, second = await rig.rows()
    assert isinstance(first.parts, Known)
    assert second.parts == book.NOT_ASKED


async def test_parts_for_an_archive_are_paid_as_standard_until_they_are_complete(rig: Rig) -> None:
    rig.begin(KEY)
    (found,) = await rig.rows()
    archived = await rig.world.provider.uploads.measured(replace(found, storage_class="DEEP_ARCHIVE"))
    assert archived.usd_per_month == found.usd_per_month
    unpriced = await rig.world.provider.uploads.measured(replace(found, storage_class="EXPRESS"))
    assert isinstance(unpriced.usd_per_month, Unknown)


async def test_an_upload_that_ended_while_it_was_measured_has_no_size(rig: Rig) -> None:
    rig.begin(KEY)
    (found,) = await rig.rows()
    gone = await rig.world.provider.uploads.measured(replace(found, upload_id="other"))
    assert isinstance(gone.parts, Unknown)


async def test_one_s_own_old_one_is_aborted_and_seen_gone(rig: Rig) -> None:
    upload, other = rig.begin(KEY, parts=2), rig.begin(KEY)
    rig.pass_days(12)
    plan = await rig.plan(KEY, upload)
    assert (plan.verdict.level, codes(plan), plan.name_to_type) == (Level.NAME, set(), "train-0048.tar")
    assert plan.effect == f"abort the unfinished upload of s3://{BUCKET}/{KEY} and drop 2 parts (10.5 MB)"
    view = await rig.commit(plan)
    assert (view.ok, view.result) == (True, f"the unfinished upload of s3://{BUCKET}/{KEY} is gone")
    assert rig.listed() == [other], "another upload of the same key is another upload"
    (entry,) = await rig.journal.history()
    assert (entry.entry.operation, entry.state) == (Operation.UPLOAD_ABORT, JournalState.VERIFIED)
    assert (entry.entry.resource, entry.entry.region) == (upload_reference(BUCKET, KEY, upload), "us-east-1")
    with pytest.raises(ResourceNotFound, match="completed or aborted"):
        await rig.plan(KEY, upload)


async def test_a_stranger_s_a_young_one_and_one_that_a_run_sends_are_kept(rig: Rig) -> None:
    upload = rig.begin("runs/r-000001/checkpoints/step_1")
    key = "runs/r-000001/checkpoints/step_1"
    assert codes(await rig.plan(key, upload)) == {"upload_young"}
    rig.pass_days(2)
    rig.caller_arn = "arn:aws:iam::123456789012:user/alice"
    stranger = await rig.plan(key, upload)
    assert (codes(stranger), stranger.verdict.level) == ({"foreign_upload"}, Level.REASON)
    with pytest.raises(Refused):
        await rig.actions.commit(stranger, Confirmation(stranger.hash, True, stranger.name_to_type))
    run = a_run(an_instance(), id="r-000001", output_dest=f"s3://{BUCKET}/runs", owner="tester")
    rig.runs.rows = (run,)
    assert codes(await rig.plan(key, upload)) == {"busy"}
    rig.runs.rows = (replace(run, status=TrainingStatus.COMPLETED, uploads=UploadSummary(pending=1)),)
    assert codes(await rig.plan(key, upload)) == {"busy"}
    rig.runs.rows = (replace(run, status=TrainingStatus.COMPLETED, owner="bob"),)
    assert codes(await rig.plan(key, upload)) == {"foreign_upload"}
    rig.runs.rows = (replace(run, status=TrainingStatus.COMPLETED),)
    assert codes(await rig.plan(key, upload)) == set(), "a run of ours that has ended left it"
    rig.runs.broken = True
    assert "writers_unknown" in codes(await rig.plan(key, upload))
    assert rig.listed() == [upload]


async def test_what_this_program_sends_itself_is_waited_for_and_a_dead_one_s_is_not(rig: Rig) -> None:
    upload = rig.begin(KEY)
    rig.pass_days(2)
    plan = await rig.plan(KEY, upload)
    place = f"s3://{BUCKET}/shards/"
    entry = replace(entry_for(plan, plan.targets[0], place, "op-1"), operation=Operation.S3_COPY, effect="copy 1 file")
    await rig.journal.begin(entry)
    await rig.journal.mark("op-1", JournalState.SENT)
    with rig.locks.hold(place):
        busy = await rig.plan(KEY, upload)
    assert (codes(busy), busy.verdict.level) == ({"busy"}, Level.NEVER)
    assert codes(await rig.plan(KEY, upload)) == set(), "nobody holds the lock, so nobody sends"
    with rig.locks.hold(f"s3://{BUCKET}/{KEY}"), pytest.raises(Refused, match="busy"):
        await rig.commit(plan)


async def test_one_that_grew_since_the_plan_is_not_aborted(rig: Rig) -> None:
    upload = rig.begin(KEY)
    rig.pass_days(2)
    plan = await rig.plan(KEY, upload)
    s3 = rig.world.raw("s3")
    s3.upload_part(Bucket=BUCKET, Key=KEY, UploadId=upload, PartNumber=2, Body=b"more")
    with pytest.raises(PlanChanged):
        await rig.commit(plan)
    assert rig.listed() == [upload]


async def test_what_protects_a_bucket_protects_its_uploads(rig: Rig) -> None:
    upload = rig.begin(KEY)
    rig.pass_days(2)
    tags = {"TagSet": [{"Key": "runctl:protected", "Value": "yes"}]}
    rig.world.raw("s3").put_bucket_tagging(Bucket=BUCKET, Tagging=tags)
    assert codes(await rig.plan(KEY, upload)) == {"tag_protected"}


async def test_read_only_refuses_where_the_plan_is_made_and_where_the_call_goes_out(rig: Rig) -> None:
    upload = rig.begin(KEY)
    rig.pass_days(2)
    plan = await rig.plan(KEY, upload)
    rig.policy = Policy(who="tester", sandbox=True, read_only="--read-only")
    assert "ro_mode" in codes(await rig.plan(KEY, upload))
    with pytest.raises(Refused, match="read-only"):
        await rig.commit(plan)
    assert rig.listed() == [upload]


async def test_what_s3_still_lists_is_not_called_gone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = rig.begin(KEY)
    rig.pass_days(2)
    plan = await rig.plan(KEY, upload)

    async def nothing(_: object) -> None:
        return None

    monkeypatch.setattr(rig.world.provider.uploads, "abort", nothing)
    view = await rig.commit(plan)
    assert not view.ok
    assert "still listed" in view.result
    (entry,) = await rig.journal.history()
    assert entry.state is JournalState.AMBIGUOUS
    rig.pass_days(1)
    assert await rig.journal.reconcile(rig.registry) == ()
    (entry,) = await rig.journal.history()
    assert (entry.state, entry.detail) == (JournalState.FAILED, "it is still listed: the call never arrived")


async def test_a_lost_answer_is_settled_by_looking(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = rig.begin(KEY)
    rig.pass_days(2)
    plan = await rig.plan(KEY, upload)
    abort = rig.world.provider.uploads.abort

    async def and_lose_the_answer(one: Any) -> None:
        await abort(one)
        raise AwsError("no answer", code="ReadTimeoutError", transient=True)

    monkeypatch.setattr(rig.world.provider.uploads, "abort", and_lose_the_answer)
    assert (await rig.commit(plan)).ok
    (entry,) = await rig.journal.history()
    assert entry.state is JournalState.VERIFIED


async def test_what_a_dead_program_left_open_is_settled_and_comes_first_until_then(rig: Rig) -> None:
    upload = rig.begin(KEY)
    rig.pass_days(2)
    plan = await rig.plan(KEY, upload)
    await rig.journal.begin(entry_for(plan, plan.targets[0], plan.targets[0].key, "op-1"))
    await rig.journal.mark("op-1", JournalState.SENT)
    assert codes(await rig.plan(KEY, upload)) == {"reconcile_first"}
    rig.world.raw("s3").abort_multipart_upload(Bucket=BUCKET, Key=KEY, UploadId=upload)
    assert await rig.journal.reconcile(rig.registry) == ()
    (entry,) = await rig.journal.history()
    assert (entry.state, entry.detail) == (JournalState.VERIFIED, "it is gone")


async def test_a_clean_up_aborts_them_with_the_rest_one_by_one(rig: Rig) -> None:
    mine, other = rig.begin(KEY), rig.begin("other")
    references = [upload_reference(BUCKET, KEY, mine), upload_reference(BUCKET, "other", other)]
    rig.pass_days(0.5)
    bulk = await plan_clean_up(rig.actions, [(Operation.UPLOAD_ABORT, one) for one in references])
    assert bulk.plan is None, "both had a part less than a day ago"
    rig.pass_days(2)
    bulk = await plan_clean_up(rig.actions, [(Operation.UPLOAD_ABORT, one) for one in references])
    assert bulk.plan is not None
    assert bulk.plan.name_to_type == "abort 2"
    assert (await rig.commit(bulk.plan)).ok
    assert rig.listed() == []


@pytest.mark.parametrize("reference", ["aws/i-1", "aws/s3://b/k", "nonsense"])
async def test_what_names_no_upload_is_refused(rig: Rig, reference: str) -> None:
    with pytest.raises(ValidationError, match="names no"):
        await rig.actions.plan(Operation.UPLOAD_ABORT, [reference])


async def test_one_that_could_not_be_looked_at_is_never_aborted(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = rig.begin(KEY)
    rig.pass_days(2)

    async def refused(bucket: str) -> str:
        raise AwsError("denied", code="AccessDenied")

    monkeypatch.setattr(rig.world.provider.store, "region_of", refused)
    plan = await rig.plan(KEY, upload)
    assert plan.verdict.forbidden
    assert "upload_unknown" in codes(plan)
