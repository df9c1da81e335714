"""One machine at a time: all its facts, waiting for it, commands on it; and pods, which are machines of RunPod."""

from __future__ import annotations

import sys
from dataclasses import replace
from decimal import Decimal

import pytest

from runctl_tui.domain.facts import Unknown
from runctl_tui.domain.plan import Operation
from runctl_tui.domain.resource import ResourceState
from runctl_tui.domain.run import GpuReading, ResourceUsage, TrainingStatus
from runctl_tui.headless import waiting
from runctl_tui.services.errors import CloudProviderError, HostKeyChanged, HostKeyUnknown, HostUnreachable
from tests.headless.conftest import Runctl
from tests.headless.fakes import NOW, World, machine, run

BOX = "i-0123456789abcdef0"
POD = machine(id="p0d", name="sdxl", provider="runpod", region="secure", type="RTX 4090")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PAUSE_SECONDS", 0)


def test_show_says_every_fact_as_one_flat_object(runctl: Runctl, world: World) -> None:
    usage = ResourceUsage(NOW, cpu_percent=12.5, gpus=(GpuReading(0, "A10G", 97.0, None, None),))
    world.machines = (replace(machine(memory_gib=16.0), usage=usage, runs=(run(),)),)
    data = runctl("instances", "show", "llama-7b", "--json").data
    assert data["protected"] == "termination protection on"
    assert not [key for key, value in data.items() if isinstance(value, dict | list)]
    assert (data["state"], data["memory_gib"], data["tag.runctl:owner"]) == ("running", 16, "me")
    assert (data["disk.vol-1.size_gib"], data["disk.vol-1.delete_on_termination"]) == (100, True)
    assert (data["price_usd_per_hour"], data["price_source"]) == (1.006, "bundled table")
    assert (data["run.r-01abcdef.status"], data["usage.gpu_0_percent"]) == ("running", 97)
    text = runctl("instances", "show", BOX).out
    assert "vcpus" in text
    assert next(line for line in text.splitlines() if line.startswith("vcpus")).endswith("?")


def test_show_says_why_a_price_is_unknown(runctl: Runctl, world: World) -> None:
    world.machines = (replace(machine(), price=Unknown("not told")),)
    data = runctl("instances", "show", BOX, "--json").data
    assert (data["price_usd_per_hour"], data["price_unknown_because"]) == (None, "not told")


def test_waiting_ends_when_the_state_is_there_and_says_what_is_seen(runctl: Runctl, world: World) -> None:
    world.machines = (machine(state=ResourceState.STARTING),)

    def turn(number: int) -> None:
        world.machines = (machine(state=ResourceState.RUNNING if number > 3 else ResourceState.STARTING),)

    world.on_look = turn
    said = runctl("instances", "wait", "llama-7b", "--for", "running", "--json")
    assert (said.code, said.data["state"], said.data["for"]) == (0, "running", "running")
    assert world.looks == 4
    assert said.err.count("llama-7b: starting") == 1


def test_a_machine_that_is_not_known_any_more_is_terminated(runctl: Runctl, world: World) -> None:
    def vanish(number: int) -> None:
        world.machines = ()

    world.on_look = vanish
    assert runctl("instances", "wait", BOX, "--for", "terminated").code == 0


def test_a_time_that_is_up_is_exit_code_two_with_what_was_seen_last(runctl: Runctl, world: World) -> None:
    said = runctl("instances", "wait", BOX, "--for", "stopped", "--timeout", "0.05", "--json")
    assert (said.code, said.error["code"]) == (2, "wait.timeout")
    assert "not stopped" in said.error["message"]
    assert "running" in said.error["message"]
    assert "instances show" in said.error["hint"]


@pytest.mark.parametrize("wanted", ["running", "stopped", "ssh"])
def test_what_can_never_come_is_not_waited_for(runctl: Runctl, world: World, wanted: str) -> None:
    world.machines = (machine(state=ResourceState.TERMINATING),)
    said = runctl("instances", "wait", BOX, "--for", wanted, "--json")
    assert (said.code, said.error["code"]) == (2, "wait.impossible")


def test_waiting_survives_what_may_go_better_the_next_time(runctl: Runctl, world: World) -> None:
    def throttle(number: int) -> None:
        if number == 1:
            raise CloudProviderError("EC2: throttled", transient=True)

    world.on_look = throttle
    said = runctl("instances", "wait", BOX, "--for", "running", "--json")
    assert said.code == 0
    assert "throttled" in said.err


def test_waiting_for_ssh_goes_on_until_it_answers(runctl: Runctl, world: World) -> None:
    world.ssh_errors = [
        HostUnreachable("203.0.113.9:22 cannot be reached", "connection refused"),
        HostKeyUnknown("the key is not known yet"),
    ]
    said = runctl("instances", "wait", BOX, "--for", "ssh", "--json")
    assert said.code == 0
    assert "connection refused" in said.err
    assert world.ssh_errors == []
    world.ssh_errors = [HostKeyChanged("another key")]
    assert runctl("instances", "wait", BOX, "--for", "ssh", "--json").error["type"] == "HostKeyChanged"


def test_done_means_that_no_run_of_the_machine_is_at_work(runctl: Runctl, world: World) -> None:
    world.runs = [run(), run(id="r-other", instance_id="i-2")]
    said = runctl("instances", "wait", BOX, "--for", "done", "--timeout", "0.05", "--json")
    assert said.error["code"] == "wait.timeout"
    assert "r-01abcdef is running" in said.error["message"]
    world.runs = [run(status=TrainingStatus.FAILED, exit_code=3)]
    data = runctl("instances", "wait", BOX, "--for", "done", "--json").data
    assert (data["run"], data["status"], data["exit_code"]) == ("r-01abcdef", "failed", 3)
    world.runs = []
    assert "no training run" in runctl("instances", "wait", BOX, "--for", "done", "--json").error["message"]


def test_a_command_on_a_machine_gives_its_output_and_exit_code(runctl: Runctl) -> None:
    line = "import os, sys; print(os.environ['ON']); print('odd', file=sys.stderr); sys.exit(3)"
    command = (sys.executable, "-c", line)
    said = runctl("instances", "ssh", "llama-7b", "--json", "--", *command)
    assert said.code == 3
    assert said.data == {"instance_id": BOX, "exit_code": 3, "stdout": f"aws/{BOX}\n", "stderr": "odd\n"}
    assert runctl("instances", "ssh", "llama-7b", "--", *command).code == 3


def test_a_command_that_a_signal_ended_is_told_as_a_shell_tells_it(runctl: Runctl) -> None:
    assert runctl("instances", "ssh", BOX, "--json", "--", "sh", "-c", "kill -9 $$").data["exit_code"] == 137


def test_a_shell_without_a_terminal_is_refused_with_what_to_do(runctl: Runctl, world: World) -> None:
    for flags in ((), ("--json",)):
        said = runctl("instances", "ssh", "llama-7b", *flags)
        assert said.code == 1
        assert "after '--'" in (said.error["hint"] if flags else said.err)
    assert runctl("instances", "ssh", BOX, "--json", "--", "/no/such/program").error["type"] == "Unsupported"


def test_pods_are_the_machines_of_runpod_and_no_others(runctl: Runctl, world: World) -> None:
    world.machines = (machine(), POD)
    assert [row["id"] for row in runctl("pods", "list", "--json").data] == ["p0d"]
    assert runctl("pods", "show", "sdxl", "--json").data["type"] == "RTX 4090"
    for words in (("show", BOX), ("stop", BOX), ("start", "sdxl", BOX), ("terminate", BOX), ("logs", BOX)):
        said = runctl("pods", *words, "--json")
        assert said.error["type"] == "ResourceNotFound"
        assert "is a machine of aws" in said.error["message"]
    assert world.planned == []
    runctl("pods", "stop", "sdxl", "--json")
    assert world.planned == [(Operation.STOP, ("runpod/p0d",))]


def test_a_pod_is_created_at_runpod_whatever_the_default_is(runctl: Runctl, world: World) -> None:
    runctl("pods", "create", "--type", "2x RTX 4090", "--zone", "community", "--max-price", "2", "--json")
    options = world.requests[0].options
    assert options is not None
    assert (options.provider, options.region, options.type) == ("runpod", "community", "2x RTX 4090")
    assert options.spot_max_price == Decimal(2)
    assert runctl("pods", "create", "--type", "x", "--ami", "ami-01234567", "--json").error["type"] == "UsageError"


def test_the_log_of_a_pod_is_that_of_its_newest_run(runctl: Runctl, world: World) -> None:
    world.machines = (replace(POD, runs=(run(instance_id="p0d", provider="runpod"),)),)
    data = runctl("pods", "logs", "sdxl", "--tail", "2", "--json").data
    assert (data["run"], len(data["lines"])) == ("r-01abcdef", 2)


@pytest.mark.parametrize("name", ["../../e", "a\x1b[31m", "x" * 64, "", "a b"])
@pytest.mark.parametrize("words", [("instances", "launch"), ("pods", "create"), ("train", "train.py")])
def test_a_name_that_the_form_refuses_is_not_planned(runctl: Runctl, words: tuple[str, ...], name: str) -> None:
    said = runctl(*words, "--type", "t3.micro", "--name", name, "--json")
    assert (said.code, "is no name" in said.error["message"]) == (1, True)
