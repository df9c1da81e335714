"""Files that a person asked for: views and logs, in the folder for logs. Implements `ports.Exports`."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from runctl_tui.domain.clock import Clock
from runctl_tui.services.errors import ResourceExists, StateError
from runctl_tui.services.redaction import redacted_lines

MOST: Final = 1000
"""Files of one second and name."""
NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class ExportFolder:
    """Writes new files and never changes one that is there."""

    def __init__(self, folder: Callable[[], Path], clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    async def write(self, name: str, text: str) -> str:
        """Write a new file, 0600, named after the name and the time; StateError where the disk refuses."""
        return await asyncio.to_thread(self._write, name, text)

    async def write_to(self, path: Path, text: str) -> None:
        """Write a new file, 0600, exactly there; ResourceExists where one is, StateError where the disk refuses."""
        await asyncio.to_thread(self._write_to, path, text)

    def _write(self, name: str, text: str) -> str:
        folder = self._folder().expanduser().absolute()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, path = self._new_file(folder, name)
            _fill(handle, text)
        except OSError as error:
            what = f"Nothing was exported to {folder}"
            raise StateError(what, error.strerror or str(error), "choose another monitoring.log_dir") from error
        return str(path)

    def _write_to(self, path: Path, text: str) -> None:
        try:
            _fill(os.open(path, NEW, 0o600), text)
        except FileExistsError:
            raise ResourceExists(f"{path} exists and is left as it is", todo="name another file") from None
        except OSError as error:
            what = f"Nothing was exported to {path}"
            raise StateError(what, error.strerror or str(error), "name a file in a folder that exists") from error

    def _new_file(self, folder: Path, name: str) -> tuple[int, Path]:
        for path in self._names(folder, name):
            try:
                return os.open(path, NEW, 0o600), path
            except FileExistsError:
                continue
        raise FileExistsError(f"{MOST} exports in one second")

    def _names(self, folder: Path, name: str) -> Iterator[Path]:
        stem, dot, suffix = _UNSAFE.sub("-", name).strip("-.").rpartition(".")
        stamp = f"{self._clock.now():%Y%m%d-%H%M%S}"
        for number in range(1, MOST + 1):
            more = f"-{number}" if number > 1 else ""
            yield folder / f"{stem or 'export'}-{stamp}{more}{dot}{suffix}"


def _fill(handle: int, text: str) -> None:
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(redacted_lines(text))
