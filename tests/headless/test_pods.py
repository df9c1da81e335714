"""The noun `pods`: RunPod's machines alone, and what their containers print."""

from __future__ import annotations

from dataclasses import replace

from tests.headless.conftest import Runctl
from tests.headless.fakes import World, machine


def pod(world: World) -> None:
    made = machine(id="p0d", name="pod", provider="runpod")
    world.machines = (machine(), replace(made, runs=()))


def test_a_container_is_heard_where_nothing_was_trained(runctl: Runctl, world: World) -> None:
    pod(world)
    world.printed = ("booting", "ready", "serving")
    assert runctl("pods", "logs", "pod", "--tail", "2").out.splitlines() == ["ready", "serving"]
    assert runctl("pods", "logs", "pod", "--follow").out.splitlines() == ["booting", "ready", "serving"]
    assert runctl("pods", "logs", "pod", "--json").data == {"pod": "p0d", "lines": ["booting", "ready", "serving"]}


def test_a_tail_is_one_line_or_more(runctl: Runctl, world: World) -> None:
    pod(world)
    said = runctl("pods", "logs", "pod", "--tail", "0", "--json")
    assert said.code == 1
    assert "1 or more" in said.envelope["error"]["message"]


def test_another_machine_is_no_pod(runctl: Runctl, world: World) -> None:
    pod(world)
    said = runctl("pods", "logs", "llama-7b", "--json")
    assert said.code == 1
    assert "not of runpod" in said.envelope["error"]["message"]
