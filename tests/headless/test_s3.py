"""The noun `s3`: the AWS CLI's words, plans where something goes."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runctl_tui.domain.objects import CopyRequest, DeleteRequest, NamePattern
from runctl_tui.domain.plan import Level, Reason, Severity, Target, Verdict
from tests.headless.conftest import Runctl
from tests.headless.fakes import World, view

ONTO = Reason("onto_ckpt", Severity.WARN, "it replaces a checkpoint of a run: step_4000", Level.YES)
NEWEST = Reason("newest_ckpt", Severity.BLOCK, "the newest checkpoint of a run is among them", Level.NEVER)


def asking(level: Level, *reasons: Reason) -> dict[str, Any]:
    return {"verdict": Verdict(reasons, level)}


def test_buckets_are_rows_and_an_unknown_region_is_null(runctl: Runctl) -> None:
    rows = runctl("s3", "ls", "--json").data
    assert [(row["bucket"], row["region"]) for row in rows] == [("my-data", "us-east-1"), ("denied", None)]
    assert "?" in runctl("s3", "ls").out


def test_a_prefix_is_listed_in_rows_for_scripts(runctl: Runctl) -> None:
    rows = runctl("s3", "ls", "s3://my-data/", "--json").data
    assert [list(row) for row in rows] == [["key", "size", "modified", "class", "kind"]] * 2
    assert [(row["key"], row["size"], row["kind"]) for row in rows] == [
        ("a/", None, "folder"),
        ("README.md", 1812, "object"),
    ]


def test_totals_are_added_when_asked_for(runctl: Runctl) -> None:
    said = runctl("s3", "ls", "s3://my-data/a/", "--recursive", "--summarize", "--human-readable")
    assert "Total Objects: 3" in said.out
    assert "Total Size: 5.7 MiB" in said.out
    assert "\x1b" not in said.out
    data = runctl("s3", "ls", "s3://my-data/a/", "--recursive", "--summarize", "--json").data
    assert (data["total_objects"], data["total_size"]) == (3, 6_000_005)
    assert data["objects"][2]["key"] == "a/\x1b[2Jx"


def test_a_list_takes_an_address_without_its_scheme_as_the_aws_cli_does(runctl: Runctl) -> None:
    for place in ("my-data", "my-data/", "my-data/a/"):
        assert runctl("s3", "ls", place, "--json").data == runctl("s3", "ls", f"s3://{place}", "--json").data != []


def test_what_is_no_address_or_no_bucket_is_said(runctl: Runctl, world: World) -> None:
    assert runctl("s3", "ls", "/my-data").code == 1
    assert runctl("s3", "rm", "my-data/README.md").code == 1
    assert runctl("s3", "presign", "my-data/README.md").code == 1
    assert world.stored == []
    assert runctl("s3", "ls", "s3://nobodys/", "--json").error["type"] == "ResourceNotFound"


def test_a_prefix_of_nothing_ends_as_the_aws_cli_does(runctl: Runctl) -> None:
    said = runctl("s3", "ls", "s3://my-data/none/", "--summarize")
    assert (said.code, said.out) == (1, "")
    assert "nothing begins with s3://my-data/none/" in said.err
    assert "runctl-tui s3 ls s3://my-data/" in said.err
    assert runctl("s3", "ls", "s3://my-data/none/", "--json").error["type"] == "ResourceNotFound"
    assert runctl("s3", "ls", "s3://my-data/empty/", "--json").data == [], "an empty folder is there"


def test_skipped_keys_are_told_one_by_one_and_the_exit_code_says_so(runctl: Runctl, world: World) -> None:
    odd = (("../x", "it would lie outside the folder"), ("a//b", "a folder in it has no name"))
    world.plan_changes = asking(Level.ENTER) | {"skipped": odd}
    said = runctl("s3", "cp", "s3://b/d/", "here", "--recursive")
    assert said.code == 2
    assert "skipped '../x': it would lie outside the folder" in said.err
    assert "skipped 'a//b'" in said.err
    missing = json.loads(runctl("s3", "cp", "s3://b/d/", "here", "--recursive", "--json").out)["missing"]
    assert [one["what"] for one in missing] == ["skipped '../x'", "skipped 'a//b'"]
    assert runctl("s3", "cp", "s3://b/d/", "here", "--recursive", "--dryrun").code == 0
    world.plan_changes = asking(Level.ENTER)
    assert runctl("s3", "cp", "s3://b/d/", "here", "--recursive").code == 0


def test_what_fails_in_s3_points_at_s3(runctl: Runctl, world: World) -> None:
    target = Target("object", "s3://b/d/k", "k", "aws", "")
    world.plan_changes = asking(Level.ENTER) | {"targets": (target,)}
    world.views = [view(ok=False)]
    said = runctl("s3", "cp", "a", "s3://b/d/k")
    assert said.code == 2
    assert "runctl-tui s3 ls s3://b/d/" in said.err
    assert "instances" not in said.err


def test_presign_prints_the_url_alone(runctl: Runctl) -> None:
    said = runctl("s3", "presign", "s3://my-data/k", "--expires-in", "60")
    assert said.out == "https://my-data.example/k?X-Amz-Expires=60\n"
    for wrong in (["s3://my-data/"], ["s3://my-data/k", "--expires-in", "604801"]):
        assert runctl("s3", "presign", *wrong).code == 1


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        (["cp", "a.txt", "s3://b/k"], CopyRequest("a.txt", "s3://b/k")),
        (["mv", "s3://b/a/", "s3://c/", "--recursive"], CopyRequest("s3://b/a/", "s3://c/", recursive=True, move=True)),
        (
            ["sync", "d", "s3://b/d", "--exclude", "*", "--include", "*.pt"],
            CopyRequest(
                "d",
                "s3://b/d",
                recursive=True,
                changed_only=True,
                patterns=(NamePattern(False, "*"), NamePattern(True, "*.pt")),
            ),
        ),
    ],
)
def test_copies_act_at_once(runctl: Runctl, world: World, words: list[str], request_: CopyRequest) -> None:
    world.plan_changes = asking(Level.ENTER)
    assert runctl("s3", *words).code == 0
    assert world.stored == [request_]
    assert len(world.committed) == 1


def test_keys_left_out_of_a_sync_that_deletes_are_told_by_its_exit_code(runctl: Runctl, world: World) -> None:
    world.plan_changes = {**asking(Level.NAME), "skipped": (("a//b", "a part of it is empty"),)}
    words = ["sync", "s3://b/", "a", "--delete"]
    shown = runctl("s3", *words, "--json").data
    name = shown["plan"]["name_to_type"]
    done = runctl("s3", *words, "--yes", "--plan-hash", shown["plan_hash"], "--name", name)
    assert (done.code, "skipped 'a//b'" in done.err) == (2, True)


def test_onto_a_checkpoint_only_with_yes(runctl: Runctl, world: World) -> None:
    world.plan_changes = asking(Level.ENTER, ONTO)
    said = runctl("s3", "cp", "a", "s3://b/k")
    assert (said.code, world.committed) == (1, [])
    assert "it replaces a checkpoint" in said.err
    assert runctl("s3", "cp", "a", "s3://b/k", "--yes").code == 0
    assert len(world.committed) == 1


def test_a_checkpoint_is_moved_away_only_with_yes(runctl: Runctl, world: World) -> None:
    world.plan_changes = asking(Level.ENTER, replace(ONTO, code="off_ckpt", text="it takes a checkpoint away"))
    said = runctl("s3", "mv", "s3://b/k", "elsewhere")
    assert (said.code, world.committed) == (1, [])
    assert "it takes a checkpoint away" in said.err


def test_what_is_blocked_is_refused_with_any_flag(runctl: Runctl, world: World) -> None:
    world.plan_changes = asking(Level.ENTER, NEWEST)
    assert runctl("s3", "mv", "s3://b/k", "s3://b/l", "--yes").code == 1
    assert world.committed == []


@pytest.mark.parametrize("words", [["cp", "a", "s3://b/k"], ["rm", "s3://b/k"], ["sync", "a", "s3://b/", "--delete"]])
def test_a_dry_run_changes_nothing(runctl: Runctl, world: World, words: list[str]) -> None:
    said = runctl("s3", *words, "--dryrun", "--yes", "--json")
    assert said.data["dryrun"] is True
    assert world.committed == []


@pytest.mark.parametrize(
    "words", [["rm", "s3://b/k"], ["sync", "a", "s3://b/", "--delete"], ["sync", "s3://b/", "a", "--delete"]]
)
def test_what_goes_needs_the_plans_hash_and_name(runctl: Runctl, world: World, words: list[str]) -> None:
    world.plan_changes = asking(Level.NAME)
    shown = runctl("s3", *words, "--json").data
    assert world.committed == []
    assert runctl("s3", *words, "--yes").code == 1
    assert runctl("s3", *words, "--yes", "--plan-hash", shown["plan_hash"]).code == 1
    assert world.committed == []
    name = shown["plan"]["name_to_type"]
    assert runctl("s3", *words, "--yes", "--plan-hash", shown["plan_hash"], "--confirm-name", name).code == 0
    assert len(world.committed) == 1


def test_rm_means_an_object_or_a_whole_folder_and_nothing_between(runctl: Runctl, world: World) -> None:
    runctl("s3", "rm", "s3://b/ckpt")
    runctl("s3", "rm", "s3://b/ckpt", "--recursive")
    runctl("s3", "rm", "s3://b", "--recursive", "--exclude", "*.pt")
    assert world.stored == [
        DeleteRequest("b", keys=("ckpt",)),
        DeleteRequest("b", prefixes=("ckpt/",)),
        DeleteRequest("b", prefixes=("",), patterns=(NamePattern(False, "*.pt"),)),
    ]
    assert runctl("s3", "rm", "s3://b/").code == 1


def test_an_object_goes_to_standard_output_and_nothing_else_does(runctl: Runctl, world: World) -> None:
    world.plan_changes = asking(Level.ENTER)

    def download(plan: object) -> None:
        (request,) = world.stored
        assert isinstance(request, CopyRequest)
        Path(request.destination).write_bytes(b"its content\n")

    world.on_commit = download
    said = runctl("s3", "cp", "s3://b/k", "-")
    assert (said.code, said.out) == (0, "its content\n")


def test_standard_input_becomes_an_object(runctl: Runctl, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.plan_changes = asking(Level.ENTER)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=BytesIO(b"piped")))
    seen = []

    def upload(plan: object) -> None:
        (request,) = world.stored
        assert isinstance(request, CopyRequest)
        seen.append((Path(request.source).read_bytes(), request.destination))

    world.on_commit = upload
    assert runctl("s3", "cp", "-", "s3://b/k").code == 0
    assert seen == [(b"piped", "s3://b/k")]


@pytest.mark.parametrize(
    "words",
    [
        ("mv", "s3://b/k", "-"),
        ("cp", "s3://b/k/", "-", "--recursive"),
        ("cp", "s3://b/k", "-", "--json"),
        ("cp", "s3://b/k", "-", "--dryrun"),
        ("cp", "-", "s3://b/folder/"),
        ("cp", "-", "s3://b"),
        ("cp", "-", "file"),
        ("cp", "-", "-"),
    ],
)
def test_what_cannot_be_a_stream_is_refused(runctl: Runctl, world: World, words: tuple[str, ...]) -> None:
    assert runctl("s3", *words).code == 1
    assert world.stored == []
