"""The sandbox's memory: the whole account as one JSON record, written soon after every change."""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from runctl_tui.sandbox import world_ec2
from runctl_tui.sandbox.cloud import Cloud
from runctl_tui.sandbox.folder import SandboxFolder, write_json
from runctl_tui.sandbox.world_s3 import S3Memory

FORMAT: Final = 1
QUIET_S: Final = 0.5
"""How long changes are gathered before they are written."""
RETRY_S: Final = 2.0
LOG: Final = logging.getLogger(__name__)


@dataclass
class Record:
    """What was read from the folder, or the beginning of a new world."""

    seed: str
    """Makes the ids that moto invents for default networks the same at every start."""
    owner: str
    regions: dict[str, Any] = field(default_factory=dict)
    buckets: list[dict[str, Any]] = field(default_factory=list)
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    """The seeded trainings that stop and resume with the sandbox."""
    runpod: dict[str, Any] = field(default_factory=dict)
    """The account at RunPod; empty where the world is older than the sandbox's RunPod."""
    is_new: bool = False


def load(folder: SandboxFolder, owner: str) -> Record:
    """Read the remembered world; a damaged one is kept aside, and a new one begins."""
    try:
        content = json.loads(folder.world.read_bytes())
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']} instead of {FORMAT}")
        names = ("seed", "owner", "regions", "buckets", "tokens", "runs")
        return Record(**{name: content[name] for name in names}, runpod=content.get("runpod", {}))
    except FileNotFoundError:
        pass
    except KeyError as error:
        put_aside(folder, f"{error} is missing")
    except (ValueError, TypeError, OSError) as error:
        put_aside(folder, str(error))
    forget(folder)
    return Record(secrets.token_hex(8), owner, is_new=True)


def forget(folder: SandboxFolder) -> None:
    """Remove everything that belongs to a world."""
    folder.world.unlink(missing_ok=True)
    for part in (folder.objects, folder.homes, folder.keys, folder.tmp):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, exist_ok=True)


def put_aside(folder: SandboxFolder, why: str) -> None:
    """Keep a world that cannot be read under another name, and say so in the log and to the next client."""
    kept = folder.world.with_name(f"world.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}.json")
    try:
        folder.world.replace(kept)
    except OSError:
        kept = Path("nowhere")
    write_json(folder.damage, {"why": why, "kept": str(kept)})
    LOG.error("The remembered world cannot be read (%s): kept as %s, a new world begins.", why, kept)


class Unrestorable(Exception):
    """The remembered world can be read, but not be made again."""


class Memory:
    """Writes the world to the folder, from a thread of its own, soon after each change."""

    def __init__(self, cloud: Cloud, folder: SandboxFolder, record: Record) -> None:
        self._cloud = cloud
        self._folder = folder
        self._record = record
        self._s3 = S3Memory(cloud, folder.objects)
        self._dirty = threading.Event()
        self._ended = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._write_changes, name="memory", daemon=True)

    def recall(self) -> None:
        """Give the account what was remembered; Unrestorable leaves it half made."""
        try:
            self._s3.restore(self._record.buckets)
            world_ec2.restore(self._cloud, self._record.regions)
        except Exception as error:  # the net under moto's constructors, which raise anything
            raise Unrestorable(repr(error)) from error
        self._s3.sweep()

    def begin(self) -> None:
        """Write the world now, and again after every change."""
        self.write()
        self._cloud.on_change(self._dirty.set)
        self._thread.start()

    def end(self) -> None:
        """Write the world for the last time; a world that never began is left as it is."""
        self._ended.set()
        self._dirty.set()
        if self._thread.is_alive():
            self._thread.join()
            self.write()

    def write(self) -> None:
        """Write the world now."""
        with self._writing:
            buckets = self._s3.capture()
            content = {
                "format": FORMAT,
                "seed": self._record.seed,
                "owner": self._record.owner,
                "saved_at": time.time(),
                "regions": world_ec2.capture(self._cloud),
                "buckets": buckets,
                "tokens": dict(self._record.tokens),
                "runs": self._record.runs,
                "runpod": self._record.runpod,
            }
            write_json(self._folder.world, content)

    def _write_changes(self) -> None:
        while not self._ended.is_set():
            self._dirty.wait()
            self._ended.wait(QUIET_S)
            self._dirty.clear()
            if self._ended.is_set():
                return
            try:
                self.write()
            except Exception as error:  # noqa: BLE001 - the net of this thread: disks fill, lists change
                LOG.error("The world could not be written, and will be again in a while: %r", error)
                self._dirty.set()
                self._ended.wait(RETRY_S)
