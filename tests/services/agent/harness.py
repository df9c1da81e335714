"""What the agent's tests share: a host of its own in a temporary home, look-alikes of S3 and the metadata service."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runctl_tui.services.training.agent.processes import recorded_alive
from runctl_tui.services.training.agent_client import agent_source

Json = dict[str, Any]


def until(condition: Callable[[], Any], seconds: float = 30, what: str = "") -> Any:
    """Return the first true value of a condition; fails when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"it never became true: {what or condition}")


@dataclass
class Machine:
    """A home folder with a project, on which the agent is called as it is on a host."""

    home: Path
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.home / "project"

    @property
    def agent(self) -> Path:
        """The archive, where a host has it."""
        source, version = agent_source()
        path = self.home / ".runctl" / f"agent-{version}.pyz"
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_bytes(source)
        return path

    def script(self, text: str, name: str = "train.py") -> None:
        (self.project / name).write_text(text)

    def raw(self, verb: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        base = {"PATH": os.environ["PATH"], "HOME": str(self.home), "AWS_EC2_METADATA_DISABLED": "true"}
        environment = {**base, **self.environment}
        command = [self.python, str(self.agent), verb]
        return subprocess.run(command, input=stdin, env=environment, capture_output=True, check=False, timeout=120)

    def ask(self, verb: str, **request: Any) -> Json:
        done = self.raw(verb, json.dumps(request).encode())
        assert done.stderr == b"", done.stderr
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        assert done.returncode == (0 if answer["ok"] else 2)
        return answer

    def start(self, run_id: str = "r-1", **request: Any) -> Json:
        defaults = {"run_id": run_id, "project_dir": "~/project", "script": "train.py"}
        return self.ask("start", **{**defaults, **request})

    def status(self, run_id: str = "r-1") -> Json:
        runs = self.ask("status", run_ids=[run_id])["runs"]
        assert isinstance(runs[0], dict)
        return runs[0]

    def ended(self, run_id: str = "r-1") -> Json:
        status = until(lambda: None if (now := self.status(run_id))["alive"] else now, what=f"the end of {run_id}")
        assert isinstance(status, dict)
        return status

    def log(self, run_id: str = "r-1") -> str:
        return self.file("log", run_id).read_text()

    def file(self, name: str, run_id: str = "r-1") -> Path:
        return self.home / ".runctl" / "runs" / run_id / name

    def recorded(self, name: str, run_id: str = "r-1") -> int:
        return int(self.file(name, run_id).read_text().split()[0])

    def clean(self) -> None:
        """End everything that the agent left working."""
        for path in self.home.glob(".runctl/runs/*/*"):
            if path.name in ("supervisor", "uploader", "pid"):
                pid = recorded_alive(str(path))
                if pid:
                    os.kill(pid, signal.SIGKILL)


class Metadata(http.server.BaseHTTPRequestHandler):
    """Plays the instance metadata service, version 2."""

    notice: str | None = None
    role = "trainer"

    def do_PUT(self) -> None:
        self._answer("token" if self.path == "/latest/api/token" else None)

    def do_GET(self) -> None:
        state = self.server.state  # type: ignore[attr-defined] # set by metadata_service below
        if self.headers.get("X-aws-ec2-metadata-token") != "token":
            self.send_error(401)
            return
        base = "/latest/meta-data/iam/security-credentials/"
        keys = {"AccessKeyId": "AKIDTEST", "SecretAccessKey": "sekret", "Token": "session/token+="}
        answers = {base: "trainer", base + "trainer": json.dumps(keys)} if state["role"] else {}
        self._answer({**answers, "/latest/meta-data/spot/instance-action": state["notice"]}.get(self.path))

    def _answer(self, text: str | None) -> None:
        self.send_response(404 if text is None else 200)
        data = (text or "").encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the class above
        """Say nothing."""


@contextmanager
def metadata_service(role: bool = True) -> Iterator[tuple[str, Json]]:
    """Run the metadata look-alike; gives its address and its state, which may be changed."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    state: Json = {"role": role, "notice": None}
    server.state = state  # type: ignore[attr-defined] # the handler finds it there
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


MOTO = """
import sys, logging
logging.getLogger("werkzeug").setLevel(logging.ERROR)
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0)
server.start()
print("port", server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def moto() -> Iterator[str]:
    """Run moto's server in a process of its own; gives its address."""
    command = [sys.executable, "-c", MOTO]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if line.startswith(b"port"))
        yield f"http://127.0.0.1:{int(ready.split()[1])}"
        process.kill()
