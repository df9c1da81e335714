"""The folder of one sandbox: its layout, its permissions, its lock, and atomic writing into it."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runctl_tui.sandbox.errors import SandboxError

GROUP_OR_WORLD_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class SandboxFolder:
    """Where one sandbox keeps everything that it writes."""

    root: Path

    @property
    def lock(self) -> Path:
        """The file whose flock says that a sandbox lives here."""
        return self.root / "lock"

    @property
    def card(self) -> Path:
        """How to reach the sandbox that lives here: process id, control port, token."""
        return self.root / "sandbox.json"

    @property
    def log(self) -> Path:
        """What the child wrote to its standard streams."""
        return self.root / "sandbox.log"

    @property
    def world(self) -> Path:
        """The remembered world without the contents of objects."""
        return self.root / "world.json"

    @property
    def damage(self) -> Path:
        """What was wrong with a world that was set aside, until a client has been told."""
        return self.root / "damage.json"

    @property
    def objects(self) -> Path:
        """Contents of S3 objects, named by their SHA-256."""
        return self.root / "s3"

    @property
    def homes(self) -> Path:
        """Home folders, one per instance."""
        return self.root / "homes"

    @property
    def keys(self) -> Path:
        """SSH host keys, one per instance."""
        return self.root / "keys"

    @property
    def shims(self) -> Path:
        """Commands that on a host must not reach the machine below."""
        return self.root / "bin"

    @property
    def tmp(self) -> Path:
        """Temporary files of the child; emptied at each start."""
        return self.root / "tmp"

    def home(self, instance_id: str) -> Path:
        """The home folder of an instance."""
        return self.homes / instance_id

    def prepare(self) -> None:
        """Make the folder and its parts, private to the user; SandboxError if others can write into it."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_writable_by_others()
            for part in (self.root, self.objects, self.homes, self.keys, self.shims, self.tmp):
                part.mkdir(mode=0o700, exist_ok=True)
                part.chmod(0o700)
        except OSError as error:
            raise SandboxError(
                f"The sandbox cannot use {self.root}",
                why=error.strerror or str(error),
                todo="Choose another folder with --state-dir",
            ) from error

    def _refuse_writable_by_others(self) -> None:
        found = self.root.stat()
        if found.st_uid != os.getuid():
            raise SandboxError(
                f"{self.root} belongs to another user",
                why="whoever owns the folder could run commands as you",
                todo="Choose another folder with --state-dir",
            )
        if found.st_mode & GROUP_OR_WORLD_WRITE:
            raise SandboxError(
                f"Others may write into {self.root}",
                why="whoever can write there could run commands as you",
                todo=f"Run: chmod 700 {self.root}",
            )


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, readable by the user alone; a crash leaves the old file or the new one."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    scratch.replace(path)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write `value` as JSON atomically."""
    write_atomically(path, json.dumps(value, separators=(",", ":")).encode())


def take_lock(path: Path) -> int | None:
    """Take the folder's lock and return its descriptor, or None if another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_held(path: Path) -> bool:
    """Whether a living process holds the folder's lock."""
    if not path.exists():
        return False
    descriptor = take_lock(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def copy_project(into: Path) -> None:
    """Copy the tiny training project into a folder of one's own."""
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    for source in Path(__file__).with_name("project").iterdir():
        if source.is_file():
            (into / source.name).write_bytes(source.read_bytes())
