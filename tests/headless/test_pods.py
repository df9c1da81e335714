"""The noun `pods`: RunPod's machines alone, and what their containers print."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runctl_tui.domain.secret import Secret
from runctl_tui.services.errors import ValidationError
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


def test_a_gpu_that_nobody_named_is_said_to_be_the_default(runctl: Runctl, world: World) -> None:
    options = world.defaults.options
    assert options is not None
    world.defaults = replace(world.defaults, options=replace(options, type="RTX 4080 SUPER"))
    said = runctl("pods", "create", "--name", "box")
    assert "type: RTX 4080 SUPER is the default of runpod.default_gpu; --type takes another" in said.out
    assert runctl("pods", "create", "--name", "box", "--json").data["type_from"] == "runpod.default_gpu"
    named = runctl(*CREATE, "--name", "box")
    assert (named.data["type_from"], "is the default" in named.out) == (None, False)
    world.preview_error = ValidationError("RunPod has no GPU 'RTX 4080 SUPER'", "", "choose one of these")
    error = runctl("pods", "create", "--name", "box", "--json").error
    assert error["hint"].startswith("choose one of these; RTX 4080 SUPER is the default of runpod.default_gpu")


CREATE = ("pods", "create", "--type", "RTX 4090", "--json")


def test_what_a_pod_gets_reaches_the_launch_and_no_value_is_told(
    runctl: Runctl, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    words = (*CREATE, "--zone", "community", "--template", "tpl", "--port", "8888/http", "--port", "6006/tcp")
    said = runctl(*words, "--pod-env", "HF_TOKEN", "--pod-env", "MODE=a=b", "--root-gib", "15", "--data-gib", "25")
    options = world.requests[0].options
    assert options is not None
    assert (options.provider, options.region, options.template) == ("runpod", "community", "tpl")
    assert options.ports == ("8888/http", "6006/tcp")
    assert options.environment == (("HF_TOKEN", Secret("hunter2")), ("MODE", Secret("a=b")))
    assert (options.root_gib, options.data_gib) == (15, 25)
    told = "template tpl · ports 8888/http 6006/tcp · environment HF_TOKEN MODE (values are not shown)"
    assert said.data["container"] == told
    assert "hunter2" not in said.out + said.err
    assert "a=b" not in said.data["container"]


def test_a_name_alone_must_be_in_this_environment(runctl: Runctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    said = runctl(*CREATE, "--pod-env", "HF_TOKEN")
    assert "not in the environment" in said.error["message"]
    assert "export HF_TOKEN" in said.error["hint"]


def test_an_image_and_a_network_volume_reach_the_launch(runctl: Runctl, world: World) -> None:
    runctl(
        *("instances", "launch", "--provider", "runpod", "--type", "RTX 4090", "--json"),
        *("--image", "a/b:1", "--network-volume", "data"),
    )
    options = world.requests[0].options
    assert options is not None
    assert (options.image, options.volume, options.template, options.ports) == ("a/b:1", "data", "", ())
