"""Checkpoints in folders on this machine that belong to no run: the project's own, and those a person named."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runctl_tui.domain.checkpoint import Checkpoint, CheckpointCopy, CopyState, resumable
from runctl_tui.domain.problem import Problem
from runctl_tui.services.errors import ValidationError
from runctl_tui.services.training.agent import checkpoints as agent
from runctl_tui.services.training.agent.checkpoint_names import format_of, step_of

if TYPE_CHECKING:
    from runctl_tui.services.threads import BackendPool

MOST: Final = 500
"""Checkpoints of one folder that are looked at, those with the highest steps."""
KEPT: Final = 4096
LARGEST_JSON: Final = 4 * 1024 * 1024
"""Bytes of a file that is read for its loss."""
_WHOLE_FOLDER: Final = ("trainer_state.json", "config.json", ".metadata", "_CHECKPOINT_METADATA")
"""What makes a folder one checkpoint."""


class CheckpointFolders:
    """Looks into folders of this machine, in a thread; what has not changed is judged once."""

    def __init__(self, configured: Callable[[], Sequence[Path]], pool: BackendPool) -> None:
        self._configured = configured
        self._pool = pool
        self._named: list[Path] = []
        self._judged: OrderedDict[tuple[str, str], tuple[str, float | None, int | None]] = OrderedDict()

    async def add(self, text: str) -> str:
        """Look into one more folder from now on and return its whole path; ValidationError where there is none."""
        folder, there = await self._pool.run(_whole_path, text)
        if not there:
            raise ValidationError(f"{text} is no folder on this machine", "", "name one that exists")
        if folder not in self._named:
            self._named.append(folder)
        return str(folder)

    def close(self) -> None:
        """Let go without waiting for any look."""
        self._pool.close()

    async def now(self, taken: Sequence[str] = ()) -> tuple[list[Checkpoint], list[Problem]]:
        """Return what lies there, newest first, without the paths that are taken; folders that cannot be read."""
        folders = list(dict.fromkeys([*self._configured(), *self._named]))
        known = await self._pool.run(lambda: {os.path.realpath(path) for path in taken})
        parts = await asyncio.gather(*(self._pool.run(self._look, folder, known) for folder in folders))
        found = [one for rows, _ in parts for one in rows]
        return found, [problem for _, problem in parts if problem is not None]

    def _look(self, folder: Path, known: AbstractSet[str]) -> tuple[list[Checkpoint], Problem | None]:
        try:
            names = [entry.name for entry in os.scandir(folder)]
        except FileNotFoundError:
            return [], None
        except OSError as error:
            return [], Problem(
                "checkpoints.folder", f"{folder} cannot be read", error.strerror or "", scope=str(folder)
            )
        base = folder
        if any(name in _WHOLE_FOLDER for name in names) and not any(_is_step(folder, name) for name in names):
            base, names = folder.parent, [folder.name]
        else:
            names = [name for name in names if _is_checkpoint(folder, name)]
        names = [name for name in names if os.path.realpath(base / name) not in known]
        newest = sorted(names, key=lambda name: (step_of(name) or -1, name), reverse=True)[:MOST]
        return [one for name in newest if (one := self._checkpoint(base, name, str(folder))) is not None], None

    def _checkpoint(self, base: Path, name: str, folder: str) -> Checkpoint | None:
        files = agent.files_under(str(base), name)
        if not files:
            return None
        entry = agent.describe_entry(str(base), name, files)
        paths = [path for path, _ in files]
        state, loss, step = self._judge(entry)
        at = datetime.fromtimestamp(entry["mtime"], UTC)
        copy = CheckpointCopy(_COPY.get(state, CopyState.UNKNOWN), entry["path"], entry["size"], at)
        return Checkpoint(
            run_id="",
            name=name,
            step=entry["step"] if entry["step"] is not None else step,
            format=entry["format"],
            size_bytes=entry["size"],
            created_at=at,
            loss=loss,
            host=copy,
            s3=CheckpointCopy(CopyState.ABSENT),
            files=len(files),
            resumable=False if state == "damaged" else resumable(entry["format"], paths),
            damaged=state == "damaged",
            folder=folder,
        )

    def _judge(self, entry: Mapping[str, Any]) -> tuple[str, float | None, int | None]:
        """Return state, loss and step of an entry, as its files stand."""
        key = (entry["path"], entry["signature"])
        if key not in self._judged:
            settled = time.time() - entry["mtime"] >= agent.SETTLE_SECONDS
            state = agent.judge(dict(entry), settled, over=False)
            if state == "writing":
                return state, None, None
            self._judged[key] = (state, *_told(entry))
            while len(self._judged) > KEPT:
                self._judged.popitem(last=False)
        return self._judged[key]


_COPY: Final = {"ok": CopyState.PRESENT, "writing": CopyState.WRITING}


def _whole_path(text: str) -> tuple[Path, bool]:
    folder = Path(text).expanduser().absolute()
    return folder, folder.is_dir()


def _is_step(folder: Path, name: str) -> bool:
    return step_of(name) is not None and (folder / name).is_dir()


def _is_checkpoint(folder: Path, name: str) -> bool:
    """Tell by names alone whether an entry is worth a look inside."""
    if name.startswith(".") or format_of(name, [name]) == "marker":
        return False
    path = folder / name
    if not path.is_dir():
        return format_of(name, [name]) not in ("unknown", "json") or step_of(name) is not None
    try:
        return step_of(name) is not None or any(inside in _WHOLE_FOLDER for inside in os.listdir(path))
    except OSError:
        return False


def _told(entry: Mapping[str, Any]) -> tuple[float | None, int | None]:
    """Return loss and step as the checkpoint's own JSON tells them."""
    for file in entry["files"]:
        path = os.path.join(os.path.dirname(entry["path"]), file["path"])
        name = os.path.basename(path)
        if file["size"] > LARGEST_JSON or not (name == "trainer_state.json" or entry["format"] == "json"):
            continue
        try:
            with open(path, encoding="utf-8") as stream:
                told = json.load(stream)
        except (OSError, ValueError):
            continue
        if isinstance(told, dict):
            history = told.get("log_history")
            losses = [row.get("loss") for row in history if isinstance(row, dict)] if isinstance(history, list) else []
            numbers = [one for one in [told.get("loss"), *reversed(losses)] if isinstance(one, (int, float))]
            step = told.get("global_step", told.get("step"))
            return (float(numbers[0]) if numbers else None), (step if isinstance(step, int) else None)
    return None, None
