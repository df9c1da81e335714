"""Words of a remote command arrive as they are: the quoting of every SSH command, proven in a real shell."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_tui.services.hosts.ssh import SshHost, SshPool
from runctl_tui.services.hosts.trust import TrustStore
from runctl_tui.services.ports import SshTarget

ECHO = 'for word in "$@"; do printf "%s\\0" "$word"; done; printf "%s\\0" END'
EVIL = ["$(touch canary)", "`touch canary`", "; touch canary", "\n touch canary", "'", '"', "\\", "-rf", "--", "~", "*",
        "{a,b}",
        "!!", "$HOME", "&", "|", ">canary", "#", "\x1b[2J", "\u202e", "ü", "日本", " ", "\t", ""]  # fmt: skip
WORD = st.lists(st.sampled_from(EVIL) | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8)).map(
    "".join
)


class Sent(Exception):
    """The line that would be sent to an SSH server."""


class Recorded(SshHost):
    """A host that tells what it would send."""

    async def _start(self, command: str) -> Any:
        raise Sent(command)

    def line(self, argv: list[str]) -> str:
        """Return the line into which a command's words are made."""
        try:
            self._open(argv).__aenter__().send(None)
        except Sent as sent:
            return str(sent)
        raise AssertionError("nothing was sent")


class Shell:
    """One shell that runs many lines, as an SSH server's would run each."""

    def __init__(self, folder: str) -> None:
        target, trust = SshTarget("i-1", "127.0.0.1", 22, "u", ()), TrustStore(Path(folder) / "known_hosts")
        self._host = Recorded(target, SshPool(trust))
        self._shell = subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)

    def words(self, argv: list[str]) -> list[str]:
        """Return what a command was given as its words."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        line = self._host.line(["sh", "-c", ECHO, "echo", *argv])
        self._shell.stdin.write(line.encode() + b"\n")
        self._shell.stdin.flush()
        seen = b""
        while not seen.endswith(b"END\0"):
            piece = os.read(self._shell.stdout.fileno(), 65536)
            assert piece, "the shell ended"
            seen += piece
        return seen.decode().split("\0")[:-2]

    def close(self) -> None:
        """End the shell."""
        self._shell.communicate()


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("shell")
    started = Shell(str(folder))
    yield started
    started.close()
    assert not list(folder.iterdir()), "a word was run as a command"


@given(argv=st.lists(WORD, max_size=5))
def test_every_word_arrives_as_it_is(shell: Shell, argv: list[str]) -> None:
    assert shell.words(argv) == argv
