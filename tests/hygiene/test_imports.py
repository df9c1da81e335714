"""Which module reaches which: nothing is orphaned, and the first paint stays light."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

import runctl_tui
from tests.hygiene.source import PACKAGE, ROOT, imports, mentioned_modules, modules, name_of, texts

HEAVY = ("boto3", "botocore", "asyncssh", "runpod", "moto", "plotext", "tenacity", "tomlkit", "numpy", "cryptography")
HOME = re.compile(r"[a-z_]+:[A-Za-z_]+")
"""'module:attribute', imported by the modules beside it when it is needed."""
WIRING = PACKAGE / "wiring" / "__init__.py"
WHOLE = WIRING.exists() and "\ndef build(" in WIRING.read_text("utf-8")

_FIRST_PAINT = """
import asyncio, json, sys
from runctl_tui import __main__, cli, splash
from runctl_tui.app import RunctlApp
from tests.ui.fakes import World

async def main():
    app = RunctlApp(World().services())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        print(json.dumps(sorted(sys.modules)), file=sys.stderr)

asyncio.run(main())
"""


def reached() -> set[str]:
    """Every module that the program, the library, a child process or a lazy name leads to."""
    files = {name_of(path): path for path in modules()}
    waiting = ["runctl_tui.__main__", "runctl_tui", *(home.partition(":")[0] for home in runctl_tui._HOMES.values())]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in files:
            continue
        seen.add(name)
        waiting += [name.rpartition(".")[0], f"{name}.__main__"]
        waiting += [found for found, _ in imports(files[name])]
        for text in texts(files[name]):
            if HOME.fullmatch(text):
                waiting.append(f"{name.rpartition('.')[0]}.{text.partition(':')[0]}")
            waiting += mentioned_modules(text)
            if text.endswith(".py") and "/" not in text:
                waiting += [module for module, path in files.items() if path.name == text]
    return seen


@pytest.mark.skipif(not WHOLE, reason="the composition root is not in this checkout")
def test_no_module_is_orphaned() -> None:
    assert {name_of(path) for path in modules()} - reached() == set()


@pytest.mark.skipif(not (PACKAGE / "app.py").exists(), reason="the application is not in this checkout")
def test_nothing_heavy_is_imported_at_first_paint() -> None:
    done = subprocess.run([sys.executable, "-c", _FIRST_PAINT], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(json.loads(done.stderr.strip().splitlines()[-1]))
    assert "textual.app" in loaded
    assert sorted(name for name in loaded if name.partition(".")[0] in HEAVY) == []
    assert sorted(name for name in loaded if name.startswith("runctl_tui.domain.safety")) == [], "no frame needs rules"


def test_the_way_to_the_first_frame_is_the_standard_library_alone() -> None:
    script = "import sys; import runctl_tui.__main__, runctl_tui.cli, runctl_tui.splash; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & {"textual", "rich", "argparse", "asyncio", *HEAVY} == set()


def test_a_noun_loads_neither_the_toolkit_nor_an_sdk() -> None:
    script = (
        "import sys; from runctl_tui.cli import main; code = main(['config', 'show', '--json']); "
        "print(code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    code, *loaded = done.stderr.split()
    assert code == "0"
    assert {name.partition(".")[0] for name in loaded} & {"textual", "rich", *HEAVY} == set()


RETRIES = {"runctl_tui.services.retrying": "reads over HTTP and SSH", "runctl_tui.services.launch.reach": "a boot"}
"""The modules that try again, and what."""


def test_nothing_wraps_calls_of_boto_in_a_second_retry() -> None:
    """botocore makes a new token per call: a second layer could launch a machine per attempt."""
    found = {name_of(path): {name for name, _ in imports(path)} for path in modules()}
    assert {name for name, taken in found.items() if "tenacity" in taken} == set(RETRIES)
    users = {name for name, taken in found.items() if "runctl_tui.services.retrying.Retrying" in taken}
    assert len(users) >= 3
    for name in (*users, *RETRIES):
        taken = found[name]
        assert not any(one.partition(".")[0] in ("boto3", "botocore", "mypy_boto3_ec2") for one in taken), name
        assert not any(one.startswith("runctl_tui.services.aws.") for one in taken), name
    assert not [name for name in users if name.startswith("runctl_tui.services.aws")]
