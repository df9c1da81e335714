"""Files that a reader sees whole or not at all, readable by their owner alone."""

import json
import os
import threading
from typing import IO, Any

from .basics import MIB, Json


def write_file(path: str, text: str) -> None:
    """Write a file of mode 0600 so that a reader sees the old or the new text and never a part."""
    temporary = "%s.%d.%d.tmp" % (path, os.getpid(), threading.get_ident())
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_json(path: str, value: Any) -> None:
    """Write a value as JSON, as `write_file` does."""
    write_file(path, json.dumps(value, sort_keys=True))


def read_text(path: str) -> str:
    """Return a small file's text, empty when it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def read_json(path: str) -> Json:
    """Return a JSON object from a file, empty when the file is missing or damaged."""
    try:
        value = json.loads(read_text(path) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def open_private(path: str) -> IO[str]:
    """Open a file of mode 0600 for appending, made when it is not there."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a")


def file_sha256(path: str) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(MIB), b""):
            digest.update(block)
    return digest.hexdigest()
