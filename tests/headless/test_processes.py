"""The noun `processes`: rows with runctl's names, order, limits, watching, and machines that do not answer."""

from __future__ import annotations

import json
from dataclasses import replace

from runctl_tui.domain.plan import Operation
from runctl_tui.services.errors import HostUnreachable
from tests.headless.conftest import Runctl
from tests.headless.fakes import World
from tests.ui.host_data import here, process


def test_the_answer_has_runctls_names_and_more(runctl: Runctl) -> None:
    data = runctl("processes", "llama-7b", "--json").data
    assert (data["instance_id"], data["processes_total"]) == ("i-0123456789abcdef0", 312)
    usage = data["resource_usage"]
    assert (usage["cpu_percent"], usage["memory_used_gb"], usage["memory_percent"]) == (31.0, 175.78, 15.6)
    assert usage["disk_usage"][2] == {"mount_point": "/mnt/shared", "used_gb": None, "total_gb": None, "percent": None}
    assert usage["gpu_info"]["gpus"][0]["memory_percent"] == 86.7
    first = data["processes"][0]
    assert (first["pid"], first["gpu_memory_mb"], first["runtime"]) == (4711, 142000.0, 64000.0)
    assert data["processes"][-1]["gpu_memory_mb"] == 0


def test_an_unknown_amount_on_a_gpu_is_null_and_a_question_mark(runctl: Runctl) -> None:
    rows = {row["pid"]: row for row in runctl("processes", "llama-7b", "--json").data["processes"]}
    assert rows[901]["gpu_memory_mb"] is None
    line = next(line for line in runctl("processes", "llama-7b").out.splitlines() if "nvidia-persistenced" in line)
    assert " ? " in line


def test_order_and_limit(runctl: Runctl, world: World) -> None:
    world.host = replace(world.host, processes=(*world.host.processes, process(77, 0.1, 2**40, "hog")))
    rows = runctl("processes", "llama-7b", "--sort", "mem", "--top", "2", "--json").data["processes"]
    assert [row["pid"] for row in rows] == [77, 4711]
    rows = runctl("processes", "llama-7b", "--sort", "gpu", "--top", "2", "--json").data["processes"]
    assert [row["pid"] for row in rows] == [4711, 901]


def test_people_read_facts_over_a_table(runctl: Runctl, world: World) -> None:
    out = runctl("processes", "llama-7b", "--top", "1").out
    assert "31 % of 8 cores, load 12.40 11.90 11.00" in out
    assert "disk /mnt/shared  does not answer" in out
    assert "1 of 312" in out
    assert "tensorboard" not in out
    world.host = here()
    assert "no nvidia-smi here" in runctl("processes", "llama-7b").out


def test_watching_gives_one_object_a_line(runctl: Runctl) -> None:
    said = runctl("processes", "llama-7b", "--watch", "--count", "2", "--json")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["data"]["processes_total"] for line in lines] == [312, 312]


def test_a_machine_that_does_not_answer_says_why(runctl: Runctl, world: World) -> None:
    world.unreachable = HostUnreachable("llama-7b cannot be reached", "it is stopped", "start it first")
    said = runctl("processes", "llama-7b", "--json")
    assert (said.code, said.error["message"], said.error["hint"]) == (
        2,
        "llama-7b cannot be reached: it is stopped",
        "start it first",
    )


def test_limits_below_zero_are_refused(runctl: Runctl) -> None:
    assert runctl("processes", "llama-7b", "--top", "-1", "--json").error["code"] == "usage"


def test_ending_needs_the_plan_and_its_hash(runctl: Runctl, world: World) -> None:
    world.many = True
    key = "aws/i-0123456789abcdef0"
    said = runctl("processes", "llama-7b", "end", "4711", "--json")
    assert world.planned == [(Operation.PROCESS_END, (f"{key}/4711",))]
    assert said.data["plan"]["operation"] == "process-end"
    assert world.committed == []
    assert runctl("processes", "llama-7b", "end", "4711", "--yes", "--plan-hash", said.data["plan_hash"]).code == 0
    assert [plan.hash for plan, _ in world.committed] == [said.data["plan_hash"]]


def test_kill_is_asked_for_by_name_and_each_number_counts_once(runctl: Runctl, world: World) -> None:
    runctl("processes", "llama-7b", "end", "9", "8", "9", "--signal", "KILL", "--json")
    ((operation, references),) = world.planned
    assert operation is Operation.PROCESS_KILL
    assert [reference.rpartition("/")[2] for reference in references] == ["9", "8"]
    assert runctl("processes", "llama-7b", "end", "9", "--signal", "HUP", "--json").error["code"] == "usage"


def test_what_is_no_number_of_a_process_is_refused(runctl: Runctl, world: World) -> None:
    for word in ("0", "bash"):
        assert runctl("processes", "llama-7b", "end", word, "--json").error["code"] == "usage"
    assert world.planned == []
