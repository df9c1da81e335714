"""Runs the command line in this process, on fake services."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import runctl_tui
from runctl_tui import cli
from runctl_tui.options import Options
from runctl_tui.services.ports_services import Services
from tests.headless.fakes import World, services


@dataclass(frozen=True)
class Said:
    """How one call of the command line ended."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The one JSON object on standard output; fails where there is anything else."""
        found: dict[str, Any] = json.loads(self.out)
        assert self.out.count("\n") == 1
        return found

    @property
    def data(self) -> Any:
        assert self.envelope["success"] is True, self.envelope
        return self.envelope["data"]

    @property
    def error(self) -> dict[str, str]:
        assert self.envelope["success"] is False, self.envelope
        error: dict[str, str] = self.envelope["error"]
        assert {"type", "code", "message", "hint"} <= set(error)
        return error


Runctl = Callable[..., Said]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def built() -> list[Options]:
    """The options that services were built with."""
    return []


@pytest.fixture
def runctl(
    world: World,
    built: list[Options],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Runctl:
    """Call the command line with words; the current folder is a new one with a train.py in it."""

    def build(options: Options) -> Services:
        built.append(options)
        return services(world, sandbox=options.sandbox)

    wiring = types.ModuleType("runctl_tui.wiring")
    wiring.__path__ = [str(Path(runctl_tui.__file__).with_name("wiring"))]
    wiring.build = build  # type: ignore[attr-defined]  # a module of our own making
    monkeypatch.setitem(sys.modules, "runctl_tui.wiring", wiring)
    monkeypatch.setattr(runctl_tui, "wiring", wiring, raising=False)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "train.py").write_text("print('step 1')\n")
    monkeypatch.chdir(folder)

    def call(*words: str) -> Said:
        capsys.readouterr()
        code = cli.main(words)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call
