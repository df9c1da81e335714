"""Secrets of every kind, a cloud that repeats them, a crash that has them in its words: they are found nowhere."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.world import ROOT

pytestmark = pytest.mark.e2e

SECRETS: Final = {
    "AWS_ACCESS_KEY_ID": "AKIASENT1NELKEY00001",
    "AWS_SECRET_ACCESS_KEY": "s3ntinelAwsSecretKey/0123456789abcdefgh+",
    "AWS_SESSION_TOKEN": "IQoJsentinelSessionToken//////////" + "wE4kT9+q" * 20 + "==",
    "RUNPOD_API_KEY": "rpa_SENT1NELRUNPOD0123456789ABCDEFGHIJKLMNOP",
    "WANDB_API_KEY": "5e471ne15e471ne15e471ne15e471ne15e471ne1",
    "HF_TOKEN": "hf_SentinelHuggingFaceToken0123456789",
}
CONFIGURED: Final = "a-sentinel-in-the-configuration"
PROXY_PASSWORD: Final = "sent1nel-of-the-proxy"
ALL: Final = (*SECRETS.values(), CONFIGURED, PROXY_PASSWORD)
NEEDLES: Final = tuple(text[:20].encode() for text in ALL)
CRASHING: Final = """
import os
from runctl_tui.__main__ import main
from runctl_tui.screens.base import BaseScreen

def crash(self):
    words = " ".join([*os.environ.values()])
    self.app.save_screenshot(path=os.environ["HOME"])
    raise RuntimeError(words)

BaseScreen.action_refresh_now = crash
main()
"""
CRASHING_AT_ONCE: Final = """
import os
import threading
from runctl_tui import cli
from runctl_tui.__main__ import main

def fail():
    raise RuntimeError(" ".join(os.environ.values()))

def crash(*_, **__):
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    fail()

cli._run = crash
main()
"""


class Repeating(BaseHTTPRequestHandler):
    """Refuses every call, and repeats in its words what it was sent and every secret there is."""

    def refuse(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        words = f"{self.rfile.read(length)!r} {dict(self.headers)} {' '.join(ALL)}".replace("<", " ").replace("&", " ")
        error = f"<Error><Code>UnauthorizedOperation</Code><Message>no: {words}</Message></Error>"
        content = f"<Response><Errors>{error}</Errors><RequestID>r-1</RequestID></Response>".encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_CONNECT = refuse  # noqa: N815 - the names in the class above

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield an environment with every secret in it, whose AWS and proxy are a server that repeats them."""
    (tmp_path / "config" / "runctl-tui").mkdir(parents=True, mode=0o700)
    configured = tmp_path / "config" / "runctl-tui" / "config.toml"
    configured.touch(0o600)
    configured.write_text(f'[runpod]\napi_key = "{CONFIGURED}"\n')
    server = ThreadingHTTPServer(("127.0.0.1", 0), Repeating)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    here = f"127.0.0.1:{server.server_port}"
    yield {
        **SECRETS,
        "HOME": str(tmp_path),
        **{f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE", "DATA")},
        "XDG_RUNTIME_DIR": str(tmp_path / "runtime"),
        "AWS_ENDPOINT_URL": f"http://{here}",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTPS_PROXY": f"http://me:{PROXY_PASSWORD}@{here}",
        "NO_PROXY": "127.0.0.1",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "TEXTUAL_ANIMATIONS": "none",
    }
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def arguments() -> Iterator[set[bytes]]:
    """Yield the argument lists of all processes below this one, gathered for as long as the test runs."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def gather() -> None:
        while not ended.wait(0.02):
            seen.update(below(os.getpid()))

    thread = threading.Thread(target=gather)
    thread.start()
    yield seen
    ended.set()
    thread.join()


def below(pid: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task").glob("*/children"):
            for each in child.read_text().split():
                yield Path(f"/proc/{each}/cmdline").read_bytes()
                yield from below(int(each))


def told(environment: dict[str, str], *words: str) -> bytes:
    ended = subprocess.run(
        [sys.executable, *words], env=environment, cwd=environment["HOME"], capture_output=True, timeout=60
    )
    return ended.stdout + ended.stderr


def assert_nowhere(texts: dict[str, bytes]) -> None:
    found = [f"{needle.decode()} in {name}" for name, text in texts.items() for needle in NEEDLES if needle in text]
    assert not found, "\n".join(found)


def test_no_secret_is_found_anywhere(tmp_path: Path, environment: dict[str, str], arguments: set[bytes]) -> None:
    calls = ("instances list", "instances list --json", "config show")
    texts = {words: told(environment, "-m", "runctl_tui", *words.split()) for words in calls}
    texts["crash"] = told(environment, "-c", CRASHING_AT_ONCE)
    assert b"UnauthorizedOperation" in texts["instances list --json"]
    assert texts["crash"].count(b"RuntimeError: ") == 2
    with Terminal([sys.executable, "-c", CRASHING], environment, cwd=str(tmp_path)) as terminal:
        terminal.wait("Instances", "this machine", "us-east-1")
        terminal.press("!", "escape", "ctrl+s")
        terminal.wait("for spreadsheets")
        terminal.press("enter")
        terminal.wait("exported to")
        terminal.press("9")
        terminal.wait("Settings")
        terminal.press("ctrl+r")
        assert terminal.ended() == 1
        texts["terminal"] = bytes(terminal.raw)
    assert b"had to stop" in texts["terminal"]
    files = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    mine = str(tmp_path / "config" / "runctl-tui" / "config.toml")
    assert CONFIGURED.encode() in files.pop(mine)
    assert {Path(name).suffix for name in files} >= {".log", ".csv", ".svg"}
    assert b"RuntimeError: " in next(text for name, text in files.items() if name.endswith(".log"))
    assert any(b"runctl_tui" in words for words in arguments)
    assert_nowhere({**texts, **files, "arguments": b"\n".join(arguments)})
