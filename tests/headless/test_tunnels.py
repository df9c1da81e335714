"""The noun `tunnels`: rows, opening by number or name, what a bastion needs, closing."""

from __future__ import annotations

from runctl_tui.services.errors import ValidationError
from tests.headless.conftest import Runctl
from tests.headless.fakes import World
from tests.ui.tunnel_data import JUPYTER


def test_kept_tunnels_are_rows_and_a_table(runctl: Runctl, world: World) -> None:
    rows = runctl("tunnels", "list", "--json").data
    assert rows[0] == {
        "id": "t-6006-a1b2c3", "machine": "aws/i-0abc12de34f567890", "name": "llama-7b", "remote_port": 6006,
        "local_port": 6006, "url": "http://127.0.0.1:6006/", "state": "open", "note": "", "kept": False,
        "since": "2026-11-21T11:30:40+00:00", "connections": 2, "served": 31, "received": 48_200_000, "sent": 310_000,
    }  # fmt: skip
    out = runctl("tunnels", "list").out
    assert "link lost" in out
    assert "46.0 MiB" in out
    assert world.started == 0
    world.tunnels.feed.push(())
    assert runctl("tunnels", "list").out == "no tunnels are kept\n"


def test_opening_by_name_and_keeping(runctl: Runctl, world: World) -> None:
    data = runctl("tunnels", "open", "llama-7b", "tensorboard", "--keep", "--json").data
    assert (data["remote_port"], data["url"], data["kept"]) == (6006, "http://127.0.0.1:16006/", True)
    assert world.tunnels.opened == [("llama-7b", 6006, 0, True)]
    said = runctl("tunnels", "open", "llama-7b", "8888", "--local-port", "9999", "--keep")
    assert "port 8888 of llama-7b is at http://127.0.0.1:9999/" in said.out
    assert "tunnels close t-8888-new" in said.out
    assert "ssh" not in said.out


def test_on_a_bastion_the_next_command_is_said(runctl: Runctl, world: World) -> None:
    world.tunnels.gateway = "alice@203.0.113.5"
    said = runctl("tunnels", "open", "llama-7b", "6006", "--keep")
    assert "ssh -N -L 16006:127.0.0.1:16006 alice@203.0.113.5" in said.out


def test_one_that_is_not_kept_stays_until_it_ends(runctl: Runctl, world: World) -> None:
    world.tunnels.ends = "no machine"
    said = runctl("tunnels", "open", "llama-7b", "6006")
    assert said.code == 2
    assert said.out == "http://127.0.0.1:16006/\n"
    assert "ctrl+c ends it" in said.err
    assert "no machine" in said.err
    assert runctl("tunnels", "open", "llama-7b", "6006", "--json").error["message"] == "--json needs --keep"


def test_wrong_ports_are_refused(runctl: Runctl, world: World) -> None:
    for words in (("0",), ("http",), ("70000",), ("6006", "--local-port", "x")):
        assert "is no port" in runctl("tunnels", "open", "llama-7b", *words, "--keep", "--json").error["message"]
    world.tunnels.error = ValidationError("Port 6006 of this machine is taken", "", "name another")
    assert runctl("tunnels", "open", "llama-7b", "6006", "--keep", "--json").error["hint"] == "name another"


def test_closing_and_holding(runctl: Runctl, world: World) -> None:
    assert runctl("tunnels", "close", JUPYTER.id, "--json").data == {"closed": JUPYTER.id}
    assert runctl("tunnels", "close", JUPYTER.id, "--json").code == 1
    runctl("tunnels", "hold", "t-1")
    assert world.tunnels.held == ["t-1"]
    assert world.started == 0
