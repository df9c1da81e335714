"""A file on its way into a folder of this machine: it appears whole or not at all, and no link leads it elsewhere."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import threading
import time
import uuid
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from runctl_tui.services.errors import DataTransferError

_DOWN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
LINK: Final = "a link is on its way, or a file where a folder should be"


_PART: Final = re.compile(r"\.runctl-[0-9a-f]{12}\.part")
_YOUNG: Final = 60.0
"""Seconds in which a part may not be held yet by who has just made it."""


def is_part(name: str) -> bool:
    """Tell whether a file is one that is, or was, on its way: nobody's own, and nothing to send anywhere."""
    return _PART.fullmatch(name) is not None


class Landing:
    """Writes beside the place and renames at the end; open folders are held, so that swapping one for a link is vain.

    The folder itself may be reached by links, as a person named it; what lies below it may not.
    """

    def __init__(self, folder: Path, name: str, what: str) -> None:
        self._path = folder / name
        self._what = what
        *self._above, self._last = name.split("/")
        self._folder = folder
        self._part = f".runctl-{uuid.uuid4().hex[:12]}.part"
        self._lock = threading.Lock()
        self._open = ExitStack()
        self._inner = self._file = -1

    def begin(self) -> None:
        """Make the folders and the file beside the place; DataTransferError where that is impossible."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._inner = self._held(os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY))
            for part in self._above:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=self._inner)
                self._inner = self._held(os.open(part, _DOWN, dir_fd=self._inner))
            _sweep(self._inner)
            self._file = self._held(os.open(self._part, _NEW, 0o666, dir_fd=self._inner))
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise self._failed(error, "choose another folder") from error

    def write(self, start: int, content: bytes) -> bool:
        """Write bytes at their place, from any thread; False once nobody wants them any more."""
        with self._lock:
            try:
                while self._file >= 0 and content:
                    written = os.pwrite(self._file, content, start)
                    start, content = start + written, content[written:]
            except OSError as error:
                raise self._failed(error, "make room, or choose another folder") from error
            return self._file >= 0

    def finish(self, modified_at: datetime | None) -> None:
        """Let the file appear, as old as its object: what is compared by size and time is then the same."""
        with self._lock:
            try:
                if modified_at is not None:
                    os.utime(self._file, (modified_at.timestamp(), modified_at.timestamp()))
                os.fsync(self._file)
                os.rename(self._part, self._last, src_dir_fd=self._inner, dst_dir_fd=self._inner)
                os.fsync(self._inner)
            except OSError as error:
                raise self._failed(error, "make room, or choose another folder") from error

    def close(self) -> None:
        """Let go, and leave nothing half behind."""
        with self._lock:
            if self._file >= 0:
                with suppress(OSError):
                    os.unlink(self._part, dir_fd=self._inner)
            self._file = -1
            self._open.close()

    def _held(self, handle: int) -> int:
        self._open.callback(os.close, handle)
        return handle

    def _failed(self, error: OSError, todo: str) -> DataTransferError:
        linked = error.errno in (errno.ELOOP, errno.ENOTDIR)
        return DataTransferError(self._what, f"{self._path}: {LINK if linked else error.strerror}", todo)


def _sweep(folder: int) -> None:
    """Remove what programs left on its way that were killed: nobody holds it any more."""
    with suppress(OSError):
        for name in filter(is_part, os.listdir(folder)):
            with suppress(OSError):
                _remove_left(folder, name)


def _remove_left(folder: int, name: str) -> None:
    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        if time.time() - os.fstat(handle).st_mtime > _YOUNG:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=folder)
    finally:
        os.close(handle)
