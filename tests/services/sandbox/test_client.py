"""The client's own rules."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runctl_tui.sandbox.client import require_loopback
from runctl_tui.sandbox.errors import SandboxError


@pytest.mark.parametrize("url", ["http://127.0.0.1:4000", "http://localhost:1", "http://[::1]:80", "http://127.9.9.9"])
def test_this_machine_is_let_through(url: str) -> None:
    assert require_loopback(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://ec2.us-east-1.amazonaws.com",
        "http://localhost.example.com",
        "http://127.0.0.1@example.com",
        "http://10.0.0.1",
        "http://0.0.0.0:80",
        "127.0.0.1:80",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(SandboxError) as caught:
        require_loopback(url)
    assert "this machine" in caught.value.why


def test_the_client_imports_no_sdk() -> None:
    script = (
        "import sys, runctl_tui.sandbox.client;"
        "print(sorted({'moto', 'asyncssh', 'boto3', 'werkzeug', 'textual'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
