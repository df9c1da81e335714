"""Every branch of the safety rules is taken by the tests that are about them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.hygiene.source import ROOT


def test_every_branch_of_the_safety_rules_is_taken(tmp_path: Path) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    tests = settings["mutmut"]["pytest_add_cli_args_test_selection"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HYPOTHESIS_PROFILE": "mutants",
        "COVERAGE_FILE": str(tmp_path / "coverage"),
    }
    coverage = [sys.executable, "-m", "coverage"]
    run = [*coverage, "run", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    ran = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = subprocess.run([*coverage, "report"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
