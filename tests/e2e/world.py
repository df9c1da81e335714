"""One sandbox in a folder of its own, as the end-to-end tests use it: the screen in a terminal, and headless calls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import runctl_tui
from tests.e2e.preloaded import Preloaded
from tests.e2e.terminal import Terminal

ROOT: Final = Path(runctl_tui.__file__).resolve().parent.parent
PROGRAM: Final = (sys.executable, "-m", "runctl_tui", "--sandbox")
BOUND_S: Final = 90.0
"""How long anything may take on a busy machine; nothing waits that long where it works."""
WIDE: Final = (120, 36)
NARROW: Final = (80, 24)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a headless call answered."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        envelope = json.loads(self.out)
        assert isinstance(envelope, dict), self.out
        return envelope

    @property
    def data(self) -> Any:
        """The answer of a call that went well."""
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        assert self.envelope["success"] is True
        return self.envelope["data"]

    @property
    def error(self) -> dict[str, str]:
        """The error of a call that did not."""
        assert self.code != 0, self.out
        assert self.envelope["success"] is False
        error: dict[str, str] = self.envelope["error"]
        assert {"type", "code", "message", "hint"} <= error.keys()
        return error


@dataclass(slots=True)
class World:
    """A state folder with its sandbox; `close` ends it and everything in it."""

    folder: Path
    """Holds the home folder and the state folder."""
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)
    preloaded: Preloaded | None = None

    @property
    def state(self) -> Path:
        """The folder given as --state-dir."""
        return self.folder / "state"

    @property
    def project(self) -> Path:
        """The tiny training project."""
        return self.state / "sandbox" / "tiny"

    @property
    def environment(self) -> dict[str, str]:
        """An environment that knows nothing of whoever runs the tests."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True, parents=True)
        return {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONPATH": str(ROOT),
            "TEXTUAL_ANIMATIONS": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def screen(self, size: tuple[int, int] = WIDE, *words: str) -> Terminal:
        """Start the full screen in a terminal."""
        return Terminal(
            [*PROGRAM, "--state-dir", str(self.state), *words], self.environment, size, cwd=str(self.folder)
        )

    def begin(self, *words: str, json_wanted: bool = True) -> subprocess.Popen[bytes]:
        """Begin a headless call and leave it running; `finish` waits for it."""
        call = [*PROGRAM, "--state-dir", str(self.state), *(["--json"] if json_wanted else []), *words]
        child = subprocess.Popen(
            call,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
            cwd=self.folder,
        )
        self.children.append(child)
        return child

    def finish(self, child: subprocess.Popen[bytes]) -> Answer:
        """Wait for a headless call and return what it answered."""
        try:
            out, err = child.communicate(timeout=BOUND_S * 2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise
        return Answer(child.returncode, out.decode(), err.decode())

    def call(self, *words: str) -> Answer:
        """Do one headless call with --json."""
        if self.preloaded is None:
            self.preloaded = Preloaded(self.state, self.environment, self.folder)
        call = ["--sandbox", "--state-dir", str(self.state), "--json", *words]
        return Answer(*self.preloaded.call(call, BOUND_S * 2))

    def ask(self, *words: str) -> Any:
        """Do one headless call that must go well, and return its data."""
        return self.call(*words).data

    def confirmed(self, *words: str, after: tuple[str, ...] = ()) -> Answer:
        """Have a changing verb planned, then carry exactly that plan out; `after` stands behind '--'."""
        rest = ("--", *after) if after else ()
        plan = self.ask(*words, *rest)
        name = plan["plan"]["name_to_type"]
        typed = ["--confirm-name", name] if name else []
        for code in plan["plan"]["acknowledge"]:
            typed += ["--ack", code, "--reason", "it is a test"]
        return self.call(*words, "--yes", "--plan-hash", plan["plan_hash"], *typed, *rest)

    def home_of(self, instance: str) -> Path:
        """Return the home folder that plays an instance's disk."""
        return self.state / "sandbox" / "world" / "homes" / instance

    def host_log(self, instance: str, run: str) -> Path:
        """Return the log that a run's own host keeps."""
        return self.home_of(instance) / ".runctl" / "runs" / run / "log"

    def close(self) -> None:
        """End the sandbox and what this world started."""
        self.call("sandbox", "stop")
        if self.preloaded is not None:
            self.preloaded.close()
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()

    def processes(self) -> list[str]:
        """Return the processes whose command line or environment names the state folder."""
        ours = self.preloaded.pid if self.preloaded is not None else None
        return [f"{pid} {words}" for pid, words in _processes(str(self.state)) if pid != ours]

    def ports(self) -> list[int]:
        """Return the ports on which those processes listen."""
        owned = {f"socket:[{inode}]" for inode in _listening()}
        found = []
        for pid, _ in _processes(str(self.state)):
            found += [port for inode, port in _listening().items() if f"socket:[{inode}]" in _handles(pid) & owned]
        return found


def until(condition: Callable[[], T | None], what: str, seconds: float = BOUND_S) -> T:
    """Poll until the condition gives something, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)
    return found


def end(world: World) -> None:
    """Close a world and fail where it leaves anything behind."""
    world.close()
    deadline = time.monotonic() + 20
    while world.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    left = world.processes()
    for line in left:
        os.kill(int(line.split()[0]), signal.SIGKILL)
    assert not left, f"left behind: {left}"


def _processes(mark: str) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in words:
            yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _listening() -> dict[str, int]:
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A":
                found[parts[9]] = int(parts[1].rpartition(":")[2], 16)
    return found


def _handles(pid: int) -> set[str]:
    try:
        return {os.readlink(handle) for handle in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()


def row(world: World, name: str) -> dict[str, Any]:
    """Return an instance's row by its name."""
    found = [each for each in world.ask("instances", "list") if each["name"] == name]
    assert len(found) == 1, found
    return dict(found[0])
