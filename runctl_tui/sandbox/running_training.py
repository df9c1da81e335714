"""The seeded training that runs whenever the sandbox does: one run in one folder, which goes on at every start."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from runctl_tui.sandbox.cloud import Cloud
from runctl_tui.sandbox.environment import RUN_MARK
from runctl_tui.sandbox.folder import copy_project, write_json
from runctl_tui.sandbox.machines import Machines
from runctl_tui.sandbox.seed_runs import PREFIX, SAVE_EVERY, SEEDED_MARK, STEP_S, meta
from runctl_tui.sandbox.seed_s3 import CHECKPOINTS, REGION
from runctl_tui.services.training.agent_client import agent_source

STEPS: Final = 20_000
AGENT_TIMEOUT_S: Final = 20
OF_THE_END: Final = ("exit_code", "reason", "ended_at", "stop", "killed")
"""What the agent's state of a run tells about its end."""
LOG: Final = logging.getLogger(__name__)


class RunningTraining:
    """The training on a seeded instance, under one id for ever."""

    def __init__(self, cloud: Cloud, machines: Machines, run: dict[str, Any]) -> None:
        self._cloud = cloud
        self._machines = machines
        self._run = run
        self._id: Final[str] = run["id"]

    def reopen(self) -> None:
        """Take back the end that came with the sandbox's own, before anybody can see it."""
        instance = self._instance()
        if instance is not None:
            self._reopen(self._machines.home(instance))

    def begin(self) -> None:
        """Start the training, or go on in its folder from its newest checkpoint, if its instance runs."""
        instance = self._instance()
        if instance is None:
            return
        home = self._machines.home(instance)
        environment = {**self._machines.environment(instance), SEEDED_MARK: "1"}
        copy_project(home / "project")
        if self._reopen(home):
            _supervise(home, environment, self._id)
        elif not self._run.get("over"):
            self._start(instance, home, environment)

    def _instance(self) -> Any:
        """Return the training's instance while it runs and the training is not over, else None."""
        instance = self._cloud.instance(self._run["instance"])
        idle = instance is None or instance.state != "running" or self._run.get("over")
        return None if idle else instance

    def _reopen(self, home: Path) -> bool:
        """Make the folder that of a run that begins; False where there is none, or the training is over."""
        folder = home / ".runctl" / "runs" / self._id
        request, state = _read(folder / "run.json"), _read(folder / "state.json")
        self._run["over"] = _is_over(folder, state)
        if not request or not state or self._run["over"]:
            return False
        begun = {name: value for name, value in state.items() if name not in OF_THE_END}
        write_json(folder / "run.json", {**request, "resume_from": _resume_from(home / "project")})
        write_json(folder / "state.json", {**begun, "phase": "starting"})
        for name in ("exit_code", "supervisor", "heartbeat"):
            (folder / name).unlink(missing_ok=True)
        return True

    def _start(self, instance: Any, home: Path, environment: Mapping[str, str]) -> None:
        """Have the agent start the run in a new folder; what is left of one without a state is of no use."""
        shutil.rmtree(home / ".runctl" / "runs" / self._id, ignore_errors=True)
        answer = _ask_agent(home, environment, "start", self._request(instance, home / "project"))
        if answer.get("ok"):
            self._cloud.tag(instance, {"runctl:run": self._id})
        else:
            LOG.warning("The seeded training does not start: %s", answer.get("error"))

    def _request(self, instance: Any, project: Path) -> dict[str, Any]:
        return {
            "run_id": self._id,
            "project_dir": str(project),
            "script": "train.py",
            "args": ["--steps", str(STEPS), "--save-every", str(SAVE_EVERY), "--sleep", str(STEP_S)],
            "launcher": "python",
            "deps": "none",
            "checkpoint_dir": "checkpoints",
            "s3": {"bucket": CHECKPOINTS, "prefix": PREFIX, "region": REGION},
            "resume_from": _resume_from(project),
            "meta": meta(self._cloud, instance),
        }


def _is_over(folder: Path, state: Mapping[str, Any]) -> bool:
    """Whether the user has ended the training, or it is complete: then it stays ended."""
    by_host = bool(state.get("stop")) and not (folder / "stop.json").exists()
    return state.get("phase") in ("exited", "failed") and not by_host


def _resume_from(project: Path) -> str | None:
    checkpoints = project / "checkpoints"
    return str(checkpoints) if any(checkpoints.glob("step_*.json")) else None


def _agent(home: Path) -> Path:
    """Return the host's agent, as the product itself would have put it there."""
    source, version = agent_source()
    path = home / ".runctl" / f"agent-{version}.pyz"
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(source)
    return path


def _ask_agent(home: Path, environment: Mapping[str, str], verb: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Have the host's agent do something, as the product itself would over SSH."""
    done = subprocess.run(
        [sys.executable, str(_agent(home)), verb],
        input=json.dumps(request).encode(),
        capture_output=True,
        env=dict(environment),
        cwd=home,
        timeout=AGENT_TIMEOUT_S,
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout or b"{}")
    return answer


def _supervise(home: Path, environment: Mapping[str, str], run_id: str) -> None:
    """Have the agent run the command of a folder that is there, which `start` would refuse."""
    child = subprocess.Popen(
        [sys.executable, str(_agent(home)), "supervise", run_id],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**environment, RUN_MARK: run_id},
        cwd=home / ".runctl",
        start_new_session=True,
    )
    threading.Thread(target=child.wait, name="reap-training", daemon=True).start()


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content
