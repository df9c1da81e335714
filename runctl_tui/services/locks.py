"""Locks between processes of one state folder: a file per name, held by flock and let go by the kernel on any death."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runctl_tui.domain.durations import in_one_unit
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
        """Hold a lock for a while; Refused ('busy'), with who holds it and for what, where somebody else does."""
        handle = self.take(name)
        if handle is None:
            raise Refused(f"{name} is busy", _told(self._path(name)), "wait until that has ended", code="busy")
        try:
            _tell(handle, doing)
            yield
        finally:
            os.close(handle)

    def take(self, name: str) -> int | None:
        """Return an open descriptor that holds the lock until it is closed, or None where another holds it."""
        handle = _take(self._path(name))
        if handle is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, 0)  # what a former holder said of itself
        return handle

    def forget(self, name: str) -> None:
        """Remove the file of a lock that nobody will take again."""
        with contextlib.suppress(OSError):
            self._path(name).unlink()

    def _path(self, name: str) -> Path:
        return self._folder / f"{_file_name(name)}.lock"


def _tell(handle: int, doing: str) -> None:
    """Leave word in the file for whoever finds the lock taken; a full disk costs only the word."""
    word = {"process": os.getpid(), "terminal": _terminal(), "doing": doing, "since": time.time()}
    with contextlib.suppress(OSError):
        os.pwrite(handle, json.dumps(word).encode(), 0)


def _told(path: Path) -> str:
    """Return what the holder of a lock says of itself."""
    try:
        word = json.loads(path.read_bytes())
        who = "this program" if word["process"] == os.getpid() else f"process {word['process']:d}{word['terminal']}"
        since = in_one_unit(time.time() - word["since"])
        return f"{who} has worked on it for {since}" + (f": {word['doing']}" if word["doing"] else "")
    except (OSError, ValueError, KeyError, TypeError):
        return "this program, here or in another window, is working on it"


def _terminal() -> str:
    try:
        return f" on {os.ttyname(0).removeprefix('/dev/')}"
    except OSError:
        return ""


def _file_name(name: str) -> str:
    """Return a file's name for any lock: readable where it is short and plain, and never two names' own."""
    if _KEY.fullmatch(name):
        return name.replace("/", "_")
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:24]
