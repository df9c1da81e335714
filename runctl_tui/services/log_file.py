"""The program's own log: one file in the state folder, 0600, bounded, without secrets."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from runctl_tui.services.redaction import redacted

LIMIT: Final = 2_000_000
_FORMATTER: Final = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")


class Redactor(logging.Filter):
    """Takes secrets out of every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact and keep the record."""
        record.msg, record.args = redacted(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redacted(_FORMATTER.formatException(record.exc_info))
        return True


class PrivateFile(RotatingFileHandler):
    """A log file that nobody else can read, also after it was rotated; a disk that refuses costs only the log."""

    def _open(self) -> TextIOWrapper:
        os.close(os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name in logging)
        """Say nothing: the screen is no place for tracebacks."""


def open_log(folder: Path) -> Path:
    """Send the log to a file below the folder and return it; a folder that cannot be written costs only the log."""
    path = folder / "runctl-tui.log"
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for noisy in ("botocore", "boto3", "urllib3", "asyncssh", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for old in [handler for handler in root.handlers if any(isinstance(one, Redactor) for one in handler.filters)]:
        root.removeHandler(old)
        old.close()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler: logging.Handler = PrivateFile(path, maxBytes=LIMIT, backupCount=1, encoding="utf-8", delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.addFilter(Redactor())
    handler.setFormatter(_FORMATTER)
    root.addHandler(handler)
    return path
