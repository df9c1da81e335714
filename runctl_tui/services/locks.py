"""Locks between processes of one state folder: a file per name, held by flock and let go by the kernel on any death."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runctl_tui.services.errors import Refused, StateError

_KEY: Final = re.compile(r"[A-Za-z0-9._/-]{1,100}")


@contextlib.contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold the lock of one file for a while; gives whether it is ours, which it is not where another holds it."""
    handle = _take(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _take(path: Path) -> int | None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateError(f"the lock {path} cannot be opened", error.strerror or "") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError as error:
        os.close(handle)
        raise StateError(f"the lock {path} cannot be taken", error.strerror or "") from error
    return handle


class LockSet:
    """The locks below one state folder; a name is held by at most one holder on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "locks"

    @contextlib.contextmanager
    def hold(self, name: str, doing: str = "") -> Iterator[None]:
        """Hold a lock for a while; Refused ('busy') where somebody else holds it."""
        handle = self.take(name)
        if handle is None:
            why = "this program, here or in another window, is working on it"
            raise Refused(f"{name} is busy", why, "wait until that has ended", code="busy")
        try:
            yield
        finally:
            os.close(handle)

    def take(self, name: str) -> int | None:
        """Return an open descriptor that holds the lock until it is closed, or None where another holds it."""
        return _take(self._path(name))

    def forget(self, name: str) -> None:
        """Remove the file of a lock that nobody will take again."""
        with contextlib.suppress(OSError):
            self._path(name).unlink()

    def _path(self, name: str) -> Path:
        return self._folder / f"{_file_name(name)}.lock"


def _file_name(name: str) -> str:
    """Return a file's name for any lock: readable where it is short and plain, and never two names' own."""
    if _KEY.fullmatch(name):
        return name.replace("/", "_")
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:24]
