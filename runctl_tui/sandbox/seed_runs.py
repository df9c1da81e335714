"""What the seeded trainings have in common, and the one that has finished long ago."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from runctl_tui.sandbox.cloud import Cloud
from runctl_tui.sandbox.folder import copy_project, write_atomically, write_json
from runctl_tui.sandbox.machines import Machines
from runctl_tui.sandbox.seed_s3 import CHECKPOINTS, REGION

SEEDED_MARK: Final = "RUNCTL_SANDBOX_SEEDED"
"""In the environment of the seeded training, which does not keep the sandbox alive."""
PREFIX: Final = "runs"
FINISHED_STEPS: Final = 600
SAVE_EVERY: Final = 100
STEP_S: Final = 0.11
TRAIN_TIMEOUT_S: Final = 20
STAMP: Final = "%Y-%m-%dT%H:%M:%SZ"
SPEED: Final = re.compile(rb"\d*?(\d\d?) tok/s \| [\d.]+ ms/step")
USUAL_SPEED: Final = b"6%02d tok/s | 101.2 ms/step"


def run_id(seed: str, name: str, at: datetime) -> str:
    """Return the id of a seeded run: sortable by its beginning."""
    return f"r-{at:%Y%m%d%H%M%S}-{hashlib.sha256(f'{seed}/{name}'.encode()).hexdigest()[:6]}"


def write_finished(cloud: Cloud, machines: Machines, instance: Any, name: str, began: datetime) -> None:
    """Write the folder of a finished run into an instance's home, and its checkpoints into the bucket."""
    home = machines.home(instance)
    project = home / "project"
    copy_project(project)
    folder = home / ".runctl" / "runs" / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = _clock(began)
    run = _finished_request(cloud, instance, name, project, moment(0))
    ended = FINISHED_STEPS * STEP_S + 2
    state = {
        "phase": "exited",
        "created_at": moment(0),
        "running_at": moment(1),
        "exit_code": 0,
        "reason": "",
        "ended_at": moment(ended),
        "updated_at": moment(ended),
    }
    write_json(folder / "run.json", run)
    write_json(folder / "state.json", state)
    write_json(folder / "baseline.json", {})
    write_atomically(folder / "exit_code", b"0\n")
    write_atomically(folder / "log", _train(machines, instance, project))
    files = {own: folder / own for own in ("run.json", "state.json", "log")}
    for path in sorted((project / "checkpoints").iterdir()):
        files[f"checkpoints/{path.name}"] = path
    rows = {local: _upload(cloud, name, local, path, moment(ended)) for local, path in files.items()}
    uploads = {"state": "done", "files": rows, "note": "", "updated_at": moment(ended), "s3": run["s3"]}
    write_json(folder / "uploads.json", uploads)


def _upload(cloud: Cloud, name: str, local: str, path: Path, at: str) -> dict[str, Any]:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    key = cloud.s3.put_object(CHECKPOINTS, f"{PREFIX}/{name}/{local}", content)
    key.set_metadata({"x-amz-meta-runctl-sha256": digest})
    key.last_modified = datetime.strptime(at, STAMP)
    found = path.stat()
    return {
        "state": "done",
        "key": key.name,
        "signature": [found.st_size, found.st_mtime_ns],
        "sha256": digest,
        "etag": key.etag.strip('"'),
        "verified_at": at,
    }


def meta(cloud: Cloud, instance: Any) -> dict[str, Any]:
    """Return what a run tells about its machine and its owner."""
    tags = cloud.tags(instance)
    return {
        "name": tags.get("Name", ""),
        "project": tags.get("runctl:project", ""),
        "owner": tags.get("runctl:owner", ""),
        "instance_id": instance.id,
        "provider": "aws",
        "region": instance.region_name,
    }


def _finished_request(cloud: Cloud, instance: Any, name: str, project: Path, created_at: str) -> dict[str, Any]:
    return {
        "run_id": name,
        "created_at": created_at,
        "project_dir": str(project),
        "script": "train.py",
        "args": ["--steps", str(FINISHED_STEPS), "--save-every", str(SAVE_EVERY)],
        "launcher": "python",
        "gpus": None,
        "deps": "none",
        "checkpoint_dir": "checkpoints",
        "checkpoint_globs": [],
        "s3": {"bucket": CHECKPOINTS, "prefix": PREFIX, "region": REGION},
        "resume_from": None,
        "resume_flag": "--resume",
        "parent": None,
        "meta": meta(cloud, instance),
        "env_names": [],
        "secret_names": [],
    }


def _train(machines: Machines, instance: Any, project: Path) -> bytes:
    """Train at full speed and return the log as it would read at the usual one."""
    command = [sys.executable, "train.py", "--steps", str(FINISHED_STEPS), "--sleep", "0"]
    environment = {**machines.environment(instance), SEEDED_MARK: "1"}
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, timeout=TRAIN_TIMEOUT_S, check=True
    )
    return SPEED.sub(lambda found: USUAL_SPEED % (int(found[1]) % 17), done.stdout)


def _clock(began: datetime) -> Callable[[float], str]:
    return lambda seconds: (began + timedelta(seconds=seconds)).astimezone(UTC).strftime(STAMP)
