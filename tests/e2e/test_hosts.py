"""Hosts and tunnels on the sandbox: processes of an instance and of this machine, a tunnel that outlives its call."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from tests.e2e.world import World, until

pytestmark = pytest.mark.e2e


class Page(http.server.BaseHTTPRequestHandler):
    """Something on a host that answers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from the host")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the class above
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_instance_shows_its_own_processes_and_this_machine_its_own(world: World) -> None:
    data = world.ask("processes", "llama-eval", "--top", "0")
    assert data["resource_usage"]["memory_total_gb"] > 0
    assert data["resource_usage"]["disk_usage"][0]["mount_point"] == "/"
    assert any("train.py" in row["command"] and row["run_id"].startswith("r-") for row in data["processes"])
    here = world.ask("processes", "local", "--top", "0")
    assert not any("train.py" in row["command"] for row in here["processes"])
    child = world.begin("processes", "llama-eval", "--top", "1", "--watch", "--count", "2")
    lines = [json.loads(line) for line in world.finish(child).out.splitlines()]
    assert [len(line["data"]["processes"]) for line in lines] == [1, 1]


def test_a_stopped_machine_says_so(world: World) -> None:
    error = world.call("processes", "old-notebook").error
    assert "it is stopped" in error["message"]
    assert error["hint"] == "start it first"


def test_a_kept_tunnel_outlives_its_call_and_ends_when_closed(world: World, port: int) -> None:
    tunnel = world.ask("tunnels", "open", "llama-eval", str(port), "--keep")
    assert tunnel["state"] == "open"
    with urllib.request.urlopen(tunnel["url"], timeout=20) as page:
        assert page.read() == b"from the host"
    (listed,) = until(
        lambda: [row for row in world.ask("tunnels", "list") if row["served"] and not row["connections"]], "the count"
    )
    assert (listed["id"], listed["received"] > 0, listed["kept"]) == (tunnel["id"], True, True)
    assert world.ask("tunnels", "close", tunnel["id"]) == {"closed": tunnel["id"]}
    assert world.ask("tunnels", "list") == []
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(tunnel["url"], timeout=20)
    until(lambda: not [line for line in world.processes() if " tunnels hold" in line], "the end of its process")
