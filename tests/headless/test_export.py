"""The noun `export`: any list as a file, with its own flags after '--'; never over another file."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.run import RunProgress, TrainingStatus
from runctl_tui.domain.volume import VolumeShape
from runctl_tui.headless.export import VIEWS
from tests.headless.conftest import Runctl
from tests.headless.fakes import World, checkpoint, machine, run
from tests.headless.test_resources import NETWORK
from tests.ui.fake_feed import FakeFeed

THROTTLED = Problem("Throttling", "us-west-2 could not be listed", "throttled")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("form", ["csv", "json", "html", "md"])
def test_every_view_in_every_format(runctl: Runctl, view: str, form: str) -> None:
    said = runctl("export", view, "--format", form)
    assert said.code == 0
    assert "2026-11-20T12:00:00+00:00" in said.out or view == "pods"


def test_the_rows_are_those_of_the_list_itself(runctl: Runctl) -> None:
    listed = runctl("instances", "list", "--json").data
    found = json.loads(runctl("export", "instances", "--format", "json").out)
    assert found["rows"] == listed
    assert found["scope"] == ["aws/us-east-1"]
    (row,) = csv.DictReader(io.StringIO(runctl("export", "instances").out))
    assert (row["name"], row["usd_per_hour"], row["scope"]) == ("llama-7b", "1.006", "aws/us-east-1")
    assert row["tags"] == "runctl:owner=me; runctl:project=llama"


def exported(runctl: Runctl, view: str, *, by: str = "name") -> dict[str, dict[str, str]]:
    return {row[by]: row for row in csv.DictReader(io.StringIO(runctl("export", view).out))}


def test_a_volume_without_a_snapshot_or_figures_of_its_own_has_no_questions(runctl: Runctl, world: World) -> None:
    assert world.storage.latest is not None
    kept = world.storage.latest.value
    other = {"shape": VolumeShape("network-fast", 500), "last_snapshot": Unknown("not told")}
    volumes = [replace(each, **(other if each.name == "data" else {})) for each in kept.volumes]  # type: ignore[arg-type]  # fields by name
    world.storage = FakeFeed(replace(kept, volumes=tuple(volumes)))
    rows = exported(runctl, "volumes")
    assert rows["scratch-2025"]["last_snapshot_at"] == rows["scratch-2025"]["delete_on_termination"] == "-"
    assert [rows["data"][key] for key in ("iops", "throughput_mibs", "last_snapshot_at")] == ["-", "-", "-"]
    assert [rows["fresh"][key] for key in ("last_snapshot_at", "usd_per_month")] == ["?", "?"]


def test_a_run_has_no_questions_about_what_it_does_not_say_or_has_not_reached(runctl: Runctl, world: World) -> None:
    silent = replace(run(), progress=RunProgress())
    ended = replace(silent, id="r-ended", status=TrainingStatus.COMPLETED, exit_code=0)
    lost = replace(silent, id="r-lost", status=TrainingStatus.LOST, exit_code=None)
    gone = replace(silent, id="r-gone", status=TrainingStatus.UNREACHABLE, exit_code=None)
    nan = replace(silent, id="r-nan", progress=RunProgress(step=7, loss=float("nan")))
    world.runs = [silent, ended, lost, gone, nan]
    rows = exported(runctl, "runs", by="id")
    columns = ("step", "loss", "eta_seconds", "exit_code")
    assert [[rows[one.id][key] for key in columns] for one in world.runs] == [
        ["-", "-", "?", "-"],
        ["-", "-", "-", "0"],
        ["-", "-", "-", "?"],
        ["?", "?", "?", "?"],
        ["7", "?", "?", "-"],
    ]


def test_a_checkpoint_whose_name_tells_no_step_has_none(runctl: Runctl, world: World) -> None:
    world.checkpoints = [(replace(checkpoint(100), step=None, loss=None, size_bytes=None),)]
    ((row,),) = (exported(runctl, "checkpoints").values(),)
    assert [row[key] for key in ("step", "loss", "size_bytes")] == ["-", "-", "?"]


def test_a_project_without_a_budget_has_nothing_left_of_it(runctl: Runctl, world: World) -> None:
    rows = exported(runctl, "costs", by="project").values()
    assert {(row["budget"], row["left"], row["over"]) for row in rows} == {("-", "-", "-")}


def test_rows_of_another_kind_do_not_ask_for_what_only_machines_have(runctl: Runctl, world: World) -> None:
    world.tracked_volumes = (NETWORK,)
    rows = exported(runctl, "resources")
    assert [rows[NETWORK.name][key] for key in ("gpu", "market", "age_seconds")] == ["-", "-", "-"]


def test_flags_of_the_list_follow_two_dashes(runctl: Runctl, world: World) -> None:
    world.machines = (machine(), machine(id="p0d", provider="runpod"))
    found = json.loads(runctl("export", "resources", "--format", "json", "--", "--provider", "runpod").out)
    assert [row["id"] for row in found["rows"]] == ["p0d"]
    costs = json.loads(runctl("export", "costs", "--format", "json", "--", "--by", "run").out)
    assert world.reports[-1][0] == "run"
    assert costs["scope"][0].endswith("(UTC)")
    assert "us-west-2" in costs["missing"]
    for wrong in (("--provder", "x"), ("--watch",)):
        assert runctl("export", "resources", "--json", "--", *wrong).error["type"] == "UsageError"


@pytest.mark.parametrize("rest", [("--region",), ("--region", "us-west-2"), ("--region=us-west-2",), ("--sandbox",)])
def test_a_global_flag_after_two_dashes_is_refused_with_its_place(runctl: Runctl, rest: tuple[str, ...]) -> None:
    error = runctl("export", "volumes", "--json", "--", *rest).error
    assert error["type"] == "UsageError"
    assert f"{rest[0]} is a global flag" in error["message"]
    assert f"runctl-tui export volumes {rest[0]}" in error["hint"]


def test_a_data_centre_of_runpod_is_no_region_and_what_it_is_is_said(runctl: Runctl) -> None:
    error = runctl("pods", "list", "--region", "EU-RO-1", "--json").error
    assert error["type"] == "UsageError"
    assert "a data centre of RunPod" in error["hint"]
    assert "--zone EU-RO-1" in error["hint"]
    assert "us-east-1," not in error["hint"]


def test_a_flag_of_another_verb_is_not_offered_in_its_own_place(runctl: Runctl) -> None:
    error = runctl("pods", "list", "--follow", "--json").error
    assert "did you mean" not in error["hint"]


def test_a_file_is_new_private_and_of_the_kind_that_its_name_says(runctl: Runctl) -> None:
    said = runctl("export", "instances", "--output", "fleet.html", "--json")
    path = Path("fleet.html").absolute()
    assert said.data == {"file": str(path), "format": "html", "rows": 1}
    assert path.read_text().startswith("<!doctype html>")
    assert path.stat().st_mode & 0o777 == 0o600
    again = runctl("export", "instances", "--output", "fleet.html", "--json")
    assert again.error["type"] == "ResourceExists"
    assert runctl("export", "instances", "--output", "no/such/folder.csv", "--json").error["type"] == "StateError"


def test_what_is_missing_is_in_the_file_and_said(runctl: Runctl, world: World) -> None:
    world.missing = (THROTTLED,)
    said = runctl("export", "instances", "--format", "md")
    assert "without us-west-2 could not be listed" in said.out
    assert "us-west-2 could not be listed" in said.err


def test_as_an_answer_for_programs_it_is_one_text(runctl: Runctl) -> None:
    data = runctl("export", "instances", "--format", "csv", "--json").data
    assert data["format"] == "csv"
    assert data["text"].startswith('"id",')
