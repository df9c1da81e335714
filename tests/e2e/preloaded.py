"""Headless calls forked from one process that has loaded the program: each a process of its own, without the imports.

Run as `python -m tests.e2e.preloaded STATE_FOLDER`: one request a line on standard input, one exit code a line back.
The state folder stands among the words so that what is left behind is recognised as its world's.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import select
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

PACKAGES: Final = ("runctl_tui.headless", "runctl_tui.wiring")
LIBRARIES: Final = ("boto3.session", "botocore.endpoint", "asyncssh", "tomlkit")
"""What most calls import; the calls that need more import it themselves."""


class Preloaded:
    """The process from which calls are forked, begun with the first one."""

    def __init__(self, state: Path, environment: dict[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.preloaded", str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def call(self, words: list[str], seconds: float) -> tuple[int, str, str]:
        """Run the program with these words; return its exit code, its output and its errors."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            self._process.stdin.write(json.dumps([words, str(out), str(err)]).encode() + b"\n")
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], seconds)[0]:
                self.kill()
                raise TimeoutError(f"no answer within {seconds} s: {words}\n{err.read_text()}")
            return int(self._process.stdout.readline()), out.read_text(), err.read_text()

    def kill(self) -> None:
        """End it and a call that hangs."""
        os.killpg(self._process.pid, 9)
        self._process.wait()

    def close(self) -> None:
        """End it, as its input ends."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def serve() -> None:
    """Fork a child for each request and tell its exit code."""
    _load()
    for line in sys.stdin:
        words, out, err = json.loads(line)
        child = os.fork()
        if not child:
            _become(words, out, err)
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _load() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    for package in PACKAGES:
        found = importlib.import_module(package)
        for module in pkgutil.iter_modules(found.__path__, f"{package}."):
            importlib.import_module(module.name)
    gc.freeze()


def _become(words: list[str], out: str, err: str) -> None:
    for path, number, mode in ((os.devnull, 0, os.O_RDONLY), (out, 1, os.O_WRONLY), (err, 2, os.O_WRONLY)):
        opened = os.open(path, mode | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0)  # noqa: SIM115 -- it lasts as long as the process; the old one still holds the next requests
    sys.argv = ["runctl-tui", *words]
    from runctl_tui.__main__ import main

    main()


if __name__ == "__main__":
    serve()
