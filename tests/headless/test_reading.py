"""Nouns that only look: rows for scripts, tables for people, partial answers that say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from runctl_tui.domain.cost import Bill, Billed, CostShare, ProjectBudget
from runctl_tui.domain.facts import Known, Unknown
from runctl_tui.domain.problem import Problem
from runctl_tui.domain.run import RunProgress
from runctl_tui.domain.volume import Storage
from runctl_tui.options import Options
from tests.headless.conftest import Runctl
from tests.headless.fakes import LOG, NOW, World, checkpoint, machine, run


def test_instances_are_flat_rows(runctl: Runctl) -> None:
    said = runctl("instances", "list", "--json")
    assert said.code == 0
    (row,) = said.data
    assert list(row)[:7] == ["id", "provider", "region", "state", "type", "name", "usd_per_hour"]
    assert list(row)[-1] == "tags"
    assert row["usd_per_hour"] == 1.006
    assert row["age_seconds"] == 7500
    assert row["so_far_usd"] == 2.1
    assert (row["gpu"], row["market"], row["ownership"]) == ("1x A10G", "on-demand", "ours")
    assert all(not isinstance(value, list | dict) for key, value in row.items() if key != "tags")


def test_an_unknown_price_is_null_and_a_question_mark_never_zero(runctl: Runctl, world: World) -> None:
    world.machines = (replace(machine(), price=Unknown("not told"), so_far=None),)
    assert runctl("instances", "list", "--json").data[0]["usd_per_hour"] is None
    assert "?" in runctl("instances", "list").out


def test_a_partial_list_says_what_is_missing(runctl: Runctl, world: World) -> None:
    world.missing = (Problem("Throttling", "us-west-2: could not be listed", "throttled"),)
    assert runctl("instances", "list", "--json").envelope["missing"][0]["code"] == "Throttling"
    assert "us-west-2: could not be listed: throttled" in runctl("instances", "list").err


@pytest.mark.parametrize(
    "words",
    ["instances list", "resources list", "resources summary", "resources insights", "resources list --provider aws"],
)
def test_a_fleet_of_which_nothing_could_be_read_is_an_error_and_never_an_empty_list(
    runctl: Runctl, world: World, words: str
) -> None:
    world.machines = ()
    world.missing = (Problem("ExpiredToken", "us-east-1: could not be listed", "it expired", "log in", scope="aws"),)
    said = runctl(*words.split(), "--json")
    assert said.code == 2
    assert (said.error["code"], said.error["hint"]) == ("ExpiredToken", "log in")
    assert "us-east-1: could not be listed: it expired" in said.error["message"]


def test_an_empty_fleet_of_which_a_part_answered_is_partial(runctl: Runctl, world: World) -> None:
    world.machines = ()
    world.missing = (Problem("Throttling", "us-west-2: could not be listed", scope="aws/us-west-2"),)
    assert runctl("instances", "list", "--json").code == 0


def test_volumes_that_nobody_could_list_are_an_error(runctl: Runctl, world: World) -> None:
    problem = Problem("UnauthorizedOperation", "us-east-1: no volumes", scope="aws/us-east-1")
    world.storage.push(Storage(), (problem,))
    for noun in ("volumes", "snapshots"):
        said = runctl(noun, "list", "--json")
        assert (said.code, said.error["code"]) == (2, "UnauthorizedOperation")


def test_instances_for_people_are_an_aligned_table(runctl: Runctl, world: World) -> None:
    world.machines = (machine(), machine(id="i-2", name="ログ", state=machine().instance.state))
    lines = runctl("instances", "list").out.splitlines()
    assert lines[0].split()[:4] == ["NAME", "ID", "STATE", "TYPE"]
    assert "2 h 5 min" in lines[1]
    assert "1.006" in lines[1]


def test_hostile_names_reach_a_terminal_without_their_sting(runctl: Runctl, world: World) -> None:
    world.machines = (machine(name="\x1b]0;owned\x07\x1b[2J"),)
    assert "\x1b" not in runctl("instances", "list").out
    assert runctl("instances", "list", "--json").data[0]["name"] == "\x1b]0;owned\x07\x1b[2J"


def test_describe_holds_the_providers_own_words(runctl: Runctl) -> None:
    data = runctl("instances", "describe", "llama-7b", "--json").data
    assert data["provider_says"]["InstanceId"] == "i-0123456789abcdef0"
    assert data["disks"][0]["volume_id"] == "vol-1"
    text = runctl("instances", "describe", "llama-7b").out
    assert "dies with the machine" in text
    assert "bundled table" in text


def test_an_unknown_machine_is_a_user_error(runctl: Runctl) -> None:
    said = runctl("instances", "describe", "nobody", "--json")
    assert said.code == 1
    assert said.error["type"] == "ResourceNotFound"
    assert said.error["code"] == "not-found"


def test_runs_are_flat_rows(runctl: Runctl, world: World) -> None:
    world.runs = [run(progress=RunProgress(10, 20, loss=2.0, step_seconds=0.5))]
    (row,) = runctl("runs", "list", "--json").data
    assert (row["step"], row["total_steps"], row["loss"], row["eta_seconds"]) == (10, 20, 2.0, 5.0)
    assert row["status"] == "running"
    assert "10/20" in runctl("runs", "list").out


def test_a_loss_that_is_no_number_is_valid_json(runctl: Runctl, world: World) -> None:
    world.runs = [run(progress=RunProgress(10, 20, loss=float("nan")))]
    assert runctl("runs", "list", "--json").data[0]["loss"] is None


def test_show_one_run(runctl: Runctl) -> None:
    assert runctl("runs", "show", "r-01", "--json").data["args"] == ["--steps", "20"]


def test_logs_whole_tail_and_json(runctl: Runctl) -> None:
    assert runctl("runs", "logs", "r-01").out == LOG.decode()
    assert runctl("runs", "logs", "r-01", "--tail", "2").out == "".join(LOG.decode().splitlines(True)[-2:])
    assert runctl("runs", "logs", "r-01", "--tail", "2", "--json").data["lines"][-1] == LOG.decode().splitlines()[-1]
    assert runctl("runs", "logs", "r-01", "--tail", "0", "--json").error["type"] == "ValidationError"


def test_following_a_log_repeats_nothing_and_loses_nothing_over_a_cut_link(runctl: Runctl) -> None:
    said = runctl("runs", "logs", "r-01", "-f")
    assert said.out == LOG.decode()
    assert "link lost" in said.err
    assert "the link is back" in said.err


def test_following_with_json_keeps_standard_output_for_the_object(runctl: Runctl) -> None:
    said = runctl("runs", "logs", "r-01", "-f", "--json")
    assert said.data == {"run": "r-01abcdef", "status": "completed", "exit_code": 0}
    assert "step 20/20" in said.err


def test_checkpoints_show_both_copies(runctl: Runctl) -> None:
    rows = runctl("checkpoints", "list", "--json").data
    assert [row["step"] for row in rows] == [200, 100]
    assert rows[0]["s3"] == "verified"
    assert rows[0]["safe_in_s3"] is True
    text = runctl("checkpoints", "list", "--run", "r-01").out
    assert "2.0 KiB" in text


@pytest.mark.parametrize("reference", ["step_000100.json", "r-01abcdef/step_000100.json", "100"])
def test_one_checkpoint_is_found_by_name_path_or_step(runctl: Runctl, reference: str) -> None:
    assert runctl("checkpoints", "info", reference, "--json").data["step"] == 100


def test_a_checkpoint_that_several_runs_have_is_ambiguous(runctl: Runctl, world: World) -> None:
    world.checkpoints = [(checkpoint(100), checkpoint(100, run_id="r-02"))]
    said = runctl("checkpoints", "info", "100", "--json")
    assert "r-01abcdef, r-02" in said.error["message"]
    assert "--run" in said.error["hint"]


def test_costs_say_what_is_not_in_them(runctl: Runctl) -> None:
    data = runctl("cost", "--json").data
    assert data["burn_per_hour"] == 1.006
    assert data["left"] == 160
    assert data["excluded"] == ["us-west-2", "2 unpriced types", "db (p9.huge): price unknown"]
    assert data["resources"][0]["usd_per_hour"] is None
    assert "not included  us-west-2, 2 unpriced types, db (p9.huge): price unknown" in runctl("cost").out


def test_what_a_provider_billed_itself_stands_beside_ours(runctl: Runctl, world: World) -> None:
    bill = Bill(NOW, Decimal("0.5"), Decimal("12.34"), (("pods", Decimal("12.34")),))
    world.billed = (Billed("llama", "RunPod", Known(bill, NOW - timedelta(minutes=2), "RunPod API v2 billing")),)
    (told,) = runctl("cost", "--json").data["billed"]
    assert (told["month"], told["today"], told["ours"], told["source"]) == (12.34, 0.5, 30.5, "RunPod API v2 billing")
    words = "$12.34 this month (pods $12.34), $0.50 today; ours $30.50 (RunPod API v2 billing, 2 min old)"
    assert f"RunPod billed  {words}" in runctl("cost").out
    world.billed = (replace(world.billed[0], bill=Unknown("it did not answer")),)
    (silent,) = runctl("cost", "--json").data["billed"]
    assert (silent["month"], silent["why_unknown"]) == (None, "it did not answer")
    assert "RunPod billed  unknown: it did not answer" in runctl("cost").out


def test_costs_divided(runctl: Runctl, world: World) -> None:
    data = runctl("cost", "--by", "project", "--json").data
    assert data["rows"][0] == {
        "project": "llama", "usd": 30.5, "share": 0.7625, "resources": 1, "unpriced_seconds": 0,
        "budget": None, "left": None, "over": None,
    }  # fmt: skip
    assert data["rows"][3]["usd"] == 0.0042
    assert (data["by"], data["total"], data["unpriced"]) == ("project", 40, ["db (p9.huge)"])
    assert data["excluded"] == ["us-west-2", "2 unpriced types", "db (p9.huge): price unknown"]
    assert world.reports == [("project", None, None)]


def test_budgets_of_projects_say_what_is_left_and_what_nobody_knows(runctl: Runctl, world: World) -> None:
    world.project_budgets = (ProjectBudget("llama", Decimal(40), Decimal("30.50"), Decimal(50)),)
    world.missing = (Problem("aws", "us-west-2 did not answer", scope="aws/us-west-2"),)
    world.shares = (
        CostShare("llama", Decimal("30.50"), 0.0, 1, Decimal(40), Decimal("9.50")),
        CostShare("bert", Decimal("9.50"), 60.0, 2, Decimal(1200)),
        CostShare("sdxl", Decimal("6.00"), 60.0, 2, Decimal(5)),
        CostShare("t5", Decimal("6.00"), 0.0, 2, Decimal(5), Decimal(-1)),
        CostShare("", Decimal(1)),
    )
    said = runctl("cost", "--by", "project", "--json")
    assert [(row["budget"], row["left"], row["over"]) for row in said.data["rows"]] == [
        (40, 9.5, None), (1200, None, None), (5, None, 1), (5, -1, 1), (None, None, None)
    ]  # fmt: skip
    assert said.envelope["missing"]
    lines = runctl("cost", "--by", "project").out.splitlines()
    heads = lines[0]
    assert [line[heads.index("RESOURCES") + len("RESOURCES") :].split() for line in lines[:6]] == [
        ["BUDGET", "LEFT"], ["40", "9.50"], ["1,200", "?"], ["5", "over", "1.00", "+", "?"], ["5", "over", "1.00"],
        ["-", "-"],
    ]  # fmt: skip


def test_divided_costs_for_people_never_show_unknown_as_zero(runctl: Runctl) -> None:
    lines = runctl("cost", "--by", "tag:team").out.splitlines()
    assert lines[0].split() == ["TAG:TEAM", "$", "%", "RESOURCES"]
    assert lines[1].split() == ["llama", "30.50", "76", "1"]
    assert lines[2].split() == ["(none)", "9.50", "+", "?", "24", "2"]
    assert lines[3].split()[:2] == ["sdxl", "?"]
    assert lines[4].split()[:2] == ["tiny", "<0.01"]
    assert "total         $40.00 from 2026-11-01 to 2026-11-20 (UTC)" in lines
    assert "not included  us-west-2, 2 unpriced types, db (p9.huge): price unknown" in lines


def test_a_period_counts_its_first_and_its_last_day(runctl: Runctl, world: World) -> None:
    data = runctl("cost", "--since", "2026-11-03", "--until", "2026-11-05", "--json").data
    assert (data["by"], data["since"], data["until"]) == (
        "day", "2026-11-03T00:00:00+00:00", "2026-11-06T00:00:00+00:00"
    )  # fmt: skip
    assert data["rows"][1] == {"day": "2026-11-04", "usd": 2.1, "unpriced_seconds": 3660}
    assert "from 2026-11-03 to 2026-11-05" in runctl("cost", "--since", "2026-11-03", "--until", "2026-11-05").out
    runctl("cost", "--until", "2026-10-31", "--by", "run")
    assert [str(moment) for moment in world.reports[-1]] == [
        "run", "2026-10-01 00:00:00+00:00", "2026-11-01 00:00:00+00:00"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--by", "tag:"), "tag:KEY"),
        (("--since", "november"), "write it as 2026-11-30"),
        (("--since", "2026-11-05", "--until", "2026-11-04"), "the first day and the last"),
        (("--since", "2026-11-22"), "name days up to today"),
        (("--by", "run", "--since", "2027-01-01", "--until", "2027-01-02"), "name days up to today"),
        (("--until", "2026-12-05"), "name days up to today"),
    ],
)
def test_a_wrong_division_is_explained(runctl: Runctl, words: tuple[str, ...], hint: str) -> None:
    said = runctl("cost", *words, "--json")
    assert said.code == 1
    assert hint in said.error["hint"]


def test_doctor_says_what_to_do(runctl: Runctl) -> None:
    assert runctl("doctor", "--json").data[0]["todo"] == "aws configure sso"
    text = runctl("doctor").out
    assert "✗ aws    no credentials" in text
    assert "do: aws configure sso" in text


def test_global_flags_count_before_and_after_the_noun(runctl: Runctl, built: list[Options], tmp_path: Path) -> None:
    state = str(tmp_path)
    before = ("--sandbox", "--region", "us-east-1", "us-west-2", "--profile", "p", "--state-dir", state)
    runctl(*before, "instances", "list", "--json")
    runctl("instances", "list", "--json", *before)
    runctl(
        "--region",
        "us-east-1",
        "instances",
        "list",
        "--region=us-west-2",
        "--state-dir",
        state,
        "--profile=p",
        "--sandbox",
    )
    assert built[0] == built[1] == built[2]
    assert built[0].regions == ("us-east-1", "us-west-2")
    assert built[0].configuration_flags()["aws.regions"] == "us-east-1,us-west-2"


def test_services_are_started_and_let_go_of(runctl: Runctl, world: World) -> None:
    said = runctl("instances", "list", "--json")
    assert (world.started, world.closed) == (1, 1)
    assert "starting the sandbox" in said.err
    runctl("instances", "describe", "nobody")
    assert world.closed == 2


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        (("sandbox", "status"), ("status",)),
        (("sandbox", "stop"), ("stop",)),
        (("sandbox", "start"), ("start",)),
        (("sandbox", "cut", "llama-7b", "20"), ("cut", "llama-7b", "20")),
        (("sandbox", "interrupt", "llama-7b"), ("interrupt", "llama-7b")),
    ],
)
def test_the_noun_sandbox_means_the_sandbox(
    runctl: Runctl,
    world: World,
    built: list[Options],
    words: tuple[str, ...],
    passed: tuple[str, ...],
) -> None:
    assert runctl(*words, "--json").data["answer"] == "done"
    assert world.sandbox_words == [passed]
    assert built[0].sandbox is True


@pytest.mark.parametrize("verb", ["status", "stop"])
def test_no_sandbox_is_started_only_to_be_stopped(runctl: Runctl, world: World, verb: str) -> None:
    assert runctl("sandbox", verb, "--json").code == 0
    assert (world.started, world.closed) == (0, 1)


def test_the_time_of_a_spot_notice_may_be_given(runctl: Runctl, world: World) -> None:
    runctl("sandbox", "interrupt", "llama-7b", "30")
    assert world.sandbox_words == [("interrupt", "llama-7b", "30")]
