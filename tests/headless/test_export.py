"""The noun `export`: any list as a file, with its own flags after '--'; never over another file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from runctl_tui.domain.problem import Problem
from runctl_tui.headless.export import VIEWS
from tests.headless.conftest import Runctl
from tests.headless.fakes import World, machine

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
